"""Objects of known classes as plain values, and back: what a snapshot of a state consists of."""

from __future__ import annotations

import dataclasses
from array import array
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from luthier import event as events
from luthier.event import Event
from luthier.history.broken_program import EarlyFailures
from luthier.history.identity_counts import IdentityCounts
from luthier.history.incumbent import Incumbent
from luthier.history.instance_race import InstanceRace
from luthier.history.remarks import Remarks
from luthier.history.spending import Spending
from luthier.history.tables import TrialArrays
from luthier.history.tables.report_arrays import ReportArrays
from luthier.history.ticket_numbers import TicketNumbers
from luthier.problem import Objective

Plain: TypeAlias = Any
"""What MessagePack holds: None, numbers, text, bytes, and lists of them."""

_KINDS = (EarlyFailures, IdentityCounts, Incumbent, InstanceRace, Objective, Remarks, ReportArrays, Spending)
_BY_NAME: dict[str, type] = {kind.__name__: kind for kind in (*_KINDS, TicketNumbers, TrialArrays)}
_SCALARS = frozenset((type(None), bool, int, float, str, bytes))
_SIMPLE: dict[type, str] = {list: "list", tuple: "tuple", set: "set", deque: "deque"}
_MADE: dict[str, Callable[[Iterable[Any]], Any]] = {name: kind for kind, name in _SIMPLE.items()}


class NotPlain(Exception):
    """A value has no plain form: it is an object of a class that is not known here."""


def to_plain(value: Any) -> Plain:
    """Write a value; every list in it begins with the name of its kind.

    Raises:
        NotPlain: it holds an object of an unknown class.
    """
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind in _SIMPLE:
        return [_SIMPLE[kind], *map(to_plain, value)]
    if kind in (dict, Counter):
        name = "dict" if kind is dict else "Counter"
        return [name, _items_to_plain(value), _items_to_plain(value.values())]
    if kind is np.ndarray:
        data = np.ascontiguousarray(value).data.cast("B") if value.size else b""
        return ["ndarray", value.dtype.str, list(value.shape), data]
    if isinstance(value, Event):
        return ["event", events.checked(value)]
    if kind in _BY_NAME.values():
        return [kind.__name__, *(to_plain(getattr(value, name)) for name in _names(kind))]
    raise NotPlain(kind.__name__)


def from_plain(plain: Plain) -> Any:
    """Read what `to_plain` wrote. What has another form raises whatever it raises: ValueError, KeyError, and so on."""
    if type(plain) is not list:
        return plain
    kind, *rest = plain
    if kind in _MADE:
        return _MADE[kind](map(from_plain, rest))
    if kind in ("dict", "Counter"):
        keys, values = map(_items_from_plain, rest)
        found = dict(zip(keys, values, strict=True))
        return found if kind == "dict" else Counter(found)
    if kind == "ndarray":
        dtype, shape, data = rest
        return np.frombuffer(data, np.dtype(dtype)).reshape(shape).copy()
    if kind == "event":
        return events.decode(rest[0])
    return _object(_BY_NAME[kind], rest)


def _items_to_plain(items: Collection[Any]) -> list[Plain]:
    """Write items; whether all of them are plain already comes first, as there may be very many."""
    if all(type(item) in _SCALARS for item in items):
        return [True, *items]
    return [False, *map(to_plain, items)]


def _items_from_plain(plain: list[Plain]) -> list[Any]:
    return plain[1:] if plain[0] else [*map(from_plain, plain[1:])]


def _object(kind: type, values: Sequence[Plain]) -> Any:
    made: object = object.__new__(kind)
    for name, value in zip(_names(kind), values, strict=True):
        object.__setattr__(made, name, from_plain(value))
    return made


def _names(kind: type) -> tuple[str, ...]:
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return tuple(dict.fromkeys(kind.__slots__))  # type: ignore[attr-defined]


def stamps_to_bytes(stamps: Sequence[float]) -> bytes | memoryview:
    """Write numbers as bytes, on any machine alike."""
    numbers = np.asarray(stamps, "<f8")
    return numbers.data.cast("B") if numbers.size else b""


def stamps_from_bytes(data: bytes) -> array[float]:
    """Read them."""
    return array("d", np.frombuffer(data, "<f8").astype(float).tobytes())
