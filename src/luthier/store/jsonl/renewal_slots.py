"""Renewals of leases beside a JSON-lines store: one slot of fixed width for each lease."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

_WIDTH = 96

_LeaseKey: TypeAlias = tuple[int, int, int]
"""Numbers of the study and the trial, and the token."""


class RenewalSlots:
    """When leases were renewed. A slot is written over at each renewal, so the file grows only with new leases.

    It need not survive a failure of power, after which no holder of a lease is alive, and is not flushed.

    Args:
        place: the file, made at the first renewal.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._offsets: dict[_LeaseKey, int] = {}
        self._end = 0

    def write(self, lease: _LeaseKey, at: float) -> None:
        """Note a renewal; the caller holds the lock of the store."""
        with self._opened(os.O_RDWR | os.O_CREAT) as file:
            self._look(file)
            offset = self._offsets.setdefault(lease, self._end)
            self._end = max(self._end, offset + _WIDTH)
            os.pwrite(file, _slot(lease, at), offset)

    def read(self, lease: _LeaseKey) -> float | None:
        """Give when a lease was renewed; None where it never was."""
        try:
            with self._opened(os.O_RDONLY) as file:
                self._look(file)
                offset = self._offsets.get(lease)
                found = None if offset is None else _parsed(os.pread(file, _WIDTH, offset))
        except FileNotFoundError:
            return None
        return found[1] if found is not None and found[0] == lease else None

    @contextlib.contextmanager
    def _opened(self, mode: int) -> Iterator[int]:
        file = os.open(self._place, mode | os.O_CLOEXEC, 0o666)
        try:
            yield file
        finally:
            os.close(file)

    def _look(self, file: int) -> None:
        """Take in the slots that others have added. Cost O(new ones)."""
        size = os.fstat(file).st_size
        if size < self._end:  # the file was put there anew
            self._offsets, self._end = {}, 0
        data = os.pread(file, size - self._end, self._end)
        for start in range(0, len(data) - _WIDTH + 1, _WIDTH):
            found = _parsed(data[start : start + _WIDTH])
            if found is not None:
                self._offsets[found[0]] = self._end + start
        self._end += len(data) - len(data) % _WIDTH


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
