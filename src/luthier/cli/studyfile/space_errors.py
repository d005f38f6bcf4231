"""The key of a [space] table that is at fault, found by building parts of the space."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from luthier.cli.studyfile.toml_lines import KeyPath
from luthier.errors import InvalidSpace
from luthier.space import Space

_CONDITION = "when"
_RULES = "require"
_SECTION = "variables"


def locate(table: Mapping[str, Any], error: InvalidSpace) -> KeyPath:
    """Find the key at fault; the empty path where no single key is. Only called where building the whole has failed.

    Args:
        table: the [space] table.
        error: what building the whole raised.
    """
    inner = table.get(_SECTION)
    if isinstance(inner, Mapping) and set(table) <= {_SECTION, _RULES}:  # [space.variables]
        key = _locate({**inner, **{name: rules for name, rules in table.items() if name == _RULES}}, error)
        return key if key[:1] == (_RULES,) else (_SECTION, *key)
    return _locate(table, error)


def _locate(table: Mapping[str, Any], error: InvalidSpace) -> KeyPath:
    variables = {name: entry for name, entry in table.items() if name != _RULES}
    free = {name: _without(entry, _CONDITION) for name, entry in variables.items()}
    for name, entry in free.items():
        if (fault := _fault({name: entry})) is not None:
            return (name, *_inside(entry, fault))
    if _fault(free) is None:
        for name, entry in variables.items():
            if isinstance(entry, Mapping) and _CONDITION in entry and _fault({**free, name: entry}) is not None:
                return (name, _CONDITION)
        if _fault(variables) is None:
            return _rule(variables, table.get(_RULES, []))
        found = [name for name, entry in variables.items() if isinstance(entry, Mapping) and _CONDITION in entry]
        named = [name for name in found if _mentions(error, name)]
        return ((named or found)[0], _CONDITION) if found else ()
    return next(((name,) for name in free if _mentions(error, name)), ())


def _rule(variables: Mapping[str, Any], rules: Any) -> KeyPath:
    if isinstance(rules, list):
        for place, rule in enumerate(rules):
            if _fault({**variables, _RULES: [rule]}) is not None:
                return (_RULES, place)
    return (_RULES,)


def _inside(entry: Any, fault: InvalidSpace) -> KeyPath:
    """Find the setting of a variable that is at fault."""
    if not isinstance(entry, Mapping):
        return ()
    for key in entry:
        if len(entry) > 1 and _fault({"x": _without(entry, key)}) is None:
            return (key,)
    return next(((key,) for key in entry if _mentions(fault, key)), ())


def _without(entry: Any, key: str) -> Any:
    return {name: value for name, value in entry.items() if name != key} if isinstance(entry, Mapping) else entry


def _mentions(error: InvalidSpace, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", str(error)) is not None


def _fault(table: Mapping[str, Any]) -> InvalidSpace | None:
    try:
        Space.from_toml_table(dict(table))
    except InvalidSpace as error:
        return error
    return None
