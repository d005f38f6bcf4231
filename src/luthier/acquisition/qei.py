"""Expected improvement of several points together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.criterion import LEAST_STD
from luthier.acquisition.members import average_over_members
from luthier.acquisition.normal import improvement
from luthier.acquisition.protocol import AcquisitionContext, Criterion, Scale
from luthier.errors import InvalidSetting
from luthier.numeric import quasi_normal
from luthier.surrogate import Joint, Posterior, SupportsCovariance

_RANK = 1e-12
"""Smaller eigenvalues of a covariance, relative to the largest, are rounding."""


@dataclass(frozen=True, slots=True)
class QEI:
    """How much a point is expected to improve on the best loss and on what the pending points will give.

    With x one point and P the pending ones, the value is ``E[(best - min f(x, P))₊] - E[(best - min f(P))₊]``: the
    second term is the same for every x, and without it a constraint or a cost of x would weigh the pending points'
    improvement too. A batch is chosen one after the other, the chosen ones pending.

    Args:
        samples: how many draws of f(P) the expectation is taken over, best a power of 2. Given f(P), f(x) is normal,
            and its expected improvement a closed form; so without pending points the value is exact.

    Raises:
        InvalidSetting: `samples` below 1.

    Source: Ginsbourger, Le Riche and Carraro (2010), Kriging is well-suited to parallelize optimization, section 3
    (q-EI); Wang, Clark, Liu and Frazier (2020), Parallel Bayesian global optimization of expensive functions (MOE's
    q,p-EI); Wilson, Hutter and Deisenroth (2018), Maximizing acquisition functions for Bayesian optimization, for
    choosing one after the other. That the expectation over f(x) is taken in closed form differs from them.
    """

    scale: ClassVar[Scale] = "positive"
    requires: ClassVar[tuple[type, ...]] = (SupportsCovariance,)
    handles_pending: ClassVar[bool] = True

    samples: int = 128

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise InvalidSetting(f"QEI(samples={self.samples!r}): take the expectation over at least 1 draw")

    def bind(self, posterior: Posterior, situation: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`; of a mixture, the average over its members."""
        base = quasi_normal(situation.key.fold("pending"), self.samples, len(situation.pending))
        return average_over_members(
            posterior, lambda model: condition_on_pending(model, situation.pending, situation.best, base)
        )


@dataclass(frozen=True, slots=True, eq=False)
class PendingConditionedEI:
    """A criterion: the improvement of one point beside pending ones, of which s draws of values are taken.

    Args:
        posterior: what is believed.
        pending: (p, d).
        whitening: (p, p) the inverse of a root of the pending values' covariance Σ: ``whitening Σ whiteningᵀ = 1``.
        base: (s, p) the draws, whitened.
        bests: (s,) the lowest of the best loss and each draw.
    """

    posterior: SupportsCovariance
    pending: Floats
    whitening: Floats
    base: Floats
    bests: Floats

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,). Cost that of moments and covariances, and O(q p (p + s))."""
        mean, variance = self.posterior.moments(x)
        means = mean[:, None]
        if len(self.pending):
            shared = self.posterior.cross(x, self.pending) @ self.whitening.T
            means = means + shared @ self.base.T
            variance = variance - np.einsum("qp,qp->q", shared, shared)
        std = np.sqrt(np.maximum(variance, LEAST_STD**2))[:, None]
        gains: Floats = (std * improvement((self.bests - means) / std)).mean(axis=1)
        return gains


def condition_on_pending(posterior: Posterior, pending: Floats, best: float, base: Floats) -> PendingConditionedEI:
    """Draw the pending points' values.

    Args:
        posterior: what is believed; it has the ability `SupportsCovariance`.
        pending: (p, d), p from 0.
        best: the lowest loss.
        base: (s, p) standard normal; of p = 0 one draw is enough, whatever s is.
    """
    model = cast(SupportsCovariance, posterior)
    if not len(pending):
        return PendingConditionedEI(model, pending, np.empty((0, 0)), base[:1], np.array([best]))
    values, vectors = np.linalg.eigh(model.cross(pending, pending))
    # Equal points, and known ones, have eigenvalues of 0 up to rounding.
    roots = np.sqrt(np.maximum(values, max(_RANK * values[-1], LEAST_STD**2)))
    drawn = model.moments(pending).mean + (base * roots) @ vectors.T
    bests = np.minimum(best, drawn.min(axis=1))
    return PendingConditionedEI(model, pending, vectors.T / roots[:, None], base, bests)


def joint_improvement(posterior: Joint, x: Floats, best: float, base: Floats) -> Floats:
    """Give the expected improvement of each of b sets of q points, ``E[(best - min f(x))₊]``, by Monte Carlo.

    Args:
        posterior: what is believed.
        x: (b, q, d).
        best: the lowest loss.
        base: (s, q) standard normal, shared by all sets (see `luthier.numeric.quasi.quasi_normal`).

    Returns:
        (b,), at least 0. Cost O(b (q n² + q³ + s q²)) of a Gaussian process.

    Source: Ginsbourger, Le Riche and Carraro (2010), section 3.
    """
    lowest = [posterior.sample(points, base).min(axis=1) for points in x]
    return np.array([np.maximum(best - low, 0.0).mean() for low in lowest])
