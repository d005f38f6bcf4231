"""What is worth trying per second that it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.acquisition.criterion import bind
from luthier.acquisition.protocol import Acquisition, AcquisitionContext, Bindable, Criterion, Scale
from luthier.acquisition.weighting.weighted import check_inner, weight_criterion, weighted_scale
from luthier.errors import InvalidSetting
from luthier.surrogate import GP, Differentiable, Posterior, Ratio

_FEWEST = 4
"""With fewer known costs than this, all are taken to cost the same."""
_FIRST = 8
"""The unit of cost is the median of so many of the first ones: later ones do not change it, nor what was learnt."""
_LEAST_S = 1e-3
"""Shorter durations are taken for this: what they differ by is chance."""


@dataclass(frozen=True, slots=True)
class PerSecond:
    """An acquisition divided by the seconds that a trial is expected to take.

    The logarithm of the duration is learnt by a Gaussian process from the durations that the log holds; trials without
    one (crashed, imported, told without a duration) teach it nothing. ``E[c] = exp(m + v/2)`` for a logarithm of mean m
    and variance v. While fewer than 4 durations are known, it changes nothing.

    It pays where durations differ much. On Branin's and Hartmann's functions, with durations that rise, fall or vary
    along the variables, the seconds to a target were 0.63 of those without it where the longest was 100 times the
    shortest, 0.73 at 30 times, 0.98 at 10 times and 1.06 at 3 times (`benchmarks/costs.py`; geometric means of 36 pairs
    each). It takes more trials, most where the optimum is dear.

    Args:
        inner: the acquisition. ``positive`` and ``log`` ones (EI, LogEI, …) are divided by the expected seconds; of a
            ``signed`` one (UCB, Thompson) the improvement that is hoped for is (see `Weighed`).
        exponent: of the cost, more than 0: 1 for the value per second; less to mind the cost less, as Lee et al. do
            while much of a budget of time is left.

    Raises:
        InvalidSetting: no single acquisition, or a senseless exponent.

    Cost: that of one more Gaussian process.
    Source: Snoek, Larochelle and Adams (2012), Practical Bayesian optimization, section 3.3 (EI per second); Lee,
    Perrone, Archambeau and Seeger (2020), Cost-aware Bayesian optimization, eq. 2 (the exponent).

    Example:
        >>> from luthier.acquisition.analytic import LogEI
        >>> PerSecond(LogEI()).scale
        'log'
    """

    inner: Acquisition | Bindable
    exponent: float = 1.0

    def __post_init__(self) -> None:
        check_inner("PerSecond", self.inner)
        if not 0.0 < self.exponent < math.inf:
            raise InvalidSetting(f"PerSecond(exponent={self.exponent!r}): give a finite number above 0")

    @property
    def scale(self) -> Scale:
        """That of the inner one; of a ``signed`` one ``log``."""
        return weighted_scale(self.inner)

    @property
    def requires(self) -> tuple[type, ...]:
        """What the inner one needs; a ratio of densities says which point is better, but not how much."""
        return tuple(ability for ability in self.inner.requires if ability is not Ratio)

    @property
    def handles_pending(self) -> bool:
        """As the inner one."""
        return self.inner.handles_pending

    def bind(self, posterior: Posterior, situation: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`."""
        rows = np.flatnonzero(np.isfinite(situation.data.costs))
        if len(rows) >= _FEWEST:
            return weight_criterion(self.inner, posterior, situation, self._cheapness(situation, rows))
        if self.inner.scale == "signed":
            return weight_criterion(self.inner, posterior, situation, Zero())
        return bind(self.inner, posterior, situation)  # with its gradients, if it has any

    def _cheapness(self, situation: AcquisitionContext, rows: NDArray[np.int64]) -> NegativeLogCost:
        """Learn the logarithm of the cost, up to a constant; `rows` have one."""
        data = situation.data
        logs = np.log(np.maximum(data.costs[rows], _LEAST_S))
        losses = (logs - np.median(logs[:_FIRST]))[:, None]
        seen = replace(data, x=data.x[rows], losses=losses, violations=data.violations[rows], noise=None)
        model = GP(scaling="given").fit(seen, situation.key.fold("cost"), situation.memo)
        return NegativeLogCost(cast(Differentiable, model), self.exponent)  # one set of hyperparameters: no mixture


@dataclass(frozen=True, slots=True)
class NegativeLogCost:
    """Minus the logarithm of the expected cost to a power, ``-exponent (m + v/2)``.

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
