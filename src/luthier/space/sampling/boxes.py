"""Boxes of points: sets of values of the variables when uniforms, or levels, lie in intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.space.constraint import Constraint
from luthier.space.expression.interval_arithmetic import Anything, Choices, Operand, Range
from luthier.space.flattening import FlatSpace, FlatVariable
from luthier.space.sampling.group import Group
from luthier.space.variables.base import Options
from luthier.space.variables.categorical import Constant
from luthier.space.variables.number import Number

Build = Callable[[FlatVariable, Bools, Bools], Operand]


def boxes_of_uniforms(group: Group, low: Floats, high: Floats) -> dict[str, Operand]:
    """Return the set of values of each name in boxes [low, high) of the unit cube, each of shape (n, width)."""
    last = np.nextafter(high, 0.0)

    def build(part: FlatVariable, active: Bools, inactive: Bools) -> Operand:
        variable, column = part.variable, group.cube.starts[part.name]
        if isinstance(variable, Number):
            ends = variable.quantile(low[:, column]), variable.quantile(last[:, column])
            return Range(*ends, np.zeros(len(low), dtype=bool), active, inactive)
        if isinstance(variable, Options):
            first, end = (variable.codes(variable.warp(bound[:, column : column + 1])) for bound in (low, last))
            return Choices(_between(first, end + 1, variable.levels), variable.options, active, inactive)
        if isinstance(variable, Constant):
            return Choices(np.ones((len(low), 1), dtype=bool), (variable.fixed,), active, inactive)
        return Anything(active, inactive)

    return _assembled(group.flat, len(low), build)


def boxes_of_levels(
    flat: FlatSpace, low: Integers, high: Integers, options: Mapping[str, tuple[Any, ...]]
) -> dict[str, Operand]:
    """Return the set of values of each name where the level of variable i is in [low, high)[:, i].

    Args:
        flat: finite variables.
        low: shape (n, variables).
        high: shape (n, variables), above `low`.
        options: the values of each variable that is not a number, by name.
    """
    places = {name: place for place, name in enumerate(flat.names)}

    def build(part: FlatVariable, active: Bools, inactive: Bools) -> Operand:
        variable, first, end = part.variable, low[:, places[part.name]], high[:, places[part.name]]
        if isinstance(variable, Number):
            ends = variable.number(first), variable.number(end - 1)
            return Range(*ends, np.zeros(len(low), dtype=bool), active, inactive)
        values = options[part.name]
        return Choices(_between(first, end, len(values)), values, active, inactive)

    return _assembled(flat, len(low), build)


def _between(first: Integers, end: Integers, count: int) -> Bools:
    places = np.arange(count)
    result: Bools = (places >= first[:, None]) & (places < end[:, None])
    return result


def _assembled(flat: FlatSpace, rows: int, build: Build) -> dict[str, Operand]:
    """Build the operands in an order in which each condition is decided before its variable."""
    operands: dict[str, Operand] = {}
    for part in flat.order:
        active, inactive = np.ones(rows, dtype=bool), np.zeros(rows, dtype=bool)
        if part.when is not None:
            active, inactive = part.when.within(operands)
        operands[part.name] = build(part, active, inactive)
        for name in flat.shares.get(part.name, ()):
            operands[name] = Anything(active, inactive)
    return operands


def judge_boxes(rules: Sequence[Constraint], operands: Mapping[str, Operand], rows: int) -> tuple[Bools, Bools]:
    """Return which boxes surely hold no feasible point, and which hold nothing else; two arrays (n,)."""
    dead, inside = np.zeros(rows, dtype=bool), np.ones(rows, dtype=bool)
    for rule in rules:
        if rule.expression is None:
            inside[:] = False
        else:
            found = rule.expression.possible(operands)
            dead |= ~(found.true | found.unknown)
            inside &= ~found.false
    return dead, inside & ~dead
