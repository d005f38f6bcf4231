"""Criteria of one posterior or of a mixture, with the chain rule from (mean, std) to x."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.protocol import (
    Acquisition,
    AcquisitionContext,
    Bindable,
    Criterion,
    SmoothCriterion,
    ValueScale,
)
from luthier.surrogate import Differentiable, IsMixture, Posterior, supports

LEAST_STD = 1e-9
"""The least standard deviation, on the scale of the losses: nothing is gained by evaluating a known point again."""


def standard_deviation(variance: Floats) -> Floats:
    """Give the square root of a variance, at least `LEAST_STD`; same shape."""
    return np.sqrt(np.maximum(variance, LEAST_STD**2))


def smooth_where(smooth: bool) -> tuple[type, ...]:
    """Give the abilities of a criterion that has gradients if `smooth`."""
    return (SmoothCriterion,) if smooth else ()


@dataclass(frozen=True, slots=True)
class FunctionCriterion:
    """A criterion: a function without gradients.

    Args:
        value: maps points (q, d) to values (q,).
    """

    value: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class AnalyticCriterion:
    """A criterion: an analytic acquisition function of one posterior, smooth where the posterior is differentiable.

    ``∂a/∂x = ∂a/∂mean · ∂mean/∂x + ∂a/∂std · ∂variance/∂x / (2 std)``.

    Args:
        acquisition: a scalar function of (mean, std, best).
        posterior: of the loss.
        best: the lowest loss, on the posterior's scale.
    """

    acquisition: Acquisition
    posterior: Posterior
    best: float

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.supports`."""
        return smooth_where(supports(self.posterior, Differentiable))

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        mean, variance = self.posterior.moments(x)
        return self.acquisition.score(mean, standard_deviation(variance), self.best).value

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        moments = cast(Differentiable, self.posterior).moments_grad(x)
        std = standard_deviation(moments.variance)
        score = self.acquisition.score(moments.mean, std, self.best)
        flat = moments.variance <= LEAST_STD**2
        d_variance = np.where(flat, 0.0, score.d_std / (2.0 * std))
        return score.value, score.d_mean[:, None] * moments.mean_grad + d_variance[:, None] * moments.variance_grad


@dataclass(frozen=True, slots=True)
class IntegratedCriterion:
    """A criterion: the average over criteria that differ in the posterior; smooth where all of them are.

    Logarithms are averaged as the values that they are logarithms of: ``log Σ w e^a``, and
    ``∇ log Σ w e^a = Σ w e^a ∇a / Σ w e^a``.

    Args:
        criteria: at least one.
        weights: of each, (members,), summing to one.
        scale: of the values.

    Source: Snoek, Larochelle and Adams (2012), Practical Bayesian optimization, section 3.2.
    """

    criteria: Sequence[Criterion]
    weights: Floats
    scale: ValueScale

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.supports`."""
        return smooth_where(all(supports(criterion, SmoothCriterion) for criterion in self.criteria))

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        values = np.stack([criterion.value(x) for criterion in self.criteria])
        if self.scale != ValueScale.LOG:
            return np.asarray(self.weights @ values, dtype=np.float64)
        top = values.max(axis=0)
        safe = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            averaged: Floats = safe + np.log(self.weights @ np.exp(values - safe))
        return averaged

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        parts = [cast(SmoothCriterion, criterion).value_grad(x) for criterion in self.criteria]
        values, gradients = (np.stack(part) for part in zip(*parts, strict=True))
        if self.scale != ValueScale.LOG:
            return self.weights @ values, np.einsum("m,mqd->qd", self.weights, gradients)
        top = values.max(axis=0)
        safe = np.where(np.isfinite(top), top, 0.0)
        shares = self.weights[:, None] * np.exp(values - safe)
        total = shares.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            gradient = np.where(total[:, None] > 0, np.einsum("mq,mqd->qd", shares, gradients) / total[:, None], 0.0)
            return safe + np.log(total), gradient


def bind_acquisition(
    acquisition: Acquisition | Bindable, posterior: Posterior, context: AcquisitionContext
) -> Criterion:
    """Bind an acquisition function to a posterior.

    Args:
        acquisition: what to bind.
        posterior: of the loss; it has one of the abilities that the acquisition function requires.
        context: everything else that it may use.

    Returns:
        The criterion of its own `bind`, if it has that; else one of the posterior's moments at a point, and of a
        mixture the average of those of the members.
    """
    if isinstance(acquisition, Bindable):
        return acquisition.bind(posterior, context)
    return average_over_members(
        posterior, lambda member: AnalyticCriterion(acquisition, member, context.best), acquisition.scale
    )


def analytic_posteriors(criterion: Criterion) -> tuple[Posterior, ...]:
    """Give the posteriors of the loss that an analytic criterion reads, or an average of such; none of any other."""
    if isinstance(criterion, AnalyticCriterion):
        return (criterion.posterior,)
    if not isinstance(criterion, IntegratedCriterion):
        return ()
    found = [analytic_posteriors(part) for part in criterion.criteria]
    return tuple(posterior for part in found for posterior in part) if all(found) else ()


def average_over_members(
    posterior: Posterior, bind: Callable[[Posterior], Criterion], scale: ValueScale = ValueScale.POSITIVE
) -> Criterion:
    """Bind to a posterior, or to each member of a mixture and average.

    Args:
        posterior: one that is no mixture, or a mixture of such, to any depth.
        bind: makes the criterion of a posterior that is no mixture.
        scale: of the values.

    Source: Snoek, Larochelle and Adams (2012), Practical Bayesian optimization, section 3.2.
    """
    if not supports(posterior, IsMixture):
        return bind(posterior)
    criteria = [average_over_members(member, bind, scale) for member in posterior.members]
    return IntegratedCriterion(criteria, posterior.weights, scale)
