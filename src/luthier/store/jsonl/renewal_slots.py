"""Renewals of leases beside a JSON-lines store: one slot of fixed width for each lease."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

from luthier.store.jsonl.side_file import open_beside

_WIDTH = 96

_LeaseKey: TypeAlias = tuple[int, int, int]
"""Numbers of the study and the trial, and the token."""


class RenewalSlots:
    """When leases were renewed. A slot is written over at each renewal, so the file grows only with new leases.

    It need not survive a failure of power, after which no holder of a lease is alive, and is not flushed.

    Args:
        log: the store, beside which the file is made at the first renewal.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._place = log.with_name(f"{log.name}.renewals")
        self._offsets: dict[_LeaseKey, int] = {}
        self._end = 0
        self._inode = 0

    def write(self, lease: _LeaseKey, at: float) -> None:
        """Note a renewal; the caller holds the lock of the store."""
        with _closing(open_beside(self._log, self._place, os.O_RDWR)) as file:
            self._look(file)
            offset = self._offsets.setdefault(lease, self._end)
            self._end = max(self._end, offset + _WIDTH)
            os.pwrite(file, _slot(lease, at), offset)

    def read(self, lease: _LeaseKey) -> float | None:
        """Give when a lease was renewed; None where it never was."""
        try:
            with _closing(os.open(self._place, os.O_RDONLY | os.O_CLOEXEC)) as file:
                self._look(file)
                offset = self._offsets.get(lease)
                found = None if offset is None else _parsed(os.pread(file, _WIDTH, offset))
        except FileNotFoundError:
            return None
        return found[1] if found is not None and found[0] == lease else None

    def _look(self, file: int) -> None:
        """Take in the slots that others have added. Cost O(new ones)."""
        state = os.fstat(file)
        if state.st_ino != self._inode or state.st_size < self._end:  # the file was put there anew
            self._offsets, self._end, self._inode = {}, 0, state.st_ino
        data = os.pread(file, state.st_size - self._end, self._end)
        for start in range(0, len(data) - _WIDTH + 1, _WIDTH):
            found = _parsed(data[start : start + _WIDTH])
            if found is not None:
                self._offsets[found[0]] = self._end + start
        self._end += len(data) - len(data) % _WIDTH


@contextlib.contextmanager
def _closing(file: int) -> Iterator[int]:
    try:
        yield file
    finally:
        os.close(file)


def _slot(lease: _LeaseKey, at: float) -> bytes:
    text = b"%d %d %d %r" % (*lease, at)
    return b"%-*b%08x\n" % (_WIDTH - 9, text, crc32(text))


def _parsed(slot: bytes) -> tuple[_LeaseKey, float] | None:
    """Read a slot; None where it is half written, as one that never was."""
    text = slot[: _WIDTH - 9].rstrip()
    try:
        if crc32(text) != int(slot[_WIDTH - 9 : -1], 16):
            return None
        study, number, token, at = text.split(b" ")
        return (int(study), int(number), int(token)), float(at)
    except ValueError:
        return None
