"""Expected improvement on what the best loss would be without noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.best_rows import best_rows
from luthier.acquisition.criterion import LEAST_STD
from luthier.acquisition.members import average_over_members
from luthier.acquisition.normal import improvement
from luthier.acquisition.protocol import AcquisitionContext, Criterion, Scale
from luthier.errors import InvalidSetting
from luthier.surrogate import Draws, Posterior, SupportsNoiselessDraws


@dataclass(frozen=True, slots=True)
class NoisyEI:
    """Expected improvement, averaged over what the observed losses may have been without their noise.

    ``NEI(x) = 1/s Σ_k EI(x | f_k)``, f_k draws of the function at the data and at the pending points: given one, the
    best loss is known, and so is the improvement expected on it. Pending points so count with what they may give.

    Args:
        draws: how many, s, best a power of 2.

    Raises:
        InvalidSetting: `draws` below 1.

    Source: Letham, Karrer, Ottoni and Bakshy (2019), Constrained Bayesian optimization with noisy experiments,
    Bayesian Analysis 14, eq. 8; quasi-random draws as there.
    """

    scale: ClassVar[Scale] = "positive"
    requires: ClassVar[tuple[type, ...]] = (SupportsNoiselessDraws,)
    handles_pending: ClassVar[bool] = True

    draws: int = 64

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise InvalidSetting(f"NoisyEI(draws={self.draws!r}): average over at least 1 draw")

    def bind(self, posterior: Posterior, situation: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`; of a mixture, the average over its members."""
        judged = np.concatenate([best_rows(situation.data, lawful=True), situation.pending])

        def one(model: Posterior) -> Criterion:
            key = situation.key.fold("denoised")
            drawn = cast(SupportsNoiselessDraws, model).denoised(key, self.draws, situation.pending)
            return AveragedCriterion(drawn, drawn.moments(judged).mean.min(axis=1))

        return average_over_members(posterior, one)


@dataclass(frozen=True, slots=True, eq=False)
class AveragedCriterion:
    """A criterion: the expected improvement averaged over draws of the data.

    Args:
        drawn: s posteriors.
        bests: (s,) the lowest loss of each.
    """

    drawn: Draws
    bests: Floats

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,). Cost that of the moments, and O(q s)."""
        mean, variance = self.drawn.moments(x)
        std = np.sqrt(np.maximum(variance, LEAST_STD**2))
        gains: Floats = (std * improvement((self.bests[:, None] - mean) / std)).mean(axis=0)
        return gains
