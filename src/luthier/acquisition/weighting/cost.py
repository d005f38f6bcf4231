"""Weight by the inverse of the expected cost (expected improvement per second)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition.criterion import bind_acquisition
from luthier.acquisition.protocol import (
    Acquisition,
    AcquisitionContext,
    Bindable,
    Criterion,
    CriterionEnsemble,
    Portfolio,
    ValueScale,
)
from luthier.acquisition.traits import check_inner
from luthier.acquisition.weighting.weighted import weight_criterion, weighted_scale
from luthier.errors import InvalidSetting
from luthier.setting_types import check_setting_types
from luthier.surrogate import GP, Differentiable, Posterior, Ratio

_FEWEST = 4
"""With fewer known costs than this, all points are taken to cost the same."""
_FIRST = 8
"""The unit of cost is the median of this many of the first ones, so later ones do not change earlier logarithms."""
_LEAST_S = 1e-3
"""The least duration: differences between shorter ones are chance."""
_LEAST_SHARE = 1e-3
"""The least cost in a unit of the user's, relative to the median of the first ones: a trial may cost nothing."""


@translating_settings
@dataclass(frozen=True, slots=True)
class PerSecond:
    """An acquisition function divided by the expected duration of a trial, or by its cost where a study declares one.

    A Gaussian process predicts the logarithm of the duration from the durations in the log; trials without one
    (failed, imported, or reported without a duration) are left out. With ``lt.Study(…, cost="dollars")`` the same holds
    of dollars, and the methods divide by themselves. For a logarithm of mean m and variance v,
    ``E[c] = exp(m + v/2)``. With fewer than 4 known durations the acquisition function is unchanged.

    It pays where durations differ much. On Branin's and Hartmann's functions, with durations that rise, fall or vary
    along the variables, the seconds to a target were 0.63 of those without it where the longest duration was 100 times
    the shortest, 0.73 at 30 times, 0.98 at 10 times and 1.06 at 3 times (`benchmarks/costs.py`; geometric means of 36
    pairs each). It needs more trials, most where the optimum is expensive.

    Args:
        inner: the acquisition function. ``positive`` and ``log`` ones (EI, LogEI, …) are divided by the expected
            duration; of a ``signed`` one (UCB, Thompson) the improvement is (see `Weighted`).
        exponent: of the duration, above 0: 1 for the value per second; less to reduce its influence, as Lee et al. do
            while much of a time budget is left.

    Raises:
        InvalidSetting: `inner` is not a single acquisition function, or `exponent` is not a finite number above 0.

    Cost: that of one more Gaussian process.
    Source: Snoek, Larochelle and Adams (2012), Practical Bayesian optimization, section 3.3 (EI per second); Lee,
    Perrone, Archambeau and Seeger (2020), Cost-aware Bayesian optimization, eq. 2 (the exponent).

    Example:
        >>> from luthier.acquisition import LogEI
        >>> str(PerSecond(LogEI()).scale)
        'log'
    """

    inner: Acquisition | Bindable
    exponent: float = 1.0

    def __post_init__(self) -> None:
        check_setting_types(self)
        check_inner("PerSecond", self.inner)
        if not 0.0 < self.exponent < math.inf:
            raise InvalidSetting(f"PerSecond(exponent={self.exponent!r}): give a finite number above 0")

    @property
    def scale(self) -> ValueScale:
        """That of the inner one; ``log`` where that is ``signed``."""
        return weighted_scale(self.inner)

    @property
    def requires(self) -> tuple[type, ...]:
        """As the inner one, without `Ratio`: a ratio of densities orders points, but has no size to be divided."""
        return tuple(ability for ability in self.inner.requires if ability is not Ratio)

    @property
    def handles_pending(self) -> bool:
        """As the inner one."""
        return self.inner.handles_pending

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`."""
        rows = np.flatnonzero(np.isfinite(context.data.costs))
        if len(rows) >= _FEWEST:
            return weight_criterion(self.inner, posterior, context, self._negative_log_cost(context, rows))
        if self.inner.scale == ValueScale.SIGNED:
            return weight_criterion(self.inner, posterior, context, Zero())
        return bind_acquisition(self.inner, posterior, context)

    def _negative_log_cost(self, context: AcquisitionContext, rows: NDArray[np.int64]) -> NegativeLogCost:
        """Fit the logarithm of the cost, up to a constant, to the `rows` that have one."""
        data = context.data
        costs = data.costs[rows]
        logs = np.log(np.maximum(costs, _least(costs) if data.priced else _LEAST_S))
        losses = (logs - np.median(logs[:_FIRST]))[:, None]
        rest = data.violations[rows]
        known = replace(data, x=data.x[rows], losses=losses, violations=rest, noise=None, sources=())
        model = GP(scaling="given").fit(known, context.key.fold("cost"), context.memo)
        return NegativeLogCost(cast(Differentiable, model), self.exponent)  # one set of hyperparameters: no mixture


def _least(costs: Floats) -> float:
    """Give the least cost in a unit of the user's: differences between smaller ones do not count."""
    positive = costs[costs > 0][:_FIRST]
    return _LEAST_SHARE * float(np.median(positive)) if len(positive) else 1.0


def weight_by_cost(acquisition: Acquisition | Bindable | Portfolio) -> Acquisition | Bindable | Portfolio:
    """Divide an acquisition function by the expected cost, unless it is already; of an ensemble each member."""
    if isinstance(acquisition, PerSecond):
        return acquisition
    if isinstance(acquisition, CriterionEnsemble):
        members = tuple(weight_by_cost(member) for member in acquisition.acquisitions)
        return replace(acquisition, acquisitions=members)  # type: ignore[type-var]
    return PerSecond(acquisition)


@dataclass(frozen=True, slots=True)
class NegativeLogCost:
    """The negative logarithm of the expected cost to a power, ``-exponent (m + v/2)``.

    Args:
        model: of the logarithm of the cost: mean m, variance v.
        exponent: the power.
    """

    model: Differentiable
    exponent: float

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        mean, variance = self.model.moments(x)
        return -self.exponent * (mean + 0.5 * variance)

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        at = self.model.moments_grad(x)
        value = -self.exponent * (at.mean + 0.5 * at.variance)
        return value, -self.exponent * (at.mean_grad + 0.5 * at.variance_grad)


class Zero:
    """The logarithm of a weight of one."""

    def value(self, x: Floats) -> Floats:
        """Give zeros (q,)."""
        return np.zeros(len(x))

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give zeros (q,) and (q, d)."""
        return np.zeros(len(x)), np.zeros(x.shape)
