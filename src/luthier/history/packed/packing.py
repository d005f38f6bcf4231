"""Packings of a list's old items: as text of their own, or as nothing, where they can be read again."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Sequence
from itertools import starmap
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec

from luthier import codec
from luthier.errors import InvalidResult
from luthier.event import Event
from luthier.history.packed.packed_columns import field_of, from_column, to_column
from luthier.trial import Config, Lease, Outcome, Reason, Report, Ruling, State, Trial

T = TypeVar("T")
ReadAgain: TypeAlias = Callable[[int, int], Sequence[Event]]
"""Reads the events from a position of the log up to another one."""

_PLAIN = frozenset((str, int, float, bool, type(None)))
_EXACT, _PICKLED = b"m", b"p"
_STATES = {str(one): one for one in State}
_REASONS = {str(one): one for one in Reason}
_RULINGS = {str(one): one for one in Ruling}


class Packing(Protocol[T]):
    """Makes items small, and gives back every one of them exactly as it was."""

    def pack(self, items: Sequence[T], first: int) -> bytes:
        """Make items small; `first` is the place of the first of them."""
        ...

    def unpack(self, packed: bytes, first: int, count: int) -> list[T]:
        """Give back the items, `count` of them."""
        ...


class Pickled(Packing[Any]):
    """Compressed text of `pickle`, which never leaves the process."""

    __slots__ = ()

    def pack(self, items: Sequence[Any], first: int) -> bytes:
        """See `Packing.pack`."""
        return zlib.compress(pickle.dumps(items, pickle.HIGHEST_PROTOCOL), 1)

    def unpack(self, packed: bytes, first: int, count: int) -> list[Any]:
        """See `Packing.unpack`."""
        return list(pickle.loads(zlib.decompress(packed)))


class StoredEvents(Packing[Event]):
    """Nothing: old events are in the store, and are read there again.

    Args:
        read: does so.
    """

    __slots__ = ("_read",)

    def __init__(self, read: ReadAgain) -> None:
        self._read = read

    def pack(self, items: Sequence[Event], first: int) -> bytes:
        """See `Packing.pack`."""
        return b""

    def unpack(self, packed: bytes, first: int, count: int) -> list[Event]:
        """See `Packing.unpack`. Raises what the store raises."""
        return list(self._read(first, first + count))


class PackedTrials(Packing[Trial]):
    """Compressed MessagePack, in which trials can be stored; trials that it has no form of are pickled.

    In MessagePack 1 and 1.0 are two numbers, and NaN is one; what is nested in a mapping is written as in `codec`.
    """

    __slots__ = ()

    def pack(self, items: Sequence[Trial], first: int) -> bytes:
        """See `Packing.pack`."""
        try:
            # Field by field: the fields of 256 trials are a megabyte of objects, which would stay with the process.
            column = ["t", *(to_column([*map(field, items)]) for field in _FIELDS)] if items else to_column([])
            return _EXACT + zlib.compress(msgspec.msgpack.encode((len(items), column)), 1)
        except (OverflowError, UnicodeEncodeError, TypeError, InvalidResult):
            return _PICKLED + Pickled().pack(items, first)

    def unpack(self, packed: bytes, first: int, count: int) -> list[Trial]:
        """See `Packing.unpack`."""
        if is_pickled(packed):
            return Pickled().unpack(packed[1:], first, count)
        length, column = msgspec.msgpack.decode(zlib.decompress(packed[1:]))
        return [*starmap(_trial, from_column(column, length))]


def packed_configs(packed: bytes) -> list[Config]:
    """Give the configurations of packed trials alone."""
    if is_pickled(packed):
        return [trial.config for trial in Pickled().unpack(packed[1:], 0, 0)]
    length, column = msgspec.msgpack.decode(zlib.decompress(packed[1:]))
    return [*map(read_mapping, field_of(column, _CONFIG, length))]


def is_pickled(packed: bytes) -> bool:
    """Tell whether packed trials may not be stored."""
    return packed[:1] == _PICKLED


_CONFIG = 1  # the place of the configuration among the fields


def _lease_fields(trial: Trial) -> tuple[Any, ...] | None:
    lease = trial.lease
    return None if lease is None else (lease.owner, lease.token, lease.ttl_s, lease.attempt, lease.lost)


def _outcome_fields(trial: Trial) -> tuple[Any, ...] | None:
    if (outcome := trial.outcome) is None:
        return None
    values, violations, extra = _mapping(outcome.values), _mapping(outcome.violations), _mapping(outcome.extra)
    return (str(outcome.reason), values, violations, outcome.duration_s, outcome.error, extra)


def _report_fields(trial: Trial) -> list[tuple[Any, ...]]:
    return [(report.step, report.value, report.attempt, report.others) for report in trial.reports]


_FIELDS: tuple[Callable[[Trial], Any], ...] = (
    lambda trial: trial.number,
    lambda trial: _mapping(trial.config),
    lambda trial: trial.origin,
    lambda trial: str(trial.state),
    _outcome_fields,
    _lease_fields,
    _report_fields,
    lambda trial: _mapping(trial.note),
    lambda trial: trial.seen,
    lambda trial: trial.forgotten,
    lambda trial: _mapping(trial.attributes),
    lambda trial: trial.until,
    lambda trial: str(trial.ruling),
    lambda trial: trial.mean,
)


def _mapping(values: Any) -> Any:
    """Write a mapping; one of plain values as it is, which is quick to read, and any other in a list."""
    if all(type(value) in _PLAIN for value in values.values()):
        return values if type(values) is dict else dict(values)
    return [codec.to_plain(values)]


def read_mapping(plain: Any) -> Any:
    """Read what `_mapping` wrote."""
    return plain if type(plain) is dict else codec.from_plain(plain[0])


def read_report(plain: Sequence[Any]) -> Report:
    """Read a report of a packed trial."""
    step, value, attempt, others = plain
    return Report(step, value, attempt, tuple(others))


def _trial(number: int, config: Any, origin: str, state: str, outcome: Any, lease: Any, *rest: Any) -> Trial:
    reports, note, seen, forgotten, attributes, until, ruling, mean = rest
    ended = None
    if outcome is not None:
        reason, values, violations, duration_s, error, extra = outcome
        measured = (read_mapping(values), read_mapping(violations), duration_s, error, read_mapping(extra))
        ended = Outcome(_REASONS[reason], *measured)
    held = None if lease is None else Lease(*lease)
    given = (number, read_mapping(config), origin, _STATES[state], ended, held, tuple(map(read_report, reports)))
    more = (read_mapping(note), seen, forgotten, read_mapping(attributes), until, _RULINGS[ruling], mean)
    return Trial(*given, *more)
