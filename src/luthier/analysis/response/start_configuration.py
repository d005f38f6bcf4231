"""Start of an ablation or of the smallest change, and the way from there to the best trial."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from luthier.analysis.response.change_results import ValueChange
from luthier.analysis.single_objective import SingleObjective
from luthier.space import Space
from luthier.trial import Config

Plain = dict[str, Any]


class Start(NamedTuple):
    """A configuration in plain form, and what it is, in words."""

    config: Plain
    origin: str


def start_of(of: SingleObjective, given: Config | None) -> Start:
    """Give the given configuration, or the defaults, or where these break a constraint the first trial's."""
    if given is not None:
        return Start(dict(given), "the given values")
    space = of.problem.space
    defaults = space.defaults()
    if defaults is not None:
        declared = any(variable.has_default for variable in space.variables.values())
        return Start(defaults, "the defaults" if declared else "the middle of the space")
    return Start(dict(of.config(0)), f"trial {of.numbers[0]}")


def moved(space: Space, config: Config, names: Iterable[str], target: Config) -> Plain:
    """Give a configuration in which some variables have the values of `target`.

    Those that become active by that have the values of `target`, too, or their defaults, and those that become inactive
    have none.
    """
    found = dict(config)
    found.update({name: target[name] for name in names if name in target})
    for part in space.structure.order:
        name = part.name
        if part.when is not None and not part.when.holds(found):
            found.pop(name, None)
        elif name not in found:
            found[name] = target.get(name, part.variable.start)
    return {name: found[name] for name in space.names if name in found}


def changes_between(space: Space, before: Config, after: Config) -> tuple[ValueChange, ...]:
    """List the variables whose values differ."""
    return tuple(
        ValueChange(name, before.get(name), after.get(name))
        for name in space.names
        if before.get(name) != after.get(name) or (name in before) != (name in after)
    )


def is_allowed(space: Space, config: Config) -> bool:
    """Tell whether a configuration in plain form keeps the constraints of the space."""
    return not any(rule.is_broken(config, space.realize) for rule in space.structure.rules)
