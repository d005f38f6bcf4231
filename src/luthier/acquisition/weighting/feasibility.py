"""Weight by the probability that the outcome constraints hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.criterion import LEAST_STD, smooth_where, standard_deviation
from luthier.acquisition.normal import hazard, log_distribution
from luthier.acquisition.protocol import Criterion, SmoothCriterion, ValueScale
from luthier.surrogate import Differentiable, Posterior, supports


@dataclass(frozen=True, slots=True)
class Feasible:
    """A criterion weighted by Π_j P(violation_j ≤ 0), the probability that the outcome constraints hold.

    It is smooth where its parts are. With ``z = -mean / std``:
    ``∂ log Φ(z)/∂x = φ(z)/Φ(z) · (-∂mean/∂x / std + mean ∂variance/∂x / (2 std³))``.

    Args:
        inner: the criterion; None where no feasible point is known yet: then the value is the logarithm of the
            probability.
        scale: of the values of `inner`: ``positive`` ones are multiplied by the probability, to others its logarithm
            is added.
        bounds: posteriors of the violations, taken as independent.

    Source: Gardner, Kusner, Xu, Weinberger and Cunningham (2014), Bayesian optimization with inequality constraints,
    section 3.
    """

    inner: Criterion | None
    scale: ValueScale
    bounds: Sequence[Posterior]

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.supports`."""
        inner = self.inner is None or supports(self.inner, SmoothCriterion)
        return smooth_where(inner and all(supports(bound, Differentiable) for bound in self.bounds))

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        chance = np.zeros(len(x))
        for bound in self.bounds:
            mean, variance = bound.moments(x)
            chance += log_distribution(-mean / standard_deviation(variance))
        if self.inner is None:
            return chance
        value = self.inner.value(x)
        return value * np.exp(chance) if self.scale == ValueScale.POSITIVE else value + chance

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        chance, slope = np.zeros(len(x)), np.zeros_like(x)
        for bound in self.bounds:
            moments = cast(Differentiable, bound).moments_grad(x)
            std = standard_deviation(moments.variance)
            z = -moments.mean / std
            by_variance = np.where(moments.variance <= LEAST_STD**2, 0.0, -0.5 * z / std**2)
            chance += log_distribution(z)
            by_x = -moments.mean_grad / std[:, None] + by_variance[:, None] * moments.variance_grad
            slope += hazard(z)[:, None] * by_x
        if self.inner is None:
            return chance, slope
        value, gradient = cast(SmoothCriterion, self.inner).value_grad(x)
        if self.scale != ValueScale.POSITIVE:
            return value + chance, gradient + slope
        probability = np.exp(chance)
        return value * probability, probability[:, None] * (gradient + value[:, None] * slope)
