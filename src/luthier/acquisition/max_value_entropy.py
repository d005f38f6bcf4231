"""Max-value entropy search, for the minimum: the information that an evaluation gives about its value."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition.best_rows import best_rows
from luthier.acquisition.criterion import average_over_members, standard_deviation
from luthier.acquisition.normal import log_distribution, truncation_entropy
from luthier.acquisition.protocol import AcquisitionContext, Criterion, ValueScale
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.setting_types import check_setting_types
from luthier.surrogate import Posterior

_QUARTILES = (0.25, 0.5, 0.75)
_MARGIN = 3.0
"""Drawn minima are this many standard deviations below the lowest mean at a known point (see `sample_minima`)."""


@translating_settings
@dataclass(frozen=True, slots=True)
class MaxValueEntropy:
    """The expected decrease of the entropy of the function's lowest value after an evaluation.

    ``MES = 1/K Σ_k [γ_k φ(γ_k) / (2Φ(γ_k)) - log Φ(γ_k)]``, ``γ_k = (mean - y_k) / std``, with K values y_k drawn from
    the distribution of the function's minimum.

    Args:
        minima: the number K of values of the minimum that are drawn, at least 1.

    Raises:
        InvalidSetting: `minima` below 1.

    Source: Wang and Jegelka (2017), Max-value entropy search for efficient Bayesian optimization, eq. 6, for
    maxima; the minimum is drawn from a Gumbel distribution, section 3.1.
    """

    scale = ValueScale.POSITIVE
    requires = (Posterior,)
    handles_pending = False

    minima: int = 16

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.minima < 1:
            raise InvalidSetting(f"MaxValueEntropy(minima={self.minima!r}): draw at least 1 value of the minimum")

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`; of a mixture, the average over its members."""
        known = best_rows(context.data)

        def one(model: Posterior) -> Criterion:
            key = context.key.fold("minima")
            return EntropyCriterion(model, sample_minima(model, context.scattered, known, key, self.minima))

        return average_over_members(posterior, one)


@dataclass(frozen=True, slots=True, eq=False)
class EntropyCriterion:
    """A criterion: the mean decrease of the entropy.

    Args:
        posterior: of the loss.
        minima: (K,) values of the function's minimum.
    """

    posterior: Posterior
    minima: Floats

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,). Cost that of the moments, and O(q K)."""
        mean, variance = self.posterior.moments(x)
        gamma = (mean - self.minima[:, None]) / standard_deviation(variance)
        decrease: Floats = truncation_entropy(gamma).mean(axis=0)
        return decrease


def sample_minima(posterior: Posterior, scattered: Floats, known: Floats, key: Key, count: int) -> Floats:
    """Draw values of the function's minimum as if its values at different points were independent.

    The quartiles of ``P(minimum > y) = Π_i Φ((mean_i - y) / std_i)`` are found by bisection, and a Gumbel distribution
    is fitted to them. No minimum is above the lowest mean at a known point less three of its standard deviations: a
    minimum that is known already would make every evaluation near it seem informative.

    Args:
        posterior: of the loss.
        scattered: (c, d) points of the whole space.
        known: (k, d) the points of the data, or at least the best of them.
        key: the randomness.
        count: the number of values.

    Returns:
        (count,), in increasing order. Cost that of the moments, and O(c + k) for each of some 60 bisections.
    """
    mean, variance = posterior.moments(np.concatenate([scattered, known]))
    std = standard_deviation(variance)
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
