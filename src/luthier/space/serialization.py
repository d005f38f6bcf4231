"""Text form of a space, shared by JSON and TOML.

A variable is a table in which one key names its kind and holds its values; settings stand beside it::

    {"float": [0.001, 1000.0], "log": true}      {"int": [1, 10], "when": "kernel == 'poly'"}
    {"choice": ["rbf", {"value": "poly", "variables": […]}], "weights": [2, 1]}      {"ordinal": ["small", "large"]}
    {"bool": true}   {"constant": 3}   {"subset": ["a", "b", "c"], "size": [1, 2]}   {"permutation": ["a", "b"]}
    {"simplex": ["sand", "clay"]}

A space is ``{"variables": …, "require": […]}``, where the variables are a list of such tables with a ``name`` each
(JSON objects have no order, and the order of columns matters) or a mapping by name; or just the mapping, with the list
``require`` among the variables. TOML has no null: the option None is written ``{none = true}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from luthier._foreign_words import KINDS, SETTINGS
from luthier._hints import suggest
from luthier.errors import InvalidExpression, InvalidSpace
from luthier.scalar import short, to_dict
from luthier.space.constraint import Constraint
from luthier.space.variables.base import Variable
from luthier.space.variables.categorical import Bool, Choice, Constant, Option, Ordinal
from luthier.space.variables.combinatorial import Permutation, Subset
from luthier.space.variables.declaration import Declaration, Require
from luthier.space.variables.distribution import Beta, Distribution, LogNormal, Normal
from luthier.space.variables.numerical import Float, Int
from luthier.space.variables.simplex import Simplex

Parsed = tuple[dict[str, Variable], list[Require]]
"""The variables by name, and the constraints."""

# --- writing -------------------------------------------------------------------------------------------


def write_toml(declaration: Declaration) -> str:
    """Return the ``[space]`` section of a study file."""
    tables = {name: variable.to_plain() for name, variable in declaration.variables.items()}
    require = [constraint.to_plain() for constraint in declaration.require]
    flat = not {"require", "variables"} & tables.keys()
    lines = ["[space]"]
    rules = [f"require = {_toml(require)}"] if require else []
    rows = [f"{_key(name)} = {_toml(table)}" for name, table in tables.items()]
    lines += [*rows, *rules] if flat else [*rules, "", "[space.variables]", *rows]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if value is None:
        return "{none = true}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f"{{{', '.join(f'{_key(name)} = {_toml(item)}' for name, item in value.items())}}}"


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else _toml(name)


# --- reading -------------------------------------------------------------------------------------------


def read_toml(source: str) -> Parsed:
    """Parse TOML: a ``[space]`` section, or its content alone.

    Raises:
        InvalidSpace: this is not TOML, or what `read` raises.
    """
    import tomllib

    if not isinstance(source, str):
        raise InvalidSpace(f"a space in TOML is a text, not {short(source)}")
    try:
        table = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSpace(f"this is not TOML: {error}") from None
    except RecursionError:
        raise InvalidSpace("this TOML is nested too deeply") from None
    inner = table.get("space")
    return read(inner if isinstance(inner, dict) and len(table) == 1 and not _is_variable(inner) else table)


def read(plain: Any) -> Parsed:
    """Parse the variables and constraints of a space from their text form.

    Raises:
        InvalidSpace: naming the variable, and what is allowed.
    """
    if not isinstance(plain, Mapping):
        raise InvalidSpace(f"a space is a table of variables, not {short(plain)}")
    try:
        plain = _tables(plain, "a space is a table of variables")
    except RecursionError:
        raise InvalidSpace("this space is nested too deeply, or holds itself") from None
    variables: Any
    if _is_section(plain):
        _only(plain, ("variables", "require"), "a space")
        variables, require = plain["variables"], plain.get("require", [])
    else:
        require = plain["require"] if _is_rules(plain.get("require")) else []
        variables = {name: table for name, table in plain.items() if name != "require" or not _is_rules(table)}
    if isinstance(variables, list | tuple):
        variables = _named(variables)
    if isinstance(require, str):
        require = [require]
    if not isinstance(require, list | tuple):
        raise InvalidSpace(f"require is a list of expressions, not {short(require)}")
    return {name: read_variable(name, table) for name, table in variables.items()}, [_rule(rule) for rule in require]


def _tables(value: Any, what: str) -> Any:
    """Give mappings as dicts, at any depth; refuse those that cannot be read, and keys that are no texts."""
    if isinstance(value, list | tuple):
        return [_tables(item, what) for item in value]
    if not isinstance(value, Mapping):
        return value
    found = to_dict(value, what, InvalidSpace)
    for key in found:
        if not isinstance(key, str):
            raise InvalidSpace(f"{what}, and its keys are texts, not {short(key)}")
    return {str.__str__(key): _tables(item, f"{str.__str__(key)!r} is a table") for key, item in found.items()}


def _is_section(plain: Mapping[str, Any]) -> bool:
    inner = plain.get("variables")
    return isinstance(inner, list | tuple) or (isinstance(inner, Mapping) and not _is_variable(inner))


def _is_variable(table: Mapping[str, Any]) -> bool:
    return any(kind in table and not isinstance(table[kind], Mapping) for kind in _KINDS)


def _is_rules(value: Any) -> bool:
    return isinstance(value, str | list | tuple)


def _named(tables: list[Any] | tuple[Any, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for table in tables:
        if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
            raise InvalidSpace(f"a variable in a list is a table with a name, not {short(table)}")
        if table["name"] in found:
            raise InvalidSpace(f"two variables are called {table['name']!r}")
        found[table["name"]] = {key: value for key, value in table.items() if key != "name"}
    return found


def _rule(plain: Any) -> Require:
    if isinstance(plain, Mapping) and set(plain) == {"predicate"} and isinstance(plain["predicate"], str):
        return Constraint(None, plain["predicate"])
    if not isinstance(plain, str):
        raise InvalidSpace(f"a constraint is an expression in text, not {short(plain)}")
    return plain


def read_variable(name: str, table: Any) -> Variable:
    """Parse one variable.

    Raises:
        InvalidSpace: naming it, and what is allowed.
    """
    where = f"variable {name!r}"
    if not isinstance(table, Mapping):
        raise InvalidSpace(f"{where} is {short(table)}; it is a table such as {{float = [0.0, 1.0]}}")
    table = to_dict(table, f"{where} is a table", InvalidSpace)
    kinds = [kind for kind in _KINDS if kind in table]
    if len(kinds) != 1:
        said = f"has {' and '.join(kinds)}" if kinds else f"has no kind{_meant(table)}"
        raise InvalidSpace(f"{where} {said}; it needs exactly one of {', '.join(_KINDS)}")
    reader, settings = _KINDS[kinds[0]]
    _only(table, (kinds[0], *settings, "when"), where)
    rest = {key: value for key, value in table.items() if key != kinds[0]}
    try:
        return reader(table[kinds[0]], rest)
    except RecursionError:
        raise InvalidSpace(f"{where} is nested too deeply, or holds itself") from None
    except InvalidSpace as error:
        kind = InvalidExpression if isinstance(error, InvalidExpression) else InvalidSpace
        raise kind(f"{where}: {error}") from None


def _meant(table: Mapping[str, Any]) -> str:
    for key in table:
        if key in KINDS:
            return f" (it has {key!r}: write {KINDS[key]})"
        hint = suggest(key, _KINDS)
        if "did you mean" in hint:
            return f" (it has {short(key)}{hint})"
    return ""


def _only(table: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in allowed:
            ours = SETTINGS["Float" if allowed[0] in ("float", "int") else "Choice"].get(key, "")
            hint = f" (write {ours})" if "=" in ours and "lt." not in ours else ""
            raise InvalidSpace(f"{where} has the unknown setting {short(key)}{hint}; allowed are {', '.join(allowed)}")


def _range(kind: type[Float] | type[Int]) -> Callable[[Any, dict[str, Any]], Variable]:
    def read_range(value: Any, rest: dict[str, Any]) -> Variable:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise InvalidSpace(f"{kind.kind} is [smallest, largest], not {short(value)}")
        if not isinstance(rest.get("log", False), bool):
            raise InvalidSpace(f"log is true or false, not {short(rest['log'])}")
        if "prior" in rest:
            rest = {**rest, "prior": _prior(rest["prior"])}
        return kind(value[0], value[1], **rest)

    return read_range


def _prior(table: Any) -> Distribution:
    kinds: dict[str, Callable[[float, float], Distribution]] = {"normal": Normal, "lognormal": LogNormal, "beta": Beta}
    if isinstance(table, Mapping) and len(table) == 1:
        ((kind, values),) = table.items()
        if kind in kinds and isinstance(values, list | tuple) and len(values) == 2:
            return kinds[kind](*values)
    raise InvalidSpace(
        f"a prior is {{normal = [mean, std]}}, {{lognormal = [mean, std]}} or {{beta = [a, b]}}, not {short(table)}"
    )


def _list(value: Any, kind: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InvalidSpace(f"{kind} is a list, not {short(value)}")
    return [_option(item) for item in value]


def _option(item: Any) -> Any:
    """Parse one option: lists stand for tuples, ``{none = true}`` for None, a table with variables for an `Option`."""
    if not isinstance(item, Mapping):
        return tuple(_option(part) for part in item) if isinstance(item, list | tuple) else item
    if dict(item) == {"none": True}:
        return None
    if "value" in item and "variables" in item:
        inner = read({key: part for key, part in item.items() if key != "value"})
        return Option(_option(item["value"]), Declaration.of(*inner))
    raise InvalidSpace(f"an option is a plain value or a table with value and variables, not {short(item)}")


def _settings(rest: dict[str, Any]) -> dict[str, Any]:
    return {key: _option(value) if key == "default" else value for key, value in rest.items()}


def _choice(value: Any, rest: dict[str, Any]) -> Variable:
    return Choice(*_list(value, "choice"), **_settings(rest))


def _ordinal(value: Any, rest: dict[str, Any]) -> Variable:
    return Ordinal(*_list(value, "ordinal"), **_settings(rest))


def _bool(value: Any, rest: dict[str, Any]) -> Variable:
    if value is not True:
        raise InvalidSpace(f"bool is written bool = true, with a default beside it, not {short(value)}")
    return Bool(**rest)


def _constant(value: Any, rest: dict[str, Any]) -> Variable:
    return Constant(_option(value), **rest)


def _subset(value: Any, rest: dict[str, Any]) -> Variable:
    size = rest.pop("size", None)
    return Subset(_list(value, "subset"), tuple(size) if isinstance(size, list) else size, **_settings(rest))


def _permutation(value: Any, rest: dict[str, Any]) -> Variable:
    return Permutation(_list(value, "permutation"), **_settings(rest))


def _simplex(value: Any, rest: dict[str, Any]) -> Variable:
    return Simplex(value if isinstance(value, int) else _list(value, "simplex"), **rest)


_KINDS: dict[str, tuple[Callable[[Any, dict[str, Any]], Variable], tuple[str, ...]]] = {
    "float": (_range(Float), ("log", "step", "prior", "default")),
    "int": (_range(Int), ("log", "step", "prior", "default")),
    "choice": (_choice, ("weights", "default")),
    "ordinal": (_ordinal, ("default",)),
    "bool": (_bool, ("default",)),
    "constant": (_constant, ()),
    "subset": (_subset, ("size", "default")),
    "permutation": (_permutation, ("default",)),
    "simplex": (_simplex, ("default",)),
}
