"""An acquisition weighed by the probability that outcome constraints hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.criterion import LEAST_STD
from luthier.acquisition.normal import hazard, log_distribution
from luthier.acquisition.protocol import Criterion, Scale, SmoothCriterion
from luthier.surrogate import Differentiable, Posterior


@dataclass(frozen=True, slots=True)
class Feasible:
    """A criterion: an acquisition times Π_j P(violation_j at most 0), or the sum of their logarithms.

    Args:
        inner: the acquisition; None where nothing feasible is known yet: then the probability alone decides
            (Gardner et al. 2014, section 3).
        scale: of its values: ``positive`` ones are multiplied by the probability, to others its logarithm is added.
        bounds: models of the violations, which are independent.
    """

    inner: Criterion | None
    scale: Scale
    bounds: Sequence[Posterior]

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        chance = np.zeros(len(x))
        for bound in self.bounds:
            mean, variance = bound.moments(x)
            chance += log_distribution(-mean / np.sqrt(np.maximum(variance, LEAST_STD**2)))
        if self.inner is None:
            return chance
        value = self.inner.value(x)
        return value * np.exp(chance) if self.scale == "positive" else value + chance


@dataclass(frozen=True, slots=True)
class SmoothFeasible(Feasible):
    """The same of an acquisition and models that have gradients.

    With ``z = -mean / std``: ``∂ log Φ(z)/∂x = φ(z)/Φ(z) · (-∂mean/∂x / std + mean ∂variance/∂x / (2 std³))``.
    """

    inner: SmoothCriterion | None
    bounds: Sequence[Differentiable]

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        chance, slope = np.zeros(len(x)), np.zeros_like(x)
        for bound in self.bounds:
            moments = bound.moments_grad(x)
            std = np.sqrt(np.maximum(moments.variance, LEAST_STD**2))
            z = -moments.mean / std
            by_variance = np.where(moments.variance <= LEAST_STD**2, 0.0, -0.5 * z / std**2)
            chance += log_distribution(z)
            by_x = -moments.mean_grad / std[:, None] + by_variance[:, None] * moments.variance_grad
            slope += hazard(z)[:, None] * by_x
        if self.inner is None:
            return chance, slope
        value, gradient = self.inner.value_grad(x)
        if self.scale != "positive":
            return value + chance, gradient + slope
        probability = np.exp(chance)
        return value * probability, probability[:, None] * (gradient + value[:, None] * slope)


def feasible(inner: Criterion | None, scale: Scale, bounds: Sequence[Posterior]) -> Feasible:
    """Weigh a criterion by the probability that constraints hold, smoothly where that is possible; see `Feasible`."""
    smooth = [bound for bound in bounds if isinstance(bound, Differentiable)]
    if len(smooth) == len(bounds) and (inner is None or isinstance(inner, SmoothCriterion)):
        return SmoothFeasible(inner, scale, smooth)
    return Feasible(inner, scale, bounds)
