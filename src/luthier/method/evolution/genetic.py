"""Genetic algorithms on the encoding of a space, with an explicit state: NSGA-II and NSGA-III.

Every result takes part at once: it joins the population, and the worst member leaves (steady state; Durillo, Nebro,
Luna and Alba 2009, On the effect of the steady-state selection scheme in multi-objective genetic algorithms). So no
proposal waits for a generation.

Sources: Deb, Pratap, Agarwal and Meyarivan (2002), A fast and elitist multiobjective genetic algorithm (NSGA-II); Deb
and Jain (2014), part I, for NSGA-III; Deb and Agrawal (1995), Simulated binary crossover for continuous search space;
Deb and Goyal (1996), A combined genetic adaptive search, for polynomial mutation. Ours: the steady state, and
categories, which are taken from one of the parents or drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from luthier._typing import Floats, Integers
from luthier.key import Key
from luthier.method.evolution.first_points import scatter
from luthier.method.evolution.state_fold import AlgorithmResult, FoldContext
from luthier.method.repair import Repair
from luthier.numeric import niched_rows, reference_directions, sorted_rows
from luthier.space import Space

_CROSSING, _EACH = 0.9, 0.5
"""The probability of a crossover, and that of each column in it (Deb et al. 2002)."""
_SPREAD = 20.0
"""The distribution index of crossover and mutation (Deb et al. 2002): the larger, the nearer to the parents."""
_SIZES = {1: 24, 2: 24, 3: 36}
"""The size of the population by the number of objectives; with more of them it is 48."""
_FEWEST = 4


@dataclass(frozen=True, slots=True, eq=False)
class GeneticPopulation:
    """The state: the members, in order of their trials.

    Args:
        points: (n, d), NaN where inactive.
        losses: (n, m).
        violations: (n,) at least 0, finite.
        ideal: (m,) the best loss of each objective that was ever folded, of feasible trials.
        key: the randomness of the state.
        root: the randomness of the first state, from which the first points are drawn.
    """

    points: Floats
    losses: Floats
    violations: Floats
    ideal: Floats
    key: Key
    root: Key

    @property
    def ranked(self) -> Integers:
        """The members, the best first (NSGA-II's crowded comparison, outcome constraints before it)."""
        return sorted_rows(self.losses, self.violations)

    def join(self, result: AlgorithmResult) -> GeneticPopulation:
        """Give the population with one more member."""
        ideal = np.minimum(self.ideal, result.losses) if result.violation == 0 else self.ideal
        return replace(
            self,
            points=np.concatenate([self.points, result.point[None]]),
            losses=np.concatenate([self.losses, result.losses[None]]),
            violations=np.append(self.violations, result.violation),
            ideal=ideal,
        )

    def keep(self, rows: Integers) -> GeneticPopulation:
        """Give the population with some of its members."""
        return replace(self, points=self.points[rows], losses=self.losses[rows], violations=self.violations[rows])

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class GeneticAlgorithm:
    """NSGA-II or NSGA-III as an algorithm for `luthier.method.evolution.state_fold`.

    Args:
        space: the space that is searched.
        population: the number of members; None: 24, 36 for three objectives and 48 for more.
        niched: whether members are kept by reference directions (NSGA-III), and not by crowding distance.
        objectives: m.
    """

    space: Space
    population: int | None
    niched: bool
    objectives: int

    @property
    def most_external(self) -> int:
        """See `StatefulAlgorithm.most_external`: a whole population."""
        return self.population or _SIZES.get(self.objectives, 48)

    def begin(self, context: FoldContext, results: Sequence[AlgorithmResult]) -> GeneticPopulation:
        """See `StatefulAlgorithm.begin`: with the best external results."""
        dimensions, goals = self.space.dimensions, self.objectives
        state = GeneticPopulation(
            np.empty((0, dimensions)),
            np.empty((0, goals)),
            np.empty(0),
            np.full(goals, np.inf),
            context.key,
            context.key,
        )
        for result in results:
            state = state.join(result)
        return state

    def wanted(self, state: GeneticPopulation, pending: int) -> int:
        """See `StatefulAlgorithm.wanted`: every result counts at once."""
        return 1

    def since(self, state: GeneticPopulation) -> int:
        """See `StatefulAlgorithm.since`: no result is too old."""
        return 0

    def step(
        self, context: FoldContext, state: GeneticPopulation, results: Sequence[AlgorithmResult]
    ) -> GeneticPopulation:
        """See `StatefulAlgorithm.step`: take results in, and let the worst members go."""
        for result in results:
            if not result.crashed:
                state = state.join(result)
        return replace(self._survivors(state, context.key), key=context.key)

    def propose(self, state: GeneticPopulation, place: int, repair: Repair, note: Mapping[str, Any]) -> bool:
        """Propose a child; tell whether anything was found."""
        key = state.key.fold("child", place)
        if len(state) < _FEWEST or len(state) < self.most_external > place:
            return scatter(place, state.root, repair, note)
        order = state.ranked
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))

        def draw(turn: int) -> tuple[Floats, Mapping[str, Any]]:
            return self._child(state, rank, key.fold("turn", turn)), {}

        return replace(repair, anchor=state.points[order[0]]).propose(draw, key, note)

    def _survivors(self, state: GeneticPopulation, key: Key) -> GeneticPopulation:
        size = self.most_external
        if len(state) <= size:
            return state
        feasible = np.flatnonzero(state.violations == 0)
        if not self.niched or self.objectives == 1 or len(feasible) <= size:
            return state.keep(np.sort(state.ranked[:size]))
        directions = reference_directions(self.objectives, size)
        draws = key.fold("niches").uniform(2 * size)
        kept = niched_rows(state.losses[feasible], size, directions, state.ideal, draws)
        return state.keep(feasible[kept])

    def _child(self, state: GeneticPopulation, rank: Integers, key: Key) -> Floats:
        """Cross two parents, each the better of two members, and mutate the result; (d,)."""
        drawn = (key.fold("parents").uniform(4) * len(state)).astype(np.int64)
        first, second = (min(pair, key=lambda one: self._order(state, rank, one)) for pair in (drawn[:2], drawn[2:]))
        dimensions = self.space.dimensions
        fill = self.space.warp(key.fold("fill").uniform((1, dimensions)))[0]
        here, there = (np.where(np.isnan(p), fill, p) for p in (state.points[first], state.points[second]))
        crossed = self._crossed(here, there, key.fold("cross"))
        mutate = key.fold("mutate").uniform(dimensions) < 1.0 / dimensions
        child = np.where(mutate, _mutated(crossed, key.fold("mutation").uniform(dimensions)), crossed)
        categories = np.array([column.kind == "category" for column in self.space.columns])
        anew = key.fold("category").uniform(dimensions)
        found: Floats = np.where(mutate & categories, anew, child)
        return found

    def _order(self, state: GeneticPopulation, rank: Integers, member: int) -> tuple[float, int]:
        """Give what a tournament compares: NSGA-III's has no preference among feasible members (section IV.F)."""
        if self.niched and self.objectives > 1:
            return float(state.violations[member]), 0
        return 0.0, int(rank[member])

    def _crossed(self, here: Floats, there: Floats, key: Key) -> Floats:
        """Cross two points by simulated binary crossover; of a category the child has that of one parent."""
        dimensions = len(here)
        draws = key.uniform((4, dimensions))
        taking_part = (draws[0] < _EACH) & (float(key.fold("whole").uniform(1)[0]) < _CROSSING)
        u = draws[1]
        power = 1.0 / (_SPREAD + 1.0)
        spread = np.where(u <= 0.5, (2.0 * u) ** power, (1.0 / np.maximum(2.0 * (1.0 - u), 1e-300)) ** power)
        side = np.where(draws[2] < 0.5, 1.0, -1.0)
        blended = np.clip(0.5 * ((here + there) + side * spread * (here - there)), 0.0, 1.0)
        categories = np.array([column.kind == "category" for column in self.space.columns])
        chosen = np.where(draws[3] < 0.5, here, there)
        found: Floats = np.where(taking_part, np.where(categories, chosen, blended), here)
        return found


def _mutated(point: Floats, u: Floats) -> Floats:
    """Mutate each coordinate by a polynomial distribution that ends at the bounds (Deb and Goyal 1996); (d,)."""
    power = 1.0 / (_SPREAD + 1.0)
    low = (2.0 * u + (1.0 - 2.0 * u) * (1.0 - point) ** (_SPREAD + 1.0)) ** power - 1.0
    high = 1.0 - (2.0 * (1.0 - u) + 2.0 * (u - 0.5) * point ** (_SPREAD + 1.0)) ** power
    found: Floats = np.clip(point + np.where(u < 0.5, low, high), 0.0, 1.0)
    return found
