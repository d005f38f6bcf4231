"""The rows of events in a database: how they are made, verified and read."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from luthier.errors import StoreCorrupt, StoreError, StoreTooNew
from luthier.event import Event, Record, decode
from luthier.store.checksum import checksum
from luthier.store.salvage import salvage

Row: TypeAlias = tuple[Any, ...]

_logger = logging.getLogger(__name__)

COLUMNS = "study, position, at, checksum, body"
"""The columns of a row. The checksum covers the others, so a row that is damaged or out of place shows it."""


def make(number: int, length: int, at: float, bodies: Sequence[bytes]) -> list[Row]:
    """Make the rows of events that are appended to a log of `length`."""
    return [
        (number, position, at, checksum(number, position, at, body), body.decode())
        for position, body in enumerate(bodies, length)
    ]


class Reading(NamedTuple):
    """The records of some rows, and which events of them (by position) hold what is no longer accepted, and why."""

    records: tuple[Record, ...]
    odd: tuple[tuple[int, str], ...]


def records(rows: list[Row], first: int, length: int) -> Reading:
    """Read the rows of the events from position `first` up to `length`. Cost: 3 microseconds an event.

    The list of rows is emptied: each row gives its memory to the events that come after it.

    Raises:
        StoreCorrupt: one is damaged, or missing.
        StoreTooNew: one is of a kind that this version does not know.
    """
    found: list[Record] = []
    odd: list[tuple[int, str]] = []
    rows.reverse()
    for expected in range(first, first + len(rows)):
        row = rows.pop()
        if (wrong := fault(row, expected)) is not None:
            raise StoreCorrupt(wrong)
        try:
            found.append(Record(row[2], decode(row[4])))
        except StoreError:
            event, why = _salvaged(row, expected)
            found.append(Record(row[2], event))
            odd.append((expected, why))
    if first + len(found) != length:
        raise StoreCorrupt(f"there are {first + len(found)} events where there should be {length}")
    return Reading(tuple(found), tuple(odd))


def study_records(
    rows: list[Row], first: int, length: int, study: str, where: str, damaged: Callable[[str], StoreCorrupt]
) -> tuple[Record, ...]:
    """Read the rows of a study as `records` does; what is odd is noted in the log of the process.

    Args:
        rows: of the events from position `first` up to `length`.
        first: from 0.
        length: at least `first`.
        study: its name, for messages.
        where: the store, as it may be shown.
        damaged: makes the error of a damaged store.

    Raises:
        StoreCorrupt, StoreTooNew: as `records`.
    """
    try:
        found = records(rows, first, length)
    except StoreCorrupt as error:
        raise damaged(f"study {study!r}: {error}") from None
    except StoreTooNew as error:
        raise StoreTooNew(f"{where}, study {study!r}: {error}") from None
    for place, why in found.odd:
        _logger.warning("%s, study %r: event %d is read as far as it can be: %s", where, study, place, why)
    return found.records


def _salvaged(row: Row, expected: int) -> tuple[Event, str]:
    try:
        return salvage(row[4])
    except (StoreCorrupt, StoreTooNew) as error:
        raise type(error)(f"event {expected}: {error}") from None


def fault(row: Row, expected: int) -> str | None:
    """Say what is wrong with a row that should be at position `expected`, without decoding it."""
    number, position, at, stored, body, *_ = row
    if position != expected:
        return f"event {expected} is missing" + (f" (the next one is {position})" if position is not None else "")
    try:
        if checksum(number, position, at, body) == stored:
            return None
    except (TypeError, struct.error):
        pass  # something that is not a number, or not text
    return f"event {expected} is damaged (its checksum is wrong)"


def following(position: object, expected: int) -> int:
    """Give the position that should come after `position`, or after `expected` where that is not a position."""
    return position + 1 if isinstance(position, int) else expected + 1


def faults(rows: Iterable[Row], expected: int, at: float) -> Iterator[str]:
    """Say everything that is wrong with the rows of one study that follow one before `expected`, stamped `at`."""
    for row in rows:
        found = fault(row, expected)
        if found is None:
            try:
                salvage(row[4])
            except StoreError as error:
                found = f"event {expected}: {error}"
            else:
                found = f"event {expected} is stamped before the one ahead of it" if row[2] < at else None
            at = row[2]
        if found is not None:
            yield found
        expected = following(row[1], expected)
