"""The snapshot of a log: made of its state, and read back where it is sure to be that state."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from luthier._runtime.fingerprint import fingerprint
from luthier.errors import InvalidResult, StoreError
from luthier.event import Created, Event
from luthier.history.log_state import LogState
from luthier.history.packed.packed_list import CHUNK, PackedList
from luthier.history.packed.packing import ReadAgain, StoredEvents, is_pickled
from luthier.history.shared_log import SharedLog
from luthier.history.snapshot.plain_objects import (
    NotPlain,
    from_plain,
    stamps_from_bytes,
    stamps_to_bytes,
    to_plain,
)
from luthier.history.tables import TrialArrays

SAVED = (
    "claims",
    "configured",
    "created",
    "drawn",
    "failures",
    "finished",
    "forgotten",
    "identities",
    "imported",
    "leader",
    "length",
    "paused",
    "queue",
    "remarks",
    "renewed",
    "reopened",
    "requests",
    "running",
    "spending",
    "table",
    "tickets",
    "waiting",
)
"""The parts of a state that are written as they are."""

_MARK = b"luthier snapshot 1\n"
_SUM = 16  # bytes of the checksum that follows the mark
_CODE = ("history", "event", "space", "instances", "numeric", "trial.py", "problem.py", "codec.py")


@dataclass(frozen=True, slots=True, eq=False)
class LogSnapshot:
    """The state after the first events of a log.

    Args:
        length: the number of events.
        log_sum: the store's sum of these events, by which it is seen that they are still the same.
        stamps: when each of them was appended.
        digests: of histories of the first of them, as far as they were computed (see `SharedLog`).
        state: the parts of the state by name.
        chunks: the trials, packed.
        rest: the trials after them.
    """

    length: int
    log_sum: int
    stamps: array[float]
    digests: bytes
    state: dict[str, Any]
    chunks: tuple[bytes, ...]
    rest: bytes

    @property
    def created(self) -> Created:
        """The first event."""
        created: Created = self.state["created"]
        return created

    @property
    def encoded(self) -> int:
        """Of how many trials it has the points that models read."""
        table: TrialArrays = self.state["table"]
        return table.encoded

    @classmethod
    def read(cls, data: bytes) -> LogSnapshot | None:
        """Read a snapshot; None where it is damaged, or was not made by this very code on a machine of this kind.

        Cost O(trials), small: they stay packed.
        """
        body = memoryview(data)[len(_MARK) + _SUM :]
        if data[: len(_MARK)] != _MARK or data[len(_MARK) : len(_MARK) + _SUM] != _checksum(body) or not _version():
            return None
        try:
            version, length, log_sum, stamps, digests, state, chunks, rest = msgspec.msgpack.decode(body)
            if version != _version():
                return None
            parts = msgspec.msgpack.decode(zlib.decompress(state))
            found = {name: from_plain(part) for name, part in zip(SAVED, parts, strict=True)}
            read = stamps_from_bytes(stamps)
        except (ValueError, TypeError, LookupError, AttributeError, zlib.error, msgspec.MsgspecError, StoreError):
            return None  # the checksum is right: somebody made it so
        if (
            not isinstance(found["created"], Created)
            or not isinstance(found["table"], TrialArrays)
            or length != len(read)
            or length != found["length"]
            or len(digests) > 16 * length
        ):
            return None
        return cls(length, log_sum, read, digests, found, tuple(chunks), rest)

    def restored(self, empty: SharedLog, read: ReadAgain) -> SharedLog:
        """Give the log, folded, of a study in the spaces of an empty one; `read` reads old events again."""
        spaces = empty.spaces
        fold, packed = LogState(spaces), self.length - self.length % CHUNK
        if empty.fold.trials.is_in_file:
            fold.trials.leave_memory()
        for name, part in self.state.items():
            setattr(fold, name, part)
        fold.trials.fill(self.chunks, fold.trials.packing.unpack(self.rest, 0, 0))
        events: PackedList[Event] = PackedList((), packing=StoredEvents(read))
        events.fill([b""] * (packed // CHUNK), read(packed, self.length))
        return SharedLog(spaces, events, fold, bytearray(self.digests))


def take_snapshot(log: SharedLog, stamps: Sequence[float], log_sum: int) -> bytearray | None:
    """Write the state of a log; None where it holds what a snapshot cannot: another space, or results of other tasks.

    Cost O(trials), of which those that are not packed yet cost most.
    """
    state = log.fold
    simple = state.space is log.spaces[0] and not state.outside and not state.sources and not state.configs.is_mixed
    if not simple or not _version():
        return None
    state.read_identities()  # every method asks for them at once
    chunks, rest = state.trials.parts()
    last = state.trials.packing.pack(rest, 0)
    if any(map(is_pickled, (*chunks, last))):
        return None
    try:
        parts = [to_plain(getattr(state, name)) for name in SAVED]
        plain = zlib.compress(msgspec.msgpack.encode(parts), 1)
    except (NotPlain, OverflowError, UnicodeEncodeError, InvalidResult):
        return None
    given = (_version(), state.length, log_sum, stamps_to_bytes(stamps), log.digests, plain, chunks, last)
    data = bytearray(_MARK + bytes(_SUM))
    msgspec.msgpack.Encoder().encode_into(given, data, len(data))
    begin = len(_MARK) + _SUM
    data[len(_MARK) : begin] = _checksum(memoryview(data)[begin:])
    return data


def _checksum(body: bytes | memoryview) -> bytes:
    return hashlib.blake2b(body, digest_size=_SUM).digest()


@cache
def _version() -> bytes:
    """Name the code that folds a log, and the kind of machine; empty where the code cannot be read.

    A snapshot is what this code made of a log. So one that other code has made is of no use, whatever it changed.
    """
    root, found = Path(__file__).parents[2], hashlib.blake2b(digest_size=_SUM)
    files = [root / name for name in _CODE if name.endswith(".py")]
    files += [file for name in _CODE for file in sorted((root / name).rglob("*.py"))]
    try:
        for file in files:
            found.update(file.read_bytes())
    except OSError:
        return b""
    found.update(repr(sorted(fingerprint().items())).encode())
    return found.digest() if files else b""
