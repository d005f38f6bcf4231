"""Parts of the lines of a JSON-lines store: some events of a line without the others."""

from __future__ import annotations

from array import array
from itertools import accumulate

from luthier.store.jsonl.line_format import LineEvents, add_event, event_places, read_events
from luthier.store.jsonl.locked_file import LockedFile

LONG = 2**20
"""Bytes of a line that is read whole only once: a study that was copied is one line."""


class LongLine:
    """The places of the events in one long line, so that some of them can be read without the others.

    Args:
        first: the position of its first event.
        offset: where it begins in the file.
        line: all of it.

    Raises:
        StoreCorrupt: it is not what was written.
    """

    def __init__(self, first: int, offset: int, line: bytes) -> None:
        begin, sizes, stamps = event_places(line)
        self.first = first
        self.offset = offset
        self._stamps = array("d", stamps)
        self._ends = array("q", accumulate((size + 1 for size in sizes), initial=offset + begin))

    def events(self, file: LockedFile, first: int, last: int) -> LineEvents:
        """Read the events from position `first` up to `last`, as far as they are of this line. Cost O(their number)."""
        found = LineEvents([], [])
        low, high = max(first - self.first, 0), min(last - self.first, len(self._stamps))
        begin, end = self._ends[low], self._ends[high]
        data = file.read(begin, end - begin)
        for place in range(low, high):
            body = data[self._ends[place] - begin : self._ends[place + 1] - begin - 1]
            add_event(found, self.first + place, self._stamps[place], body)
        return found


class LineParts:
    """Reads parts of a log, and remembers the places of the events in the long line that was read last."""

    def __init__(self) -> None:
        self._long: LongLine | None = None

    def read(self, file: LockedFile, place: tuple[int, int, int], first: int, last: int) -> LineEvents:
        """Read the events from position `first` up to `last`, as far as they are in a line.

        Args:
            file: the store's.
            place: of the line: the position of its first event, its offset and its size.
            first: from 0.
            last: after `first`.

        Raises:
            StoreCorrupt, StoreTooNew: as `read_events`.
        """
        begin, offset, size = place
        if size <= LONG:
            found = read_events(file.read(offset, size))
            part = slice(max(first - begin, 0), last - begin)
            return LineEvents(found.records[part], [odd for odd in found.odd if first <= odd[0] < last])
        long = self._long
        if long is None or long.offset != offset:
            long = self._long = LongLine(begin, offset, file.read(offset, size))
        return long.events(file, first, last)
