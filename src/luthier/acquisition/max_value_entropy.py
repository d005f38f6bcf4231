"""Max-value entropy search (here: of the lowest value): what a point tells of the value of the optimum."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.best_rows import best_rows
from luthier.acquisition.criterion import LEAST_STD
from luthier.acquisition.members import average_over_members
from luthier.acquisition.normal import log_distribution, truncation_entropy
from luthier.acquisition.protocol import AcquisitionContext, Criterion, Scale
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.surrogate import Posterior

_QUARTILES = (0.25, 0.5, 0.75)
_MARGIN = 3.0
"""Minima are at least so many standard deviations below what is known already (see `sample_minima`)."""


@dataclass(frozen=True, slots=True)
class MaxValueEntropy:
    """How much less uncertain the lowest value of the function is expected to be after a look at a point.

    ``MES = 1/K Σ_k [γ_k φ(γ_k) / (2Φ(γ_k)) - log Φ(γ_k)]``, ``γ_k = (mean - y_k) / std``, with K values y_k drawn from
    the distribution of the function's minimum.

    Args:
        minima: how many values of the minimum are drawn, K.

    Raises:
        InvalidSetting: `minima` below 1.

    Source: Wang and Jegelka (2017), Max-value entropy search for efficient Bayesian optimization, eq. 6, of maxima
    there; the minimum is drawn by the Gumbel distribution, section 3.1.
    """

    scale: ClassVar[Scale] = "positive"
    requires: ClassVar[tuple[type, ...]] = (Posterior,)
    handles_pending: ClassVar[bool] = False

    minima: int = 16

    def __post_init__(self) -> None:
        if self.minima < 1:
            raise InvalidSetting(f"MaxValueEntropy(minima={self.minima!r}): draw at least 1 value of the minimum")

    def bind(self, posterior: Posterior, situation: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`; of a mixture, the average over its members."""
        known = best_rows(situation.data)

        def one(model: Posterior) -> Criterion:
            key = situation.key.fold("minima")
            return EntropyCriterion(model, sample_minima(model, situation.scattered, known, key, self.minima))

        return average_over_members(posterior, one)


@dataclass(frozen=True, slots=True, eq=False)
class EntropyCriterion:
    """A criterion: the mean loss of entropy.

    Args:
        posterior: what is believed.
        minima: (K,) values of the function's minimum.
    """

    posterior: Posterior
    minima: Floats

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,). Cost that of the moments, and O(q K)."""
        mean, variance = self.posterior.moments(x)
        gamma = (mean - self.minima[:, None]) / np.sqrt(np.maximum(variance, LEAST_STD**2))
        fall: Floats = truncation_entropy(gamma).mean(axis=0)
        return fall


def sample_minima(posterior: Posterior, scattered: Floats, known: Floats, key: Key, count: int) -> Floats:
    """Draw values of the function's minimum, as if its values at different points were independent.

    The quartiles of ``P(minimum > y) = Π_i Φ((mean_i - y) / std_i)`` are found by bisection, and a Gumbel distribution
    is laid through them. No minimum is above the lowest mean at a known point less three of its standard
    deviations: a minimum that is known already would make every look at its neighbourhood seem informative.

    Args:
        posterior: what is believed.
        scattered: (c, d) points of the whole space.
        known: (k, d) the data, the best of them at least.
        key: the randomness.
        count: how many.

    Returns:
        (count,), in increasing order. Cost that of the moments, and O(c + k) for each of some 60 bisections.
    """
    mean, variance = posterior.moments(np.concatenate([scattered, known]))
    std = np.sqrt(np.maximum(variance, LEAST_STD**2))
    lower, middle, upper = (_quantile(mean, std, share) for share in _QUARTILES)
    # P(minimum > y) = exp(-exp((y - a) / b)), whose quantile is a + b log(-log(1 - share)).
    spread = (upper - lower) / math.log(math.log(4.0) / math.log(4.0 / 3.0))
    place = middle - spread * math.log(math.log(2.0))
    shares = (np.arange(count) + key.uniform(count)) / count
    drawn = place + spread * np.log(-np.log1p(-np.maximum(shares, 2.0**-54)))
    seen = mean[len(scattered) :] - _MARGIN * std[len(scattered) :]
    highest: float = seen[np.argmin(mean[len(scattered) :])]
    minima: Floats = np.minimum(drawn, highest)
    return minima


def _quantile(mean: Floats, std: Floats, share: float) -> float:
    """Find y with P(minimum < y) = share."""
    low, high = float((mean - 10.0 * std).min()), float((mean + 10.0 * std).min())
    for _ in range(60):
        y = 0.5 * (low + high)
        above = float(log_distribution((mean - y) / std).sum())
        low, high = (y, high) if above > math.log1p(-share) else (low, y)
    return 0.5 * (low + high)
