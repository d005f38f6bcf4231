"""Ensemble of acquisition functions whose proposals lie on their Pareto front (MACE)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition.criterion import bind_acquisition
from luthier.acquisition.protocol import Acquisition, AcquisitionContext, Bindable, Criterion, ValueScale
from luthier.acquisition.traits import checked_members
from luthier.numeric import augmented_chebyshev
from luthier.setting_types import check_setting_types
from luthier.surrogate import Posterior

_LEAST = 1e-300


@translating_settings
@dataclass(frozen=True, slots=True)
class MACE:
    """Propose a point of the Pareto front of several acquisition functions (MACE).

    The source finds the whole front by an evolutionary search and draws a batch from it. Here each proposal draws
    weights w and maximises an augmented Chebyshev function, ``min_i w_i (s_i - 1) + 0.05 Σ_i w_i s_i``, of the
    acquisition functions scaled so that s is 0 at their median over the space and 1 at the largest value there (of
    ``positive`` ones the logarithm). It increases in every s_i, so its maximum is on the front for any weights; and
    proposals, each with weights of its own, spread along it.

    Args:
        acquisitions: the members, at least 2, no two equal; ``LogEI(), PI(), UCB()`` in the source.

    Raises:
        InvalidSetting: fewer than 2 members, or two equal ones.

    Source: Lyu, Yang, Yan, Zhou and Zeng (2018), Batch Bayesian optimization via multi-objective acquisition ensemble
    for automated analog circuit design, section 3; Steuer and Choo (1983) for the augmented Chebyshev norm.
    """

    scale = ValueScale.SIGNED
    requires = (Posterior,)

    acquisitions: tuple[Acquisition | Bindable, ...]

    def __post_init__(self) -> None:
        check_setting_types(self)
        object.__setattr__(self, "acquisitions", checked_members("MACE", self.acquisitions))

    @property
    def handles_pending(self) -> bool:
        """Whether all members do; if not, all of them get the posterior that was conditioned on pending points."""
        return all(member.handles_pending for member in self.acquisitions)

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> MACECriterion:
        """See `Bindable.bind`."""
        parts = [
            MACEMember.of(bind_acquisition(member, posterior, context), member.scale, context.scattered)
            for member in self.acquisitions
        ]
        weights = -np.log1p(-context.key.fold("pareto").uniform(len(parts))) + 1e-6
        return MACECriterion(parts, weights / weights.sum())


@dataclass(frozen=True, slots=True)
class MACEMember:
    """A criterion on a scale where 0 and 1 are its median and its largest value over points of the space.

    Args:
        criterion: what is scaled; if it is `positive` its logarithm is.
        positive: whether its values are positive.
        middle: the value that becomes 0.
        width: the difference between that value and the one that becomes 1; more than 0.
    """

    criterion: Criterion
    positive: bool
    middle: float = 0.0
    width: float = 1.0

    @classmethod
    def of(cls, criterion: Criterion, scale: ValueScale, scattered: Floats) -> MACEMember:
        """Find middle and width from points (c, d) of the space."""
        values = cls(criterion, scale == ValueScale.POSITIVE).value(scattered)
        middle = float(np.median(values))
        width = float(values.max()) - middle
        return cls(criterion, scale == ValueScale.POSITIVE, middle, width if width > 0 else 1.0)

    def value(self, x: Floats) -> Floats:
        """Give the scaled value at `x` (q, d); shape (q,)."""
        value = self.criterion.value(x)
        return ((np.log(np.maximum(value, _LEAST)) if self.positive else value) - self.middle) / self.width


@dataclass(frozen=True, slots=True)
class MACECriterion:
    """A criterion: the augmented Chebyshev function of several.

    Args:
        parts: the criteria, scaled.
        weights: (members,), positive, summing to one.
    """

    parts: Sequence[Criterion]
    weights: Floats

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        scaled = np.stack([part.value(x) for part in self.parts])
        return -augmented_chebyshev(-scaled, self.weights, ideal=-1.0)
