"""Times at which the events of a log were appended: old ones packed, two or three bytes each."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np

_CHUNK = 256
_KEPT = 1024  # the newest times, of which somebody may ask at any moment


class EventTimes(Sequence[float]):
    """Seconds on the store's clock, one an event, which hardly ever decrease.

    Of old ones the differences of their bits are kept, 256 together: they come back exactly.
    """

    __slots__ = ("_chunks", "_opened", "_rest")

    def __init__(self, times: Iterable[float] = ()) -> None:
        self._chunks: list[bytes] = []
        self._rest = array("d", times)
        self._opened: tuple[int, array[float]] = (-1, array("d"))
        self._pack()

    def __len__(self) -> int:
        return _CHUNK * len(self._chunks) + len(self._rest)

    @overload
    def __getitem__(self, place: int) -> float: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[float]: ...

    def __getitem__(self, place: int | slice) -> float | Sequence[float]:
        begin = _CHUNK * len(self._chunks)
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step < 0:
                return self._all(0)[place]
            if start >= begin:
                return self._rest[start - begin : max(stop - begin, 0) : step]
            whole = start // _CHUNK
            return self._all(whole)[start - _CHUNK * whole : max(stop, start) - _CHUNK * whole : step]
        number = place if place >= 0 else place + len(self)
        if number >= begin:
            return self._rest[number - begin]
        if number < 0:
            raise IndexError(f"there is no event {place}")
        return self._chunk(number // _CHUNK)[number % _CHUNK]

    def write(self, first: int, times: Sequence[float]) -> None:
        """Set the times of the events from one on, and add those of new ones. Cost O(times)."""
        begin, done = _CHUNK * len(self._chunks), 0
        while first + done < begin and done < len(times):
            number, offset = divmod(first + done, _CHUNK)
            part = times[done : done + _CHUNK - offset]
            chunk = _unpacked(self._chunks[number])
            chunk[offset : offset + len(part)] = array("d", part)
            self._chunks[number] = _packed(chunk)
            self._opened = (-1, chunk[:0])
            done += len(part)
        if done < len(times):
            place = first + done - begin
            self._rest[place : place + len(times) - done] = array("d", times[done:])
            if len(self._rest) >= _KEPT + _CHUNK:
                self._pack()

    def truncate(self, length: int) -> None:
        """Forget the times from an event on."""
        whole = min(length // _CHUNK, len(self._chunks))
        self._rest = self._all(whole)[: length - _CHUNK * whole]
        del self._chunks[whole:]
        self._opened = (-1, array("d"))

    def _pack(self) -> None:
        old = max(len(self._rest) - _KEPT, 0) // _CHUNK * _CHUNK
        self._chunks += [_packed(self._rest[first : first + _CHUNK]) for first in range(0, old, _CHUNK)]
        self._rest = self._rest[old:]

    def _all(self, first: int) -> array[float]:
        """Give the times from a chunk on."""
        found = array("d")
        for chunk in self._chunks[first:]:
            found.extend(_unpacked(chunk))
        found.extend(self._rest)
        return found

    def _chunk(self, number: int) -> array[float]:
        if self._opened[0] != number:
            self._opened = (number, _unpacked(self._chunks[number]))
        return self._opened[1]


def _packed(times: array[float]) -> bytes:
    """Write times as differences of their bits, byte by byte: those of higher weight are alike."""
    steps = np.diff(np.frombuffer(times, np.int64), prepend=np.int64(0))
    return zlib.compress(steps.astype("<i8").view(np.uint8).reshape(-1, 8).T.tobytes(), 1)


def _unpacked(packed: bytes) -> array[float]:
    planes = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(8, -1)
    steps = np.ascontiguousarray(planes.T).view("<i8")[:, 0]
    return array("d", np.cumsum(steps, dtype=np.int64).tobytes())
