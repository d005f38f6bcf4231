"""An acquisition weighed by what the user believes of where the optimum is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from luthier._typing import Floats
from luthier.acquisition.protocol import Acquisition, AcquisitionContext, Bindable, CriterionEnsemble, Portfolio, Scale
from luthier.acquisition.weighting.weighted import Weighted, check_inner, weight_criterion, weighted_scale
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
        """Give `log_density` (q,) and its gradient (q, d) at `x` (q, d); 0 along columns that take levels only."""
        ...


@dataclass(frozen=True, slots=True)
class PriorWeighted:
    """An acquisition times π(x)^(β/n): a belief that counts for less the more losses there are.

    Args:
        inner: the acquisition.
        density: π, what is believed of where the optimum is.
        strength: β, at least 0; about as many losses outweigh the belief.

    Source: Hvarfner, Stoll, Souza, Lindauer, Hutter and Nardi (2022), πBO: Augmenting acquisition functions with user
    beliefs for Bayesian optimization, eq. 6. Here n counts all losses, those of the design too.
    """

    inner: Acquisition | Bindable
    density: PriorDensityLike
    strength: float

    def __post_init__(self) -> None:
        check_inner("Prior", self.inner)

    @property
    def scale(self) -> Scale:
        """That of the inner one; of a ``signed`` one ``log``."""
        return weighted_scale(self.inner)

    @property
    def requires(self) -> tuple[type, ...]:
        """As the inner one."""
        return self.inner.requires

    @property
    def handles_pending(self) -> bool:
        """As the inner one."""
        return self.inner.handles_pending

    def bind(self, posterior: Posterior, situation: AcquisitionContext) -> Weighted:
        """See `Bindable.bind`."""
        power = self.strength / max(len(situation.data), 1)
        smooth = isinstance(self.density, SmoothPriorDensityLike)
        weight = SmoothPriorPower(self.density, power) if smooth else PriorPower(self.density, power)  # type: ignore[arg-type]
        return weight_criterion(self.inner, posterior, situation, weight)


@dataclass(frozen=True, slots=True)
class PriorPower:
    """The logarithm of a power of a density, as a function of x.

    Args:
        density: of which.
        power: at least 0.
    """

    density: PriorDensityLike
    power: float

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        return self.power * self.density.log_density(x)


@dataclass(frozen=True, slots=True)
class SmoothPriorPower(PriorPower):
    """The same of a density with gradients."""

    density: SmoothPriorDensityLike

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        value, gradient = self.density.log_density_grad(x)
        return self.power * value, self.power * gradient


def weight_by_prior(
    acquisition: Acquisition | Bindable | Portfolio, density: PriorDensityLike, strength: float
) -> Acquisition | Bindable | Portfolio:
    """Weigh an acquisition by a belief; of an ensemble each member."""
    if isinstance(acquisition, CriterionEnsemble):
        members = tuple(weight_by_prior(member, density, strength) for member in acquisition.acquisitions)
        return replace(acquisition, acquisitions=members)  # type: ignore[type-var]
    return PriorWeighted(acquisition, density, strength)
