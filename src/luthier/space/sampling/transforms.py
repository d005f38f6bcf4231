"""Transforms of constant density: uniform points that already keep the easy constraints.

Three changes of the cube, each of constant density, so that rejecting what is still infeasible stays exact:

- bounds that linear constraints imply shrink the range of a variable;
- one linear constraint that cuts a simplex off a corner (``x + y + z <= 1``, and what ``x + y + z + w == 1`` leaves
  after solving for ``w``) is sampled by the spacings of sorted uniforms (Devroye 1986, Non-Uniform Random Variate
  Generation, theorem V.2.1);
- variables that are to stand in order (``a < b < c``) and have one distribution are sorted.

Equalities are then solved (`luthier.space.sampling.equalities`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from luthier._typing import Bools, Floats
from luthier.space.expression import tree
from luthier.space.sampling.equalities import Solver
from luthier.space.sampling.group import Group
from luthier.space.sampling.linear import Relation, conjuncts, relations

_GRID = (np.arange(64) + 0.37) / 64
_ROUNDS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Spacing:
    """``sum of y <= total`` with y = size * v, or size * (1 - v) where `mirrored`; v uniform in [0, 1)."""

    columns: tuple[int, ...]
    sizes: Floats
    mirrored: Bools
    total: float

    @property
    def gain(self) -> float:
        """The logarithm of how much smaller than the cube the simplex is."""
        count = len(self.columns)
        return float(np.log(self.sizes).sum()) - count * math.log(self.total) + math.lgamma(count + 1)

    def apply(self, points: Floats) -> Floats:
        """Turn uniforms (n, width) into points uniform over the simplex, in place; return how far outside the cube."""
        ordered = np.sort(points[:, self.columns], axis=1)
        shares = np.diff(ordered, axis=1, prepend=0.0) * self.total / self.sizes
        points[:, self.columns] = np.clip(np.where(self.mirrored, 1.0 - shares, shares), 0.0, np.nextafter(1.0, 0.0))
        excess: Floats = np.maximum(shares - 1.0, 0.0).sum(axis=1)
        return excess


class ConstantDensityTransform:
    """A distribution that is uniform over a part of the cube that holds the feasible set.

    Args:
        group: the variables and constraints.
    """

    def __init__(self, group: Group) -> None:
        self.group = group
        self.solver = Solver(group)
        found = list(self._relations())
        self.low, self.high = _propagate(group.width, found)
        self.empty = bool((self.low > self.high).any())
        spans = self.high - self.low
        self.shrunk = np.flatnonzero(spans < 1.0)
        self.spacings, self.chains = _choose([] if self.empty else _spacings(found, self.low, spans), self._paths())

    @property
    def trivial(self) -> bool:
        """Whether it is the whole cube."""
        return not (self.solver.steps or len(self.shrunk) or self.spacings or self.chains)

    def apply(self, uniforms: Floats) -> tuple[Floats, Floats]:
        """Return points (n, width) of uniforms (n, width), and by how much each fails already (0: it does not)."""
        points = uniforms.copy()
        excess = np.zeros(len(points))
        for spacing in self.spacings:
            excess += spacing.apply(points)
        if len(self.shrunk):
            low, high = self.low[self.shrunk], self.high[self.shrunk]
            points[:, self.shrunk] = np.minimum(low + points[:, self.shrunk] * (high - low), np.nextafter(1.0, 0.0))
        for chain in self.chains:
            points[:, chain] = np.sort(points[:, chain], axis=1)
        return self.solver.apply(points), excess

    def _relations(self) -> Iterator[Relation]:
        """Yield inequalities, linear in the cube, that feasible points keep; solved columns left out."""
        solved = self.solver.columns
        for found in relations(self.group, self.group.rules):
            if found.op != "==":
                if not found.weights.keys() & solved:
                    yield found
                continue
            inside = found.weights.keys() & solved
            if len(inside) != 1:
                continue
            (column,) = inside
            rest = {other: weight for other, weight in found.weights.items() if other != column}
            # The solved uniform is in [0, 1]: what the others may add up to.
            ends = sorted((found.bound, found.bound - found.weights[column]))
            if rest:
                yield Relation(rest, "<=", ends[1])
                yield Relation({other: -weight for other, weight in rest.items()}, "<=", -ends[0])

    def _paths(self) -> Iterator[tuple[int, ...]]:
        """Yield disjoint chains of columns that have to ascend and are distributed alike, longest first."""
        edges: dict[int, set[int]] = {}
        for node in conjuncts(self.group.rules):
            pair = self._ascending(node)
            if pair is not None and self._alike(*pair):
                low, high = map(self.group.column, pair)
                edges.setdefault(low, set()).add(high)
        while True:
            path = _longest_path(edges)
            if len(path) < 2:
                return
            yield path
            edges = {a: {b for b in after if b not in path} for a, after in edges.items() if a not in path}

    def _ascending(self, node: tree.Node) -> tuple[str, str] | None:
        """Return the lower and the upper of two always active numbers that a condition puts in order."""
        match node:
            case tree.Compare(tree.Name(left), ((op, tree.Name(right)),)) if op in ("<", "<=", ">", ">="):
                for name in (left, right):
                    number = self.group.number(name)
                    if number is None or self.group.part(name).when is not None or (number.count and len(op) > 1):
                        return None
                return (left, right) if op[0] == "<" else (right, left)
        return None

    def _alike(self, first: str, second: str) -> bool:
        """Return whether two numbers, neither of them solved for, have one distribution."""
        a, b = self.group.column(first), self.group.column(second)
        if self.solver.columns & {a, b} or self.low[a] != self.low[b] or self.high[a] != self.high[b]:
            return False
        return np.array_equal(self._quantiles(first), self._quantiles(second))

    def _quantiles(self, name: str) -> Floats:
        number = self.group.number(name)
        assert number is not None
        return number.quantile(_GRID)


def _propagate(width: int, found: list[Relation]) -> tuple[Floats, Floats]:
    """Narrow [0, 1] for each column as the inequalities imply."""
    low, high = np.zeros(width), np.ones(width)
    for _ in range(_ROUNDS):
        before = low.copy(), high.copy()
        for item in found:
            columns, weights = np.array(list(item.weights), dtype=int), np.array(list(item.weights.values()))
            if len(columns) == 0:
                continue
            least = np.where(weights > 0, weights * low[columns], weights * high[columns])
            room = (item.bound - (least.sum() - least)) / weights
            for column, weight, limit in zip(columns, weights, room, strict=True):
                if weight > 0:
                    high[column] = min(high[column], limit)
                else:
                    low[column] = max(low[column], limit)
        if (low > high).any() or (np.array_equal(before[0], low) and np.array_equal(before[1], high)):
            break
    # A hair wider than implied: what rounding cuts off would be lost.
    slack = 1e-12
    empty = low > high + slack
    low, high = np.maximum(low - slack, 0.0), np.minimum(high + slack, 1.0)
    return np.where(empty, 1.0, low), np.where(empty, 0.0, high)


def _spacings(found: list[Relation], low: Floats, spans: Floats) -> list[Spacing]:
    """Return the simplices that are smaller than the box, best first."""
    result = []
    for item in found:
        columns = tuple(item.weights)
        weights = np.array(list(item.weights.values()))
        sizes = np.abs(weights) * spans[list(columns)]
        bound = item.bound - float(weights @ low[list(columns)])
        total = bound + float(sizes[weights < 0].sum())
        if len(columns) > 1 and total > 0 and (sizes > 0).all():
            spacing = Spacing(columns, sizes, weights < 0, total)
            if spacing.gain > 0:
                result.append(spacing)
    return sorted(result, key=lambda spacing: -spacing.gain)


def _choose(spacings: list[Spacing], paths: Iterator[tuple[int, ...]]) -> tuple[list[Spacing], list[tuple[int, ...]]]:
    """Pick changes that do not get in each other's way, by how much they gain."""
    kept: list[Spacing] = []
    for spacing in spacings:
        if not any(set(spacing.columns) & set(other.columns) for other in kept):
            kept.append(spacing)
    chains = []
    for path in paths:
        touching = [spacing for spacing in kept if set(spacing.columns) & set(path)]
        if touching and not _symmetric(touching, path):
            if sum(spacing.gain for spacing in touching) > math.lgamma(len(path) + 1):
                continue
            kept = [spacing for spacing in kept if spacing not in touching]
        chains.append(path)
    return kept, chains


