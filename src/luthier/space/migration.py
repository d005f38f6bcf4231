"""Migration of a study to a changed space: what may change, and what old configurations become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.space.flattening import FlatVariable
from luthier.space.space import Space
from luthier.space.variables.categorical import Choice
from luthier.space.variables.combinatorial import Permutation, Subset
from luthier.space.variables.simplex import Simplex


def compare(old: Space, new: Space) -> tuple[str, ...]:
    """Return the reasons why a study of `old` cannot continue in `new`; empty where it can.

    A study can continue when every value it tried means the same afterwards. So ranges, options, scales, priors,
    defaults, conditions and constraints may change, and variables may be removed; a new variable needs a default,
    which says what value the trials without it had.
    """
    reasons = []
    for part in new.structure.parts:
        before = old.variables.get(part.name)
        why = _why_added(part) if before is None else _why_changed(part.name, before, part.variable)
        if why:
            reasons.append(why)
    if not set(old.names) & set(new.names):
        reasons.append("the spaces have no variable in common")
    return tuple(reasons)


def differences(stored: Space, given: Space) -> tuple[str, ...]:
    """Return in words in what a space that was given differs from the stored one; empty where only orders differ."""
    found = []
    for name in dict.fromkeys((*stored.names, *given.names)):
        before, after = _shown(stored, name), _shown(given, name)
        if not after:
            found.append(f"it has the variable {name!r} as well, {before}")
        elif not before:
            found.append(f"it has no variable {name!r}")
        elif before != after:
            found.append(f"{name!r} is {before} there, and {after} here")
    lost = [text for text in stored.constraints if text not in given.constraints]
    added = [text for text in given.constraints if text not in stored.constraints]
    found += [f"it has the constraint {text!r} as well" for text in lost]
    found += [f"it lacks the constraint {text!r}" for text in added]
    return tuple(found) or ("the options of a choice bring their variables or constraints in another order",)


def _shown(space: Space, name: str) -> str:
    """Write a variable, without what its options bring, which has names of its own."""
    variable = space.variables.get(name)
    if not isinstance(variable, Choice) or not variable.nested:
        return "" if variable is None else repr(variable)
    return repr(Choice(*variable.options, weights=variable.weights, default=variable.default, when=variable.when))


def migrate(config: Mapping[str, Any], old: Space, new: Space) -> dict[str, Any] | None:
    """Convert a configuration of `old` to `new`: without removed variables, with the defaults of added ones.

    Returns:
        None where `new` cannot hold it: a value outside its domain, a broken constraint, a variable that is active now
        and was inactive or has no default.
    """
    kept = new.plain({name: value for name, value in config.items() if name in new.variables})
    found: dict[str, Any] = {}
    for part in new.structure.order:
        if part.when is not None and not part.when.holds(found):
            continue
        value = _value(part, kept, old)
        if value is _NONE or part.variable.fault(value):
            return None
        found[part.name] = value
    if any(rule.is_broken(found, new.realize) for rule in new.structure.rules if not rule.is_missing):
        return None
    return {name: found[name] for name in new.names if name in found}


_NONE = object()


def _value(part: FlatVariable, kept: Mapping[str, Any], old: Space) -> Any:
    if part.name in kept:
        return kept[part.name]
    if part.name in old.variables:  # it was inactive, so its value is not known
        return part.variable.start if part.variable.default is not None else _NONE
    return part.variable.start if part.variable.has_default else _NONE


def _why_added(part: FlatVariable) -> str:
    if part.variable.has_default or part.when is not None:
        return ""
    return f"variable {part.name!r} is new and has no default: give the value that the trials so far had"


def _why_changed(name: str, before: Any, after: Any) -> str:
    if type(before) is not type(after):
        return f"variable {name!r} changes from {type(before).__name__} to {type(after).__name__}"
    if isinstance(before, Permutation) and set(before.items) != set(after.items):
        return f"the items of the permutation {name!r} change"
    if isinstance(before, Simplex) and before.parts != after.parts:
        return f"the shares of the simplex {name!r} change"
    if isinstance(before, Subset) and not set(before.items) & set(after.items):
        return f"the subset {name!r} no longer has any of its items"
    return ""
