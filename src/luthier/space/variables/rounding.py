"""Scale and rounding of numbers, so that a value survives being encoded and decoded.

A point of [0, 1] has about 16 digits. Decoded values are rounded to fewer: to 12 decimals less the magnitude of the
larger bound on a linear scale, to 12 significant digits on a log scale. Then the error of the way to [0, 1] and back is
much smaller than half a rounding step, and ``decode(encode(x)) == x`` exactly. Numbers are scaled by exact powers of
ten only, so that the result is the double nearest to the decimal: the one that a person's ``0.3`` denotes. In a range
so narrow that this would leave few values, the way to [0, 1] and back is exact by itself, and nothing is rounded.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats

DIGITS = 12
_FEWEST = 10**6
"""A narrow range that rounding would leave fewer values is not rounded."""
_NO_ROUNDING = 400  # decimals: more than any double has before they are zero
_EXACT = 22  # 10**22 is the largest power of ten that is a double

Rounder = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class DistributionScale:
    """The way between a value and [0, 1]: u = (f(value) - start) / width, where f is the identity or the logarithm.

    Args:
        start: f of the value at u = 0.
        width: f of the value at u = 1, less `start`; more than 0.
        log: whether f is the natural logarithm.
    """

    start: float
    width: float
    log: bool

    def place(self, values: Floats) -> Floats:
        """Turn values into [0, 1]; any shape."""
        return ((np.log(values) if self.log else values) - self.start) / self.width

    def value(self, places: Floats) -> Floats:
        """Turn [0, 1] into values; any shape."""
        found: Floats = self.start + places * self.width
        return np.exp(found) if self.log else found


def magnitude(value: float) -> int:
    """Return the exponent of the leading decimal digit of a positive number."""
    return int(f"{value:e}".partition("e")[2])


class LinearRounding:
    """Round to a fixed number of decimals, then clip to a range.

    Args:
        low: the smallest value.
        high: the largest value, more than `low`.
        stepped: whether the values are in steps, which are decimals in a narrow range, too.
    """

    def __init__(self, low: float, high: float, stepped: bool = False) -> None:
        largest = max(abs(low), abs(high))
        narrow = high - low < largest / 10
        self.low, self.high = low, high
        self.decimals = DIGITS - magnitude(largest) + (1 if narrow else 0)
        if narrow and not stepped and (high - low) * 10.0 ** min(self.decimals, 300) < _FEWEST:
            self.decimals = _NO_ROUNDING
        self._exact = 0 <= self.decimals <= _EXACT
        self.scale = 10.0**self.decimals if self._exact else math.nan

    def one(self, value: float) -> float:
        """Round one number."""
        rounded = round(value * self.scale) / self.scale if self._exact else round(value, self.decimals) + 0.0
        return self.low if rounded < self.low else self.high if rounded > self.high else rounded

    def many(self, values: Floats) -> Floats:
        """Round an array of any shape; NaN stays."""
        if self._exact:
            rounded: Floats = np.rint(values * self.scale) / self.scale + 0.0  # -0.0 becomes 0.0
        else:
            rounded = _each(values, lambda value: round(value, self.decimals) + 0.0)
        found: Floats = np.minimum(np.maximum(rounded, self.low), self.high)
        return found


class LogRounding:
    """Round to 12 significant digits, then clip to a range of positive numbers."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high
        first, last = magnitude(low), magnitude(high)
        decimals = range(DIGITS - 1 - first, DIGITS - 2 - last, -1)  # one entry a decade of the range
        self._exact = decimals[0] <= _EXACT and decimals[-1] >= 0
        if self._exact:
            self._edges = np.array([float(f"1e{decade}") for decade in range(first + 1, last + 1)])
            self._scales = np.array([10.0**count for count in decimals])
            self._lists: tuple[list[float], list[float]] = (self._edges.tolist(), self._scales.tolist())

    def one(self, value: float) -> float:
        """Round one number."""
        if self._exact:
            edges, scales = self._lists
            scale = scales[bisect_right(edges, value)]
            rounded = round(value * scale) / scale
        else:
            rounded = _significant(value)
        return self.low if rounded < self.low else self.high if rounded > self.high else rounded

    def many(self, values: Floats) -> Floats:
        """Round an array of any shape; NaN stays."""
        if self._exact:
            scales = self._scales[self._edges.searchsorted(values, side="right")]
            rounded: Floats = np.rint(values * scales) / scales
        else:
            rounded = _each(values, _significant)
        found: Floats = np.minimum(np.maximum(rounded, self.low), self.high)
        return found


def _significant(value: float) -> float:
    return float(f"{value:.{DIGITS - 1}e}")


def _each(values: Floats, rounder: Rounder) -> Floats:
    flat = [value if value != value else rounder(value) for value in values.ravel().tolist()]
    return np.array(flat, dtype=np.float64).reshape(values.shape)
