"""Scalings of losses (output transforms) that keep their order.

An objective's bad values can be so large, or so many, that a model of the plain values fits nothing else. These
scalings emphasise the differences among the good values, each by another assumption about the bad ones. All but
``given`` give mean 0 and variance 1, or 0 where the losses are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from luthier._typing import Floats
from luthier.errors import InvalidSetting

_MOST_POWER = 5.0
"""Limit of the exponent's size: beyond it, losses do not become more normal by a difference that a model could see."""
_FAR, _VERY_FAR = 3.0, 30.0
"""In spreads of the better half above the median: from there on losses grow only logarithmically."""


def standard_scaling(y: Floats) -> Floats:
    """Subtract the mean and divide by the standard deviation, after compressing losses far above the median.

    From three times the spread of the better half above the median on, losses grow only logarithmically, so that one
    outlier does not flatten everything else.
    """
    return _standardize(_compressed(y, _FAR))


def linear_scaling(y: Floats) -> Floats:
    """Subtract the mean and divide by the standard deviation, after compressing losses very far above the median.

    As `standard_scaling`, but from thirty times the spread on: volumes are those of the losses themselves, also where
    an objective such as a size spans orders of magnitude.
    """
    return _standardize(_compressed(y, _VERY_FAR))


def half_rank_scaling(y: Floats) -> Floats:
    """Keep the better half up to its unit, and map the worse half to normal quantiles by its ranks.

    Source: Song et al. (2024), The Vizier Gaussian process bandit algorithm, arXiv 2408.11527, section 3.2.
    """
    from scipy.special import ndtri

    y = _to_unit_interval(y)
    middle = np.median(y)
    spread = _spread(y, middle)
    if spread <= 0:
        return rank_scaling(y)
    return _standardize(np.where(y <= middle, (y - middle) / spread, np.maximum(ndtri(_quantiles(y)), 0.0)))


def rank_scaling(y: Floats) -> Floats:
    """Replace losses by the normal quantiles of their ranks (Blom 1958); ties share one."""
    from scipy.special import ndtri

    return _standardize(ndtri(_quantiles(_to_unit_interval(y))))


def log_gap_scaling(y: Floats) -> Floats:
    """Take logarithms of the distance to a little below the lowest loss: stretches the neighbourhood of the optimum."""
    y = _to_unit_interval(y)
    spread = np.median(y) - y.min()
    return _standardize(np.log(y - y.min() + 0.1 * spread)) if spread > 0 else rank_scaling(y)


def power_scaling(y: Floats) -> Floats:
    """Take the power transformation of Yeo and Johnson that makes the standardised losses most normal.

    Source: Yeo and Johnson (2000), A new family of power transformations, eq. 2.1, and eq. 3.1 for the likelihood.
    """
    from scipy.optimize import fminbound

    y = _standardize(_to_unit_interval(y))
    if not y.any():
        return y
    sign_log = float(np.sum(np.sign(y) * np.log1p(np.abs(y))))

    def negative_log_likelihood(shape: float) -> float:
        return 0.5 * len(y) * math.log(max(float(np.var(_yeo_johnson(y, shape))), 1e-300)) - (shape - 1.0) * sign_log

    return _standardize(
        _yeo_johnson(y, float(fminbound(negative_log_likelihood, -_MOST_POWER, _MOST_POWER, xtol=1e-4)))
    )


def given_scaling(y: Floats) -> Floats:
    """Keep the losses as they are, within ±1e100: for losses that are scaled already, or whose zero has a meaning."""
    return np.clip(y, -1e100, 1e100)


SCALINGS: dict[str, Callable[[Floats], Floats]] = {
    "standard": standard_scaling,
    "linear": linear_scaling,
    "half rank": half_rank_scaling,
    "rank": rank_scaling,
    "log gap": log_gap_scaling,
    "power": power_scaling,
    "given": given_scaling,
}
"""The scalings by name."""

COMPARABLE_SCALINGS = ("standard", "power", "log gap")
"""Scalings that have a slope: smooth functions of a loss, given the parameters that they take from all the losses.

Ranks have none. Their slope is one over the distance to the next loss, so they fit any losses perfectly, and a
likelihood that counts slopes would always prefer them.
"""


def check_scaling(owner: str, scaling: str, *others: str) -> None:
    """Raise InvalidSetting, which names the setting's `owner`, unless `scaling` is one of `SCALINGS` or the others."""
    if scaling not in SCALINGS and scaling not in others:
        raise InvalidSetting(f"{owner}(scaling={scaling!r}): choose one of {', '.join((*SCALINGS, *others))}")


def log_scaling_slopes(y: Floats, scaled: Floats) -> Floats:
    """Give log(d scaled / d y), up to a constant that depends on `y` alone, at each of n losses; shape (n,).

    The density of the losses is that of the scaled ones times these slopes, so models on several scales can be compared
    by the density that they give the losses. The slope at a loss is that of the line from the next lower to the next
    higher one.
    """
    values, place = np.unique(_to_unit_interval(y), return_inverse=True)
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


def _to_unit_interval(y: Floats) -> Floats:
    """Map losses of any size, such as 1e300 and 1e-300, to [0, 1], so that squares neither overflow nor vanish."""
    low, high = y.min(), y.max()
    width = 0.5 * high - 0.5 * low
    if not width > 0:
        return np.zeros_like(y)
    unit: Floats = (0.5 * y - 0.5 * low) / width
    return unit


def _compressed(y: Floats, far: float) -> Floats:
    """Map losses to [0, 1], and take logarithms of what lies so many spreads of the better half above the median."""
    y = _to_unit_interval(y)
    middle = np.median(y)
    spread = _spread(y, middle)
    if spread > 0:
        bound = middle + far * spread
        y = np.where(y > bound, bound + spread * np.log1p(np.maximum(y - bound, 0.0) / spread), y)
    return y


def _spread(y: Floats, middle: float) -> float:
    """Give the root mean square distance of the better half from the median."""
    better = y[y <= middle]
    return float(np.sqrt(np.mean((better - middle) ** 2)))


def _standardize(y: Floats) -> Floats:
    std = float(y.std())
    if not std > 0:
        return np.zeros_like(y)
    standardized: Floats = (y - y.mean()) / std
    return standardized


def _quantiles(y: Floats) -> Floats:
    order = np.argsort(y, kind="stable")
    ranked = y[order]
    first = np.searchsorted(ranked, y, side="left")
    last = np.searchsorted(ranked, y, side="right")
    middle = 0.5 * (first + last + 1).astype(np.float64)
    quantiles: Floats = (middle - 0.375) / (len(y) + 0.25)
    return quantiles
