"""An acquisition weighed by what the user believes of where the optimum is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from luthier.acquisition.protocol import Acquisition, Bindable, Ensemble, Portfolio, Scale, Situation
from luthier.acquisition.weighed import Weighed, check_inner, weigh, weighed_scale
from luthier.surrogate.protocol import Posterior

Floats = NDArray[np.float64]


class Density(Protocol):
    """A density of points, positive everywhere."""

    def log_density(self, x: Floats) -> Floats:
        """Give the logarithm of the density at `x` (q, d) relative to the uniform one; shape (q,)."""
        ...


@runtime_checkable
class SmoothDensity(Density, Protocol):
    """A density with gradients."""

    def log_density_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give `log_density` (q,) and its gradient (q, d) at `x` (q, d); 0 along columns that take levels only."""
        ...


@dataclass(frozen=True, slots=True)
class Informed:
    """An acquisition times π(x)^(β/n): a belief that counts for less the more losses there are.

    Args:
        inner: the acquisition.
        density: π, what is believed of where the optimum is.
        strength: β, at least 0; about as many losses outweigh the belief.

    Source: Hvarfner, Stoll, Souza, Lindauer, Hutter and Nardi (2022), πBO: Augmenting acquisition functions with user
    beliefs for Bayesian optimization, eq. 6. Here n counts all losses, those of the design too.
    """

    inner: Acquisition | Bindable
    density: Density
    strength: float

    def __post_init__(self) -> None:
        check_inner("Prior", self.inner)

    @property
    def scale(self) -> Scale:
        """That of the inner one; of a ``signed`` one ``log``."""
        return weighed_scale(self.inner)

    @property
    def needs(self) -> tuple[type, ...]:
        """As the inner one."""
        return self.inner.needs

    @property
    def own_pending(self) -> bool:
        """As the inner one."""
        return self.inner.own_pending

    def bind(self, posterior: Posterior, situation: Situation) -> Weighed:
        """See `Bindable.bind`."""
        power = self.strength / max(len(situation.data), 1)
        smooth = isinstance(self.density, SmoothDensity)
        weight = SmoothPower(self.density, power) if smooth else Power(self.density, power)  # type: ignore[arg-type]
        return weigh(self.inner, posterior, situation, weight)


@dataclass(frozen=True, slots=True)
class Power:
    """The logarithm of a power of a density, as a function of x.

    Args:
        density: of which.
        power: at least 0.
    """

    density: Density
    power: float

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        return self.power * self.density.log_density(x)


@dataclass(frozen=True, slots=True)
class SmoothPower(Power):
    """The same of a density with gradients."""

    density: SmoothDensity

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        value, gradient = self.density.log_density_grad(x)
        return self.power * value, self.power * gradient


def inform(
    acquisition: Acquisition | Bindable | Portfolio, density: Density, strength: float
) -> Acquisition | Bindable | Portfolio:
    """Weigh an acquisition by a belief; of an ensemble each member."""
    if isinstance(acquisition, Ensemble):
        members = tuple(inform(member, density, strength) for member in acquisition.acquisitions)
        return replace(acquisition, acquisitions=members)  # type: ignore[type-var]
    return Informed(acquisition, density, strength)
