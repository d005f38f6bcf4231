"""Values that a program may be given by mistake: of the wrong kind, out of all measure, or broken."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

import luthier as lt


class Colour(enum.IntEnum):
    RED = 3


class Mode(str, enum.Enum):  # noqa: UP042 - whose text is not its value
    A = "a"


class Plain(enum.Enum):
    A = 1


class OtherText(str):
    pass


class OtherInt(int):
    def __repr__(self) -> str:
        return "OtherInt"


class OtherFloat(float):
    def __repr__(self) -> str:
        return "OtherFloat"


class UnreadableText(str):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class UnreadableInt(int):
    def __int__(self) -> int:
        raise RuntimeError("no int")

    def __index__(self) -> int:
        raise RuntimeError("no index")

    def __float__(self) -> float:
        raise RuntimeError("no float")


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Incomparable:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def __hash__(self) -> int:
        raise RuntimeError("no hash")


class Ambiguous:
    def __bool__(self) -> bool:
        raise RuntimeError("neither true nor false")


class NoFloat:
    def __float__(self) -> float:
        raise RuntimeError("no float")


class NoIndex:
    def __index__(self) -> int:
        raise RuntimeError("no index")


class NoItem:
    def item(self) -> Any:
        raise RuntimeError("no item")


class NoAttribute:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class UnreadableMapping(collections.abc.Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("no item")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys")

    def __len__(self) -> int:
        return 1


@dataclasses.dataclass
class Record:
    x: int = 1


def _self_containing() -> tuple[list[Any], dict[str, Any]]:
    rows: list[Any] = []
    rows.append(rows)
    table: dict[str, Any] = {}
    table["a"] = table
    return rows, table


def _deep(levels: int = 3000) -> list[Any]:
    rows: list[Any] = []
    for _ in range(levels):
        rows = [rows]
    return rows


_SIMPLE: list[Any] = [None, True, False, NotImplemented, ..., 1j, complex(1, 0)]
_INTS = [0, 1, -1, 2, 3, 5, 9, 10, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**70, -(2**63)]
_HUGE = [-(2**63) - 1, 10**400, -(10**400), 10**5000]
_FLOATS = [0.0, -0.0, 0.5, 1.0, 1.5, 5e-324, 1e308, -1e308, math.nan, math.inf, -math.inf]
_EXACT = [*map(decimal.Decimal, ("0.5", "NaN", "sNaN", "Infinity", "1e999")), fractions.Fraction(1, 3)]
_TEXTS = [
    *("", " ", "a", "b", "c", "x", "v", "nan", "inf", "3", "0.5", "true", "None", "a\0b", "\udcff", "\ud800", "é"),
    *("e\u0301", "😀", "\u2028", "\u202e", "a\nb", "a\rb", "\t", "\x1b[31m", "<script>", "=1+1", "../x", "C:\\x"),
    *("a" * 1000, "a" * 100_000, "a'b", 'a"b', "a`b", "$tuple", "{x}", "%s", "__class__", "def", "ticket"),
]
_BYTES: list[Any] = [b"", b"a", bytearray(b"a"), memoryview(b"a")]
_LISTS: list[Any] = [
    (),
    (1,),
    (1, 2),
    [],
    [1],
    [1, "a"],
    [math.nan],
    [None],
    [[1]],
    ["x"],
    _deep(),
    *_self_containing(),
]
_MAPPINGS: list[Any] = [
    *({}, {"a": 1}, {"x": 1}, {"v": 0.5}, {"x": 0.5, "k": 1, "c": "a"}, {1: 2}, {None: 1}, {"": 1}, {"\udcff": 1}),
    *({"$tuple": [1]}, {"$float": "nan"}, {"$object": {}}, {"a": {1, 2}}, {"a": math.inf}, {"a\0": 1}, {(1, 2): 3}),
]
_OTHERS: list[Any] = [
    *(set(), {1, 2}, frozenset({1}), range(3), collections.OrderedDict(a=1), collections.deque([1])),
    *(collections.Counter("a"), array.array("d", [1.0]), object(), object, int, float, print, math, type),
    *(lt.Float, lt.Float(0, 1), lt.Int(0, 3), lt.Choice("a", "b"), lt.Random(), lt.GP(), lt.Normal(0, 1)),
    *(ValueError("x"), ValueError, KeyError("\udcff"), datetime.datetime(2026, 1, 1), datetime.date(2026, 1, 1)),
    *(datetime.timedelta(seconds=3), datetime.time(1), pathlib.Path("/x"), uuid.UUID(int=3)),
    *(Colour.RED, Mode.A, Plain.A, OtherText("a"), OtherText("x"), OtherInt(3), OtherFloat(0.5), OtherFloat("nan")),
    *(UnreadableText("a"), UnreadableInt(1), Unshowable(), Incomparable(), Ambiguous(), NoFloat(), NoIndex()),
    *(NoItem(), NoAttribute(), UnreadableMapping(), Record(), Record),
]
_NUMPY: list[Any] = [
    *(np.float16(0.5), np.float32(0.1), np.float64(0.5), np.longdouble(0.25), np.float64("nan"), np.float32("inf")),
    *(np.int8(3), np.int64(3), np.uint64(2**64 - 1), np.bool_(True), np.str_("a"), np.bytes_(b"a"), np.complex128(1)),
    *(np.datetime64("2026-01-01"), np.timedelta64(3, "s"), np.datetime64("NaT"), np.array(0.5), np.array([0.5])),
    *(np.array([[1]]), np.zeros(2), np.zeros(0), np.array(["a"]), np.array([None]), np.array(object())),
    *(np.ma.masked, np.ma.array([1.0], mask=[True]), np.void(b"a")),
]
_PANDAS: list[Any] = [
    *(pd.NA, pd.NaT, pd.Timestamp("2026-01-01"), pd.Timedelta(1), pd.Series([1.0]), pd.Series([1, 2])),
    *(pd.Series({"x": 0.5}), pd.DataFrame({"x": [1]}), pd.Categorical(["a"]), pd.Interval(0, 1)),
]
VALUES = [
    *(*_SIMPLE, *_INTS, *_HUGE, *_FLOATS, *_EXACT, *_TEXTS, *_BYTES, *_LISTS, *_MAPPINGS),
    *(*_OTHERS, *_NUMPY, *_PANDAS),
]
"""More than 200 of them."""
