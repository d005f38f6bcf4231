"""Hit-and-run sampling of feasible sets that nothing simpler reaches.

A population that starts uniform over the cube is brought to the feasible set in levels: at each level the half that
breaks the constraints least is kept and multiplied, and every member moves at random within what is now allowed. The
moves leave the uniform distribution as it is, so the last population is (about) uniform over the feasible set, also
where that has several parts. Draws start from a member of it and move on.

Sources: Cérou, Del Moral, Furon and Guyader (2012), Sequential Monte Carlo for rare event estimation, Statistics and
Computing 22; Smith (1984), Efficient Monte Carlo procedures for generating points uniformly distributed over bounded
regions, Operations Research 32 (hit-and-run); Neal (2003), Slice sampling, Annals of Statistics 31 (shrinkage).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from luthier._typing import Bools, Floats
from luthier.key import Key

_MEMBERS = 1536
_LEVELS = 300
_PATIENCE = 12
# Staying where a bracket was shrunk so often keeps the balance: the same refusals lead from either point to the other.
_SHRINKS = 16
_CHUNK = 8192
_TRIES = 24
_NOTHING = 1e-13

Measure = Callable[[Floats], Floats]


class HitAndRun:
    """Draw from {u in the cube: measure(u) == 0}, about uniformly.

    Args:
        width: number of columns.
        measure: points (n, width) to how much each breaks the constraints, 0 where it does not.
        key: the stream of the population.
        guided: whether the measure falls towards the feasible set; where it is just 0 or 1, chance has to find it.
    """

    def __init__(self, width: int, measure: Measure, key: Key, guided: bool = True) -> None:
        self.width = width
        self.measure = measure
        self.moves = 16 + 3 * width
        self.population = self._populate(key) if guided else np.empty((0, width))
        if not self.found:
            self.population = self._stumble(key.fold("chance"))

    @property
    def found(self) -> bool:
        """Whether a feasible point was found."""
        return len(self.population) > 0

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points (count, width); expected cost O(count · width)."""
        chunks = [
            self._draw(key.fold("chunk", i), min(_CHUNK, count - start))
            for i, start in enumerate(range(0, count, _CHUNK))
        ]
        return np.concatenate(chunks) if chunks else np.empty((0, self.width))

    def _draw(self, key: Key, count: int) -> Floats:
        points = self.population[key.fold("start").integers(len(self.population), count)]
        for move in range(self.moves):
            points = self._move(key.fold("move", move), points, 0.0)
        return points

    def _populate(self, key: Key) -> Floats:
        points = key.fold("begin").uniform((2 * _MEMBERS, self.width))
        broken = self.measure(points)
        level, waited = np.inf, 0
        for turn in range(_LEVELS):
            before, level = level, float(np.sort(broken)[(len(broken) - 1) // 2])
            waited = waited + 1 if level >= before else 0
            if waited > _PATIENCE or 0 < level < _NOTHING:
                break
            kept = points[broken <= level]
            points = kept[key.fold("pick", turn).integers(len(kept), _MEMBERS)]
            self.population = points  # directions are differences of members
            for move in range(8 if level > 0 else 4 * self.moves):
                points = self._move(key.fold("level", turn, move), points, level)
            broken = self.measure(points)
            if level == 0:
                return points
        return np.empty((0, self.width))

    def _stumble(self, key: Key) -> Floats:
        """Find feasible points by drawing very many, and multiply them."""
        found, total = [], 0
        for turn in range(_TRIES):
            points = key.fold("try", turn).uniform((_CHUNK, self.width))
            found.append(points[self.measure(points) == 0])
            total += len(found[-1])
            if total >= _MEMBERS // 24:
                break
        hits = np.concatenate(found)
        if len(hits) == 0:
            return hits
        self.population = points = hits[key.fold("pick").integers(len(hits), _MEMBERS)]
        for move in range(2 * self.moves):
            points = self._move(key.fold("move", move), points, 0.0)
        return points

    def _move(self, key: Key, points: Floats, level: float) -> Floats:
        """Move each point along a random line, to a uniform place among those that are allowed on it."""
        directions = self._directions(key, len(points))
        with np.errstate(all="ignore"):
            to_zero, to_one = -points / directions, (1.0 - points) / directions
        left = np.where(directions == 0, -np.inf, np.minimum(to_zero, to_one)).max(axis=1)
        right = np.where(directions == 0, np.inf, np.maximum(to_zero, to_one)).min(axis=1)
        moved, waiting = points.copy(), np.arange(len(points))
        for turn in range(_SHRINKS):
            drawn = key.fold("shrink", turn).uniform(len(waiting))
            step = left[waiting] + drawn * (right[waiting] - left[waiting])
            tried = points[waiting] + step[:, None] * directions[waiting]
            tried = np.clip(tried, 0.0, np.nextafter(1.0, 0.0))
            good = self.measure(tried) <= level
            moved[waiting[good]] = tried[good]
            left[waiting] = np.where(~good & (step < 0), step, left[waiting])
            right[waiting] = np.where(~good & (step >= 0), step, right[waiting])
            waiting = waiting[~good]
            if len(waiting) == 0:
                break
        return moved

    def _directions(self, key: Key, count: int) -> Floats:
        """Draw axes (a third) and differences of two members of the population, which know its shape."""
        members = key.fold("members").integers(len(self.population), (2, count))
        directions: Floats = self.population[members[0]] - self.population[members[1]]
        flat: Bools = np.abs(directions).max(axis=1) < 1e-12
        axis = flat | (key.fold("coin").uniform(count) < 1 / 3)
        chosen = key.fold("axis").integers(self.width, count)
        directions[axis] = np.eye(self.width)[chosen[axis]]
        return directions
