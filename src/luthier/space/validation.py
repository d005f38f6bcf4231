"""Validation of configurations: which rule of its space one breaks, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from luthier._hints import suggest
from luthier.errors import InvalidConfig
from luthier.scalar import short
from luthier.space.flattening import FlatSpace


def check_config(flat: FlatSpace, config: Mapping[str, Any]) -> None:
    """Check a configuration in plain form. Cost O(variables + constraints).

    Raises:
        InvalidConfig: an unknown name, a missing or inactive variable, a value outside its domain, a broken constraint.
    """
    check_is_mapping(config)
    known = flat.by_name
    for name in config:
        if name not in known:
            raise unknown_variable(name, flat.names)
    for part in flat.order:
        name, when = part.name, part.when
        if when is not None and not when.holds(config):
            if name in config:
                raise InvalidConfig(f"variable {name!r} is set but inactive: it is active when {when.expression.text}")
        elif name not in config:
            why = "" if when is None else f"; it is active because {when.expression.text}"
            raise InvalidConfig(f"variable {name!r} is missing: it is {part.variable.domain()}{why}")
        else:
            fault = part.variable.fault(config[name])
            if fault:
                raise InvalidConfig(f"variable {name!r}: {short(config[name])} {fault}")
    for rule in flat.rules:
        if rule.is_broken(config, flat.realize):
            read = rule.expression.names if rule.expression is not None else config.keys()
            values = ", ".join(f"{name} = {config[name]!r}" for name in flat.names if name in read and name in config)
            raise InvalidConfig(f"the constraint {rule.text!r} is broken{' by ' + values if values else ''}")


def check_is_mapping(config: object) -> None:
    """Refuse what cannot be a configuration.

    Raises:
        InvalidConfig: says what it is instead.
    """
    if not isinstance(config, Mapping):
        raise InvalidConfig(f"a configuration is a mapping of names to values, not {short(config)}")


def items_of(params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Give the names and values of a mapping; raises InvalidConfig where they cannot be read."""
    try:
        return list(params.items())
    except Exception as error:
        raise InvalidConfig(
            f"a {type(params).__name__} that cannot be read: {type(error).__name__}: {error}"
        ) from error


def unknown_variable(name: object, names: Iterable[str]) -> InvalidConfig:
    """Return the error for a name that is not a variable."""
    return InvalidConfig(f"there is no variable {short(name)} in the space{suggest(name, names)}")


def is_missing(value: object) -> bool:
    """Return whether a value stands for none in the row of a table: None, NaN, or what pandas has for them."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)
