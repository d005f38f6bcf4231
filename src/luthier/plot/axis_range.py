"""Ranges of axes: ends with a margin, and ends that a few values far out do not move."""

from __future__ import annotations

import math

import numpy as np

from luthier._typing import Floats

LARGEST = 1e306
"""The largest number that is drawn where it is, so that the ends of axes are numbers, too."""
_LEAST_POWER, _LARGEST_POWER = -303.0, 303.0
_MARGIN = 0.06
_FAR = 4.0
"""How many times farther out than the other values the worst ones must lie to be drawn at the edge."""


def padded(low: float, high: float, log: bool = False, margin: float = _MARGIN) -> tuple[float, float]:
    """Give the ends of an axis that holds two values, with a margin."""
    if log:
        first, last = math.log10(low), math.log10(high)
        room = margin * (last - first) if last > first else 0.3
        return 10 ** max(first - room, _LEAST_POWER), 10 ** min(last + room, _LARGEST_POWER)
    low, high = max(low, -LARGEST), min(high, LARGEST)
    if high > low:
        room = margin * (high - low)
        return low - room, high + room
    low, high = min(low, LARGEST), max(high, -LARGEST)
    room = 0.05 * abs(low) or 0.5
    return low - room, high + room


def without_far(values: Floats, maximize: bool) -> tuple[float, float]:
    """Give the ends of the values, a few bad ones far out left aside: at most a tenth of them.

    Args:
        values: (n,) finite, at least one.
        maximize: whether small values are the bad ones.
    """
    losses = -values if maximize else values
    best, worst = float(losses.min()), float(losses.max())
    inner = float(np.quantile(losses, 0.9, method="lower"))
    if inner > best and worst - best > _FAR * (inner - best):
        worst = inner + (inner - best)  # what is not far out is drawn where it is
        worst = float(losses[losses <= worst].max())
    return (-worst, -best) if maximize else (best, worst)
