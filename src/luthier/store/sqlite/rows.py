"""The rows of events in an SQLite file: how they are made, verified and read."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

from luthier.errors import StoreCorrupt
from luthier.event import Record, decode
from luthier.store.checksum import checksum
from luthier.store.sqlite.connection import Row

COLUMNS = "study, position, at, checksum, body"
"""The columns of a row. The checksum covers the others, so a row that is damaged or out of place shows it."""


def make(number: int, length: int, at: float, bodies: Sequence[bytes]) -> list[Row]:
    """Make the rows of events that are appended to a log of `length`."""
    return [
        (number, position, at, checksum(number, position, at, body), body.decode())
        for position, body in enumerate(bodies, length)
    ]


def records(rows: Sequence[Row], first: int, length: int) -> tuple[Record, ...]:
    """Read the rows of the events from position `first` up to `length`. Cost: 3 microseconds an event.

    Raises:
        StoreCorrupt: one is damaged, or missing.
    """
    found: list[Record] = []
    for expected, row in enumerate(rows, first):
        if (wrong := fault(row, expected)) is not None:
            raise StoreCorrupt(wrong)
        try:
            found.append(Record(row[2], decode(row[4])))
        except StoreCorrupt as error:
            raise StoreCorrupt(f"event {expected}: {error}") from None
    if first + len(found) != length:
        raise StoreCorrupt(f"there are {first + len(found)} events where there should be {length}")
    return tuple(found)


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
                decode(row[4])
            except StoreCorrupt as error:
                found = f"event {expected}: {error}"
            else:
                found = f"event {expected} is stamped before the one ahead of it" if row[2] < at else None
            at = row[2]
        if found is not None:
            yield found
        expected = following(row[1], expected)
