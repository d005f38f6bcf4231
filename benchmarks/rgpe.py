"""RGPE, a ranking-weighted ensemble of Gaussian processes of several tasks, for comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import luthier as lt
from luthier.surrogate import KERNELS, Differentiable, Moments, MomentsGrad, Posterior, source_models


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """A normal distribution whose mean is the weighted sum of the members', and its variance that of the weighted sum.

    Args:
        processes: posteriors of one task each, the last one of this one; each with the columns that it knows.
        shares: of them, summing to one.
        best: the lowest mean at the data.
    """

    processes: Sequence[tuple[Any, Any]]
    shares: Any
    best: float = 0.0

    def moments(self, x: Any) -> Moments:
        """Give mean and variance at `x` (q, d)."""
        parts = [member.moments(x[:, places]) for member, places in self.processes]
        mean = sum(w * part.mean for w, part in zip(self.shares, parts, strict=True))
        return Moments(mean, sum(w * w * part.variance for w, part in zip(self.shares, parts, strict=True)))

    def moments_grad(self, x: Any) -> MomentsGrad:
        """Give the moments at `x` (q, d), and their gradients."""
        found = [np.zeros(len(x)), np.zeros(len(x)), np.zeros(x.shape), np.zeros(x.shape)]
        for (member, places), w in zip(self.processes, self.shares, strict=True):
            part = member.moments_grad(x[:, places])
            found[0] += w * part.mean
            found[1] += w * w * part.variance
            found[2][:, places] += w * part.mean_grad
            found[3][:, places] += w * w * part.variance_grad
        return MomentsGrad(*found)


@lt.register
@dataclass(frozen=True, slots=True)
class RGPE:
    """Average Gaussian processes of this task and of others by how often each ranks this task's losses best.

    Args:
        draws: of the ranking losses, from which weights and the 95 % rule for dropping a source are found.

    Source: Feurer, Letham, Hutter and Bakshy (2018), Practical transfer learning for Bayesian optimization,
    algorithm 1, with bootstrap samples of the losses in place of draws of the posteriors, as in SMAC's RGPE.
    """

    draws: int = 100

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.Surrogate`."""
        return (Posterior, Differentiable)

    def fit(self, data: Any, key: Any, memo: Any) -> Ensemble:
        """Fit to the losses of this task and of its sources."""
        plain = replace(data, sources=())
        target = lt.GP().fit(plain, key, memo)
        models = source_models(data.sources, data.columns, KERNELS["matern52"], "standard", memo)
        every = np.arange(data.x.shape[1])
        members = [*((model.posterior, model.places) for model in models), (target, every)]
        weights = self._weights(models, target, data, key)
        kept = np.flatnonzero(weights > 0)
        found = Ensemble([members[i] for i in kept], weights[kept])
        return replace(found, best=float(found.moments(data.x).mean.min()))

    def _weights(self, models: Any, target: Any, data: Any, key: Any) -> Any:
        n = len(data)
        if n < 3 or not models:
            return np.full(len(models) + 1, 1.0 / (len(models) + 1))
        predicted = np.stack([*(model.value(data.x) for model in models), target.leave_one_out()[0]])
        rows = (key.fold("rgpe").uniform((self.draws, n)) * n).astype(int)
        losses = np.stack([_misranked(predicted[:, sample], data.loss[sample]) for sample in rows]).astype(float)
        limit = np.quantile(losses[:, -1], 0.95)
        dropped = np.append(np.median(losses[:, :-1], axis=0) > limit, False)
        losses[:, dropped] = np.inf
        best = losses == losses.min(axis=1, keepdims=True)
        return (best / best.sum(axis=1, keepdims=True)).mean(axis=0)


def _misranked(predicted: Any, y: Any) -> Any:
    """Count the pairs that each row of predictions (k, n) puts in another order than the losses; (k,)."""
    above = predicted[:, :, None] < predicted[:, None, :]
    return (above != (y[:, None] < y[None, :])).sum(axis=(1, 2))
