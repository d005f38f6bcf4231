"""Text form of methods: the name of a frozen dataclass, and its settings that are not the defaults.

``Bayes(surrogate=GP(), acquisition=UCB(2.0))`` becomes
``{"use": "Bayes", "surrogate": {"use": "GP"}, "acquisition": {"use": "UCB", "beta": 2.0}}``, in JSON or in TOML.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Mapping
from typing import Any

from luthier import _names, codec
from luthier._foreign_words import METHODS, SETTINGS
from luthier._hints import instead, suggest, translating
from luthier.errors import InvalidSetting
from luthier.scalar import attribute, short, to_dict

_REGISTERED: dict[str, type] = {}


@translating({})
def register(kind: type) -> type:
    """Make a third party's dataclass (a method, surrogate or acquisition) known by its name. Usable as a decorator."""
    if not dataclasses.is_dataclass(kind) or not isinstance(kind, type):
        name = kind.__name__ if isinstance(kind, type) else short(kind)
        raise InvalidSetting(f"{name} is not a dataclass: a method, surrogate or acquisition is a frozen dataclass")
    _REGISTERED[kind.__name__] = kind
    return kind


def buildable_names() -> tuple[str, ...]:
    """Name everything that `from_plain` can build."""
    return tuple(sorted({*_names.STORED, *_REGISTERED}))


def to_plain(thing: object) -> Any:
    """Write a method (or a part of one) as plain values, which `from_plain` reads back.

    Raises:
        InvalidSetting: it is not a dataclass, its class is not registered, or a setting of it cannot be written.
    """
    if not dataclasses.is_dataclass(thing) or isinstance(thing, type):
        raise InvalidSetting(f"{short(thing)} is not a method: use lt.Auto(), lt.Random(), lt.Grid(), lt.Bayes(), …")
    _check_registered(type(thing))
    plain: dict[str, Any] = {"use": type(thing).__name__}
    for field in dataclasses.fields(thing):
        value = getattr(thing, field.name)
        if field.init and not _is_default(field, value):
            plain[field.name] = _setting(value)
    return plain


def from_plain(plain: Any) -> Any:
    """Build what `to_plain` wrote; a bare name stands for all defaults.

    Raises:
        InvalidSetting: an unknown name or setting, with the nearest valid one.
    """
    if isinstance(plain, str):
        plain = {"use": plain}
    named = to_dict(plain, "a mapping names a method", InvalidSetting) if isinstance(plain, Mapping) else {}
    if not isinstance(named.get("use"), str):
        raise InvalidSetting(f"{short(plain)} names no method: write its name, or a mapping with the key 'use'")
    plain = named
    kind = _find(plain["use"])
    known = [field.name for field in dataclasses.fields(kind) if field.init]
    earlier = _names.SETTING_ALIASES.get(kind.__name__, {})
    settings: dict[str, Any] = {}
    for written, value in plain.items():
        if written == "use":
            continue
        name = written if written in known else str(earlier.get(written, written))
        if name not in known:
            ours = re.sub(r"lt\.(\w+)\(\)", r'{use = "\1"}', SETTINGS.get(kind.__name__, {}).get(written, ""))
            hint = f": {instead(ours, 'write ')}" if ours else suggest(written, known)
            raise InvalidSetting(f"{plain['use']} has no setting {written!r}{hint}")
        if name in settings:
            raise InvalidSetting(f"{plain['use']}: {name!r} is set twice, once by its earlier name: leave one out")
        settings[name] = _read(value)
    if lacking := [name for name in _required(kind) if name not in settings]:
        raise InvalidSetting(f"{plain['use']} needs {', '.join(map(repr, lacking))}: write it beside 'use'")
    try:
        return kind(**settings)
    except TypeError as error:
        raise InvalidSetting(f"{plain['use']}: {error}") from None


def _required(kind: type) -> list[str]:
    """Name the settings that have no default."""
    missing = dataclasses.MISSING
    fields = [one for one in dataclasses.fields(kind) if one.init]
    return [one.name for one in fields if one.default is missing and one.default_factory is missing]


def check_method(thing: object) -> None:
    """Refuse what proposes nothing: a surrogate, an acquisition function.

    Raises:
        InvalidSetting: says which methods there are.
    """
    if isinstance(thing, type) or not callable(attribute(thing, "suggest")):
        name = thing.__name__ if isinstance(thing, type) else type(thing).__name__
        part = {"luthier.acquisition": "acquisition", "luthier.surrogate": "surrogate"}.get(_names.STORED.get(name, ""))
        hint = f"; lt.Bayes({part}=lt.{name}()) has it as a part" if part else ""
        raise InvalidSetting(f"{short(thing)} is not a method: use one of {', '.join(method_names())}{hint}")


def method_names() -> tuple[str, ...]:
    """Name the methods among what `from_plain` can build."""
    return tuple(name for name in buildable_names() if callable(getattr(_find(name), "suggest", None)))


def _setting(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_plain(value)
    if isinstance(value, tuple | list):
        return (
            codec.to_plain(tuple(value)) if not any(map(dataclasses.is_dataclass, value)) else [*map(_setting, value)]
        )
    if isinstance(value, Mapping):
        return codec.marked({key: _setting(item) for key, item in value.items()})
    return codec.to_plain(value)


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        if isinstance(value.get("use"), str):  # a variable of a grid may be called so, too
            return from_plain(value)
        restored = codec.from_plain(dict(value))
        return {key: _read(item) for key, item in restored.items()} if isinstance(restored, Mapping) else restored
    return tuple(map(_read, value)) if isinstance(value, list) else value


def _check_registered(kind: type) -> None:
    """Raise InvalidSetting where the name of a class does not lead back to it."""
    name = kind.__name__
    if name in _REGISTERED or name in _names.STORED:
        found = _find(name)
        if found is kind:
            return
        why = f"its name is that of {found.__module__}.{found.__qualname__}: give it another one, and register it"
    else:
        why = "it is not registered: decorate it"
    raise InvalidSetting(
        f"a study with {kind.__module__}.{kind.__qualname__} could not be opened again, as {why} with "
        "@luthier.register, in a module that every program imports before it opens the study "
        "(within Luthier: a line in STORED of luthier/_names.py)"
    )


def _find(name: str) -> type:
    if name in _REGISTERED:
        return _REGISTERED[name]
    name = _names.STORED_ALIASES.get(name, name)
    if name not in _names.STORED:
        raise InvalidSetting(
            f"there is no method {name!r}{_hint(name)}; "
            "one of your own is known once its module is imported, which registers it with @luthier.register"
        )
    kind: type = getattr(importlib.import_module(_names.STORED[name]), name)
    return kind


def _hint(name: str) -> str:
    ours = METHODS.get(name.lower())
    return f": write {ours}" if ours else suggest(name, buildable_names())


def _is_default(field: dataclasses.Field[Any], value: object) -> bool:
    if field.default is not dataclasses.MISSING:
        return type(value) is type(field.default) and value == field.default
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return False
