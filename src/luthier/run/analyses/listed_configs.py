"""Configurations given one by one, in a list, or as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.errors import InvalidConfig
from luthier.scalar import short
from luthier.space import Space
from luthier.study import table_rows


def _columns(params: object) -> Sequence[Any] | None:
    try:
        columns = getattr(params, "columns", None)
        return None if columns is None or callable(columns) else list(columns)
    except Exception:  # noqa: BLE001 - an attribute of a foreign object
        return None


def listed_configs(space: Space, params: Any) -> Sequence[Mapping[str, Any]]:
    """Give configurations one by one.

    Of a data frame, the columns of the variables are read; others that `to_frame` does not make are refused.
    """
    if isinstance(params, Mapping):
        return [params]
    columns = None if isinstance(params, list | tuple) else _columns(params)
    if columns is None:
        try:
            return list(params)
        except Exception as error:
            raise InvalidConfig(
                f"predict() takes values by name, a list of them or a table, not {short(params)}"
            ) from error
    rows: list[Mapping[str, Any]] = table_rows(space, params)
    return rows
