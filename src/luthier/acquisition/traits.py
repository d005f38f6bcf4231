"""Checks of the declarations of acquisition functions, and of the members of wrappers and ensembles."""

from __future__ import annotations

from luthier.acquisition.protocol import Acquisition, Bindable, CriterionEnsemble, ValueScale
from luthier.errors import InvalidSetting
from luthier.scalar import attribute, short
from luthier.surrogate import ABILITIES

_TRAITS = ("scale", "requires", "handles_pending")
_SCALES = frozenset(ValueScale)


def check_acquisition(acquisition: object) -> None:
    """Check that an object is an acquisition function and declares its traits.

    Args:
        acquisition: an `Acquisition` or a `Bindable`.

    Raises:
        InvalidSetting: it is a class and not an instance, has neither `score` nor `bind`, or lacks a trait or has one
            of another kind (see `AcquisitionTraits`).
    """
    if isinstance(acquisition, type):
        name = acquisition.__name__
        raise InvalidSetting(f"{name} is a class: give an instance of it, such as {name}()")
    missing = [trait for trait in _TRAITS if attribute(acquisition, trait) is None]
    if len(missing) == len(_TRAITS) or not (attribute(acquisition, "score") or attribute(acquisition, "bind")):
        raise InvalidSetting(f"{short(acquisition)} is not an acquisition function: give one, such as LogEI()")
    name = type(acquisition).__name__
    if missing or not isinstance(acquisition, Acquisition | Bindable):
        raise InvalidSetting(f"{name}: an acquisition function declares {', '.join(_TRAITS)}; add {', '.join(missing)}")
    if acquisition.scale not in _SCALES:
        scales = ", ".join(map(repr, map(str, ValueScale)))
        raise InvalidSetting(f"{name}.scale is {acquisition.scale!r}: declare one of {scales}")
    requires: object = acquisition.requires
    if not isinstance(requires, tuple) or not requires or not set(requires) <= ABILITIES.keys():
        known = ", ".join(ability.__name__ for ability in ABILITIES)
        raise InvalidSetting(f"{name}.requires is {requires!r}: declare a tuple of one or more of {known}")
    if not isinstance(acquisition.handles_pending, bool):
        raise InvalidSetting(f"{name}.handles_pending is {acquisition.handles_pending!r}: declare True or False")


def check_inner(wrapper: str, acquisition: object) -> None:
    """Check that a wrapper is given a single acquisition function.

    Raises:
        InvalidSetting: it is an ensemble, or not an acquisition function.
    """
    if attribute(acquisition, "acquisitions") is not None and isinstance(acquisition, CriterionEnsemble):
        kind = type(acquisition).__name__
        raise InvalidSetting(
            f"{wrapper}({kind}(…)): write {kind}(({wrapper}(…), …)), so that each of its members is weighted"
        )
    usable = attribute(acquisition, "score") or attribute(acquisition, "bind")
    if not usable or not isinstance(acquisition, Acquisition | Bindable):
        raise InvalidSetting(f"{wrapper}({short(acquisition)}): give an acquisition function, such as LogEI()")
    check_acquisition(acquisition)


def checked_members(ensemble: str, acquisitions: object) -> tuple[Acquisition | Bindable, ...]:
    """Give the members of an ensemble as a tuple.

    Raises:
        InvalidSetting: there are fewer than 2, two are equal, or one is not a single acquisition function.
    """
    members = tuple(acquisitions) if isinstance(acquisitions, tuple | list) else ()
    if len(members) < 2:
        raise InvalidSetting(f"{ensemble}({short(acquisitions)}): give at least 2 acquisition functions, as a tuple")
    for place, member in enumerate(members):
        check_inner(ensemble, member)
        if member in members[:place]:
            raise InvalidSetting(f"{ensemble}: {member!r} is given twice")
    return members
