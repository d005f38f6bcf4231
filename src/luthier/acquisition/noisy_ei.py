"""Expected improvement on the lowest loss without its noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition.best_rows import best_rows
from luthier.acquisition.criterion import average_over_members, standard_deviation
from luthier.acquisition.normal import improvement
from luthier.acquisition.protocol import AcquisitionContext, Criterion, ValueScale
from luthier.errors import InvalidSetting
from luthier.setting_types import check_setting_types
from luthier.surrogate import Draws, Posterior, SupportsNoiselessDraws


@translating_settings
@dataclass(frozen=True, slots=True)
class NoisyEI:
    """Expected improvement, averaged over draws of the losses without their noise.

    ``NEI(x) = 1/s Σ_k EI(x | f_k)``, f_k draws of the function at the data and at the pending points: each draw has
    a lowest loss, and the improvement on that is expected. So the possible losses of pending points count, too.

    Args:
        draws: their number s, at least 1, best a power of 2.

    Raises:
        InvalidSetting: `draws` below 1.

    Source: Letham, Karrer, Ottoni and Bakshy (2019), Constrained Bayesian optimization with noisy experiments,
    Bayesian Analysis 14, eq. 8, with the same quasi-random draws.
    """

    scale = ValueScale.POSITIVE
    requires = (SupportsNoiselessDraws,)
    handles_pending = True

    draws: int = 64

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.draws < 1:
            raise InvalidSetting(f"NoisyEI(draws={self.draws!r}): average over at least 1 draw")

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`; of a mixture, the average over its members."""
        candidates = np.concatenate([best_rows(context.data, feasible_only=True), context.pending])

        def one(model: Posterior) -> Criterion:
            key = context.key.fold("denoised")
            drawn = cast(SupportsNoiselessDraws, model).noiseless_draws(key, self.draws, context.pending)
            return NoisyEICriterion(drawn, drawn.moments(candidates).mean.min(axis=1))

        return average_over_members(posterior, one)


@dataclass(frozen=True, slots=True, eq=False)
class NoisyEICriterion:
    """A criterion: the expected improvement, averaged over draws of the data without noise.

    Args:
        drawn: the posteriors given each of s draws.
        bests: (s,) the lowest loss of each draw.
    """

    drawn: Draws
    bests: Floats

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,). Cost that of the moments, and O(q s)."""
        mean, variance = self.drawn.moments(x)
        std = standard_deviation(variance)
        gains: Floats = (std * improvement((self.bests[:, None] - mean) / std)).mean(axis=0)
        return gains
