"""Keep equalities by solving each for one variable.

Under ``x + y + z == 1`` two variables are drawn and the third follows; what is left to reject is the third outside its
range. On linear scales (for products: on logarithmic ones) the result is uniform over the feasible plane; in general
the others are drawn by their priors, the solved variable follows, and its prior is weighed by rejection. An equality
that holds only sometimes (``kernel != 'poly' or x + y == 1``) is solved where it is needed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.space.expression import Expression, evaluate_rows, tree
from luthier.space.expression.tree import Node
from luthier.space.sampling.cube import UnitCube, take
from luthier.space.sampling.cube_variables import Constraint, CubeNumber

_BISECTIONS = 60
_GRID = (np.arange(512) + 0.5) / 512


@dataclass(frozen=True, slots=True, eq=False)
class Equality:
    """``left == right`` wherever `constraint` is broken without it; `always`: wherever its names are active."""

    constraint: Expression
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


def equalities(layout: UnitCube, constraints: Sequence[Constraint]) -> list[Equality]:
    """Find the equalities that at least one variable can be solved from."""
    found = []
    for constraint in constraints:
        waiting: list[tuple[Node, bool]] = []
        if isinstance(constraint, Expression):
            waiting.append((tree.straighten(constraint.root), True))
        while waiting:
            node, always = waiting.pop()
            if isinstance(node, (tree.Both, tree.Either)):
                waiting.extend((part, always and isinstance(node, tree.Both)) for part in reversed(node.parts))
            elif isinstance(node, tree.Compare):
                nodes = [node.first, *(part for _, part in node.rest)]
                for left, (op, right) in zip(nodes, node.rest, strict=False):
                    equality = Equality(constraint, left, right, always)  # type: ignore[arg-type]
                    if op == "==" and any(_solvable(layout, equality, name) for name in equality.names):
                        found.append(equality)
    return found


def _solvable(layout: UnitCube, equality: Equality, name: str) -> bool:
    """Say whether solving for a variable leaves the distribution right.

    A continuous variable meets an equality with probability zero, so the other variables decide alone. One with levels
    meets it with some probability, which has to be the same wherever the others are.
    """
    domain = layout.domains[layout.owner[name]]
    if not isinstance(domain, CubeNumber) or domain.low >= domain.high:
        return False
    steady = equality.always and all(layout.domains[layout.owner[other]].when is None for other in equality.names)
    return not domain.levels or (domain.even and steady)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Solve some equalities for as many variables at once."""

    equalities: tuple[Equality, ...]
    names: tuple[str, ...]


class Solver:
    """Solve a group's equalities one after the other; each step leaves the earlier ones as they are.

    Args:
        layout: the group's variables.
        constraints: its constraints.
    """

    def __init__(self, layout: UnitCube, constraints: Sequence[Constraint]) -> None:
        self.layout = layout
        self.steps = tuple(_arrange(layout, equalities(layout, constraints)))
        self.compiled = [
            [evaluate_rows.value(equality.difference, equality.constraint.orders) for equality in step.equalities]
            for step in self.steps
        ]
        self.peaks = {
            name: float(density(self.domain(name), self.domain(name).quantile(_GRID)).max())
            for step in self.steps
            for name in step.names
            if not self.domain(name).flat
        }

    @property
    def columns(self) -> frozenset[int]:
        """The columns that are solved for."""
        return frozenset(self.column(name) for step in self.steps for name in step.names)

    def column(self, name: str) -> int:
        """Give the column of a variable."""
        return self.layout.slices[self.layout.owner[name]].start

    def domain(self, name: str) -> CubeNumber:
        """Give the domain of a variable that is solved for."""
        domain = self.layout.domains[self.layout.owner[name]]
        assert isinstance(domain, CubeNumber)
        return domain

    def apply(self, uniforms: Floats) -> Floats:
        """Change the solved columns of uniforms (n, width) so that the equalities hold, where they can."""
        if not self.steps:
            return uniforms
        uniforms = uniforms.copy()
        for step, differences in zip(self.steps, self.compiled, strict=True):
            columns = self.layout.values(uniforms)
            needed = np.zeros(len(uniforms), dtype=bool)
            for equality in step.equalities:
                needed |= equality.constraint.broken(columns, len(uniforms))
            rows = np.flatnonzero(needed)
            if len(rows):
                inside = {name: take(column, rows) for name, column in columns.items()}
                solve = self._line if len(step.names) == 1 else self._plane
                for name, solved in zip(step.names, solve(step, differences, inside, len(rows)), strict=True):
                    self._write(uniforms, rows, name, solved)
        return uniforms

    def _write(self, uniforms: Floats, rows: NDArray[np.int64], name: str, solved: Floats) -> None:
        domain = self.domain(name)
        slack = 1e-12 * max(abs(domain.low), abs(domain.high))
        good = (solved >= domain.low - slack) & (solved <= domain.high + slack)
        values = np.clip(solved[good], domain.low, domain.high)
        places, column = rows[good], self.column(name)
        if not domain.flat:
            # What the prior of the solved variable says still counts: the uniform it had decides about acceptance.
            likely = uniforms[places, column] * self.peaks[name] < density(domain, values)
            places, values = places[likely], values[likely]
        uniforms[places, column] = domain.position(values)

    def _line(
        self, step: Step, differences: list[evaluate_rows.Value], columns: Mapping[str, Any], rows: int
    ) -> list[Floats]:
        """Solve one equality for one variable: a secant where that is exact, else by halving."""
        name, domain = step.names[0], self.domain(step.names[0])
        low, high = np.full(rows, domain.low), np.full(rows, domain.high)

        def residual(values: Floats) -> Floats:
            return _numbers(differences[0], {**columns, name: values}, rows)

        at_low, at_high = residual(low), residual(high)
        with np.errstate(all="ignore"):
            found: Floats = low + (high - low) * (-at_low / (at_high - at_low))
        if affine(step.equalities[0].difference, frozenset(step.names)):
            return [found]
        for _ in range(_BISECTIONS):
            middle = np.sqrt(low) * np.sqrt(high) if domain.log else 0.5 * (low + high)
            same = np.sign(residual(middle)) == np.sign(at_low)
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        crossing = np.sign(at_low) != np.sign(at_high)
        return [np.where(crossing, 0.5 * (low + high), np.nan)]

    def _plane(
        self, step: Step, differences: list[evaluate_rows.Value], columns: Mapping[str, Any], rows: int
    ) -> list[Floats]:
        """Solve k affine equalities for k variables."""
        count = len(step.names)
        origin = {name: np.full(rows, self.domain(name).low) for name in step.names}
        spans = np.array([self.domain(name).high - self.domain(name).low for name in step.names])
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


