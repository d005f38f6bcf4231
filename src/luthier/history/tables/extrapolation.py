"""Losses at the full fidelity that trials with less of it are taken to have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats, Integers
from luthier.data import LearningCurves
from luthier.problem import Fidelity

_STEP = 3
"""The ratio of the units at neighbouring levels."""
_PRIOR = 4.0
"""So many trials speak for a slope of 1: a loss changes by as much as those of the others did."""
_SLOPES = (0.1, 10.0)
"""The order at a level is kept at the next one, however little it says of it: losses that tie would look certain."""
_LARGEST = 1e300
"""Losses count as at most this, so that nothing overflows."""


@dataclass(frozen=True, slots=True, eq=False)
class PartialLosses:
    """The trials that have reported at some fidelity (t of them).

    Args:
        numbers: (t,) of the trials, ascending.
        losses: (t,) at the full fidelity, extrapolated.
        share: (t,) of the fidelity at which each reported last: 0 at the lowest, 1 at the full one, by logarithms.
    """

    numbers: Integers
    losses: Floats
    share: Floats


def extrapolate(reports: LearningCurves, fidelity: Fidelity, done: Integers, losses: Floats) -> PartialLosses:
    """Extrapolate the last reports of trials to the full fidelity, level by level.

    From one level to the next the loss is a line of the loss before: a robust line of the trials that have both, drawn
    to a slope of 1, and never level. Schedulers let the best trials go on, by the loss before; that does not bias the
    line. Where no trial has both, the loss is taken to stay.

    Args:
        reports: of all trials.
        fidelity: of the problem.
        done: (n,) the numbers of the finished trials, ascending.
        losses: (n,) theirs.

    Cost O(r log r) for r reports.
    """
    levels = _levels(fidelity)
    at = np.full((len(reports.numbers), len(levels)), np.nan)
    place = np.searchsorted(levels, reports.step, side="right") - 1
    rows = np.flatnonzero(place >= 0)
    # Reports come by step: the first one of a trial at or after a level is the one that counts.
    cells, first = np.unique(reports.trial[rows] * len(levels) + place[rows], return_index=True)
    at.ravel()[cells] = reports.loss[rows[first]]
    finished = np.isin(reports.numbers, done)
    at[finished, -1] = losses[np.searchsorted(done, reports.numbers[finished])]
    at = np.clip(at, -_LARGEST, _LARGEST)
    known = np.flatnonzero(~np.isnan(at).all(axis=1) & ~finished)
    top = len(levels) - 1 - np.argmax(~np.isnan(at[:, ::-1]), axis=1)
    found = np.where(np.isnan(at).all(axis=1), np.nan, at[np.arange(len(at)), top])
    for level in range(len(levels) - 1):
        both = ~np.isnan(at[:, level]) & ~np.isnan(at[:, level + 1])
        slope, shift = _line(at[both, level], at[both, level + 1])
        going = top <= level
        found[going] = shift + slope * found[going]
    units = np.log(np.array(levels) / fidelity.low) / np.log(fidelity.high / fidelity.low)
    return PartialLosses(reports.numbers[known], found[known], units[top[known]])


def _levels(fidelity: Fidelity) -> list[int]:
    """Give the levels, ascending; the last one is the full fidelity."""
    found = [fidelity.high]
    while found[0] // _STEP >= fidelity.low:
        found.insert(0, round(found[0] / _STEP))
    return found if found[0] == fidelity.low else [fidelity.low, *found]


def _line(before: Floats, after: Floats) -> tuple[float, float]:
    """Fit ``after = shift + slope · before``; gives (slope, shift). Cost O(n log n) for n trials.

    The slope is the median of those between trials that are half of the ranks apart, and the line leaves as many trials
    above it as below: so one that diverged on its way does not turn the line for all others.

    Source: Theil (1950), A rank-invariant method of linear and polynomial regression analysis, the incomplete method.
    """
    if not len(before):
        return 1.0, 0.0
    order = np.argsort(before, kind="stable")
    x, y, half = before[order], after[order], (len(before) + 1) // 2
    run = x[half:] - x[: len(x) - half]
    apart = run > 0
    slope = 1.0
    if apart.any():
        with np.errstate(over="ignore"):
            steepness = np.median((y[half:] - y[: len(y) - half])[apart] / run[apart])
        slope = float(np.clip((len(x) * steepness + _PRIOR) / (len(x) + _PRIOR), *_SLOPES))
    return slope, float(np.median(y - slope * x))
