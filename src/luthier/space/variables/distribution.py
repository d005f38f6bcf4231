"""Prior distributions of a number, truncated to its range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.errors import InvalidSpace
from luthier.scalar import short, to_float
from luthier.space.variables.rounding import DistributionScale

_END = 1e-9
"""Nearer than this to an end of [0, 1], where a beta density may be infinite, its value at this distance is used."""


@translating_settings
@dataclass(frozen=True, slots=True)
class Normal:
    """The normal distribution of a value.

    Args:
        mean: its middle, in units of the variable.
        std: its standard deviation, more than 0.
    """

    mean: float
    std: float

    def __post_init__(self) -> None:
        _settle(self, above_zero=("std",))


@translating_settings
@dataclass(frozen=True, slots=True)
class LogNormal:
    """The distribution of a positive value whose natural logarithm is normal.

    Args:
        mean: the mean of the logarithm.
        std: the standard deviation of the logarithm, more than 0.
    """

    mean: float
    std: float

    def __post_init__(self) -> None:
        _settle(self, above_zero=("std",))


@translating_settings
@dataclass(frozen=True, slots=True)
class Beta:
    """The beta distribution of a value on its scaled range (on the log scale where the variable is on one).

    Args:
        a: more than 0; larger draws towards the upper end.
        b: more than 0; larger draws towards the lower end.
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        _settle(self, above_zero=("a", "b"))


Distribution = Normal | LogNormal | Beta


def check_prior(prior: Distribution, scale: DistributionScale) -> None:
    """Refuse a prior that has next to no mass in the range.

    Raises:
        InvalidSpace: says so.
    """
    if isinstance(prior, Beta):
        return
    low, high = _standardised(prior, scale)
    if _mass(low, high) < 1e-12:
        raise InvalidSpace(
            f"the prior {prior} has no mass between the bounds: move its mean, widen it, or leave it out"
        )


def quantile(prior: Distribution, scale: DistributionScale, uniforms: Floats) -> Floats:
    """Turn uniforms in [0, 1] into places in [0, 1] distributed by the prior. Any shape; cost O(n).

    Source: inversion of the truncated distribution function; the upper tail is mirrored to keep its digits.
    """
    from scipy import special

    if isinstance(prior, Beta):
        drawn: Floats = special.betaincinv(prior.a, prior.b, uniforms)
        return drawn
    low, high = _standardised(prior, scale)
    # Above the mean it is mirrored, so that probabilities stay small and keep their digits.
    standard = -_between(-high, -low, 1.0 - uniforms) if low > 0 else _between(low, high, uniforms)
    found = prior.mean + prior.std * standard
    if isinstance(prior, LogNormal) and not scale.log:
        found = np.exp(found)
    if isinstance(prior, Normal) and scale.log:
        found = np.log(np.maximum(found, math.exp(scale.start)))
    return np.clip((found - scale.start) / scale.width, 0.0, 1.0)


def place_quantile(prior: Distribution, scale: DistributionScale, places: Floats) -> Floats:
    """Undo `quantile`: the uniforms in [0, 1] of places in [0, 1]."""
    from scipy import special

    if isinstance(prior, Beta):
        found: Floats = special.betainc(prior.a, prior.b, places)
        return found
    inner = scale.start + places * scale.width
    if isinstance(prior, LogNormal) and not scale.log:
        inner = np.log(np.maximum(inner, 1e-300))
    if isinstance(prior, Normal) and scale.log:
        inner = np.exp(inner)
    standard = (inner - prior.mean) / prior.std
    low, high = _standardised(prior, scale)
    sign = -1.0 if low > 0 else 1.0
    below, above = (float(special.ndtr(sign * end)) for end in sorted((low, high), key=lambda end: sign * end))
    share: Floats = (special.ndtr(sign * standard) - below) / (above - below)
    return np.clip(share if low <= 0 else 1.0 - share, 0.0, 1.0)


