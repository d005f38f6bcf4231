"""The lines of a JSON-lines store: one for each append, with a checksum of all of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import msgspec

from luthier.errors import StoreCorrupt
from luthier.event import Event, Record, decode
from luthier.store.salvage import salvage

SCHEMA = 1
"""The version of the format, kept in the first line."""

HEADER = b'{"luthier":"log","schema":%d}\n' % SCHEMA
_HEADER = re.compile(rb'\{"luthier":"log","schema":([0-9]+)\}\n')
_START = re.compile(
    rb'\{"crc":"([0-9a-f]{8})",'
    rb'(?:"study":([0-9]+),"first":([0-9]+),"count":([0-9]+),"at":([0-9.e+-]+),|"deleted":([0-9]+)\})'
)
_STUDY = re.compile(rb'"study":([0-9]{1,18}),"first"')
_COVERED = len(b'{"crc":"00000000",')
_EVENTS, _END = b'"events":[', b"]}"


class LineStart(NamedTuple):
    """What the beginning of a line says.

    Args:
        study: the number of the study that it is of.
        first: the position of its first event.
        events: how many it has; 0 where the study ends here.
        at: the stamp of its last event.
        checksum: of the line.
    """

    study: int
    first: int
    events: int
    at: float
    checksum: int


class _Line(msgspec.Struct):
    study: int
    first: int
    at: float
    events: list[msgspec.Raw]
    name: str = ""
    stamps: list[float] | None = None


def make_line(number: int, first: int, stamps: Sequence[float], bodies: Sequence[bytes], name: str = "") -> bytes:
    """Make the line of an append; `stamps` has one stamp for all events, or one for each."""
    parts = [b'"study":%d,"first":%d,"count":%d,"at":%r,' % (number, first, len(bodies), stamps[-1])]
    if first == 0:
        parts.append(b'"name":%b,' % msgspec.json.encode(name))
    if len(stamps) > 1:
        parts.append(b'"stamps":%b,' % msgspec.json.encode([float(at) for at in stamps]))
    return _sealed(b"".join((*parts, _EVENTS, b",".join(body.replace(b"\n", b" ") for body in bodies), _END)))


def make_end(number: int) -> bytes:
    """Make the line by which a study ends."""
    return _sealed(b'"deleted":%d}' % number)


def _sealed(covered: bytes) -> bytes:
    return b'{"crc":"%08x",%b\n' % (crc32(covered), covered)


def read_header(line: bytes) -> int | None:
    """Give the version in the first line of a file; None where it is not one of ours."""
    match = _HEADER.fullmatch(line)
    return int(match[1]) if match else None


def read_start(line: bytes) -> LineStart | None:
    """Read the beginning of a whole line, without its end of line; None where it is damaged. Cost O(length)."""
    match = _START.match(line)
    if match is None or (found := crc32(line[_COVERED:])) != int(match[1], 16):
        return None
    if match[6] is not None:
        return LineStart(int(match[6]), 0, 0, 0.0, found)
    return LineStart(int(match[2]), int(match[3]), int(match[4]), float(match[5]), found)


def guess_study(line: bytes) -> int | None:
    """Give the number of the study that a damaged line may have been of."""
    match = _STUDY.search(line)
    return int(match[1]) if match else None


def read_name(line: bytes) -> str:
    """Give the name of the study that begins with a line."""
    return msgspec.json.decode(line, type=_Line).name


class LineEvents(NamedTuple):
    """The records of a line, and which events of it (by position) hold what is no longer accepted, and why."""

    records: list[Record]
    odd: list[tuple[int, str]]


def read_events(line: bytes, checksum: int) -> LineEvents:
    """Read the events of a line.

    Args:
        line: with its end.
        checksum: that it had when it was found.

    Raises:
        StoreCorrupt: it is another one by now, or one of its events is none.
        StoreTooNew: one is of a kind that this version does not know.
    """
    check_line(line, checksum)
    parsed, stamps = _parsed(line)
    found = LineEvents([], [])
    for position, (at, raw) in enumerate(zip(stamps, parsed.events, strict=True), parsed.first):
        add_event(found, position, at, bytes(raw))
    return found


def check_line(line: bytes, checksum: int) -> None:
    """Raise StoreCorrupt unless a line is the one that was found: the file may have been written over since."""
    if crc32(memoryview(line)[_COVERED:-1]) != checksum:
        raise StoreCorrupt("a line is not what it was when it was found: its checksum is another one")


def add_event(found: LineEvents, position: int, at: float, body: bytes) -> None:
    """Read one event of a line, and add it; raises as `read_events`."""
    event, why = _event(body)
    found.records.append(Record(at, event))
    if why:
        found.odd.append((position, why))


def event_places(line: bytes) -> tuple[int, list[int], list[float]]:
    """Give where the first event of a line begins, the sizes of all, which commas part, and their stamps.

    Raises:
        StoreCorrupt: it is not what was written.
    """
    parsed, stamps = _parsed(line)
    begin, sizes = line.index(_EVENTS) + len(_EVENTS), [len(memoryview(raw)) for raw in parsed.events]
    if begin + sum(sizes) + len(sizes) - 1 + len(_END) != len(line.rstrip()) or len(sizes) != len(stamps):
        raise StoreCorrupt("a line is not what was written: something stands between its events")
    return begin, sizes, stamps


def _parsed(line: bytes) -> tuple[_Line, list[float]]:
    """Read a line; gives it and the stamps of its events."""
    try:
        parsed = msgspec.json.decode(line, type=_Line)
    except msgspec.MsgspecError as error:
        raise StoreCorrupt(f"a line is not what was written: {error}") from None
    return parsed, parsed.stamps or [parsed.at] * len(parsed.events)


def _event(body: bytes) -> tuple[Event, str]:
    try:
        return decode(body), ""
    except StoreCorrupt:
        return salvage(body)
