"""An analytic acquisition bound to a posterior: the chain rule from (mean, std) to x, written once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.protocol import Acquisition, AcquisitionContext, Bindable, Criterion, Scale, SmoothCriterion
from luthier.surrogate import Differentiable, IsMixture, Posterior

LEAST_STD = 1e-9
"""Smaller standard deviations are taken for this, on the scale of the losses: a known point has nothing to give."""


@dataclass(frozen=True, slots=True)
class FunctionCriterion:
    """A criterion: a function without gradients.

    Args:
        value: maps points (q, d) to values (q,).
    """

    value: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class AnalyticCriterion:
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
class SmoothAnalyticCriterion:
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


@dataclass(frozen=True, slots=True)
class IntegratedCriterion:
    """A criterion: the average over several criteria, each of another belief about the same function.

    Values that are logarithms are averaged as what they are logarithms of.

    Args:
        criteria: at least one.
        weights: of each, (members,), summing to one.
        scale: of the values.

    Source: Snoek, Larochelle and Adams (2012), Practical Bayesian optimization, section 3.2.
    """

    criteria: Sequence[Criterion]
    weights: Floats
    scale: Scale

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        values = np.stack([criterion.value(x) for criterion in self.criteria])
        if self.scale != "log":
            return np.asarray(self.weights @ values, dtype=np.float64)
        top = values.max(axis=0)
        safe = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            averaged: Floats = safe + np.log(self.weights @ np.exp(values - safe))
        return averaged


@dataclass(frozen=True, slots=True)
class SmoothIntegratedCriterion(IntegratedCriterion):
    """The same of criteria that all have gradients.

    Of logarithms, ``∇ log Σ w e^a = Σ w e^a ∇a / Σ w e^a``.
    """

    criteria: Sequence[SmoothCriterion]

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        values, gradients = (np.stack(part) for part in zip(*[c.value_grad(x) for c in self.criteria], strict=True))
        if self.scale != "log":
            return self.weights @ values, np.einsum("m,mqd->qd", self.weights, gradients)
        top = values.max(axis=0)
        safe = np.where(np.isfinite(top), top, 0.0)
        shares = self.weights[:, None] * np.exp(values - safe)
        total = shares.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            gradient = np.where(total[:, None] > 0, np.einsum("mq,mqd->qd", shares, gradients) / total[:, None], 0.0)
            return safe + np.log(total), gradient


def integrate(criteria: Sequence[Criterion], weights: Floats, scale: Scale) -> IntegratedCriterion:
    """Average criteria, smoothly where all of them are smooth; see `IntegratedCriterion`."""
    smooth = [criterion for criterion in criteria if isinstance(criterion, SmoothCriterion)]
    if len(smooth) == len(criteria):
        return SmoothIntegratedCriterion(smooth, weights, scale)
    return IntegratedCriterion(criteria, weights, scale)


def bind(acquisition: Acquisition | Bindable, posterior: Posterior, situation: AcquisitionContext) -> Criterion:
    """Give the criterion: the acquisition's own, an average over the members of a mixture, or one of the moments."""
    if isinstance(acquisition, Bindable):
        return acquisition.bind(posterior, situation)
    if isinstance(posterior, IsMixture):
        parts = [bind(acquisition, member, situation) for member in posterior.members]
        return integrate(parts, posterior.weights, acquisition.scale)
    return analytic(acquisition, posterior, situation.best)


def analytic(
    acquisition: Acquisition, posterior: Posterior, best: float
) -> AnalyticCriterion | SmoothAnalyticCriterion:
    """Give the criterion of one posterior's moments, smooth where the posterior has gradients."""
    if isinstance(posterior, Differentiable):
        return SmoothAnalyticCriterion(acquisition, posterior, best)
    return AnalyticCriterion(acquisition, posterior, best)


def _std(variance: Floats) -> Floats:
    return np.sqrt(np.maximum(variance, LEAST_STD**2))
