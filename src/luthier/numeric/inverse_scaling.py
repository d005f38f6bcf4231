"""Inverse of a scaling of losses: a monotone piecewise linear map."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats

_REACH = 0.25
"""The slope beyond the ends is taken over this distance on the scale (in standard deviations) next to them: short
enough for the tangent of a curve, and long enough not to be that of two losses that differ by rounding."""
_LARGEST = 1e308


@dataclass(frozen=True, slots=True, eq=False)
class InverseScaling:
    """A piecewise linear, strictly increasing map between a scale and losses.

    It is exact at the observed losses, and wherever the scaling is affine (of ``standard`` and ``half rank`` the better
    half, and below the lowest loss). Between two losses on a curved part it is linear, and it is extrapolated linearly
    beyond the ends. Quantiles can be mapped by it, means cannot.

    Args:
        scaled: (k,) the losses on the scale, strictly increasing, k at least 2.
        losses: (k,) the losses in units of `unit`, not decreasing.
        unit: the size of the largest loss.
        below: the slope below the first of them, at least 0.
        above: the slope above the last, at least 0.
    """

    scaled: Floats
    losses: Floats
    unit: float
    below: float
    above: float

    @classmethod
    def through(cls, losses: Floats, scaled: Floats) -> InverseScaling | None:
        """Interpolate n `losses` (n,) given on the scale as `scaled` (n,); None where that is a single point.

        Cost O(n log n).
        """
        places, first = np.unique(scaled, return_index=True)
        if len(places) < 2:
            return None
        unit = max(float(np.abs(losses).max()), 1e-300)
        kept = np.maximum.accumulate(losses[first] / unit)
        return cls(places, kept, unit, _slope(places, kept, 0), _slope(places, kept, -1))

    def to_losses(self, scaled: Floats) -> Floats:
        """Map values on the scale, of any shape, to losses. Cost O(log k) each."""
        inside = np.interp(scaled, self.scaled, self.losses)
        inside += self.below * np.minimum(scaled - self.scaled[0], 0.0)
        inside += self.above * np.maximum(scaled - self.scaled[-1], 0.0)
        bound = _LARGEST / max(self.unit, 1.0)
        losses: Floats = np.clip(inside, -bound, bound) * self.unit
        return losses

    def to_scale(self, losses: Floats) -> Floats:
        """Map losses, of any shape, to values on the scale. Cost O(log k) each."""
        at = losses / self.unit
        placed = np.interp(at, self.losses, self.scaled)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            low = np.minimum(at - self.losses[0], 0.0) / self.below
            high = np.maximum(at - self.losses[-1], 0.0) / self.above
        found: Floats = placed + np.nan_to_num(low, nan=0.0) + np.nan_to_num(high, nan=0.0)
        return found


def _slope(scaled: Floats, losses: Floats, end: int) -> float:
    """Give the slope at an end (0 or -1): from there to the nearest point that is `_REACH` away, or the farthest."""
    away = np.abs(scaled - scaled[end])
    far = np.flatnonzero(away >= min(_REACH, float(away.max())))
    other = far[0] if end == 0 else far[-1]
    slope = float((losses[other] - losses[end]) / (scaled[other] - scaled[end]))
    return slope if math.isfinite(slope) else 0.0
