"""Equalities, kept by solving each for one variable.

Under ``x + y + z == 1`` two variables are drawn and the third follows; what is left to reject is the third outside its
range. On linear scales (for products: on logarithmic ones) the result is uniform over the feasible plane; in general
the others are drawn by their priors, the solved variable follows, and rejection accounts for its prior. An equality
that holds only sometimes (``kernel != 'poly' or x + y == 1``) is solved where it is needed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._typing import Floats, Integers
from luthier.space.expression import Expression, evaluate_rows, tree
from luthier.space.expression.tree import Node
from luthier.space.sampling.group import Group, take_rows
from luthier.space.variables.number import Number

_BISECTIONS = 60
_MOST_SYSTEMS = 200
_GRID = (np.arange(512) + 0.5) / 512


@dataclass(frozen=True, slots=True, eq=False)
class Equality:
    """``left == right`` wherever `expression` is broken without it; `always`: wherever its names are active."""

    expression: Expression
    left: Node
    right: Node
    always: bool

    @property
    def difference(self) -> Node:
        """What has to be zero."""
        return tree.Series(self.left, (("-", self.right),))

    @property
    def names(self) -> frozenset[str]:
        """The variables it reads."""
        return tree.names(self.left) | tree.names(self.right)


def equalities(group: Group) -> list[Equality]:
    """Return the equalities that can be solved for at least one variable."""
    found = []
    for expression in [rule.expression for rule in group.rules if rule.expression is not None]:
        waiting = [(tree.straighten(expression.root), True)]
        while waiting:
            node, always = waiting.pop()
            if isinstance(node, (tree.Both, tree.Either)):
                waiting.extend((part, always and isinstance(node, tree.Both)) for part in reversed(node.parts))
            elif isinstance(node, tree.Compare):
                nodes = [node.first, *(part for _, part in node.rest)]
                for left, (op, right) in zip(nodes, node.rest, strict=False):
                    equality = Equality(expression, left, right, always)
                    if op == "==" and any(_solvable(group, equality, name) for name in equality.names):
                        found.append(equality)
    return found


def _solvable(group: Group, equality: Equality, name: str) -> bool:
    """Return whether solving for a variable leaves the distribution right.

    A continuous variable meets an equality with probability zero, so the other variables decide alone. One with levels
    meets it with some probability, which has to be the same wherever the others are.
    """
    number = group.number(name)
    if number is None:
        return False
    steady = equality.always and all(group.part(other).when is None for other in equality.names)
    return not number.count or (number.is_even and steady)


@dataclass(frozen=True, slots=True, eq=False)
class SolvedSystem:
    """Some equalities, and as many variables that they are solved for at once."""

    equalities: tuple[Equality, ...]
    names: tuple[str, ...]


class Solver:
    """Solve a group's equalities one after the other; each step leaves the earlier ones as they are.

    Args:
        group: the variables and constraints.
    """

    def __init__(self, group: Group) -> None:
        self.group = group
        self.steps = tuple(_arrange(group, equalities(group)))
        self.compiled = [
            [evaluate_rows.value(equality.difference, equality.expression.orders) for equality in step.equalities]
            for step in self.steps
        ]
        self.numbers = {name: _number(group, name) for step in self.steps for name in step.names}
        self.peaks = {
            name: float(density(number, number.quantile(_GRID)).max())
            for name, number in self.numbers.items()
            if number.prior is not None
        }

    @property
    def columns(self) -> frozenset[int]:
        """The columns of the cube that are solved for."""
        return frozenset(map(self.group.column, self.numbers))

    def apply(self, uniforms: Floats) -> Floats:
        """Return uniforms (n, width) whose solved columns are changed so that the equalities hold, where they can."""
        if not self.steps:
            return uniforms
        uniforms = uniforms.copy()
        for step, differences in zip(self.steps, self.compiled, strict=True):
            columns = self.group.values(uniforms)
            needed = np.zeros(len(uniforms), dtype=bool)
            for equality in step.equalities:
                needed |= equality.expression.broken(columns, len(uniforms))
            rows = np.flatnonzero(needed)
            if len(rows):
                solve = self._line if len(step.names) == 1 else self._plane
                solutions = solve(step, differences, take_rows(columns, rows), len(rows))
                for name, solved in zip(step.names, solutions, strict=True):
                    self._write(uniforms, rows, name, solved)
        return uniforms

    def _write(self, uniforms: Floats, rows: Integers, name: str, solved: Floats) -> None:
        number, column = self.numbers[name], self.group.column(name)
        low, high = number.smallest, number.largest
        slack = 1e-12 * max(abs(low), abs(high))
        good = (solved >= low - slack) & (solved <= high + slack)
        values, places = np.clip(solved[good], low, high), rows[good]
        if number.prior is not None:
            # The prior of the solved variable still counts: the uniform that it had decides about acceptance.
            likely = uniforms[places, column] * self.peaks[name] < density(number, values)
            places, values = places[likely], values[likely]
        uniforms[places, column] = number.uniform(values)

    def _line(
        self, step: SolvedSystem, differences: list[evaluate_rows.Value], columns: Mapping[str, Any], rows: int
    ) -> list[Floats]:
        """Solve one equality for one variable: a secant where that is exact, else by halving."""
        name, number = step.names[0], self.numbers[step.names[0]]
        low, high = np.full(rows, number.smallest), np.full(rows, number.largest)

        def residual(values: Floats) -> Floats:
            return _numbers(differences[0], {**columns, name: values}, rows)

        at_low, at_high = residual(low), residual(high)
        with np.errstate(all="ignore"):
            found: Floats = low + (high - low) * (-at_low / (at_high - at_low))
        if affine(step.equalities[0].difference, frozenset(step.names)):
            return [found]
        for _ in range(_BISECTIONS):
            middle = np.sqrt(low) * np.sqrt(high) if number.log else 0.5 * (low + high)
            same = np.sign(residual(middle)) == np.sign(at_low)
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        crossing = np.sign(at_low) != np.sign(at_high)
        return [np.where(crossing, 0.5 * (low + high), np.nan)]

    def _plane(
        self, step: SolvedSystem, differences: list[evaluate_rows.Value], columns: Mapping[str, Any], rows: int
    ) -> list[Floats]:
        """Solve k affine equalities for k variables."""
        count = len(step.names)
        numbers = [self.numbers[name] for name in step.names]
        origin = {name: np.full(rows, number.smallest) for name, number in zip(step.names, numbers, strict=True)}
        spans = np.array([number.largest - number.smallest for number in numbers])
        base = np.stack([_numbers(part, {**columns, **origin}, rows) for part in differences], axis=1)
        slopes = np.empty((rows, count, count))
        for j, name in enumerate(step.names):
            moved = {**columns, **origin, name: origin[name] + spans[j]}
            slopes[:, :, j] = np.stack([_numbers(part, moved, rows) for part in differences], axis=1) - base
        good = np.asarray(np.isfinite(slopes).all(axis=(1, 2)) & np.isfinite(base).all(axis=1), dtype=bool)
        good[good] = np.abs(np.linalg.det(slopes[good])) > 1e-12
        shares = np.full((rows, count), np.nan)
        shares[good] = np.linalg.solve(slopes[good], -base[good][:, :, None])[:, :, 0]
        return [origin[name] + spans[j] * shares[:, j] for j, name in enumerate(step.names)]


def density(number: Number, values: Floats) -> Floats:
    """Return the prior density of values (n,) of a number on its scale, relative to a flat prior."""
    smallest, largest = number.smallest, number.largest
    low, high = (np.log(smallest), np.log(largest)) if number.log else (smallest, largest)
    middle = np.log(values) if number.log else values
    step = 1e-4 * (high - low)
    ends = [np.clip(middle + sign * step, low, high) for sign in (-1.0, 1.0)]
    at = [number.uniform(np.clip(np.exp(end) if number.scale.log else end, smallest, largest)) for end in ends]
    result: Floats = (at[1] - at[0]) * (high - low) / (ends[1] - ends[0])
    return result


def _numbers(compiled: evaluate_rows.Value, columns: Mapping[str, Any], rows: int) -> Floats:
    with np.errstate(all="ignore"):
        found = evaluate_rows.numbers(compiled(evaluate_rows.RowFrame(columns, rows)))
    array = found.array
    return array if found.known is None else np.where(found.known, array, np.nan)


def affine(node: Node, names: frozenset[str]) -> bool:
    """Return whether `node` is affine in each of `names`, and in all of them together, whatever the other names are."""
    if not tree.names(node) & names:
        return True
    match node:
        case tree.Name():
            return True
        case tree.Negative(operand):
            return affine(operand, names)
        case tree.Call("sum", arguments) if len(arguments) > 1:
            return all(affine(argument, names) for argument in arguments)
        case tree.Series(first, rest) if rest[0][0] in "+-":
            return affine(first, names) and all(affine(part, names) for _, part in rest)
        case tree.Series(first, rest):
            depending = [part for part in (first, *(part for _, part in rest)) if tree.names(part) & names]
            dividing = any(op != "*" and tree.names(part) & names for op, part in rest)
            rounding = any(op in ("//", "%") for op, _ in rest)
            return len(depending) == 1 and not dividing and not rounding and affine(depending[0], names)
    return False


def _arrange(group: Group, found: list[Equality]) -> list[SolvedSystem]:
    """Choose what each equality is solved for, and in which order, the last step first."""
    waiting, steps, taken = list(found), list[SolvedSystem](), set[str]()
    while waiting:
        chosen = _single(group, waiting, taken) or _several(group, waiting, taken)
        if chosen is None:
            break
        steps.append(chosen)
        taken.update(chosen.names)
        waiting = [equality for equality in waiting if equality not in chosen.equalities]
    return steps[::-1]


def _single(group: Group, waiting: list[Equality], taken: set[str]) -> SolvedSystem | None:
    """Find the equality and variable, easiest first, such that no other waiting equality reads the variable."""
    options = []
    for place, equality in enumerate(waiting):
        others = frozenset[str]().union(*(other.names for other in waiting if other is not equality))
        options += [
            (_ease(group, equality, name), place, name)
            for name in sorted(equality.names - others - taken)
            if _solvable(group, equality, name)
        ]
    if not options:
        return None
    _, place, name = min(options)
    return SolvedSystem((waiting[place],), (name,))


def _several(group: Group, waiting: list[Equality], taken: set[str]) -> SolvedSystem | None:
    """Solve everything that waits as one system, where it is affine in enough variables."""
    names = sorted(frozenset[str]().union(*(equality.names for equality in waiting)) - taken)
    continuous = [name for name in names if (number := group.number(name)) is not None and not number.count]
    for chosen in itertools.islice(itertools.combinations(continuous, len(waiting)), _MOST_SYSTEMS):
        affine_in_all = all(affine(equality.difference, frozenset(chosen)) for equality in waiting)
        if affine_in_all and _regular(group, waiting, chosen):
            return SolvedSystem(tuple(waiting), chosen)
    return None


def _regular(group: Group, waiting: list[Equality], chosen: tuple[str, ...]) -> bool:
    """Return whether the system has one solution at the middle of the ranges."""
    middle = {
        name: np.array([0.5 * (number.smallest + number.largest)])
        for equality in waiting
        for name in equality.names
        if (number := group.number(name)) is not None
    }
    matrix = np.empty((len(waiting), len(chosen)))
    for i, equality in enumerate(waiting):
        compiled = evaluate_rows.value(equality.difference, {})
        base = _numbers(compiled, middle, 1)
        for j, name in enumerate(chosen):
            number = _number(group, name)
            moved = {**middle, name: middle[name] + (number.largest - number.smallest)}
            matrix[i, j] = (_numbers(compiled, moved, 1) - base)[0]
    return bool(np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 1e-9)


def _number(group: Group, name: str) -> Number:
    number = group.number(name)
    assert number is not None
    return number


def _ease(group: Group, equality: Equality, name: str) -> tuple[bool, bool, bool, bool, bool]:
    """Rank a variable to solve for: unconditional, continuous, affine, flat, on a linear scale come first."""
    number = _number(group, name)
    straight = affine(equality.difference, frozenset((name,)))
    return (
        group.part(name).when is not None,
        bool(number.count),
        not straight,
        number.prior is not None,
        number.scale.log,
    )
