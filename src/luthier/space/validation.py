"""Saying which rule of its space a configuration breaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from luthier._hints import suggest
from luthier.errors import InvalidConfig

if TYPE_CHECKING:
    from luthier.space.space import Space


def check_config(space: Space, config: Mapping[str, Any]) -> None:
    """Check a configuration in plain form. Cost O(variables + constraints).

    Raises:
        InvalidConfig: an unknown name, a missing or inactive variable, a value outside its domain, a broken constraint.
    """
    if not isinstance(config, Mapping):
        raise InvalidConfig(f"a configuration is a mapping of names to values, not {config!r:.80}")
    variables = space.variables
    for name in config:
        if name not in variables:
            raise unknown_variable(space, name)
    for part in space.structure.order:
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
                raise InvalidConfig(f"variable {name!r}: {config[name]!r} {fault}")
    for rule in space.structure.rules:
        if rule.broken(config, space.realize):
            read = rule.expression.names if rule.expression is not None else config.keys()
            values = ", ".join(f"{name} = {config[name]!r}" for name in space.names if name in read and name in config)
            raise InvalidConfig(f"the constraint {rule.text!r} is broken{' by ' + values if values else ''}")


def unknown_variable(space: Space, name: object) -> InvalidConfig:
    """Make the error for a name that is no variable."""
    return InvalidConfig(f"there is no variable {name!r} in the space{suggest(name, space.names)}")
