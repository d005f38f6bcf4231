"""Canonical JSON, in which everything of Luthier is stored.

Canonical means that equal values give equal bytes. Keys are sorted, there is no white space, and floats are written in
the shortest form that reads back to the same float. Values that JSON lacks are marked:

- NaN and the infinities: ``{"$float": "nan" | "inf" | "-inf"}``;
- a tuple: ``{"$tuple": [...]}``;
- an object that has a ``$`` key of its own: ``{"$object": {...}}``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from luthier.errors import InvalidResult, StoreCorrupt

_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()
_MARKS = frozenset(("$float", "$tuple", "$object"))


def dumps(value: object) -> bytes:
    """Write `value` (None, bool, int, float, str, and lists, tuples and string-keyed mappings of them) canonically.

    Raises:
        InvalidResult: a value of another type, named with the path to it; or text that is not valid Unicode.
    """
    try:
        return _encoder.encode(to_plain(value))
    except UnicodeEncodeError as error:
        raise InvalidResult(f"the text {error.object!r} cannot be stored: it has half a surrogate pair in it") from None


def loads(text: bytes | str) -> Any:
    """Read what `dumps` wrote.

    Raises:
        StoreCorrupt: `text` is not JSON.
    """
    try:
        return from_plain(_decoder.decode(text))
    except msgspec.DecodeError as error:
        raise StoreCorrupt(f"not JSON: {error}") from None


def to_plain(value: object, path: str = "value") -> Any:
    """Convert a value to one that JSON can hold, with the marks of this module."""
    kind = type(value)
    if value is None or kind is str or kind is bool or kind is int:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}  # type: ignore[arg-type]
    if isinstance(value, tuple):
        return {"$tuple": [to_plain(item, f"{path}[{i}]") for i, item in enumerate(value)]}
    if isinstance(value, list):
        return [to_plain(item, f"{path}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        return _mapping(value, path)
    return _scalar(value, path)


def from_plain(value: Any) -> Any:
    """Invert `to_plain`."""
    if type(value) is list:
        return [from_plain(item) for item in value]
    if type(value) is not dict:
        return value
    if len(value) == 1:
        ((mark, inside),) = value.items()
        if mark == "$float":
            return float(inside)
        if mark == "$tuple":
            return tuple(from_plain(item) for item in inside)
        if mark == "$object":
            return {key: from_plain(item) for key, item in inside.items()}
    return {key: from_plain(item) for key, item in value.items()}


def _mapping(value: Mapping[Any, Any], path: str) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise InvalidResult(f"{path} has the key {key!r}: the keys of a stored mapping must be text")
    plain = {key: to_plain(item, f"{path}[{key!r}]") for key, item in value.items()}
    return {"$object": plain} if _MARKS & plain.keys() else plain


def _scalar(value: object, path: str) -> Any:
    """Accept numpy scalars and subclasses of the plain types (enumerations, numpy.str_)."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", 0) == 0:
        return to_plain(item(), path)
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return to_plain(base(value), path)
    raise InvalidResult(
        f"{path} is a {type(value).__name__}, which cannot be stored: use None, bool, int, float, str, "
        "lists, tuples or mappings of them"
    )
