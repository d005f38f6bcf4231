"""Analytic acquisition functions of (mean, std, best), each with its two partial derivatives.

Larger values are better, losses are minimised, and ``z = (best - margin - mean) / std``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition.normal import density, distribution, hazard, improvement, log_distribution, log_improvement
from luthier.acquisition.protocol import Score, ValueScale
from luthier.errors import InvalidSetting
from luthier.setting_types import check_setting_types
from luthier.surrogate import Posterior, Ratio


def _check_margin(name: str, margin: float) -> None:
    if not 0.0 <= margin < math.inf:
        raise InvalidSetting(f"{name}(margin={margin!r}): give a finite number, 0 or more")


@translating_settings
@dataclass(frozen=True, slots=True)
class EI:
    """Expected improvement on the lowest loss.

    ``EI = std · h(z)``, ``∂EI/∂mean = -Φ(z)``, ``∂EI/∂std = φ(z)``. Far above the lowest loss it underflows to 0, and
    so does its gradient; `LogEI` gives the same order of points and does not underflow.

    Args:
        margin: an improvement counts from here on, in units of the loss, at least 0.

    Source: Mockus, Tiesis and Žilinskas (1978); Jones, Schonlau and Welch (1998), eq. 15.
    """

    scale = ValueScale.POSITIVE
    requires = (Posterior, Ratio)
    handles_pending = False

    margin: float = 0.0

    def __post_init__(self) -> None:
        check_setting_types(self)
        _check_margin("EI", self.margin)

    def score(self, mean: Floats, std: Floats, best: float) -> Score:
        """See `Acquisition.score`."""
        z = (best - self.margin - mean) / std
        return Score(std * improvement(z), -distribution(z), density(z))


@translating_settings
@dataclass(frozen=True, slots=True)
class LogEI:
    """Logarithm of the expected improvement: the same order of points, with gradients that do not vanish.

    ``log EI = log std + log h(z)``; with ``a = Φ(z)/h(z)``: ``∂/∂mean = -a/std`` and ``∂/∂std = φ(z) / (h(z) std)``.

    Args:
        margin: an improvement counts from here on, in units of the loss, at least 0.

    Source: Ament et al. (2023), eq. 9.
    """

    scale = ValueScale.LOG
    requires = (Posterior, Ratio)
    handles_pending = False

    margin: float = 0.0

    def __post_init__(self) -> None:
        check_setting_types(self)
        _check_margin("LogEI", self.margin)

    def score(self, mean: Floats, std: Floats, best: float) -> Score:
        """See `Acquisition.score`."""
        z = (best - self.margin - mean) / std
        log_h = log_improvement(z)
        d_mean = -np.exp(log_distribution(z) - log_h) / std
        d_std = np.exp(-0.5 * z * z - 0.5 * math.log(2.0 * math.pi) - log_h) / std
        return Score(np.log(std) + log_h, d_mean, d_std)


@translating_settings
@dataclass(frozen=True, slots=True)
class PI:
    """Logarithm of the probability of improvement.

    ``log PI = log Φ(z)``; with ``r = φ(z)/Φ(z)``: ``∂/∂mean = -r/std`` and ``∂/∂std = -r z/std``. Without a margin it
    is greedy: it prefers a tiny improvement that is certain to a large one that is only likely.

    Args:
        margin: an improvement counts from here on, in units of the loss, at least 0.

    Source: Kushner (1964), A new method of locating the maximum point of an arbitrary multipeak curve.
    """

    scale = ValueScale.LOG
    requires = (Posterior,)
    handles_pending = False

    margin: float = 0.0

    def __post_init__(self) -> None:
        check_setting_types(self)
        _check_margin("PI", self.margin)

    def score(self, mean: Floats, std: Floats, best: float) -> Score:
        """See `Acquisition.score`."""
        z = (best - self.margin - mean) / std
        r = hazard(z)
        return Score(log_distribution(z), -r / std, -r * z / std)


@translating_settings
@dataclass(frozen=True, slots=True)
class UCB:
    """Confidence bound (of losses, the lower one): ``-(mean - beta · std)``.

    Args:
        beta: width of the bound in standard deviations, at least 0.

    Source: Cox and John (1992), SDO; Srinivas, Krause, Kakade and Seeger (2010), eq. 6.
    """

    scale = ValueScale.SIGNED
    requires = (Posterior,)
    handles_pending = False

    beta: float = 2.0

    def __post_init__(self) -> None:
        check_setting_types(self)
        if not 0.0 <= self.beta < math.inf:
            raise InvalidSetting(f"UCB(beta={self.beta!r}): give a finite number of standard deviations, 0 or more")

    def score(self, mean: Floats, std: Floats, best: float) -> Score:
        """See `Acquisition.score`. The lowest loss is not used."""
        return Score(self.beta * std - mean, np.full_like(mean, -1.0), np.full_like(std, self.beta))
