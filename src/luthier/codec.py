"""Canonical JSON, in which everything of Luthier is stored.

Canonical means that equal values give equal bytes. Keys are sorted, there is no white space, and floats are written in
the shortest form that reads back to the same float. Values that JSON lacks are marked:

- NaN and the infinities: ``{"$float": "nan" | "inf" | "-inf"}``;
- a tuple: ``{"$tuple": [...]}``;
- an object that has a ``$`` key of its own: ``{"$object": {...}}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from luthier._hints import with_article
from luthier.errors import InvalidResult, StoreCorrupt

_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()
_LARGEST = 10**1000
_BASES: dict[type, Callable[[Any], Any]] = {int: int.__int__, float: float.__float__, str: str.__str__}
"""How subclasses of the plain types are read, whatever they say of themselves."""
_MARKS = frozenset(("$float", "$tuple", "$object"))


def dumps(value: object) -> bytes:
    """Write `value` (None, bool, int, float, str, and lists, tuples and string-keyed mappings of them) canonically.

    Raises:
        InvalidResult: a value of another type, named with the path to it; or text that is not valid Unicode.
    """
    try:
        return _encoder.encode(to_plain(value))
    except RecursionError:
        raise InvalidResult("what is nested this deeply, or holds itself, cannot be stored") from None
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
    if value is None or kind is str or kind is bool:
        return value
    if kind is int:
        return _whole(value, path)  # type: ignore[arg-type]
    if kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}  # type: ignore[arg-type]
    if kind is dict:
        return _mapping(value, path)  # type: ignore[arg-type]
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


def canonical(value: Any) -> Any:
    """Give a value as it will be read from a store: mappings in the order of their keys; raises as `dumps`."""
    if not value and (type(value) is dict or isinstance(value, Mapping)):
        return {}
    return loads(dumps(value))


def is_masked(value: object) -> bool:
    """Tell whether a value is numpy's ``masked``: no number, though its ``item()`` is 0.0."""
    mask = getattr(value, "mask", None)
    return mask is not None and getattr(value, "ndim", None) == 0 and getattr(mask, "ndim", None) == 0 and bool(mask)


def _whole(value: int, path: str) -> int:
    if -_LARGEST <= value <= _LARGEST:
        return value
    raise InvalidResult(f"{path} is an integer of more than 1000 digits, which cannot be stored")


def _mapping(value: Mapping[Any, Any], path: str) -> dict[str, Any]:
    try:
        items = list(value.items())
    except Exception as error:
        raise InvalidResult(f"{path} is {with_article(type(value).__name__)} that cannot be read: {error}") from error
    plain: dict[str, Any] = {}
    for key, item in items:
        if not isinstance(key, str):
            raise InvalidResult(f"{path} has the key {_shown(key)}: the keys of a stored mapping must be text")
        name, kind = str.__str__(key), type(item)
        is_plain = item is None or kind is str or kind is bool or (kind is float and math.isfinite(item))
        plain[name] = item if is_plain else to_plain(item, f"{path}[{name!r}]")  # a path takes longer than its value
    return marked(plain)


def marked(plain: dict[str, Any]) -> dict[str, Any]:
    """Give a mapping of plain values as one that JSON can hold: with a mark where it has a ``$`` key of its own."""
    return {"$object": plain} if _MARKS & plain.keys() else plain


def _shown(key: object) -> str:
    try:
        return repr(key)
    except Exception:  # noqa: BLE001 - the text of a foreign object
        return f"a {type(key).__name__}"


def _scalar(value: object, path: str) -> Any:
    """Accept numpy scalars and subclasses of the plain types (enumerations, numpy.str_)."""
    for base, plain in _BASES.items():
        if isinstance(value, base) and not hasattr(value, "item"):
            return to_plain(plain(value), path)
    try:
        if is_masked(value):
            return to_plain(math.nan)
        item = getattr(value, "item", None)
        if callable(item) and getattr(value, "ndim", 0) == 0 and getattr(value, "mask", False) in (False, None):
            inside = item()
            if inside is not value:
                return to_plain(inside, path)
    except Exception as error:
        raise InvalidResult(f"{path} is {with_article(type(value).__name__)} that cannot be read: {error}") from error
    raise InvalidResult(
        f"{path} is {with_article(type(value).__name__)}, which cannot be stored: use None, bool, int, float, str, "
        "lists, tuples or mappings of them"
    )
