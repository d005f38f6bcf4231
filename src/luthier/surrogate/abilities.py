"""Abilities of posteriors: their names, the check for one, and the check of what a surrogate declares."""

from __future__ import annotations

from typing import Protocol, TypeGuard, TypeVar, runtime_checkable

from luthier.errors import InvalidSetting
from luthier.scalar import attribute, short
from luthier.surrogate.protocol import (
    Conditionable,
    Differentiable,
    IsMixture,
    Joint,
    Pathwise,
    Posterior,
    Ratio,
    SupportsCovariance,
    SupportsLeaveOneOut,
    SupportsNoiselessDraws,
)

A = TypeVar("A")

ABILITIES: dict[type, str] = {
    Posterior: "means and variances of losses",
    Differentiable: "gradients",
    Joint: "joint draws at several points",
    Conditionable: "conditioning on further points",
    Pathwise: "draws of whole functions",
    SupportsCovariance: "covariances between points",
    SupportsNoiselessDraws: "draws of the losses without their noise",
    SupportsLeaveOneOut: "leave-one-out predictions",
    IsMixture: "several models to average over",
    Ratio: "a ratio of densities, and neither means nor variances of losses",
}
"""Each ability in words, for messages."""


@runtime_checkable
class DeclaresAbilities(Protocol):
    """An object whose abilities depend on its parts, so that its class alone does not tell them."""

    @property
    def abilities(self) -> tuple[type, ...]:
        """The protocols that it keeps, all of them."""
        ...


def supports(thing: object, ability: type[A]) -> TypeGuard[A]:
    """Tell whether a posterior, or a criterion, has an ability.

    What is made of parts (a mixture, a weighted criterion) has the methods of every ability and declares in
    `abilities` those that all parts have. Anything else has the abilities whose methods its class has.

    Args:
        thing: a posterior or a criterion.
        ability: a protocol, such as `Differentiable`.
    """
    kind = type(thing)
    if _keeps(kind, thing, DeclaresAbilities):
        return ability in thing.abilities  # type: ignore[attr-defined]
    return _keeps(kind, thing, ability)


def _keeps(kind: type, thing: object, protocol: type) -> bool:
    """Tell whether an object keeps a protocol, as the first one of its class that was looked at."""
    found = _KEPT.get((kind, protocol))
    if found is None:
        found = _KEPT[kind, protocol] = isinstance(thing, protocol)
    return found


_KEPT: dict[tuple[type, type], bool] = {}


def check_surrogate(surrogate: object) -> None:
    """Check that an object is a surrogate and declares its abilities.

    Raises:
        InvalidSetting: it is a class and not an instance, has no `fit`, or its `abilities` are not a tuple of keys of
            `ABILITIES` with `Posterior` or `Ratio` among them.
    """
    if isinstance(surrogate, type):
        name = surrogate.__name__
        raise InvalidSetting(f"{name} is a class: give an instance of it, such as {name}()")
    name = type(surrogate).__name__
    if not callable(attribute(surrogate, "fit")):
        raise InvalidSetting(f"{short(surrogate)} is not a surrogate: give one, such as GP()")
    if not isinstance(surrogate, DeclaresAbilities):
        raise InvalidSetting(f"{name}: a surrogate declares the abilities of its posteriors; add `abilities`")
    abilities: object = surrogate.abilities
    known = ", ".join(ability.__name__ for ability in ABILITIES)
    if not isinstance(abilities, tuple) or not set(abilities) <= ABILITIES.keys():
        raise InvalidSetting(f"{name}.abilities is {abilities!r}: declare a tuple of some of {known}")
    if not {Posterior, Ratio} & set(abilities):
        raise InvalidSetting(f"{name}.abilities is {abilities!r}: declare Posterior or Ratio among them")
