"""Parts of the lines of a JSON-lines store: some events of a line without the others."""

from __future__ import annotations

from array import array
from itertools import accumulate, pairwise
from zlib import crc32

from luthier.errors import StoreCorrupt
from luthier.store.jsonl.line_format import LineEvents, add_event, check_line, event_places, read_events
from luthier.store.jsonl.line_index import LinePlace
from luthier.store.jsonl.locked_file import LockedFile

LONG = 2**20
"""Bytes of a line that is read whole only once: a study that was copied is one line."""


class LongLine:
    """The places of the events in one long line, so that some of them can be read without the others.

    Args:
        place: of the line.
        line: all of it.

    Raises:
        StoreCorrupt: it is not what was written.
    """

    def __init__(self, place: LinePlace, line: bytes) -> None:
        check_line(line, place.checksum)
        begin, sizes, stamps = event_places(line)
        ends = array("q", accumulate((size + 1 for size in sizes), initial=begin))
        self.place = place
        self._stamps = array("d", stamps)
        self._ends = ends
        self._checksums = array("I", (crc32(line[start : end - 1]) for start, end in pairwise(ends)))

    def events(self, file: LockedFile, first: int, last: int) -> LineEvents:
        """Read the events from position `first` up to `last`, as far as they are of this line. Cost O(their number)."""
        found, begin = LineEvents([], []), self.place.first
        low, high = max(first - begin, 0), min(last - begin, len(self._stamps))
        start, end = self._ends[low], self._ends[high]
        data = file.read(self.place.offset + start, end - start)
        for number in range(low, high):
            body = data[self._ends[number] - start : self._ends[number + 1] - start - 1]
            if crc32(body) != self._checksums[number]:
                raise StoreCorrupt(f"event {begin + number} is not what it was when its line was read")
            add_event(found, begin + number, self._stamps[number], body)
        return found


class LineParts:
    """Reads parts of a log, and remembers the places of the events in the long line that was read last."""

    def __init__(self) -> None:
        self._long: LongLine | None = None

    def read(self, file: LockedFile, place: LinePlace, first: int, last: int) -> LineEvents:
        """Read the events from position `first` up to `last`, as far as they are in a line.

        Args:
            file: the store's.
            place: of the line.
            first: from 0.
            last: after `first`.

        Raises:
            StoreCorrupt, StoreTooNew: as `read_events`.
        """
        if place.size <= LONG:
            found = read_events(file.read(place.offset, place.size), place.checksum)
            part = slice(max(first - place.first, 0), last - place.first)
            return LineEvents(found.records[part], [odd for odd in found.odd if first <= odd[0] < last])
        long = self._long
        if long is None or long.place != place:
            long = self._long = LongLine(place, file.read(place.offset, place.size))
        return long.events(file, first, last)
