"""Variables of a space with some of them added, given anew or removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from luthier._hints import suggest
from luthier.errors import InvalidSpace
from luthier.scalar import short, to_list
from luthier.space.variables.base import Variable


def replaced(
    given: Mapping[str, Variable], nested: Collection[str], changes: Mapping[str, Variable] | None, remove: object
) -> dict[str, Variable]:
    """Give the variables of a space after a change; those that stay keep their places.

    Args:
        given: the variables by name, nested ones inside their options.
        nested: the names of the nested ones.
        changes: variables that are added, or that take the place of those of the same name.
        remove: a name, or several.

    Raises:
        InvalidSpace: a name cannot be removed, or a variable lies inside an option.
    """
    if changes is not None and not isinstance(changes, Mapping):
        raise InvalidSpace(f"what is replaced is a mapping of names to variables, not {short(changes)}")
    new: dict[str, Any] = dict(changes or {})
    gone = _names(remove)
    for name in (*new, *gone):
        if name in nested:
            whole = next(outer for outer in given if name.startswith(f"{outer}."))
            raise InvalidSpace(f"{name!r} belongs to an option of {whole!r}: give {whole!r} anew, with all its options")
    for name in gone:
        if name in new:
            raise InvalidSpace(f"variable {name!r} is both given and removed")
        if name not in given:
            raise InvalidSpace(f"there is no variable {short(name)} to remove{suggest(name, given)}")
    return {name: new.get(name, variable) for name, variable in given.items() if name not in gone} | new


def _names(remove: object) -> tuple[str, ...]:
    if isinstance(remove, str):
        return (remove,)
    what = "remove is the name of a variable, or a list of names"
    names = tuple(remove if isinstance(remove, set | frozenset) else to_list(remove, what, InvalidSpace))
    if not all(isinstance(name, str) for name in names):
        raise InvalidSpace(f"{what}, not {short(remove)}")
    return names
