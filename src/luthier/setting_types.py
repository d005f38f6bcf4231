"""Check of the settings of a dataclass against the types that its fields declare."""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from numbers import Integral
from typing import Any

from luthier.errors import InvalidResult, InvalidSetting
from luthier.scalar import attribute, short, to_float, to_whole

_KINDS: dict[Any, str] = {
    int: "a whole number",
    float: "a finite number",
    bool: "True or False",
    str: "a text",
    types.NoneType: "None",
}


def check_setting_types(settings: object) -> None:
    """Refuse a setting of another kind than its field declares, and make numpy's scalars those of Python.

    Looks at fields that are numbers, truth values, texts, dataclasses, tuples of these, and None; others, such as
    protocols and mappings, are left to the class. For the ``__post_init__`` of a frozen dataclass, before it looks at
    ranges. Cost O(fields).

    Args:
        settings: an instance of a dataclass.

    Raises:
        InvalidSetting: names the class, the setting and what it takes.
    """
    kind: Any = type(settings)
    for name, accepted in _declared(kind):
        given = getattr(settings, name)
        plain = _plain(given, accepted)
        if plain is _WRONG:
            wanted = " or ".join(_described(one) for one in accepted)
            raise InvalidSetting(f"{kind.__name__}({name}={short(given)}): give {wanted}")
        if plain is not given:
            object.__setattr__(settings, name, plain)


_WRONG: Any = object()
_LARGEST = 2**63 - 1
"""The largest whole number that every store can hold."""


@functools.cache
def _declared(kind: Any) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """Give the fields that can be checked, with the kinds that each takes."""
    hints = typing.get_type_hints(kind)
    found = []
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        accepted = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        if field.init and all(map(_is_checkable, accepted)):
            found.append((field.name, accepted))
    return tuple(found)


def _is_checkable(kind: Any) -> bool:
    if typing.get_origin(kind) is tuple:
        inside, *rest = typing.get_args(kind)
        return rest == [Ellipsis] and _is_checkable(inside)
    return kind in _KINDS or (isinstance(kind, type) and dataclasses.is_dataclass(kind))


def _plain(given: object, accepted: tuple[Any, ...]) -> Any:
    """Give a setting in plain form, or `_WRONG`."""
    for kind in accepted:
        plain = _one(given, kind)
        if plain is not _WRONG:
            return plain
    return _WRONG


def _one(given: Any, kind: Any) -> Any:
    if kind is types.NoneType:
        return None if given is None else _WRONG
    if kind is bool:
        return bool(given) if type(given).__name__ in ("bool", "bool_") else _WRONG
    if kind is int:
        whole = to_whole(given)
        return _WRONG if whole is None or abs(whole) > _LARGEST else whole
    if kind is float:
        return _finite(given)
    if kind is str:
        return str.__str__(given) if isinstance(given, str) else _WRONG
    if typing.get_origin(kind) is tuple:
        return _tuple(given, typing.get_args(kind)[0])
    return given if isinstance(given, kind) else _WRONG


def _finite(given: Any) -> Any:
    """Give a finite number; ints stay ints, as they are written in logs."""
    try:
        number = to_float(given) if attribute(given, "__len__") is None else None
    except InvalidResult:
        return _WRONG
    if number is None or not math.isfinite(number):
        return _WRONG
    return to_whole(given) if isinstance(given, Integral) else number


def _tuple(given: Any, inside: Any) -> Any:
    if not isinstance(given, tuple | list):
        return _WRONG
    items = tuple(_one(item, inside) for item in given)
    if any(item is _WRONG for item in items):
        return _WRONG
    same = type(given) is tuple and all(item is other for item, other in zip(items, given, strict=True))
    return given if same else items


def _described(kind: Any) -> str:
    if typing.get_origin(kind) is tuple:
        return f"a tuple, each {_described(typing.get_args(kind)[0])}"
    if kind in _KINDS:
        return _KINDS[kind]
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    return f"{article} {kind.__name__}, such as {kind.__name__}()"


def settings_repr(settings: Any) -> str:
    """Write a dataclass with the settings that are not the defaults: ``GP(scaling='half rank')``. For ``__repr__``."""
    shown = [
        f"{field.name}={getattr(settings, field.name)!r}"
        for field in dataclasses.fields(settings)
        if field.repr and field.init and not _is_default(field, getattr(settings, field.name))
    ]
    return f"{type(settings).__name__}({', '.join(shown)})"


def _is_default(field: dataclasses.Field[Any], value: object) -> bool:
    if field.default is not dataclasses.MISSING:
        return type(value) is type(field.default) and value == field.default
    return field.default_factory is not dataclasses.MISSING and bool(value == field.default_factory())
