"""Standard normal distribution with accurate tails: density, distribution, expected improvement.

``h(z) = φ(z) + z Φ(z)`` is the expected improvement in units of the standard deviation. Below z of about -5 it is a
difference of nearly equal numbers, and below -38 it underflows; its logarithm is accurate everywhere.

Source: Ament, Daulton, Eriksson, Balandat and Bakshy (2023), Unexpected improvements to expected improvement for
Bayesian optimization, NeurIPS 36, eq. 9 and appendix A.
"""

from __future__ import annotations

import math

import numpy as np

from luthier._typing import Floats

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_SQRT_HALF = math.sqrt(0.5)
_SQRT_HALF_PI = math.sqrt(0.5 * math.pi)
_CENTRE = -1.0  # above it h is computed by its definition
_TAIL = -1e3  # below it two terms of the asymptotic series are exact to the last bit


def density(z: Floats) -> Floats:
    """Give φ(z), the density; same shape."""
    return np.exp(-0.5 * z * z - _HALF_LOG_2PI)


def distribution(z: Floats) -> Floats:
    """Give Φ(z), the probability of a value below z; same shape. Relative accuracy holds in both tails."""
    from scipy.special import ndtr

    below: Floats = ndtr(z)
    return below


def log_distribution(z: Floats) -> Floats:
    """Give log Φ(z); same shape."""
    from scipy.special import log_ndtr

    below: Floats = log_ndtr(z)
    return below


def hazard(z: Floats) -> Floats:
    """Give φ(z) / Φ(z), the derivative of log Φ; same shape."""
    return np.exp(-0.5 * z * z - _HALF_LOG_2PI - log_distribution(z))


def improvement(z: Floats) -> Floats:
    """Give h(z) = φ(z) + z Φ(z); same shape, at least 0."""
    return np.exp(log_improvement(z))


def log_improvement(z: Floats) -> Floats:
    """Give log h(z); same shape. Finite for every finite z."""
    from scipy.special import erfcx

    z = np.asarray(z, dtype=np.float64)
    result = np.empty_like(z)
    centre, tail = z > _CENTRE, z < _TAIL
    x = z[centre]
    result[centre] = np.log(density(x) + x * distribution(x))
    # h(z) = φ(z) (1 + z Φ(z)/φ(z)), and Φ(z)/φ(z) = sqrt(π/2) erfcx(-z/sqrt(2)) is of the order of 1/|z|.
    x = z[~centre & ~tail]
    rest = _remainder(x, _SQRT_HALF_PI * erfcx(-_SQRT_HALF * x))
    result[~centre & ~tail] = -0.5 * x * x - _HALF_LOG_2PI + np.log(rest)
    # For z -> -inf, h(z) = φ(z) (z^-2 - 3 z^-4 + …).
    x = z[tail]
    result[tail] = -0.5 * x * x - _HALF_LOG_2PI - 2.0 * np.log(-x) + np.log1p(-3.0 / (x * x))
    return result


def log_difference(larger: Floats, smaller: Floats) -> Floats:
    """Give log(e^larger - e^smaller); same shape, -inf where they are equal."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.minimum(np.where(np.isneginf(smaller), -np.inf, smaller - larger), 0.0)
        return larger + np.where(gap > -math.log(2.0), np.log(-np.expm1(gap)), np.log1p(-np.exp(gap)))


def truncation_entropy(z: Floats) -> Floats:
    """Give z φ(z) / (2 Φ(z)) - log Φ(z), the decrease of a normal's entropy when its part above z is cut off.

    Below -1 the parts of z²/2 in both terms are combined: with R = Φ(z)/φ(z) and 1 + z R as in `_remainder`, it
    is ``z (1 + z R) / (2 R) + log(2π)/2 - log R``. At least 0; same shape.
    """
    from scipy.special import erfcx

    z = np.asarray(z, dtype=np.float64)
    entropy = np.empty_like(z)
    low = z < -1.0
    x = z[~low]
    entropy[~low] = 0.5 * x * hazard(x) - log_distribution(x)
    x = z[low]
    ratio = _SQRT_HALF_PI * erfcx(-_SQRT_HALF * x)
    entropy[low] = 0.5 * x * _remainder(x, ratio) / ratio + _HALF_LOG_2PI - np.log(ratio)
    return entropy


def _remainder(z: Floats, ratio: Floats) -> Floats:
    """Give 1 + z Φ(z)/φ(z) for z at most -1 without cancellation.

    Integrating the Mills ratio R(z) = Φ(z)/φ(z) by parts gives the asymptotic series
    1 + z R = z^-2 (1 - 3 z^-2 + 15 z^-4 - 105 z^-6 + …), which is more accurate than the plain formula below -12.
    """
    plain = 1.0 + z * ratio
    far = z < -12.0
    inverse = 1.0 / (z[far] * z[far])
    term, total = np.ones_like(inverse), np.ones_like(inverse)
    for k in range(1, 12):
        term = -term * (2 * k + 1) * inverse
        total += term
    plain[far] = inverse * total
    return plain
