"""The text form of methods: a frozen dataclass is its name and those of its settings that differ from the defaults.

``Bayes(surrogate=GP(), acquisition=UCB(2.0))`` becomes
``{"use": "Bayes", "surrogate": {"use": "GP"}, "acquisition": {"use": "UCB", "beta": 2.0}}``, in JSON or in TOML.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Mapping
from typing import Any

from luthier import codec
from luthier.errors import InvalidSetting

_PLACES: dict[str, str] = {
    "Grid": "luthier.method.grid",
    "Random": "luthier.method.random",
    "Quasi": "luthier.method.quasi",
    "Anneal": "luthier.method.anneal",
    "Auto": "luthier.method.auto",
    "Bayes": "luthier.method.bayes",
    "Evolution": "luthier.method.evolution",
    "Search": "luthier.method.search",
    "Boosted": "luthier.surrogate.boosted",
    "Ensemble": "luthier.surrogate.ensemble",
    "Forest": "luthier.surrogate.forest",
    "GP": "luthier.surrogate.gp",
    "Beliefs": "luthier.surrogate.evidence",
    "Parzen": "luthier.surrogate.parzen",
    "Regressor": "luthier.surrogate.regressor",
    "EI": "luthier.acquisition.analytic",
    "LogEI": "luthier.acquisition.analytic",
    "PI": "luthier.acquisition.analytic",
    "UCB": "luthier.acquisition.analytic",
    "ScheduledUCB": "luthier.acquisition.schedule",
    "Hedge": "luthier.acquisition.portfolio",
    "Pareto": "luthier.acquisition.pareto",
    "PerSecond": "luthier.acquisition.cost",
    "Prior": "luthier.method.belief",
    "Normal": "luthier.space",
    "LogNormal": "luthier.space",
    "Beta": "luthier.space",
    "NoisyEI": "luthier.acquisition.noisy",
    "QEI": "luthier.acquisition.joint",
    "KnowledgeGradient": "luthier.acquisition.knowledge",
    "MaxValueEntropy": "luthier.acquisition.entropy",
    "Thompson": "luthier.acquisition.thompson",
}
_REGISTERED: dict[str, type] = {}


def register(kind: type) -> type:
    """Make a third party's dataclass (a method, surrogate or acquisition) known by its name. Usable as a decorator."""
    if not dataclasses.is_dataclass(kind):
        raise InvalidSetting(
            f"{kind.__name__} is not a dataclass: a method, surrogate or acquisition is a frozen dataclass"
        )
    _REGISTERED[kind.__name__] = kind
    return kind


def names() -> tuple[str, ...]:
    """Name everything that `from_plain` can build."""
    return tuple(sorted({*_PLACES, *_REGISTERED}))


def to_plain(thing: object) -> Any:
    """Write a method (or a part of one) as plain values.

    Raises:
        InvalidSetting: it is not a dataclass, or a setting of it cannot be written.
    """
    if not dataclasses.is_dataclass(thing) or isinstance(thing, type):
        raise InvalidSetting(f"{thing!r} is not a method: use lt.Auto(), lt.Random(), lt.Grid(), lt.Bayes(), …")
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
    if not isinstance(plain, Mapping) or not isinstance(plain.get("use"), str):
        raise InvalidSetting(f"{plain!r} names no method: write its name, or a mapping with the key 'use'")
    kind = _find(plain["use"])
    known = [field.name for field in dataclasses.fields(kind) if field.init]
    settings: dict[str, Any] = {}
    for name, value in plain.items():
        if name == "use":
            continue
        if name not in known:
            raise InvalidSetting(f"{plain['use']} has no setting {name!r}{_nearest(name, known)}; it has {known}")
        settings[name] = _read(value)
    try:
        return kind(**settings)
    except TypeError as error:
        raise InvalidSetting(f"{plain['use']}: {error}") from None


def _setting(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_plain(value)
    if isinstance(value, tuple | list):
        return (
            codec.to_plain(tuple(value)) if not any(map(dataclasses.is_dataclass, value)) else [*map(_setting, value)]
        )
    if isinstance(value, Mapping):
        return {str(key): _setting(item) for key, item in value.items()}
    return codec.to_plain(value)


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        if isinstance(value.get("use"), str):  # a variable of a grid may be called so, too
            return from_plain(value)
        restored = codec.from_plain(dict(value))
        return {key: _read(item) for key, item in restored.items()} if isinstance(restored, Mapping) else restored
    return tuple(map(_read, value)) if isinstance(value, list) else value


def _find(name: str) -> type:
    if name in _REGISTERED:
        return _REGISTERED[name]
    if name not in _PLACES:
        raise InvalidSetting(
            f"there is no method {name!r}{_nearest(name, list(names()))}; there are {', '.join(names())}"
        )
    kind: type = getattr(importlib.import_module(_PLACES[name]), name)
    return kind


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _is_default(field: dataclasses.Field[Any], value: object) -> bool:
    if field.default is not dataclasses.MISSING:
        return type(value) is type(field.default) and value == field.default
    if field.default_factory is not dataclasses.MISSING:
        return bool(value == field.default_factory())
    return False
