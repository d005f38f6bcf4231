"""Acquisition optimizer: random candidates, local search, gradient ascent; evaluated points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition import Criterion, SmoothCriterion
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.method.bayesian.constrained_ascent import follow_constraints
from luthier.method.bayesian.separation import KnownPoints
from luthier.setting_types import check_setting_types, settings_repr
from luthier.space import Space
from luthier.surrogate import supports

_SMALLEST, _LARGEST = 0.003, 0.5
"""The standard deviations of the changes that make candidates near the best points are log-uniform between these."""
_SCALES = (0.2, 0.1, 0.05, 0.02)
"""The standard deviations of the rounds of local search, in turn: from coarse to fine, and once more."""
_STEPS = 10
"""The steps of gradient ascent: local search has brought the candidates near the maximum."""


@translating_settings
@dataclass(frozen=True, slots=True)
class AcquisitionOptimizer:
    """Maximise a criterion over the feasible points that were not evaluated yet.

    Args:
        scattered: the number of candidates drawn from the whole space.
        nearby: the number of candidates that differ from one of the best points in one or two variables, by steps of
            all sizes.
        parents: the number of best points that have candidates around them.
        rounds: the number of rounds of local search; in each the best `climbers` candidates are mutated `tries` times.
        climbers: see `rounds`.
        tries: see `rounds`.
        ascents: the number of best candidates that are improved by gradient ascent at the end, where the criterion has
            gradients.

    Raises:
        InvalidSetting: a number is negative, or there are no candidates at all.
    """

    scattered: int = 1000
    nearby: int = 500
    parents: int = 5
    rounds: int = 8
    climbers: int = 5
    tries: int = 20
    ascents: int = 2

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        numbers = (self.scattered, self.nearby, self.rounds, self.ascents)
        if min(numbers) < 0 or min(self.parents, self.climbers, self.tries) < 1 or self.scattered + self.nearby < 1:
            raise InvalidSetting(f"{self}: give numbers of candidates, at least 1 in all")

    def maximise(self, space: Space, criterion: Criterion, best: Floats, known: KnownPoints, key: Key) -> Floats:
        """Give the candidates of the last round in the order of their values, the largest first.

        Args:
            space: what is feasible.
            criterion: the function to maximise.
            best: (k, d) the best points so far, the very best first; k may be 0.
            known: the points that are done or pending.
            key: the randomness.

        Returns:
            (r, d), settled, feasible, distinct and not known; r is 0 if no such candidate was found.

        Cost: that of the criterion at about scattered + nearby + rounds · climbers · tries points, and of the ascent.
        """
        points = self._candidates(space, best[: self.parents], key)
        points = _fresh(space, points, known)
        values = criterion.value(points) if len(points) else np.empty(0)
        for turn in range(self.rounds if len(points) else 0):
            chosen = np.argsort(-values, kind="stable")[: self.climbers]
            stream = key.fold("climb", turn)
            parents = np.repeat(points[chosen], self.tries, axis=0)
            scales = np.full(len(parents), _SCALES[turn % len(_SCALES)])
            children = _fresh(space, space.mutate(parents, stream, scales), known)
            points = np.concatenate([points[chosen], children])
            values = np.concatenate([values[chosen], criterion.value(children) if len(children) else np.empty(0)])
        order = np.argsort(-values, kind="stable")
        points, values = points[order], values[order]
        if not supports(criterion, SmoothCriterion) or not self.ascents:
            return points
        begun = points[: self.ascents][np.isfinite(values[: self.ascents])]
        along = follow_constraints(space, criterion, best[:1])
        if len(along):
            begun = np.concatenate([along[np.isfinite(criterion.value(along))], begun])
        ascended = _fresh(space, ascend(space, criterion, begun), known)
        if not len(ascended):
            return points
        points, values = np.concatenate([ascended, points]), np.concatenate([criterion.value(ascended), values])
        return points[np.argsort(-values, kind="stable")]

    def _candidates(self, space: Space, best: Floats, key: Key) -> Floats:
        scattered = space.sample(key.fold("scattered"), self.scattered) if self.scattered else best[:0]
        if not len(best) or not self.nearby:
            return scattered
        stream = key.fold("nearby")
        parents = best[stream.fold("parent").integers(len(best), self.nearby)]
        scales = _log_uniform(stream.fold("scale"), self.nearby, _SMALLEST, _LARGEST)
        return np.concatenate([scattered, space.mutate(parents, stream, scales, 0.5)])


def ascend(space: Space, criterion: SmoothCriterion, points: Floats) -> Floats:
    """Maximise by L-BFGS-B from each of `points` (k, d), settled, with finite values; shape (m, d) with m at most k.

    Only continuous, active variables move; categories and discrete numbers stay as they are. A point without a variable
    that can move is left out. Constraints are left to the caller.

    The sum of the values is maximised over all points at once: each term depends on its own point alone, k values cost
    little more than one, and the number of steps is about that for one point.

    Cost: up to 20 values with gradients, of k points each. Source: Byrd, Lu, Nocedal and Zhu (1995).
    """
    from scipy.optimize import fmin_l_bfgs_b

    free = np.zeros(points.shape, dtype=bool)
    free[:, space.continuous] = ~np.isnan(points[:, space.continuous])
    movable = free.any(axis=1)
    found, free = points[movable], free[movable]
    if not len(found):
        return found

    def loss(part: Floats) -> tuple[float, Floats]:
        rows = found.copy()
        rows[free] = part
        values, gradients = criterion.value_grad(rows)
        return -float(values.sum()), -gradients[free]

    bounds = [(0.0, 1.0)] * int(free.sum())
    found[free], _, _ = fmin_l_bfgs_b(loss, found[free], bounds=bounds, maxiter=_STEPS, maxfun=2 * _STEPS)
    return space.settle(found, np.where(np.isnan(found), 0.5, found))


class EvaluatedPoints:
    """A set of points, for telling which were evaluated; coordinates are compared after rounding to 9 digits.

    Only points whose column sums nearly coincide are hashed.

    Args:
        points: (n, d) each, NaN where inactive.
    """

    __slots__ = ("_names", "_points", "_sums", "_unnamed")

    def __init__(self, *points: Floats) -> None:
        self._points = [some for some in points if len(some)]
        self._unnamed: list[Floats] = []
        self._names: set[bytes] = set()
        self._sums = np.empty(0)

    def add(self, points: Floats) -> None:
        """Add points (q, d)."""
        self._points.append(points)

    def fresh(self, points: Floats) -> NDArray[np.bool_]:
        """Tell which of `points` (q, d) are neither known nor equal to an earlier one of them; shape (q,)."""
        if self._points:
            self._sums = np.sort(np.concatenate([self._sums, *map(_sums, self._points)]))
            self._unnamed += self._points
            self._points = []
        fresh = np.ones(len(points), dtype=bool)
        doubtful = np.flatnonzero(_near(_sums(points), self._sums, _ROUNDING * (points.shape[1] + 1)))
        if not len(doubtful):
            return fresh
        for some in self._unnamed:
            self._names.update(_named(some))
        self._unnamed = []
        seen: set[bytes] = set()
        for row, name in zip(doubtful.tolist(), _named(points[doubtful]), strict=True):
            fresh[row] = name not in self._names and name not in seen
            seen.add(name)
        return fresh


_PART = 1024
_DIGITS = 9
_ROUNDING = 2.0 * 10.0**-_DIGITS
"""More than two points that round alike differ in any column."""


def _sums(points: Floats) -> Floats:
    """Give the sum of each row, a part at a time: a copy of all points of a long study would be the largest array."""
    ones, sums = np.ones(points.shape[1]), np.empty(len(points))
    for first in range(0, len(points), _PART):
        part = points[first : first + _PART]
        np.matmul(np.where(np.isnan(part), -1.0, part), ones, out=sums[first : first + _PART])
    return sums


def _near(sums: Floats, known: Floats, width: float) -> NDArray[np.bool_]:
    """Tell which of the sums (q,) are within `width` of a known one (these are sorted), or of one another."""
    order = np.argsort(sums, kind="stable")
    close = np.diff(sums[order]) <= width
    near = np.zeros(len(sums), dtype=bool)
    near[order[1:]] = close
    near[order[:-1]] |= close
    return near | (np.searchsorted(known, sums - width, "left") < np.searchsorted(known, sums + width, "right"))


def _named(points: Floats) -> list[bytes]:
    if not points.shape[1]:
        return [b""] * len(points)
    rounded = np.round(np.where(np.isnan(points), -1.0, points), _DIGITS) + 0.0  # no negative zeros
    names: list[bytes] = np.ascontiguousarray(rounded).view(f"V{rounded.shape[1] * 8}")[:, 0].tolist()
    return names


def _fresh(space: Space, points: Floats, known: KnownPoints) -> Floats:
    points = points[known.fresh(points)]
    fresh: Floats = points[space.feasible(points)] if len(points) else points
    return fresh


def _log_uniform(key: Key, count: int, low: float, high: float) -> Floats:
    scales: Floats = low * np.exp(key.uniform(count) * math.log(high / low))
    return scales
