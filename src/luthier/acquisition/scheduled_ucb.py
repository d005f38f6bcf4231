"""Confidence bound whose width grows with the number of trials (GP-UCB)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from luthier._hints import translating_settings
from luthier.acquisition.analytic import UCB
from luthier.acquisition.criterion import bind_acquisition
from luthier.acquisition.protocol import AcquisitionContext, Criterion, ValueScale
from luthier.errors import InvalidSetting
from luthier.setting_types import check_setting_types
from luthier.space import Column
from luthier.surrogate import Posterior


@translating_settings
@dataclass(frozen=True, slots=True)
class ScheduledUCB:
    """The confidence bound ``-(mean - sqrt(factor · β_t) · std)`` for trial t (Srinivas et al. 2010).

    For a set D of configurations, ``β_t = 2 log(|D| t² π² / (6 δ))`` (theorem 1); on [0, 1]^d with d columns,
    ``β_t = 2 log(t² 2π² / (3 δ)) + 2 d log(t² d sqrt(log(4 d / δ)))`` (theorem 2 with its constants a = b = 1). The
    latter is far wider, 5 standard deviations and more in 6 dimensions, and never stops exploring. Pending trials
    count.

    Args:
        delta: δ, the probability that the bound on the regret fails; above 0, below 1.
        factor: multiplies β_t, above 0. The paper's own experiments (section 6) take 1/5.
        size: an upper limit on |D|, at least 1, for spaces of more, or infinitely many, configurations: the experiments
            take 1,000 points of a continuous space. None: theorem 2 where a column is continuous, and elsewhere |D|
            without a limit (the product of the numbers of values; constraints are not counted).

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Srinivas, Krause, Kakade and Seeger (2010), Gaussian process optimization in the bandit setting.
    """

    scale = ValueScale.SIGNED
    requires = (Posterior,)
    handles_pending = False

    delta: float = 0.1
    factor: float = 0.2
    size: int | None = 1000

    def __post_init__(self) -> None:
        check_setting_types(self)
        if not 0.0 < self.delta < 1.0:
            raise InvalidSetting(f"ScheduledUCB(delta={self.delta!r}): give a probability between 0 and 1")
        if self.size is not None and self.size < 1:
            raise InvalidSetting(f"ScheduledUCB(size={self.size!r}): give a number of configurations, or None")
        if not 0.0 < self.factor < math.inf:
            raise InvalidSetting(f"ScheduledUCB(factor={self.factor!r}): give a finite number above 0")

    def width(self, columns: Sequence[Column], trial: int) -> float:
        """Give the width of the bound in standard deviations for the `trial`-th trial, counted from 1."""
        dimensions = len(columns)
        finite = all(column.levels for column in columns)
        log_size = sum(math.log(column.levels) for column in columns) if finite else math.inf
        if self.size is not None:
            log_size = min(log_size, math.log(self.size))
        if log_size < math.inf:
            beta = 2.0 * (log_size + math.log(trial**2 * math.pi**2 / (6.0 * self.delta)))
        else:
            root = math.sqrt(math.log(4.0 * dimensions / self.delta))
            beta = 2.0 * math.log(trial**2 * 2.0 * math.pi**2 / (3.0 * self.delta))
            beta += 2.0 * dimensions * math.log(trial**2 * dimensions * root)
        return math.sqrt(self.factor * beta)

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`."""
        data = context.data
        trial = len(data) + len(data.pending) + 1
        return bind_acquisition(UCB(self.width(data.columns, trial)), posterior, context)
