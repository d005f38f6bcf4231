"""Turn uniform numbers into points that already keep the easy constraints, still uniformly.

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from luthier._typing import Bools, Floats
from luthier.space.expression import tree
from luthier.space.sampling.cube import UnitCube
from luthier.space.sampling.cube_variables import Constraint, CubeNumber
from luthier.space.sampling.equalities import Solver
from luthier.space.sampling.linear import Relation, conjuncts, relation

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
        """Put points uniform over the simplex in place of uniforms (n, width); say how far each is outside the cube."""
        ordered = np.sort(points[:, self.columns], axis=1)
        shares = np.diff(ordered, axis=1, prepend=0.0) * self.total / self.sizes
        points[:, self.columns] = np.clip(np.where(self.mirrored, 1.0 - shares, shares), 0.0, np.nextafter(1.0, 0.0))
        excess: Floats = np.maximum(shares - 1.0, 0.0).sum(axis=1)
        return excess


class ConstantDensityTransform:
    """A distribution that is uniform over a part of the cube that holds the feasible set.

    Args:
        layout: the group's variables.
        constraints: its constraints.
    """

    def __init__(self, layout: UnitCube, constraints: Sequence[Constraint]) -> None:
        self.layout = layout
        self.solver = Solver(layout, constraints)
        found = list(self._relations(constraints))
        self.low, self.high = _propagate(layout.width, found)
        self.empty = bool((self.low > self.high).any())
        spans = self.high - self.low
        self.shrunk = np.flatnonzero(spans < 1.0)
        self.spacings, self.chains = _choose(
            [] if self.empty else _spacings(found, self.low, spans), self._paths(constraints)
        )

    @property
    def trivial(self) -> bool:
        """Whether it is the whole cube."""
        return not (self.solver.steps or len(self.shrunk) or self.spacings or self.chains)

    def apply(self, uniforms: Floats) -> tuple[Floats, Floats]:
        """Turn uniforms (n, width) into points (n, width), and say by how much each fails already (0: it does not)."""
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

    def _relations(self, constraints: Sequence[Constraint]) -> Iterator[Relation]:
        """Give inequalities, linear in the cube, that feasible points keep; solved columns left out."""
        solved = self.solver.columns
        for node in conjuncts(constraints):
            found = relation(self.layout, node)
            if found is None:
                continue
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

    def _paths(self, constraints: Sequence[Constraint]) -> Iterator[tuple[int, ...]]:
        """Give disjoint chains of columns that have to ascend and are distributed alike, longest first."""
        edges: dict[int, set[int]] = {}
        for node in conjuncts(constraints):
            pair = self._ascending(node)
            if pair is not None and not set(pair) & self.solver.columns and self._alike(*pair):
                edges.setdefault(pair[0], set()).add(pair[1])
        while True:
            path = _longest_path(edges)
            if len(path) < 2:
                return
            yield path
            edges = {a: {b for b in after if b not in path} for a, after in edges.items() if a not in path}

    def _ascending(self, node: tree.Node) -> tuple[int, int] | None:
        match node:
            case tree.Compare(tree.Name(left), ((op, tree.Name(right)),)) if op in ("<", "<=", ">", ">="):
                lower, upper = (left, right) if op[0] == "<" else (right, left)
                pair = self.layout.owner[lower], self.layout.owner[upper]
                domains = [self.layout.domains[i] for i in pair]
                if all(
                    isinstance(d, CubeNumber) and d.when is None and not (d.levels and len(op) > 1) for d in domains
                ):
                    return self.layout.slices[pair[0]].start, self.layout.slices[pair[1]].start
        return None

    def _alike(self, first: int, second: int) -> bool:
        quantiles = []
        for column in (first, second):
            domain = next(d for d, s in zip(self.layout.domains, self.layout.slices, strict=True) if s.start == column)
            assert isinstance(domain, CubeNumber)
            quantiles.append(domain.quantile(_GRID))
        same_range = self.low[first] == self.low[second] and self.high[first] == self.high[second]
        return bool(same_range) and np.array_equal(quantiles[0], quantiles[1])


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
    """Give the simplices that are smaller than the box, best first."""
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
    """Say whether the columns of a chain are exchangeable within one simplex, so that they may be sorted."""
    spacing = touching[0]
    if len(touching) > 1 or not set(path) <= set(spacing.columns):
        return False
    places = [spacing.columns.index(column) for column in path]
    sizes, mirrored = spacing.sizes[places], spacing.mirrored[places]
    return bool((sizes == sizes[0]).all() and (mirrored == mirrored[0]).all())


def _longest_path(edges: dict[int, set[int]]) -> tuple[int, ...]:
    """Give the longest path of a graph; empty where it has a circle."""
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