def log_density(prior: Distribution, scale: DistributionScale, places: Floats) -> Floats:
    """Return the logarithm of the density at places in [0, 1], relative to the uniform one; -inf where it is 0."""
    from scipy import special

    if isinstance(prior, Beta):
        inside = np.clip(places, _END, 1.0 - _END)
        found: Floats = (prior.a - 1.0) * np.log(inside) + (prior.b - 1.0) * np.log1p(-inside)
        return found - float(special.betaln(prior.a, prior.b))
    inner = scale.start + places * scale.width
    logs = np.zeros_like(inner)  # of the derivative of what is normal by what is on the scale
    with np.errstate(divide="ignore", invalid="ignore"):
        if isinstance(prior, LogNormal) and not scale.log:
            inner = np.where(inner > 0, np.log(inner), -np.inf)
            logs = -inner
        if isinstance(prior, Normal) and scale.log:
            logs, inner = inner, np.exp(inner)
        density = logs - 0.5 * ((inner - prior.mean) / prior.std) ** 2
    mass = math.log(_mass(*_standardised(prior, scale)) * prior.std * math.sqrt(2.0 * math.pi) / scale.width)
    return np.where(np.isneginf(inner), -np.inf, density - mass)


def log_density_slope(prior: Distribution, scale: DistributionScale, places: Floats) -> Floats:
    """Return the derivative of `log_density` by the place, at places in [0, 1]; 0 where the density is 0."""
    if isinstance(prior, Beta):
        inside = (places > _END) & (places < 1.0 - _END)
        u = np.clip(places, _END, 1.0 - _END)
        found: Floats = np.where(inside, (prior.a - 1.0) / u - (prior.b - 1.0) / (1.0 - u), 0.0)
        return found
    inner = scale.start + places * scale.width
    if isinstance(prior, LogNormal) and not scale.log:
        value = np.maximum(inner, 1e-300)
        slope = (-1.0 - (np.log(value) - prior.mean) / prior.std**2) / value
        return np.where(inner > 0, slope * scale.width, 0.0)
    if isinstance(prior, Normal) and scale.log:
        value = np.exp(inner)
        return (1.0 - value * (value - prior.mean) / prior.std**2) * scale.width
    return -(inner - prior.mean) / prior.std**2 * scale.width


def _between(low: float, high: float, uniforms: Floats) -> Floats:
    from scipy import special

    below, above = special.ndtr(low), special.ndtr(high)
    found: Floats = special.ndtri(below + uniforms * (above - below))
    return np.clip(found, low, high)


def _standardised(prior: Normal | LogNormal, scale: DistributionScale) -> tuple[float, float]:
    """Return the bounds in standard deviations from the mean."""
    ends = (scale.start, scale.start + scale.width)
    if isinstance(prior, LogNormal) and not scale.log:
        ends = (math.log(ends[0]) if ends[0] > 0 else -math.inf, math.log(ends[1]))
    if isinstance(prior, Normal) and scale.log:
        ends = (math.exp(ends[0]), math.exp(ends[1]))
    return (ends[0] - prior.mean) / prior.std, (ends[1] - prior.mean) / prior.std


def _mass(low: float, high: float) -> float:
    if low > 0:
        low, high = -high, -low
    return 0.5 * (math.erfc(-high / math.sqrt(2)) - math.erfc(-low / math.sqrt(2)))


def _settle(prior: Distribution, above_zero: Sequence[str]) -> None:
    """Refuse settings that are not finite numbers, or not above 0, and make numpy's those of Python."""
    kind = type(prior).__name__
    for field in fields(prior):
        given = getattr(prior, field.name)
        item = given.item() if isinstance(given, np.generic) else given
        number = to_float(item) if isinstance(item, int | float) else None
        if number is None or not math.isfinite(number):
            raise InvalidSpace(f"{kind}: {field.name} is a finite number, not {short(given)}")
        if field.name in above_zero and not number > 0:
            raise InvalidSpace(f"{kind}: {field.name} is more than 0, not {short(given)}")
        plain = item if type(item) in (int, float) else number
        object.__setattr__(prior, field.name, plain)
