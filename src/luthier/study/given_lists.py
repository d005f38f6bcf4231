"""Lists that a person gives: columns of results, names and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from luthier.errors import InvalidSetting
from luthier.scalar import short


def list_of(given: Any) -> list[Any]:
    """Give one of the sequences of `add_many`; refuse what has no order or no length."""
    ordered = not isinstance(given, str | bytes | Mapping | set | frozenset) and hasattr(type(given), "__len__")
    try:
        if ordered:
            return list(given)
    except Exception:  # noqa: BLE001 - an array without dimensions, or a foreign object
        ordered = False
    raise InvalidSetting(f"add_many: give lists, one mapping of values and one result a trial, not {short(given)}")


def names_of(given: Any) -> tuple[Any, ...]:
    """Give the names of variables that are to be ignored."""
    if isinstance(given, list | tuple | set | frozenset):
        return tuple(given)
    raise InvalidSetting(f"ignore={short(given)}: give a list of names of variables")


def tags_of(given: object) -> tuple[str, ...]:
    """Check tags; each of them counts once."""
    tags: tuple[Any, ...] = (None,)
    if isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping):
        with suppress(Exception):  # of an array without dimensions, or a foreign object
            tags = tuple(given)
    for tag in tags:
        if not isinstance(tag, str) or not tag.strip() or "\n" in tag:
            raise InvalidSetting(f"tags={short(given)}: give a list of texts of one line, such as ['paper', 'gpu']")
    return tuple(dict.fromkeys(tag.strip() for tag in tags if tag is not None))