def _symmetric(touching: list[Spacing], path: tuple[int, ...]) -> bool:
    """Return whether the columns of a chain are exchangeable within one simplex, so that they may be sorted."""
    spacing = touching[0]
    if len(touching) > 1 or not set(path) <= set(spacing.columns):
        return False
    places = [spacing.columns.index(column) for column in path]
    sizes, mirrored = spacing.sizes[places], spacing.mirrored[places]
    return bool((sizes == sizes[0]).all() and (mirrored == mirrored[0]).all())


def _longest_path(edges: dict[int, set[int]]) -> tuple[int, ...]:
    """Return the longest path of a graph; empty where the graph has a cycle."""
    best: dict[int, tuple[int, ...]] = {}
    busy: set[int] = set()

    def longest(node: int) -> tuple[int, ...] | None:
        if node in busy:
            return None
        if node not in best:
            busy.add(node)
            tails = [longest(after) for after in sorted(edges.get(node, ()))]
            busy.discard(node)
            if any(tail is None for tail in tails):
                return None
            best[node] = (node, *max((tail for tail in tails if tail is not None), key=len, default=()))
        return best[node]

    paths = [longest(node) for node in sorted(edges)]
    if any(path is None for path in paths):
        return ()
    return max((path for path in paths if path is not None), key=len, default=())
