"""Results that are known from elsewhere: from a person, or from a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from luthier import codec
from luthier.errors import InvalidConfig, InvalidSetting
from luthier.problem import Problem
from luthier.scalar import short
from luthier.space import Space
from luthier.study.decisions import KnownResult
from luthier.study.returned_values import parse_result
from luthier.trial import Config


def checked_config(space: Space, params: Mapping[str, Any], fill: bool = False) -> Config:
    """Give the plain form of values that a person wrote.

    Args:
        space: must hold them.
        params: values by name; an inactive variable may be None or NaN, as in the row of a table.
        fill: missing values are the defaults, which may be the middles of ranges; else only declared defaults.

    Raises:
        InvalidConfig: the space cannot hold them.
    """
    config = space.complete(space.plain(params), declared=not fill)
    space.check(config)
    return config


def table_rows(space: Space, params: Any) -> Any:
    """Give the rows of a data frame, of the columns that `to_frame` names as variables; anything else as it is."""
    try:
        columns = getattr(params, "columns", None)
    except Exception:  # noqa: BLE001 - an attribute of a foreign object
        columns = None
    if columns is None or callable(columns):
        return params
    names = {f"params.{name}": name for name in space.names if f"params.{name}" in columns}
    names |= {name: name for name in space.names if name in columns and name not in names.values()}
    if not names:
        raise InvalidConfig(
            f"the data frame has no column of a variable; there are {', '.join(map(repr, space.names))}"
        )
    return params[[*names]].rename(columns=names).to_dict("records")


def check_ticket(ticket: object) -> None:
    """Raise InvalidSetting where a ticket is no text."""
    if ticket is not None and not isinstance(ticket, str):
        raise InvalidSetting(f"a ticket is a text, not {short(ticket)}")


def known_result(
    problem: Problem, params: Mapping[str, Any], value: object, duration_s: float | None, ticket: str | None
) -> KnownResult:
    """Check a result that is known from elsewhere; raises InvalidConfig, InvalidResult or InvalidSetting."""
    check_ticket(ticket)
    config = checked_config(problem.space, params)
    costless = problem.cost is not None and not (isinstance(value, Mapping) and problem.cost in value)
    outcome = parse_result(replace(problem, cost=None) if costless else problem, value, duration_s)
    if ticket is None and not problem.noisy:
        ticket = f"add:{problem.space.identity(config)}:{codec.dumps(dict(outcome.values)).decode()}"
    return KnownResult(config, outcome, ticket or "")


def list_of(given: Any) -> list[Any]:
    """Give one of the sequences of `add_many`; refuse what has no order or no length."""
    ordered = not isinstance(given, str | bytes | Mapping | set | frozenset) and hasattr(type(given), "__len__")
    try:
        if ordered:
            return list(given)
    except Exception:  # noqa: BLE001 - an array without dimensions, or a foreign object
        ordered = False
    raise InvalidSetting(f"add_many: give lists, one mapping of values and one result a trial, not {short(given)}")
