"""Joint expected improvement of one more point and the pending points (q-EI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition.criterion import LEAST_STD, average_over_members, standard_deviation
from luthier.acquisition.normal import improvement
from luthier.acquisition.protocol import AcquisitionContext, Criterion, ValueScale
from luthier.errors import InvalidSetting
from luthier.numeric import quasi_normal
from luthier.setting_types import check_setting_types
from luthier.surrogate import Posterior, SupportsCovariance

_RANK = 1e-12
"""Smaller eigenvalues of a covariance, relative to the largest, are rounding errors."""


@translating_settings
@dataclass(frozen=True, slots=True)
class QEI:
    """The expected improvement on the lowest loss and on the losses of the pending points.

    With x one point and P the pending ones, the value is ``E[(best - min f(x, P))₊] - E[(best - min f(P))₊]``: the
    second term is the same for every x, and without it a constraint or a cost of x would also weight the improvement
    of the pending points. A batch is chosen greedily, the points chosen so far pending.

    Args:
        samples: the number of draws of f(P) that the expectation is taken over, at least 1, best a power of 2. Given
            f(P), f(x) is normal and its expected improvement has a closed form; without pending points it is exact.

    Raises:
        InvalidSetting: `samples` below 1.

    Source: Ginsbourger, Le Riche and Carraro (2010), Kriging is well-suited to parallelize optimization, section 3
    (q-EI); Wang, Clark, Liu and Frazier (2020), Parallel Bayesian global optimization of expensive functions (MOE's
    q,p-EI); Wilson, Hutter and Deisenroth (2018), Maximizing acquisition functions for Bayesian optimization, for
    the greedy batch. Unlike there, the expectation over f(x) is taken in closed form.
    """

    scale = ValueScale.POSITIVE
    requires = (SupportsCovariance,)
    handles_pending = True

    samples: int = 128

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.samples < 1:
            raise InvalidSetting(f"QEI(samples={self.samples!r}): take the expectation over at least 1 draw")

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`; of a mixture, the average over its members."""
        base = quasi_normal(context.key.fold("pending"), self.samples, len(context.pending))
        return average_over_members(
            posterior, lambda model: condition_on_pending(model, context.pending, context.best, base)
        )


@dataclass(frozen=True, slots=True, eq=False)
class PendingConditionedEI:
    """A criterion: the expected improvement of one point given s draws of the values of pending points.

    Args:
        posterior: of the loss.
        pending: (p, d).
        whitening: (p, p) the inverse of a root of the pending values' covariance Σ: ``whitening Σ whiteningᵀ = 1``.
        base: (s, p) the draws, whitened.
        bests: (s,) the lowest of `best` and the values of each draw.
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
            shared = self.posterior.cross_covariance(x, self.pending) @ self.whitening.T
            means = means + shared @ self.base.T
            variance = variance - np.einsum("qp,qp->q", shared, shared)
        std = standard_deviation(variance)[:, None]
        gains: Floats = (std * improvement((self.bests - means) / std)).mean(axis=1)
        return gains


def condition_on_pending(posterior: Posterior, pending: Floats, best: float, base: Floats) -> PendingConditionedEI:
    """Draw the values of the pending points.

    Args:
        posterior: of the loss; it has the ability `SupportsCovariance`.
        pending: (p, d), p from 0.
        best: the lowest loss.
        base: (s, p) standard normal; for p = 0 the first draw is enough.
    """
    model = cast(SupportsCovariance, posterior)
    if not len(pending):
        return PendingConditionedEI(model, pending, np.empty((0, 0)), base[:1], np.array([best]))
    values, vectors = np.linalg.eigh(model.cross_covariance(pending, pending))
    # Equal points and known points have eigenvalues of 0, up to rounding.
    roots = np.sqrt(np.maximum(values, max(_RANK * values[-1], LEAST_STD**2)))
    drawn = model.moments(pending).mean + (base * roots) @ vectors.T
    bests = np.minimum(best, drawn.min(axis=1))
    return PendingConditionedEI(model, pending, vectors.T / roots[:, None], base, bests)
