"""Values that are much alike, by columns: small once they are compressed, and given back exactly."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain, islice, repeat
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats, Integers

PackedColumn: TypeAlias = list[Any]
"""What MessagePack holds: the mark of a form, and what that form needs."""

_DECIMALS = (0, 2, 4, 6, 8, 9, 10, 11, 12, 13)
_LARGEST = float(2**53)
_SINGLE = frozenset((str, bool, type(None)))
_WIDTH = 8
_FEW = 4  # of so many values it is tried which number of decimals may do for all of them


def to_column(values: Sequence[Any]) -> PackedColumn:
    """Write values: None, numbers, text, bytes, and lists, tuples and mappings of them; a tuple comes back as a list.

    Tuples and mappings that are alike are columns themselves, and so is what lists hold. Whole numbers are differences,
    floats are whole numbers where they have so many decimals, and else their bytes by weight.
    """
    kinds = {*map(type, values)}
    kind = kinds.pop() if len(kinds) == 1 else None
    first: Any = values[0] if values else None
    if kind in _SINGLE and all(value == first for value in values):
        return ["=", first]
    if kind is float:
        return _floats_to_column(np.array(values))
    if kind is int:
        return ["d", first, *(after - before for before, after in zip(values, islice(values, 1, None), strict=False))]
    if kind is tuple and len({*map(len, values)}) == 1:
        return ["t", *map(to_column, zip(*values, strict=True))]
    if kind is dict and len({*map(tuple, values)}) == 1:
        return ["m", [*first], *(to_column([value[key] for value in values]) for key in first)]
    if kind is list and not any(values):
        return ["e"]
    if kind is list:
        return ["l", to_column([*map(len, values)]), to_column([*chain.from_iterable(values)])]
    return ["o", *values]


def from_column(column: PackedColumn, count: int) -> Sequence[Any]:
    """Read what `to_column` wrote of so many values."""
    form, *rest = column
    if form == "=":
        return [rest[0]] * count
    if form == "f":
        return _floats_from_column(rest, count)
    if form == "d":
        return [*accumulate(rest)]
    if form == "t":
        columns = [from_column(one, count) for one in rest]
        return [*zip(*columns, strict=True)] if columns else [()] * count
    if form == "m":
        names, *parts = rest
        if not names:
            return [{} for _ in range(count)]
        rows = zip(*(from_column(one, count) for one in parts), strict=True)
        return [*map(dict, map(zip, repeat(names), rows))]
    if form == "e":
        return [[] for _ in range(count)]
    if form == "l":
        lengths = from_column(rest[0], count)
        items = iter(from_column(rest[1], sum(lengths)))
        return [[*islice(items, length)] for length in lengths]
    return rest


def _floats_to_column(values: Floats) -> PackedColumn:
    few = values[:_FEW]
    with np.errstate(all="ignore"):
        for decimals in _DECIMALS:
            if _whole(few, decimals) is not None and (whole := _whole(values, decimals)) is not None:
                least = int(whole.min())
                above = whole - least
                return ["f", decimals, least, _planes(above, (int(above.max()).bit_length() + 7) // 8)]
    return ["f", -1, 0, _planes(values.view(np.int64), _WIDTH)]


def _whole(values: Floats, decimals: int) -> Integers | None:
    """Give numbers of so many decimals without their points; None where that does not give back every bit of them."""
    scale = 10.0**decimals
    rounded = np.rint(values * scale)
    if not (np.abs(rounded) < _LARGEST).all():
        return None
    whole = rounded.astype(np.int64)
    return whole if ((whole / scale).view(np.int64) == values.view(np.int64)).all() else None  # not where one is -0.0


def _floats_from_column(rest: Sequence[Any], count: int) -> list[float]:
    decimals, least, planes = rest
    found = np.zeros((count, _WIDTH), np.uint8)
    if planes:
        found[:, : len(planes) // count] = np.frombuffer(planes, np.uint8).reshape(-1, count).T
    whole = found.view("<i8")[:, 0]
    values: list[float] = (whole.view(np.float64) if decimals < 0 else (whole + least) / 10.0**decimals).tolist()
    return values


def _planes(whole: NDArray[np.int64], width: int) -> bytes:
    """Give the lowest bytes of all numbers, then the next ones, and so on."""
    return whole.astype("<i8").view(np.uint8).reshape(-1, _WIDTH)[:, :width].T.tobytes()


def keys_of(column: PackedColumn) -> list[str] | None:
    """Give the keys of mappings that all have the same; None of what is written in another form."""
    return column[1] if column[0] == "m" else None


def one_key(column: PackedColumn, key: str, count: int) -> Sequence[Any]:
    """Read what mappings of the same keys have for one key, and no other; None for what is not among them."""
    _, keys, *parts = column
    return from_column(parts[keys.index(key)], count) if key in keys else [None] * count


def field_of(column: PackedColumn, place: int, count: int) -> Sequence[Any]:
    """Read one field of so many tuples, and not the others where the tuples are alike."""
    if column[0] == "t":
        return from_column(column[1 + place], count)
    return [value[place] for value in from_column(column, count)]
