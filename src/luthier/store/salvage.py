"""Events that hold what is no longer accepted, read as far as they can be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from luthier import codec
from luthier.errors import StoreCorrupt
from luthier.event import KINDS, Event, SetAside, decode


def salvage(text: bytes | str) -> tuple[Event, str]:
    """Read an event that holds what is no longer accepted, as earlier versions may have written it.

    A field of another type than it should have is read as what it means (``1`` as true), or else as its default. An
    event that lacks a field without a default then is set aside.

    Returns:
        The event, and what is wrong with it; nothing where all is well.

    Raises:
        StoreCorrupt: `text` is not an event at all.
        StoreTooNew: it is one of a kind that this version does not know.
    """
    try:
        return decode(text), ""
    except StoreCorrupt as error:
        why = str(error)
        try:
            plain = codec.loads(text)
            kind = KINDS.get(plain.get("type"))
        except (StoreCorrupt, ValueError, TypeError, AttributeError):  # not JSON, or marks that mark nothing
            raise error from None
        if kind is None:
            raise
    whole = text if isinstance(text, str) else text.decode("utf-8", "replace")
    try:
        return kind(**_fitting(kind, plain)), why
    except TypeError:  # it lacks something
        return SetAside(whole, why), why


def _fitting(kind: type, plain: dict[str, Any]) -> dict[str, Any]:
    """Give the fields of a plain event that can be read."""
    found = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name in plain:
            for value in _readings(plain[field.encode_name]):
                try:
                    found[field.name] = msgspec.convert(value, field.type)
                    break
                except msgspec.ValidationError:
                    continue
    return found


def _readings(value: Any) -> Iterator[Any]:
    """Give what a value may mean where another type was wanted, the likeliest first."""
    yield value
    if isinstance(value, bool | int | float):
        if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
            yield int(value)
        yield str(value)
    if value is None or isinstance(value, int | float | str):
        yield bool(value)
