"""Text for people: numbers, values, configurations and tables.

What a user wrote is data: `clean` keeps its control characters from a terminal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

_FORBIDDEN = {
    code: None
    for code in (*range(32), *range(127, 160), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\t\n"
}

_LARGE = 10**15

_ESCAPES = {code: f"\\u{code:04x}" for code in _FORBIDDEN}


def clean(text: str) -> str:
    """Strip control characters (but line ends and tabs), and those that change the direction of writing."""
    return text.translate(_FORBIDDEN)


def escaped(text: str) -> str:
    """Write control characters (but line ends and tabs), and those that change the direction, as ``\\u009b``."""
    return text.translate(_ESCAPES)


def one_line(text: str, width: int = 100) -> str:
    """Put a text on one line of at most `width` characters."""
    if text.isalnum() and len(text) <= width:  # a word
        return text
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


def number(value: float) -> str:
    """Write a number short enough to be read."""
    return f"{value:.6g}"


def seconds(duration_s: float) -> str:
    """Write a duration: ``0.31 s``, ``58 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if not math.isfinite(duration_s):
        return "?"
    if duration_s < 9.95:
        return f"{duration_s:.2g} s"
    whole = round(duration_s)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def short(value: object) -> str:
    """Write a value for a line or a table: floats short, text bare."""
    if type(value) is float:
        return number(value)
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return one_line(value, 60)
    if isinstance(value, datetime):
        return str(value.astimezone())[:19]  # as by "%Y-%m-%d %H:%M:%S", in a third of its time
    if isinstance(value, tuple | list):
        return one_line(f"({', '.join(map(short, value))})")
    if isinstance(value, Mapping):
        return one_line(", ".join(f"{key}: {short(item)}" for key, item in value.items()))
    return one_line(str(value), 60)


def assignments(config: Mapping[str, object]) -> str:
    """Write a configuration on one line: ``kernel=rbf  C=10.5``."""
    return "  ".join(f"{one_line(name, 60)}={short(value)}" for name, value in config.items())


def literal(value: object) -> str:
    """Write a plain value as Python that gives it back."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in value.items())}}}"
    return repr(value)


def dictionary(config: Mapping[str, object]) -> str:
    """Write a configuration as a Python dictionary, one line per variable."""
    lines = [f"    {literal(name)}: {literal(value)}," for name, value in config.items()]
    return "\n".join(["{", *lines, "}"]) if lines else "{}"


def labelled(heading: str, rows: Sequence[tuple[str, str]]) -> str:
    """Write a heading, and below it labels and texts in two columns."""
    width = max((len(label) for label, _ in rows), default=0)
    return "\n".join([heading, *(f"  {label:<{width}}  {text}" for label, text in rows)])


def columns(rows: Sequence[Mapping[str, object]], names: Sequence[str]) -> str:
    """Lay out the columns of these names, numbers to the right; None is left empty."""
    return "\n".join(table_lines({name: [row[name] for row in rows] for name in names}))


def table_lines(table: Mapping[str, Sequence[object]]) -> list[str]:
    """Lay out columns below their names, numbers to the right; None is left empty."""
    cells = [[short(name), *_cells(values)] for name, values in table.items()]
    signs = ["" if all(map(_is_right, {*map(type, values)})) else "-" for values in table.values()]
    line = "  ".join(f"%{sign}{max(map(len, column))}s" for sign, column in zip(signs, cells, strict=True))
    return [(line % row).rstrip() for row in zip(*cells, strict=True)]


def _is_right(kind: type) -> bool:
    """Tell whether values of a type stand to the right in their column."""
    return kind is type(None) or issubclass(kind, int | float)


def _cells(values: Sequence[object]) -> list[str]:
    """Write the values of a column as `short` does, each text and each minute of a time but once."""
    kinds = {*map(type, values)}
    numbers: Any = values
    if kinds == {float}:
        return [*map(float.__format__, numbers, repeat(".6g"))]
    if kinds <= {float, type(None)}:
        return ["" if value is None else f"{value:.6g}" for value in values]
    if kinds == {int} and min(numbers) > -_LARGE and max(numbers) < _LARGE:
        return [*map(str, values)]
    if kinds <= {str, type(None)}:
        written = {value: "" if value is None else short(value) for value in {*values}}
        return [*map(written.__getitem__, values)]
    if kinds == {datetime}:
        return _times([value for value in values if isinstance(value, datetime)])
    return ["" if value is None else short(value) for value in values]


def _times(values: Sequence[datetime]) -> list[str]:
    """Write times of day; where these are in UTC, what comes before the seconds is made once a minute."""
    seconds_text = [f"{second:02}" for second in range(60)]
    minutes: dict[tuple[int, ...], str] = {}
    found = []
    for value in values:
        if value.tzinfo is not UTC:
            return [*map(short, values)]
        minute = (value.year, value.month, value.day, value.hour, value.minute)
        before = minutes.get(minute)
        if before is None:
            text = short(value.replace(second=0))
            if not text.endswith(":00"):  # a zone that differs by seconds
                return [*map(short, values)]
            before = minutes[minute] = text[:-2]
        found.append(before + seconds_text[value.second])
    return found
