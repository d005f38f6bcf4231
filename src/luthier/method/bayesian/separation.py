"""Separation of a proposal from what was tried, where small differences mean nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.data import Data

_DISTANCE = 0.4
"""The least distance from a trial, in units of the average gap between trials of up to three variables."""
_FEWEST_IN_BOX = 2
"""So many trials with the same values span a box."""
_INACTIVE = 9.0


class KnownPoints(Protocol):
    """The points that are not to be proposed."""

    def fresh(self, points: Floats) -> NDArray[np.bool_]:
        """Tell which of `points` (q, d) may be proposed; shape (q,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """The points whose results are known without a trial: those all but equal to one that was tried.

    They lie in boxes; `_INACTIVE` stands for a variable that is not active.

    Args:
        lows: (b, d) of the boxes.
        highs: (b, d) of these.
    """

    lows: Floats
    highs: Floats

    def clear(self, points: Floats) -> NDArray[np.bool_]:
        """Tell which of `points` (q, d) are none of these; shape (q,). Cost O(q b) and that of the pairs still close.

        Pairs that are apart in one variable are not compared in the next.
        """
        at = _filled(points)
        rows, boxes = np.nonzero((at[:, :1] >= self.lows[:, 0]) & (at[:, :1] <= self.highs[:, 0]))
        for j in range(1, points.shape[1]):
            value = at[rows, j]
            kept = (value >= self.lows[boxes, j]) & (value <= self.highs[boxes, j])
            rows, boxes = rows[kept], boxes[kept]
        found = np.ones(len(points), dtype=bool)
        found[rows] = False
        return found


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
    span boxes.

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
    widths = np.array([distance if column.kind == "number" else 0.0 for column in data.columns])
    lows, highs = _boxes(data) if several else (data.x[:0], data.x[:0])
    tried = np.concatenate([data.x, data.failed, data.pending])
    return Separation(_filled(np.concatenate([tried - widths, lows])), _filled(np.concatenate([tried + widths, highs])))


def _boxes(data: Data) -> tuple[Floats, Floats]:
    """Give the boxes, (b, d) each, of the trials that agree in all values, in all categories and in what is active."""
    marks = [np.isnan(data.x)]
    marks += [data.x[:, [j]] for j, column in enumerate(data.columns) if column.kind != "number"]
    key = np.nan_to_num(np.concatenate([data.losses, *marks], axis=1), nan=-1.0)
    groups = np.unique(key, axis=0, return_inverse=True)[1].ravel()
    counts = np.bincount(groups)
    members = [data.x[groups == group] for group in np.flatnonzero(counts >= _FEWEST_IN_BOX)]
    if not members:
        return data.x[:0], data.x[:0]
    return np.stack([some.min(axis=0) for some in members]), np.stack([some.max(axis=0) for some in members])


def _filled(points: Floats) -> Floats:
    """Give points with a number far outside [0, 1] for inactive variables, which are alike if they are so in both."""
    filled: Floats = np.where(np.isnan(points), _INACTIVE, points)
    return filled
