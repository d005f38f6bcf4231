"""Data of a page, as JSON that cannot end the element it stands in."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec

from luthier.render import escaped
from luthier.report.document import TrialList


def page_json(plain: object) -> str:
    """Write plain values as JSON for an element of a page: no character in it is markup.

    Within JSON, ``<``, ``>``, ``&`` and the line separators occur in texts only, where they may be escaped.
    """
    text = msgspec.json.encode(plain).decode("utf-8", "replace")
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def trial_json(trials: TrialList, maximized: Collection[str] = ()) -> Iterator[str]:
    """Write the table of trials as JSON, column by column, compact: texts that occur often are written once.

    Args:
        trials: the table.
        maximized: the columns that are sorted downwards first.
    """
    yield f'{{"total":{trials.total},"columns":['
    for place, (name, values) in enumerate(trials.columns.items()):
        yield f"{',' if place else ''}{page_json(_column(name, values, name in maximized))}"
    yield "]}"


def _column(name: str, values: Sequence[Any], descending: bool) -> dict[str, Any]:
    about: dict[str, Any] = {"name": escaped(name), **({"descending": True} if descending else {})}
    if all(value is None or isinstance(value, int | float) for value in values):
        return about | {"kind": "number", "values": [_finite(value) for value in values]}
    texts: dict[str, int] = {}
    codes = [-1 if value is None else texts.setdefault(escaped(_text(value)), len(texts)) for value in values]
    return about | {"kind": "text", "codes": codes, "texts": list(texts)}


def _finite(value: float | None) -> float | None:
    """Give a number that JSON holds and a browser reads alike; None for others."""
    if value is None or not abs(value) <= sys.float_info.max:
        return None
    return value if abs(value) < 2**53 else float(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else str(value)
