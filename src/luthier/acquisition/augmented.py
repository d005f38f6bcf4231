"""Augmented expected improvement: what one more noisy measurement of a point is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition.analytic import LogEI
from luthier.acquisition.criterion import AnalyticCriterion, average_over_members
from luthier.acquisition.protocol import AcquisitionContext, Criterion, Score, ValueScale
from luthier.errors import InvalidSetting
from luthier.setting_types import check_setting_types
from luthier.surrogate import Posterior, SupportsCovariance


@translating_settings
@dataclass(frozen=True, slots=True)
class AugmentedLogEI:
    """Logarithm of the expected improvement, times what a measurement with noise tells of the point.

    ``log AEI = log EI + log(1 - τ / √(std² + τ²))``, with τ² the variance of the noise that the model itself has found.
    Where the model knows the function as well as one measurement would tell it, another one is worth nothing; without
    noise it is `LogEI`. The best loss is best a predicted one (see `luthier.method.bayesian.step.incumbent`).

    Args:
        margin: an improvement counts from here on, in units of the loss, at least 0.

    Raises:
        InvalidSetting: a negative or infinite margin.

    Source: Huang, Allen, Notz and Zeng (2006), Global optimization of stochastic black-box systems via sequential
    kriging meta-models, Journal of Global Optimization 34, eq. 12.
    """

    scale = ValueScale.LOG
    requires = (Posterior,)
    handles_pending = False

    margin: float = 0.0

    def __post_init__(self) -> None:
        check_setting_types(self)
        if not 0.0 <= self.margin < float("inf"):
            raise InvalidSetting(f"AugmentedLogEI(margin={self.margin!r}): give a finite number, 0 or more")

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`; of a mixture, the average over its members."""

        def one(model: Posterior) -> Criterion:
            noise = model.noise_variance if isinstance(model, SupportsCovariance) else 0.0
            return AnalyticCriterion(_Augmented(LogEI(self.margin), float(np.sqrt(noise))), model, context.best)

        return average_over_members(posterior, one, self.scale)


@dataclass(frozen=True, slots=True)
class _Augmented:
    """Weight an acquisition function on a log scale by 1 - τ / √(std² + τ²), with τ the noise's standard deviation."""

    scale = ValueScale.LOG
    requires = (Posterior,)
    handles_pending = False

    acquisition: LogEI
    noise_std: float

    def score(self, mean: Floats, std: Floats, best: float) -> Score:
        """See `Acquisition.score`. The weight is computed as std² / (q (q + τ)), q² = std² + τ²: nothing cancels."""
        value, d_mean, d_std = self.acquisition.score(mean, std, best)
        q = np.sqrt(std * std + self.noise_std**2)
        weight = 2.0 * np.log(std) - np.log(q) - np.log(q + self.noise_std)
        slope = 2.0 / std - std / (q * q) - std / (q * (q + self.noise_std))
        return Score(value + weight, d_mean, d_std + slope)
