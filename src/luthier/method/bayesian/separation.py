"""Separation of a proposal from what was tried, where small differences mean nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Bools, Floats, Integers
from luthier.data import Data

_DISTANCE = 0.4
"""The least distance from a trial, in units of the average gap between trials of up to three variables."""
_FEWEST_IN_BOX = 2
"""So many trials with the same values span a box."""
_LATEST = 200
"""Of earlier trials than so many no boxes are made, so that the cost does not grow without bound."""
_INACTIVE = 9.0
_SAMPLE = 500  # boxes by which it is seen along which variable few of them overlap
_PAIRS = 250_000  # of points and boxes that are looked at together: some 8 MB at the most
_ROUNDING = 1e-9


class KnownPoints(Protocol):
    """The points that are not to be proposed."""

    def fresh(self, points: Floats) -> NDArray[np.bool_]:
        """Tell which of `points` (q, d) may be proposed; shape (q,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """The points whose results are known without a trial: those all but equal to one that was tried.

    They lie in boxes, sorted by their lower ends along the variable that tells them apart best; `_INACTIVE` stands for
    a variable that is not active.

    Args:
        lows: (b, d) of the boxes.
        highs: (b, d) of these.
        column: the variable by which they are sorted.
    """

    lows: Floats
    highs: Floats
    column: int

    @classmethod
    def of(cls, lows: Floats, highs: Floats) -> Separation:
        """Sort boxes (b, d) that are given in any order. Cost O(b (d + log b))."""
        sample = slice(None, None, max(1, len(lows) // _SAMPLE))
        probed, ends = np.sort(lows[sample], axis=0), np.sort(highs[sample], axis=0)
        around = [
            np.searchsorted(probed[:, j], probed[:, j], "right").sum() - np.searchsorted(ends[:, j], probed[:, j]).sum()
            for j in range(lows.shape[1])
        ]
        column = int(np.argmin(around))
        order = np.argsort(lows[:, column], kind="stable")
        return cls(lows[order], highs[order], column)

    def clear(self, points: Floats) -> NDArray[np.bool_]:
        """Tell which of `points` (q, d) are none of these; shape (q,). Cost O(q log b) and that of the pairs near.

        Pairs that are apart in one variable are not compared in the next.
        """
        at, found = _filled(points), np.ones(len(points), dtype=bool)
        size = max(1, _PAIRS // max(len(self.lows), 1))
        for first in range(0, len(points), size):
            found[first + self._inside(at[first : first + size])] = False
        return found

    def _inside(self, at: Floats) -> Integers:
        """Give the rows of `at` (q, d) that lie in a box, some of them several times."""
        rows, boxes = self._near(at[:, self.column])
        for j in [self.column, *(j for j in range(at.shape[1]) if j != self.column)]:
            value = at[rows, j]
            kept = (value >= self.lows[boxes, j]) & (value <= self.highs[boxes, j])
            rows, boxes = rows[kept], boxes[kept]
        return rows

    def _near(self, values: Floats) -> tuple[Integers, Integers]:
        """Give pairs of rows and boxes, with all those whose box holds the value of the row along `column`."""
        lows = self.lows[:, self.column]
        widest = float((self.highs[:, self.column] - lows).max(initial=0.0)) + _ROUNDING
        first, last = np.searchsorted(lows, values - widest), np.searchsorted(lows, values, "right")
        counts = np.maximum(last - first, 0)
        places = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(np.arange(len(values)), counts), np.repeat(first, counts) + places


@dataclass(frozen=True, slots=True, eq=False)
class SeparatedPoints:
    """The points that were evaluated, and those that are all but equal to one of them.

    Args:
        evaluated: the points that were.
        separation: tells the others.
    """

    evaluated: KnownPoints
    separation: Separation

    def fresh(self, points: Floats) -> NDArray[np.bool_]:
        """See `KnownPoints.fresh`."""
        return self.evaluated.fresh(points) & self.separation.clear(points)


def separate(data: Data, doubt: float) -> Separation | None:
    """Give the separation from all trials of the data.

    With n trials of d variables it is ``0.4 doubt n^(-1/min(d, 3))`` along a number, and twice that with several
    objectives; categories are all but equal only if they are equal. Of several objectives, trials with the same values
    span boxes where no other one lies between them. Where outcome constraints leave a part of the space, it is the
    smaller by how little of each number's range the feasible trials take up: a small feasible region would have no room
    left.

    Args:
        data: what is known.
        doubt: how far small differences of losses mean nothing, in [0, 1].

    Returns:
        None where nothing is to be kept apart from.
    """
    several = data.losses.shape[1] > 1
    if not doubt or not data.columns or not len(data):
        return None
    distance = _DISTANCE * (1 + several) * doubt * len(data) ** (-1.0 / min(len(data.columns), 3))
    widths = np.array([distance if column.kind == "number" else 0.0 for column in data.columns]) * _extents(data)
    lows, highs = _boxes(data) if several else (data.x[:0], data.x[:0])
    tried = np.concatenate([data.x, data.failed, data.pending])
    lows, highs = np.concatenate([tried - widths, lows]), np.concatenate([tried + widths, highs])
    return Separation.of(_filled(lows), _filled(highs))


def _extents(data: Data) -> Floats:
    """Give the width of the feasible trials along each column, as a share of that of all trials; (d,), in [0, 1]."""
    kept = data.feasible
    if kept.all():
        return np.ones(data.x.shape[1])
    whole, part = (_widths(rows) for rows in (data.x, data.x[kept]))
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def _widths(x: Floats) -> Floats:
    """Give the width of points (n, d) along each column; 0 where it is active in none."""
    lows = np.where(np.isnan(x), np.inf, x).min(axis=0, initial=np.inf)
    highs = np.where(np.isnan(x), -np.inf, x).max(axis=0, initial=-np.inf)
    return np.where(highs >= lows, highs - lows, 0.0)


def _boxes(data: Data) -> tuple[Floats, Floats]:
    """Give boxes, (b, d) each, around trials that agree in all values, in all categories and in what is active.

    No trial with other values lies in one: where plateaus meet at a corner, what lies between them is not known. Only
    the latest 200 trials count. Cost O(b n² d) for b boxes.
    """
    x, losses = _filled(data.x[-_LATEST:]), data.losses[-_LATEST:]
    marks = [np.isnan(data.x[-_LATEST:])]
    marks += [x[:, [j]] for j, column in enumerate(data.columns) if column.kind != "number"]
    groups = np.unique(np.concatenate([losses, *marks], axis=1), axis=0, return_inverse=True)[1].ravel()
    values = np.unique(losses, axis=0, return_inverse=True)[1].ravel()
    found = list[tuple[Floats, Floats]]()
    for group in np.flatnonzero(np.bincount(groups) >= _FEWEST_IN_BOX):
        members = np.flatnonzero(groups == group)
        found += _cover(x[members], x[values != values[members[0]]])
    return (np.stack([low for low, _ in found]), np.stack([high for _, high in found])) if found else (x[:0], x[:0])


def _cover(members: Floats, others: Floats) -> list[tuple[Floats, Floats]]:
    """Cover points (m, d) with boxes that hold none of the others (n, d): the ends, (d,) each, of those that hold two.

    A box grows from a point that no other box holds, by the nearest points first.
    """
    found = list[tuple[Floats, Floats]]()
    left = np.ones(len(members), dtype=bool)
    while left.any():
        start = members[np.argmax(left)]
        low, high = start, start
        for point in members[np.argsort(((members - start) ** 2).sum(axis=1), kind="stable")]:
            wider = np.minimum(low, point), np.maximum(high, point)
            if not _holds(*wider, others).any():
                low, high = wider
        held = _holds(low, high, members)
        left[held] = False
        if held.sum() >= _FEWEST_IN_BOX:
            found.append((low, high))
    return found


def _holds(low: Floats, high: Floats, points: Floats) -> Bools:
    """Tell which points (n, d) lie in a box; (n,)."""
    found: Bools = np.logical_and.reduce((points >= low) & (points <= high), axis=1)
    return found


def _filled(points: Floats) -> Floats:
    """Give points with a number far outside [0, 1] for inactive variables, which are alike if they are so in both."""
    filled: Floats = np.where(np.isnan(points), _INACTIVE, points)
    return filled
