"""Boxes of points: what every variable may be when the uniforms, or the indices of the levels, lie in intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Bools, Floats
from luthier.space.expression.interval_arithmetic import Anything, Choices, Operand, Range
from luthier.space.sampling.cube import UnitCube
from luthier.space.sampling.cube_variables import Constraint, CubeBlock, CubeCategory, CubeNumber, Domain, Predicate

Indices = NDArray[np.int64]
Build = Callable[[int, Bools, Bools], dict[str, Operand]]


def of_uniforms(layout: UnitCube, low: Floats, high: Floats) -> dict[str, Operand]:
    """Give the operand of each name in boxes of the unit cube [low, high), each of shape (n, width)."""
    last = np.nextafter(high, 0.0)

    def build(index: int, active: Bools, inactive: Bools) -> dict[str, Operand]:
        domain, column = layout.domains[index], layout.slices[index].start
        if isinstance(domain, CubeNumber):
            ends = domain.quantile(low[:, column]), domain.quantile(last[:, column])
            return {domain.name: Range(*ends, np.zeros(len(low), dtype=bool), active, inactive)}
        if isinstance(domain, CubeCategory):
            mask = _between(domain.index(low[:, column]), domain.index(last[:, column]) + 1, len(domain.options))
            return {domain.name: Choices(mask, domain.options, active, inactive)}
        return {name: Anything(active, inactive) for name in domain.names}

    return _assemble(layout, len(low), build)


def of_indices(layout: UnitCube, low: Indices, high: Indices, tables: Sequence[tuple[Any, ...]]) -> dict[str, Operand]:
    """Give the operand of each name where the level of variable i has an index in [low, high)[:, i].

    Args:
        low: shape (n, number of domains).
        high: shape (n, number of domains), above `low`.
        tables: the options of each `CubeBlock`; empty for other domains.
    """

    def build(index: int, active: Bools, inactive: Bools) -> dict[str, Operand]:
        domain, first, end = layout.domains[index], low[:, index], high[:, index]
        if isinstance(domain, CubeNumber):
            ends = level_values(domain, first), level_values(domain, end - 1)
            return {domain.name: Range(*ends, np.zeros(len(low), dtype=bool), active, inactive)}
        options = domain.options if isinstance(domain, CubeCategory) else tables[index]
        found: dict[str, Operand] = {name: Anything(active, inactive) for name in domain.names}
        found[domain.name] = Choices(_between(first, end, len(options)), options, active, inactive)
        return found

    return _assemble(layout, len(low), build)


def level_values(domain: CubeNumber, indices: Indices) -> Floats:
    """Give the values of the levels of a number."""
    return domain.at(indices) if domain.at is not None else np.full(len(indices), domain.low)


def _between(first: Indices, end: Indices, count: int) -> Bools:
    places = np.arange(count)
    result: Bools = (places >= first[:, None]) & (places < end[:, None])
    return result


def _assemble(layout: UnitCube, rows: int, build: Build) -> dict[str, Operand]:
    """Build the operands in an order in which each condition is decided before its variable."""
    operands: dict[str, Operand] = {}
    for index in layout.order:
        when = layout.domains[index].when
        active, inactive = np.ones(rows, dtype=bool), np.zeros(rows, dtype=bool)
        if when is not None:
            decided = when.possible(operands)
            active, inactive = decided.true, decided.false | decided.unknown
        operands.update(build(index, active, inactive))
    return operands


def verdict(constraints: Sequence[Constraint], operands: dict[str, Operand], rows: int) -> tuple[Bools, Bools]:
    """Say which boxes surely hold no feasible point, and which hold nothing else; two arrays (n,)."""
    dead, inside = np.zeros(rows, dtype=bool), np.ones(rows, dtype=bool)
    for constraint in constraints:
        if isinstance(constraint, Predicate):
            inside[:] = False
        else:
            found = constraint.possible(operands)
            dead |= ~(found.true | found.unknown)
            inside &= ~found.false
    return dead, inside & ~dead


def levels(domain: Domain) -> int | None:
    """Count the distinct values of a domain; None when they are not finitely many."""
    match domain:
        case CubeNumber():
            return 1 if domain.low == domain.high else (domain.levels or None)
        case CubeCategory():
            return len(domain.options)
        case CubeBlock():
            return domain.size
