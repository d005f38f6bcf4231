"""An analytic acquisition bound to a posterior: the chain rule from (mean, std) to x, written once for all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.acquisition.protocol import Acquisition
from luthier.surrogate.protocol import Differentiable, Posterior

Floats = NDArray[np.float64]

LEAST_STD = 1e-9
"""Smaller standard deviations are taken for this, on the scale of the losses: a known point has nothing to give."""


@dataclass(frozen=True, slots=True)
class Analytic:
    """A criterion: an acquisition of one posterior.

    Args:
        acquisition: a scalar function of (mean, std, best).
        posterior: what is believed.
        best: the lowest loss, on the posterior's scale.
    """

    acquisition: Acquisition
    posterior: Posterior
    best: float

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        mean, variance = self.posterior.moments(x)
        return self.acquisition.score(mean, _std(variance), self.best).value


@dataclass(frozen=True, slots=True)
class SmoothAnalytic:
    """A criterion with gradients: an acquisition of a differentiable posterior.

    ``∂a/∂x = ∂a/∂mean · ∂mean/∂x + ∂a/∂std · ∂variance/∂x / (2 std)``.
    """

    acquisition: Acquisition
    posterior: Differentiable
    best: float

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        mean, variance = self.posterior.moments(x)
        return self.acquisition.score(mean, _std(variance), self.best).value

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        moments = self.posterior.moments_grad(x)
        std = _std(moments.variance)
        score = self.acquisition.score(moments.mean, std, self.best)
        flat = moments.variance <= LEAST_STD**2
        d_variance = np.where(flat, 0.0, score.d_std / (2.0 * std))
        return score.value, score.d_mean[:, None] * moments.mean_grad + d_variance[:, None] * moments.variance_grad


def bind(acquisition: Acquisition, posterior: Posterior, best: float) -> Analytic | SmoothAnalytic:
    """Give the criterion, smooth where the posterior has gradients."""
    if isinstance(posterior, Differentiable):
        return SmoothAnalytic(acquisition, posterior, best)
    return Analytic(acquisition, posterior, best)


def _std(variance: Floats) -> Floats:
    return np.sqrt(np.maximum(variance, LEAST_STD**2))
