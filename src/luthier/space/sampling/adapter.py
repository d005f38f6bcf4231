"""A space as its sampler sees it: domains over the unit cube in which the priors are uniform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from luthier._typing import Floats, Integers
from luthier.space.constraint import Constraint
from luthier.space.flattening import FlatSpace, FlatVariable
from luthier.space.sampling import cube_variables
from luthier.space.sampling.sampler import Sampler
from luthier.space.variables.base import Options
from luthier.space.variables.categorical import Choice, Constant
from luthier.space.variables.combinatorial import Combination
from luthier.space.variables.number import Number
from luthier.space.variables.simplex import Simplex

Realize = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class SamplerSource:
    """The sampler of a space, and which of its columns are the space's own (a constant has one there and none here).

    Args:
        structure: the space.
        realize: turns a configuration into the parameters that predicates take.
    """

    def __init__(self, structure: FlatSpace, realize: Realize) -> None:
        domains = [_domain(part) for part in structure.parts]
        self.sampler = Sampler(domains, [_constraint(rule, realize) for rule in structure.rules])
        own = [
            np.full(drawn.width, part.variable.width > 0) for drawn, part in zip(domains, structure.parts, strict=True)
        ]
        self.columns: Integers = np.flatnonzero(np.concatenate(own)).astype(np.int64)


def _constraint(rule: Constraint, realize: Realize) -> cube_variables.Constraint:
    if rule.expression is not None:
        return rule.expression
    return cube_variables.Predicate(lambda config: not rule.is_broken(config, realize), rule.text)


def _domain(part: FlatVariable) -> cube_variables.Domain:
    variable = part.variable
    when = None if part.when is None else part.when.expression
    if isinstance(variable, Number):
        return _number(part.name, variable, when)
    if isinstance(variable, Options):
        weights = variable.weights if isinstance(variable, Choice) else None
        return cube_variables.CubeCategory(part.name, variable.options, weights, when)
    if isinstance(variable, Combination):
        return _block(part.name, variable, when)
    assert isinstance(variable, Constant)
    return cube_variables.CubeCategory(part.name, (variable.fixed,), None, when)


def _number(name: str, variable: Number, when: Any) -> cube_variables.CubeNumber:
    count = variable.count or 0

    def quantile(uniforms: Floats) -> Floats:
        return variable.value(np.minimum(np.maximum(variable.warp(uniforms), 0.0), 1.0))

    def position(values: Floats) -> Floats:
        return variable.unwarp(variable.place(values))

    return cube_variables.CubeNumber(
        name,
        float(variable.low),
        float(variable.number(np.array([count - 1]))[0]) if count else float(variable.high),
        quantile,
        position,
        levels=count,
        at=variable.number if count else None,
        log=variable.log,
        flat=variable.prior is None,
        whole=isinstance(variable.low, int),
        when=when,
    )


def _block(name: str, variable: Combination, when: Any) -> cube_variables.CubeBlock:
    parts = tuple(f"{name}.{part}" for part in variable.parts)

    def values(uniforms: Floats) -> Mapping[str, Any]:
        block = variable.snap(variable.warp(uniforms))
        found: dict[str, Any] = {name: variable.read(block)}
        if isinstance(variable, Simplex):
            found |= {part: block[:, place].copy() for place, part in enumerate(parts)}
        return found

    return cube_variables.CubeBlock(
        name, variable.width, values, parts, variable.count, variable.values if variable.count else None, when
    )
