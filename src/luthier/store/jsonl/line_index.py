"""The places of all lines in a JSON-lines store, by study; grown as the file grows."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from luthier.store.jsonl.line_format import LineStart, guess_study, read_name, read_start

_TELLING = 24
"""Bytes of the beginning of a line, with its checksum, by which it is told from another one."""


class LinePlace(NamedTuple):
    """Where a line is, and what was read there.

    Args:
        first: the position of its first event.
        offset: where it begins in the file.
        size: its bytes, with the end of the line.
        checksum: of the line.
    """

    first: int
    offset: int
    size: int
    checksum: int


@dataclass(slots=True)
class IndexedStudy:
    """One study of the file.

    Args:
        number: of the study, which no other one of the file has or had.
        name: its name.
        length: how many events it has.
        latest: the stamp of the last one.
        broken: what is wrong with its lines; empty where all is well.
        until: the offset of its last line.
    """

    number: int
    name: str
    length: int = 0
    latest: float = 0.0
    broken: str = ""
    until: int = 0
    _firsts: array[int] = field(default_factory=lambda: array("q"))
    _offsets: array[int] = field(default_factory=lambda: array("q"))
    _sizes: array[int] = field(default_factory=lambda: array("q"))
    _checksums: array[int] = field(default_factory=lambda: array("I"))

    @property
    def arrays(self) -> tuple[array[int], ...]:
        """Of each line the position of its first event, its offset, its size and its checksum."""
        return self._firsts, self._offsets, self._sizes, self._checksums

    @property
    def begin(self) -> int:
        """The checksum of its first line; 0 where that is missing."""
        return self._checksums[0] if self._checksums else 0

    def add(self, start: LineStart, offset: int, size: int) -> None:
        """Take in a line, unless another writer was faster: a line counts only where it goes on with the log."""
        first = start.first
        if first > self.length and not self.broken:
            self.broken = f"events {self.length} to {first - 1} are missing"
        if first != self.length:
            return
        self._firsts.append(first)
        self._offsets.append(offset)
        self._sizes.append(size)
        self._checksums.append(start.checksum)
        self.length, self.latest, self.until = first + start.events, start.at, offset

    def log_sum(self, length: int) -> int | None:
        """Sum up the checksums of the lines that have the first events, each weighted by its place.

        None where there are fewer events. Of a line of which not all are meant it is the checksum of all of them.
        """
        if length > self.length or self.broken:
            return None
        lines = zip(self._firsts[: bisect_left(self._firsts, length)], self._checksums, strict=False)
        return sum((found * (first % 8191 + 1)) % 4294967291 for first, found in lines) + length

    def lines(self, first: int, last: int) -> list[LinePlace]:
        """Give the places of the lines that have the events from position `first` up to `last`."""
        part = slice(max(bisect_right(self._firsts, first) - 1, 0), bisect_left(self._firsts, last))
        return [LinePlace(*place) for place in zip(*(one[part] for one in self.arrays), strict=True)]


class LineIndex:
    """The studies of a file, as far as it was read.

    Args:
        end: the offset up to which it was.
        checksum: of all that was read.
        highest: the highest number of a study that there is or was.
        studies: those that there are, in the order in which they began.
        damaged: the offsets of lines that are damaged, with the number of the study that each may be of.

    Attributes:
        last: where the last line begins, and how. While it stands there, the file is the one that was read.
    """

    def __init__(
        self,
        end: int = 0,
        checksum: int = 0,
        highest: int = 0,
        studies: Iterable[IndexedStudy] = (),
        damaged: Iterable[tuple[int, int | None]] = (),
    ) -> None:
        self.end = end
        self.checksum = checksum
        self.highest = highest
        self.studies = {study.name: study for study in studies}
        self.damaged = [*damaged]
        self.last = (0, b"")
        self._numbers = {study.number: study for study in self.studies.values()}

    @property
    def next_number(self) -> int:
        """The number of the next study."""
        return self.highest + 1

    def numbered(self, number: int) -> IndexedStudy | None:
        """Give a study by its number; None where it was removed, or never was."""
        return self._numbers.get(number)

    def take(self, data: bytes, offset: int) -> None:
        """Take in what stands in the file from `offset`, the end so far, on.

        A last line that is broken is left: it may be in the middle of being written. Cost O(length).
        """
        self.end = offset
        lines = data.split(b"\n")
        lines.pop()  # what has no end yet, or nothing
        for place, line in enumerate(lines):
            if not self._add(line, self.end, is_last=place == len(lines) - 1):
                break
            self.end += len(line) + 1
        self.checksum = crc32(memoryview(data)[: self.end - offset], self.checksum)
        self.note_last(data, offset)

    def note_last(self, data: bytes, offset: int) -> None:
        """Note the last line of what was taken in; `data` stands in the file from `offset` on."""
        if self.end > offset:
            begin = data.rfind(b"\n", 0, self.end - offset - 1) + 1
            self.last = (offset + begin, data[begin : begin + _TELLING])

    def fault(self, study: IndexedStudy) -> str:
        """Say what is wrong with the log of a study; empty where all is well."""
        for offset, number in self.damaged:
            # A line of the study after the damaged one shows by its position whether one is missing between.
            if offset > study.until and number in (None, study.number) and not study.broken:
                return f"the line at byte {offset} is damaged (its checksum is wrong), and may be of this study"
        return study.broken

    def _add(self, line: bytes, offset: int, is_last: bool) -> bool:
        """Take in one line; False where it is broken and the last one."""
        start = read_start(line)
        if start is None:
            if is_last:
                return False
            self.damaged.append((offset, guess_study(line)))
            return True
        study = self._numbers.get(start.study)
        if start.events == 0:
            if study is not None:
                del self._numbers[start.study], self.studies[study.name]
            return True
        if study is None and start.study > self.highest:
            self.highest = start.study
            name = read_name(line) if start.first == 0 else self._stand_in(start.study)
            study = self._numbers[start.study] = self.studies[name] = IndexedStudy(start.study, name)
        if study is not None:
            study.add(start, offset, len(line) + 1)
        return True

    def _stand_in(self, number: int) -> str:
        """Give a name, which no study has, to one whose first line is damaged."""
        name = f"study {number}"
        while name in self.studies:
            name += "?"
        return name
