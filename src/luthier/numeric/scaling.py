"""Scalings of losses before a model sees them. Each keeps their order; all but `given` give mean 0 and variance 1 or 0.

An objective's bad values can be so bad, or so many, that a model of the plain values sees nothing else. These make room
for what matters, the differences among the good ones, each by another belief about what the bad ones say.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from luthier._typing import Floats

_MOST_POWER = 5.0
"""Exponents beyond this (or below its negative) make no losses more normal that a model could tell apart."""


def standard(y: Floats) -> Floats:
    """Subtract the mean, divide by the standard deviation; what is far above the median is pulled in.

    Losses above the median by more than three times the spread of the better half grow only logarithmically from
    there on, so that one catastrophe does not flatten everything else.
    """
    y = _tame(y)
    middle = np.median(y)
    spread = _spread(y, middle)
    if spread > 0:
        bound = middle + 3.0 * spread
        y = np.where(y > bound, bound + spread * np.log1p(np.maximum(y - bound, 0.0) / spread), y)
    return _unit(y)


def half_rank(y: Floats) -> Floats:
    """Keep the better half as it is, and give the worse half a normal shape by its ranks.

    Source: Song et al. (2024), The Vizier Gaussian process bandit algorithm, arXiv 2408.11527, section 3.2.
    """
    from scipy.special import ndtri

    y = _tame(y)
    middle = np.median(y)
    spread = _spread(y, middle)
    if spread <= 0:
        return rank(y)
    return _unit(np.where(y <= middle, (y - middle) / spread, np.maximum(ndtri(_quantiles(y)), 0.0)))


def rank(y: Floats) -> Floats:
    """Replace losses by the normal quantiles of their ranks (Blom 1958); ties share one."""
    from scipy.special import ndtri

    return _unit(ndtri(_quantiles(_tame(y))))


def log_gap(y: Floats) -> Floats:
    """Take logarithms of the distance to just below the best: stretches the neighbourhood of the optimum."""
    y = _tame(y)
    spread = np.median(y) - y.min()
    return _unit(np.log(y - y.min() + 0.1 * spread)) if spread > 0 else rank(y)


def power(y: Floats) -> Floats:
    """Take the power transformation of Yeo and Johnson that makes the standardised losses most normal.

    Source: Yeo and Johnson (2000), A new family of power transformations, eq. 2.1, and eq. 3.1 for the likelihood.
    """
    from scipy.optimize import fminbound

    y = _unit(_tame(y))
    if not y.any():
        return y
    sign_log = float(np.sum(np.sign(y) * np.log1p(np.abs(y))))

    def unlikely(shape: float) -> float:
        return 0.5 * len(y) * math.log(max(float(np.var(_yeo_johnson(y, shape))), 1e-300)) - (shape - 1.0) * sign_log

    return _unit(_yeo_johnson(y, float(fminbound(unlikely, -_MOST_POWER, _MOST_POWER, xtol=1e-4))))


def given(y: Floats) -> Floats:
    """Keep the losses as they are, up to 1e100: for what was scaled before, or has a zero that means something."""
    return np.clip(y, -1e100, 1e100)


SCALINGS: dict[str, Callable[[Floats], Floats]] = {
    "standard": standard,
    "half rank": half_rank,
    "rank": rank,
    "log gap": log_gap,
    "power": power,
    "given": given,
}

COMPARABLE = ("standard", "power", "log gap")
"""Scalings that have a slope: smooth functions of a loss, given the parameters that they take from all the losses.

Ranks are none. Their slope is one over the distance to the next loss, so that they fit any losses perfectly, and an
evidence that counts slopes would always choose them.
"""


def log_slopes(y: Floats, scaled: Floats) -> Floats:
    """Give log(d scaled / d y), up to a constant that depends on `y` alone, at each of n losses; shape (n,).

    The density of the losses is that of the scaled ones times these slopes, so that models of losses on several scales
    can be compared by how probable they make the losses. The slope at a loss is that of the line from the next lower to
    the next higher one.
    """
    values, place = np.unique(_tame(y), return_inverse=True)
    if len(values) < 2:
        return np.zeros(len(y))
    heights = np.empty(len(values))
    heights[place] = scaled
    left = np.maximum(np.arange(len(values)) - 1, 0)
    right = np.minimum(np.arange(len(values)) + 1, len(values) - 1)
    slopes = (heights[right] - heights[left]) / (values[right] - values[left])
    logs: Floats = np.log(np.maximum(slopes, 1e-300))[place]
    return logs


def _yeo_johnson(y: Floats, shape: float) -> Floats:
    """Give sign-dependent powers; logarithms where the exponent vanishes."""
    up, down = np.log1p(np.maximum(y, 0.0)), np.log1p(np.maximum(-y, 0.0))
    return _power_of(up, shape) - _power_of(down, 2.0 - shape)


def _power_of(log: Floats, exponent: float) -> Floats:
    """Give ((exp log) ** exponent - 1) / exponent."""
    return log if abs(exponent) < 1e-12 else np.asarray(np.expm1(exponent * log) / exponent, dtype=np.float64)


def _tame(y: Floats) -> Floats:
    """Bring losses of any size, 1e300 and 1e-300 too, to where sums of squares neither overflow nor vanish."""
    low, high = y.min(), y.max()
    width = 0.5 * high - 0.5 * low
    if not width > 0:
        return np.zeros_like(y)
    tame: Floats = (0.5 * y - 0.5 * low) / width
    return tame


def _spread(y: Floats, middle: float) -> float:
    """Give the root mean square distance of the better half from the median."""
    better = y[y <= middle]
    return float(np.sqrt(np.mean((better - middle) ** 2)))


def _unit(y: Floats) -> Floats:
    std = float(y.std())
    if not std > 0:
        return np.zeros_like(y)
    unit: Floats = (y - y.mean()) / std
    return unit


def _quantiles(y: Floats) -> Floats:
    order = np.argsort(y, kind="stable")
    ranked = y[order]
    first = np.searchsorted(ranked, y, side="left")
    last = np.searchsorted(ranked, y, side="right")
    middle = 0.5 * (first + last + 1).astype(np.float64)
    quantiles: Floats = (middle - 0.375) / (len(y) + 0.25)
    return quantiles
