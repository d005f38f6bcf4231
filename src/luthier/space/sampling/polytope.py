"""Hit-and-run within linear inequalities, where the ends of every line are known."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats
from luthier.key import Key

_MEMBERS = 512
_LEVELS = 300
_CHUNK = 8192


class Polytope:
    """Draw from {u in the cube: rows @ u <= bounds}, about uniformly.

    A population that starts uniform over the cube is brought inside in levels, as in `hit_and_run`; but the allowed
    part of a line is an interval whose ends follow from the inequalities, so that no move is refused, and the
    inequalities along a difference of two members are the difference of theirs. A move costs O(members · (width + m)).

    Args:
        rows: (m, width) the coefficients.
        bounds: (m,).
        key: the stream of the population.

    Sources: those of `luthier.space.sampling.hit_and_run`.
    """

    def __init__(self, rows: Floats, bounds: Floats, key: Key) -> None:
        norms = np.linalg.norm(rows, axis=1)
        self.rows, self.bounds = rows / norms[:, None], bounds / norms
        self.width = rows.shape[1]
        self.moves = 16 + 3 * self.width
        self.population = np.empty((0, self.width))
        self._sides = np.empty((0, len(rows)))  # of the population
        self._populate(key)

    @property
    def found(self) -> bool:
        """Whether a feasible point was found."""
        return len(self.population) > 0

    def draw(self, key: Key, count: int) -> Floats:
        """Draw points (count, width); expected cost O(count · width · (width + m))."""
        chunks = [np.empty((0, self.width))]
        for turn, start in enumerate(range(0, count, _CHUNK)):
            stream, size = key.fold("chunk", turn), min(_CHUNK, count - start)
            points = self.population[stream.fold("start").integers(len(self.population), size)]
            chunks.append(self._walk(stream, points, self.moves, 0.0))
        return np.concatenate(chunks)

    def _populate(self, key: Key) -> None:
        points = key.fold("begin").uniform((2 * _MEMBERS, self.width))
        for turn in range(_LEVELS):
            excess = (points @ self.rows.T - self.bounds).max(axis=1)
            level = max(0.0, float(np.sort(excess)[(len(excess) - 1) // 2]))
            kept = points[excess <= level]
            points = kept[key.fold("pick", turn).integers(len(kept), _MEMBERS)]
            self.population, self._sides = points, points @ self.rows.T  # directions are differences of members
            points = self._walk(key.fold("level", turn), points, 8 if level > 0 else 2 * self.moves, level)
            if level == 0:
                self.population, self._sides = points, points @ self.rows.T
                return
        self.population = np.empty((0, self.width))

    def _walk(self, key: Key, points: Floats, moves: int, level: float) -> Floats:
        """Move points `moves` times, each time along a random line to a uniform place on its allowed part."""
        sides = points @ self.rows.T
        limits = self.bounds + level
        for move in range(moves):
            stream = key.fold("move", move)
            directions, slopes = self._directions(stream, len(points))
            left, right = _within(points, directions)
            low, high = _below(sides, limits, slopes)
            left, right = np.minimum(np.maximum(left, low), 0.0), np.maximum(np.minimum(right, high), 0.0)
            step = (left + stream.fold("step").uniform(len(points)) * (right - left))[:, None]
            points = np.clip(points + step * directions, 0.0, np.nextafter(1.0, 0.0))
            sides = sides + step * slopes
        return points

    def _directions(self, key: Key, count: int) -> tuple[Floats, Floats]:
        """Draw axes (a third) and differences of two members of the population; with the slopes of the inequalities."""
        members = key.fold("members").integers(len(self.population), (2, count))
        directions: Floats = self.population[members[0]] - self.population[members[1]]
        slopes: Floats = self._sides[members[0]] - self._sides[members[1]]
        axis = (np.abs(directions).max(axis=1) < 1e-12) | (key.fold("coin").uniform(count) < 1 / 3)
        chosen = key.fold("axis").integers(self.width, count)[axis]
        directions[axis] = np.eye(self.width)[chosen]
        slopes[axis] = self.rows[:, chosen].T
        return directions, slopes


def _within(points: Floats, directions: Floats) -> tuple[Floats, Floats]:
    """Return between which steps points (n, width) stay in the cube; two arrays (n,)."""
    with np.errstate(all="ignore"):
        inverse = 1.0 / directions
        to_zero = -points * inverse
        ends = to_zero + inverse
    still = directions == 0.0
    left: Floats = np.where(still, -np.inf, np.minimum(to_zero, ends)).max(axis=1)
    right: Floats = np.where(still, np.inf, np.maximum(to_zero, ends)).min(axis=1)
    return left, right


def _below(values: Floats, limits: Floats, slopes: Floats) -> tuple[Floats, Floats]:
    """Return between which steps ``values + step * slopes <= limits`` holds; two arrays (n,)."""
    with np.errstate(all="ignore"):
        steps = (limits - values) / slopes
    right: Floats = np.where(slopes > 0.0, steps, np.inf).min(axis=1)
    left: Floats = np.where(slopes < 0.0, steps, -np.inf).max(axis=1)
    return left, right
