"""Differential evolution on the encoding of a space, with an explicit state.

Every slot of the population holds the best trial that was made for it. Proposals are made for the slots in turn: the
slot's point is moved towards one of the best ones and by the difference of two others, and crossed with the result
(current-to-pbest/1/bin). So a result changes one slot, and no proposal waits for a generation to be complete.

Sources: Storn and Price (1997), Differential evolution, Journal of Global Optimization 11; Zhang and Sanderson (2009),
JADE, IEEE Transactions on Evolutionary Computation 13, eq. 6, for the mutation; Brest, Greiner, Boskovic, Mernik and
Zumer (2006), Self-adapting control parameters in differential evolution, eqs. 8 and 9, for the factor and the crossover
rate. Ours: categories, which have no differences, are taken from one of the parents, or drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.key import Key
from luthier.method.evolution.first_points import scatter
from luthier.method.evolution.state_fold import AlgorithmResult, FoldContext
from luthier.method.notes import SlotChild, read, written
from luthier.method.repair import Repair
from luthier.numeric import no_worse, sorted_rows
from luthier.space import Space

_FACTOR, _CROSSOVER = 0.5, 0.9
"""The initial scale factor and crossover rate of every slot."""
_ANEW = 0.1
"""The probability that a child draws its factor, or its crossover rate, anew (Brest et al. 2006)."""
_LEAST_FACTOR = 0.1
_BEST_SHARE = 0.25
"""The share that counts as the best ones. Zhang and Sanderson (2009) take 5 to 20 % of larger populations."""
_FEWEST = 4
_STRAY = 0.05
"""The probability that a category is drawn anew instead of taken from a parent."""
_CONVERGED = 1e-10
"""The population has converged when its points differ by less than this share of every range."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """The state: one row per slot.

    Args:
        points: (s, d), NaN where inactive, and in empty slots.
        losses: (s, m).
        violations: (s,); inf for an empty slot.
        factors: (s,) the scale factor that made each point.
        crossovers: (s,) the crossover rate that made it.
        stale: the number of results since one improved a slot.
        known: the number of results in a row whose draws were known already, and moved elsewhere.
        key: the randomness of the state.
        root: the randomness of the first state, from which the first points are drawn.
    """

    points: Floats
    losses: Floats
    violations: Floats
    factors: Floats
    crossovers: Floats
    stale: int
    known: int
    key: Key
    root: Key

    @classmethod
    def empty(cls, size: int, dimensions: int, objectives: int, key: Key, root: Key) -> Population:
        """Make a population without members."""
        return cls(
            np.full((size, dimensions), np.nan),
            np.full((size, objectives), np.inf),
            np.full(size, np.inf),
            np.full(size, _FACTOR),
            np.full(size, _CROSSOVER),
            0,
            0,
            key,
            root,
        )

    def __len__(self) -> int:
        return len(self.points)

    @property
    def filled(self) -> NDArray[np.int64]:
        """The slots that have a member."""
        return np.flatnonzero(np.isfinite(self.violations))

    @property
    def ranked(self) -> NDArray[np.int64]:
        """The slots that have a member, the best first."""
        filled = self.filled
        return filled[sorted_rows(self.losses[filled], self.violations[filled])]

    def takes(self, slot: int, result: AlgorithmResult) -> bool:
        """Tell whether a result replaces the member of a slot."""
        if result.crashed:
            return False
        if np.isinf(self.violations[slot]):
            return True
        better = no_worse(result.losses, result.violation, self.losses[slot], float(self.violations[slot]))
        if better is not None:
            return better
        rows = self.filled  # neither dominates: the less crowded one stays
        order = sorted_rows(
            np.vstack([self.losses[rows], result.losses]), np.append(self.violations[rows], result.violation)
        ).tolist()
        return bool(order.index(len(rows)) < order.index(rows.tolist().index(slot)))

    def is_no_better(self, slot: int, result: AlgorithmResult) -> bool:
        """Tell whether the member of a slot is at least as good as a result."""
        there = self.losses[slot], float(self.violations[slot])
        return result.crashed or no_worse(*there, result.losses, result.violation) is True

    def put(self, slot: int, result: AlgorithmResult) -> Population:
        """Give the population with a result in a slot."""
        points, losses, violations = self.points.copy(), self.losses.copy(), self.violations.copy()
        factors, crossovers = self.factors.copy(), self.crossovers.copy()
        points[slot], losses[slot], violations[slot] = result.point, result.losses, result.violation
        child = read(SlotChild, result.note)
        if child is not None and child.factor is not None and child.crossover is not None:
            factors[slot], crossovers[slot] = child.factor, child.crossover
        return replace(
            self,
            points=points,
            losses=losses,
            violations=violations,
            factors=factors,
            crossovers=crossovers,
        )

    def has_converged(self) -> bool:
        """Tell whether the population has converged, or its children are all known."""
        filled = self.filled
        if self.known >= len(self) or self.stale >= 100 * len(self):
            return True
        if len(filled) < len(self):
            return False
        if self.stale >= 20 * len(self) and bool((self.losses == self.losses[0]).all()):
            return True
        points = np.where(np.isnan(self.points), -1.0, self.points)
        return bool((np.ptp(points, axis=0) < _CONVERGED).all())


@dataclass(frozen=True)
class DifferentialEvolution:
    """Differential evolution as an algorithm for `luthier.method.evolution.state_fold`.

    Args:
        space: the space that is searched.
        population: the number of slots; None: 2 per column, from 12 to 40.
        restart: whether a converged population keeps only its best member, and draws the others anew.
    """

    space: Space
    population: int | None
    restart: bool

    @property
    def most_external(self) -> int:
        """See `StatefulAlgorithm.most_external`: one per slot."""
        return self.population or min(max(2 * self.space.dimensions, 12), 40)

    def begin(self, context: FoldContext, results: Sequence[AlgorithmResult]) -> Population:
        """See `StatefulAlgorithm.begin`: with the best external results."""
        objectives = len(context.problem.objectives)
        state = Population.empty(self.most_external, self.space.dimensions, objectives, context.key, context.key)
        for slot, result in enumerate(results):
            state = state.put(slot, result)
        return state

    def wanted(self, state: Population, pending: int) -> int:
        """See `StatefulAlgorithm.wanted`: every result counts at once."""
        return 1

    def since(self, state: Population) -> int:
        """See `StatefulAlgorithm.since`: no result is too old."""
        return 0

    def step(self, context: FoldContext, state: Population, results: Sequence[AlgorithmResult]) -> Population:
        """See `StatefulAlgorithm.step`: put results that are no worse into their slots."""
        for result in results:
            child = read(SlotChild, result.note)
            slot = self._worst(state) if child is None else child.slot
            known = state.known + 1 if result.moved == "known" else 0
            stale = state.stale + 1 if state.is_no_better(slot, result) else 0
            if state.takes(slot, result):
                state = state.put(slot, result)
            state = replace(state, known=known, stale=stale)
        if self.restart and state.has_converged():
            best = int(state.ranked[0]) if len(state.filled) else 0
            fresh = Population.empty(len(state), self.space.dimensions, state.losses.shape[1], context.key, state.root)
            fresh.points[best], fresh.losses[best] = state.points[best], state.losses[best]
            fresh.violations[best] = state.violations[best]
            return fresh
        return replace(state, key=context.key)

    def propose(self, state: Population, place: int, repair: Repair, note: Mapping[str, Any]) -> bool:
        """Propose a child for the next slot; tell whether anything was found."""
        slot = place % len(state)
        ranked = state.ranked
        key = state.key.fold("child", place)
        noted = {**note, **written(SlotChild(slot))}
        if len(ranked) < _FEWEST or (np.isinf(state.violations[slot]) and place < len(state)):
            return scatter(place, state.root, repair, noted)
        if np.isinf(state.violations[slot]):
            return repair.scatter(np.empty((0, self.space.dimensions)), key, noted)

        def draw(turn: int) -> tuple[Floats, Mapping[str, Any]]:
            return self._child(state, slot, ranked, key.fold("turn", turn))

        return replace(repair, anchor=state.points[slot]).propose(draw, key, noted)

    def _child(
        self, state: Population, slot: int, ranked: NDArray[np.int64], key: Key
    ) -> tuple[Floats, Mapping[str, Any]]:
        draws = key.fold("settings").uniform(4)
        factor, crossover = float(state.factors[slot]), float(state.crossovers[slot])
        if draws[0] < _ANEW:
            factor = _LEAST_FACTOR + (1.0 - _LEAST_FACTOR) * float(draws[1])
        if draws[2] < _ANEW:
            crossover = float(draws[3])
        dimensions = self.space.dimensions
        fill = self.space.warp(key.fold("fill").uniform((1, dimensions)))[0]
        best = state.points[self._one(ranked[: max(2, math.ceil(_BEST_SHARE * len(ranked)))], slot, key.fold("best"))]
        others = ranked[ranked != slot][key.fold("others").permutation(int((ranked != slot).sum()))[:2]]
        here = without_gaps(state.points[slot], best, fill)
        best = without_gaps(best, here, fill)
        first, second = (without_gaps(state.points[other], here, fill) for other in others)
        target = here + factor * (best - here) + factor * (first - second)
        target = np.where(target < 0.0, here / 2, np.where(target > 1.0, (1.0 + here) / 2, target))
        for place, column in enumerate(self.space.columns):
            if column.kind == "category" and column.levels:
                u = key.fold("category", place).uniform(2)
                target[place] = best[place] if u[0] < 0.5 else first[place]
                if u[0] < _STRAY:
                    target[place] = u[1]
        cross = key.fold("cross").uniform(dimensions) < crossover
        cross[int(key.fold("one").integers(dimensions))] = True
        return np.where(cross, target, here), written(SlotChild(slot, factor, crossover))

    @staticmethod
    def _one(slots: NDArray[np.int64], slot: int, key: Key) -> int:
        others = slots[slots != slot]
        return int(others[int(key.integers(len(others)))])

    @staticmethod
    def _worst(state: Population) -> int:
        """Give an empty slot, or else that of the worst member."""
        empty = np.flatnonzero(np.isinf(state.violations))
        return int(empty[0] if len(empty) else state.ranked[-1])


def without_gaps(point: Floats, other: Floats, fill: Floats) -> Floats:
    """Give a point without NaN: inactive columns are taken from another point, or else from `fill`."""
    found: Floats = np.where(np.isnan(point), np.where(np.isnan(other), fill, other), point)
    return found