def density(domain: CubeNumber, values: Floats) -> Floats:
    """Give the prior density of values of a continuous number on its scale, relative to a flat prior."""
    low, high = (np.log(domain.low), np.log(domain.high)) if domain.log else (domain.low, domain.high)
    middle = np.log(values) if domain.log else values
    step = 1e-4 * (high - low)
    ends = [np.clip(middle + sign * step, low, high) for sign in (-1.0, 1.0)]
    at = [domain.position(np.clip(np.exp(end) if domain.log else end, domain.low, domain.high)) for end in ends]
    result: Floats = (at[1] - at[0]) * (high - low) / (ends[1] - ends[0])
    return result


def _numbers(compiled: evaluate_rows.Value, columns: Mapping[str, Any], rows: int) -> Floats:
    with np.errstate(all="ignore"):
        found = evaluate_rows.numbers(compiled(evaluate_rows.RowFrame(columns, rows)))
    array = found.array
    return array if found.known is None else np.where(found.known, array, np.nan)


def affine(node: Node, names: frozenset[str]) -> bool:
    """Say whether `node` is affine in each of `names`, and in all of them together, whatever the other names are."""
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


def _arrange(layout: UnitCube, found: list[Equality]) -> list[Step]:
    """Choose what each equality is solved for, and in which order, the last step first."""
    waiting, steps, taken = list(found), list[Step](), set[str]()
    while waiting:
        chosen = _single(layout, waiting, taken) or _several(layout, waiting, taken)
        if chosen is None:
            break
        steps.append(chosen)
        taken.update(chosen.names)
        waiting = [equality for equality in waiting if equality not in chosen.equalities]
    return steps[::-1]


def _single(layout: UnitCube, waiting: list[Equality], taken: set[str]) -> Step | None:
    """Find the equality and variable, easiest first, such that no other waiting equality reads the variable."""
    options = []
    for place, equality in enumerate(waiting):
        others = frozenset[str]().union(*(other.names for other in waiting if other is not equality))
        options += [
            (_ease(layout, equality, name), place, name)
            for name in sorted(equality.names - others - taken)
            if _solvable(layout, equality, name)
        ]
    if not options:
        return None
    _, place, name = min(options)
    return Step((waiting[place],), (name,))


def _several(layout: UnitCube, waiting: list[Equality], taken: set[str]) -> Step | None:
    """Solve everything that waits as one system, where it is affine in enough variables."""
    names = sorted(frozenset[str]().union(*(equality.names for equality in waiting)) - taken)
    good = [name for name in names if _continuous(layout, name)]
    for group in itertools.islice(itertools.combinations(good, len(waiting)), 200):
        if all(affine(equality.difference, frozenset(group)) for equality in waiting) and _regular(
            layout, waiting, group
        ):
            return Step(tuple(waiting), group)
    return None


def _regular(layout: UnitCube, waiting: list[Equality], group: tuple[str, ...]) -> bool:
    """Say whether the system has one solution at the middle of the domains."""
    middle = {
        name: np.array([0.5 * (_number(layout, name).low + _number(layout, name).high)])
        for equality in waiting
        for name in equality.names
        if isinstance(layout.domains[layout.owner[name]], CubeNumber)
    }
    matrix = np.empty((len(waiting), len(group)))
    for i, equality in enumerate(waiting):
        compiled = evaluate_rows.value(equality.difference, {})
        base = _numbers(compiled, middle, 1)
        for j, name in enumerate(group):
            span = _number(layout, name).high - _number(layout, name).low
            matrix[i, j] = (_numbers(compiled, {**middle, name: middle[name] + span}, 1) - base)[0]
    return bool(np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > 1e-9)


def _continuous(layout: UnitCube, name: str) -> bool:
    domain = layout.domains[layout.owner[name]]
    return isinstance(domain, CubeNumber) and domain.low < domain.high and not domain.levels


def _number(layout: UnitCube, name: str) -> CubeNumber:
    domain = layout.domains[layout.owner[name]]
    assert isinstance(domain, CubeNumber)
    return domain


def _ease(layout: UnitCube, equality: Equality, name: str) -> tuple[bool, bool, bool, bool, bool]:
    """Rank a variable to solve for: unconditional, continuous, affine, flat, on a linear scale come first."""
    domain = _number(layout, name)
    straight = affine(equality.difference, frozenset((name,)))
    return domain.when is not None, bool(domain.levels), not straight, not domain.flat, domain.log
