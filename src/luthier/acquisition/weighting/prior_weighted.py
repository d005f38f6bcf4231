"""Weight by the user's prior of the location of the optimum (πBO)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, cast, runtime_checkable

from luthier._typing import Floats
from luthier.acquisition.criterion import smooth_where
from luthier.acquisition.protocol import (
    Acquisition,
    AcquisitionContext,
    Bindable,
    CriterionEnsemble,
    Portfolio,
    ValueScale,
)
from luthier.acquisition.traits import check_inner
from luthier.acquisition.weighting.weighted import Weighted, weight_criterion, weighted_scale
from luthier.setting_types import check_setting_types
from luthier.surrogate import Posterior


class PriorDensityLike(Protocol):
    """A density of points, positive everywhere."""

    def log_density(self, x: Floats) -> Floats:
        """Give the logarithm of the density at `x` (q, d) relative to the uniform one; shape (q,)."""
        ...


@runtime_checkable
class SmoothPriorDensityLike(PriorDensityLike, Protocol):
    """A density with gradients."""

    def log_density_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give `log_density` (q,) and its gradient (q, d) at `x` (q, d); 0 along columns of levels."""
        ...


@dataclass(frozen=True, slots=True)
class PriorWeighted:
    """An acquisition function times π(x)^(β/n): the prior counts for less as the number n of losses grows.

    Args:
        inner: the acquisition function.
        density: π, the prior density of the location of the optimum.
        strength: β, at least 0: the number of losses that outweighs the prior, roughly.

    Source: Hvarfner, Stoll, Souza, Lindauer, Hutter and Nardi (2022), πBO: Augmenting acquisition functions with user
    beliefs for Bayesian optimization, eq. 6. Here n counts all losses, including those of the initial design.
    """

    inner: Acquisition | Bindable
    density: PriorDensityLike
    strength: float

    def __post_init__(self) -> None:
        check_setting_types(self)
        check_inner("Prior", self.inner)

    @property
    def scale(self) -> ValueScale:
        """That of the inner one; ``log`` where that is ``signed``."""
        return weighted_scale(self.inner)

    @property
    def requires(self) -> tuple[type, ...]:
        """As the inner one."""
        return self.inner.requires

    @property
    def handles_pending(self) -> bool:
        """As the inner one."""
        return self.inner.handles_pending

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> Weighted:
        """See `Bindable.bind`."""
        power = self.strength / max(len(context.data), 1)
        return weight_criterion(self.inner, posterior, context, PriorPower(self.density, power))


@dataclass(frozen=True, slots=True)
class PriorPower:
    """The logarithm of a power of a density, as a function of x; smooth where the density is.

    Args:
        density: of points.
        power: at least 0.
    """

    density: PriorDensityLike
    power: float

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.supports`."""
        return smooth_where(isinstance(self.density, SmoothPriorDensityLike))

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        return self.power * self.density.log_density(x)

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        value, gradient = cast(SmoothPriorDensityLike, self.density).log_density_grad(x)
        return self.power * value, self.power * gradient


def weight_by_prior(
    acquisition: Acquisition | Bindable | Portfolio, density: PriorDensityLike, strength: float
) -> Acquisition | Bindable | Portfolio:
    """Weight an acquisition function by a prior; of an ensemble each member."""
    if isinstance(acquisition, CriterionEnsemble):
        members = tuple(weight_by_prior(member, density, strength) for member in acquisition.acquisitions)
        return replace(acquisition, acquisitions=members)  # type: ignore[type-var]
    return PriorWeighted(acquisition, density, strength)
