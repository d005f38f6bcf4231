"""A store in one file of JSON lines, for any number of processes and threads of one machine."""

from __future__ import annotations

import errno
import logging
import os
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

from luthier._closing import Closing
from luthier._runtime.fork_lock import ForkSafeLock
from luthier.errors import StoreCorrupt, StoreError, StoreFull, StoreReadOnly, StoreTooNew, StoreTooOld
from luthier.event import Event, Record, checked
from luthier.store.jsonl.kept_index import KeptIndex
from luthier.store.jsonl.line_format import HEADER, SCHEMA, LineEvents, make_end, make_line, read_events, read_header
from luthier.store.jsonl.line_index import IndexedStudy, LineIndex
from luthier.store.jsonl.line_parts import LineParts
from luthier.store.jsonl.locked_file import LockedFile
from luthier.store.jsonl.renewal_slots import RenewalSlots
from luthier.store.jsonl.snapshot_files import SnapshotFiles
from luthier.store.path_checks import check_file, settle
from luthier.store.protocol import Clock, Stamps, check_name, closed, conflict, not_found, not_sent, removed, replaced

T = TypeVar("T")

_logger = logging.getLogger(__name__)

PATIENCE_S = 60.0


class JSONLines(Closing):
    """Logs in one file of JSON lines, which is made if it does not exist.

    A line has all events of one append and their checksum, and is on the disk when the append returns. What is in the
    file is never changed. A last line that is not whole, as its writer was killed, is set aside into a file beside
    this one by the next writer, and readers pass over it. A line counts only where it goes on with the log of its
    study, so a writer that was overtaken leaves no trace in it.

    Args:
        path: the file, on a local disk.
        clock: seconds since 1970 UTC.
        patience_s: how long to wait for other processes before `StoreBusy`.
        must_exist: refuse to make a new file.

    Raises:
        InvalidSetting: the path cannot be a store's.
        StoreCorrupt: the file is not one of Luthier's.
        StoreTooNew, StoreTooOld: the file has another schema.
        StoreReadOnly: there is no file, and none can be made.
        StoreError: there is no file, and none is to be made.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock = time.time,
        patience_s: float = PATIENCE_S,
        must_exist: bool = False,
    ) -> None:
        self._given, self._place = str(path), settle(Path(path), "file of JSON lines")
        self._patience_s = patience_s
        self._stamps = Stamps(clock)
        self._closed = False
        self._must_exist = must_exist
        self._file: LockedFile | None = None
        self._identity: tuple[int, int] | None = None
        self._index = LineIndex()
        self._renewals = RenewalSlots(self._place)
        self._snapshots = SnapshotFiles(self._place)
        self._kept_index = KeptIndex(self._place)
        self._parts = LineParts()
        self._guard = ForkSafeLock(timeout_s=patience_s, before_fork=self._disconnect)
        check_file(self._place, "file of JSON lines", must_exist)
        self._run(lambda file: None)

    @property
    def path(self) -> Path:
        """The file."""
        return self._place

    def append(self, study: str, events: Sequence[Event], expect: int) -> int:
        """See `Store.append`. Cost: one line, flushed."""
        check_name(study)
        bodies = [checked(event) for event in events]

        def work(file: LockedFile) -> int:
            with self._writing(file):
                found = self._index.studies.get(study)
                length = self._sound(found).length if found else 0
                if length != expect:
                    raise conflict(study, length, expect)
                if bodies:
                    number = found.number if found else self._index.next_number
                    at = self._stamps.stamp(found.latest if found else 0.0)
                    self._write(file, make_line(number, length, [at], bodies, study))
                return length + len(bodies)

        return self._run(work)

    def restore(self, study: str, records: Sequence[Record]) -> None:
        """See `Restoring.restore`. Cost: one line, flushed."""
        check_name(study)
        bodies = [checked(record.event) for record in records]

        def work(file: LockedFile) -> None:
            with self._writing(file):
                found = self._index.studies.get(study)
                if found is not None:
                    raise conflict(study, found.length, 0)
                stamps = [record.at for record in records]
                self._write(file, make_line(self._index.next_number, 0, stamps, bodies, study))

        self._run(work)
        self._stamps.seen(records[-1].at)

    def renew(self, study: str, number: int, token: int) -> None:
        """See `Store.renew`. Cost: one slot of a file beside the log."""

        def work(file: LockedFile) -> None:
            known = self._known(file, study)
            with file.locked():
                self._renewals.write((known.number, number, token), self._stamps.now())

        self._run(work)

    def renewed(self, study: str, number: int, token: int) -> float | None:
        """See `Store.renewed`. Cost O(1)."""
        return self._run(lambda file: self._renewals.read((self._known(file, study).number, number, token)))

    def read(self, study: str, after: int = 0) -> tuple[Record, ...]:
        """See `Store.read`. Cost O(records read)."""
        return self.identify(study, after)[1]

    def identify(self, study: str, after: int = 0) -> tuple[int, tuple[Record, ...]]:
        """See `Identifying.identify`. Cost O(records read)."""

        def work(file: LockedFile) -> tuple[IndexedStudy, int, list[bytes], array[int]]:
            known = self._known(file, study)
            places = known.lines(after, known.length) if after < known.length else []
            checksums = array("I", (place.checksum for place in places))
            return known, known.length, [file.read(place.offset, place.size) for place in places], checksums

        known, length, lines, checksums = self._run(work)
        if length < after:
            raise replaced(study, length, after, str(self))
        new: list[Record] = []
        for line, checksum in zip(lines, checksums, strict=True):
            new += self._events(study, line, checksum)
        new = new[len(new) - (length - after) :]  # the first line may begin before
        if new:
            self._stamps.seen(new[-1].at)
        return known.number, tuple(new)

    def between(self, number: int, first: int, last: int) -> tuple[Record, ...]:
        """See `Rereading.between`. Cost O(records read), and once O(line) where that is a long one."""

        def work(file: LockedFile) -> tuple[str, list[LineEvents]]:
            found = self._numbered(file, number)
            if found is None:
                raise removed(number, repr(self))
            places = found.lines(first, last) if last > first else []
            with self._reading(found.name):
                return found.name, [self._parts.read(file, place, first, last) for place in places]

        name, parts = self._run(work)
        records = tuple(record for part in parts for record in self._said(name, part))
        if len(records) != last - first:
            raise self._damaged(name, f"there are {len(records)} events where there should be {last - first}")
        return records

    def log_sum(self, number: int, length: int) -> int | None:
        """See `Snapshotting.log_sum`. Cost O(lines), small."""

        def work(file: LockedFile) -> int | None:
            found = self._numbered(file, number)
            return None if found is None or self._index.fault(found) else found.log_sum(length)

        return self._run(work)

    def keep_snapshot(self, number: int, data: bytes | bytearray) -> None:
        """See `Snapshotting.keep_snapshot`. Cost: two files beside the log, not flushed, one of them for its index."""

        def work(file: LockedFile) -> None:
            with file.locked():
                found = self._numbered(file, number)
                if found is not None:
                    self._snapshots.write(number, found.begin, data)
                    self._kept_index.write(self._index)

        self._run(work)

    def snapshot(self, study: str) -> tuple[int, bytes] | None:
        """See `Snapshotting.snapshot`."""

        def work(file: LockedFile) -> tuple[int, bytes] | None:
            self._catch_up(file)
            found = self._index.studies.get(study)
            data = None if found is None else self._snapshots.read(found.number, found.begin)
            return None if found is None or data is None else (found.number, data)

        return self._run(work)

    def length(self, study: str) -> int:
        """See `Store.length`."""
        return self._run(lambda file: self._known(file, study).length)

    def names(self) -> tuple[str, ...]:
        """See `Store.names`."""

        def work(file: LockedFile) -> tuple[str, ...]:
            self._catch_up(file)
            return tuple(self._index.studies)

        return self._run(work)

    def now(self) -> float:
        """See `Store.now`."""
        self._check_open()
        return self._stamps.now()

    def delete(self, study: str) -> None:
        """See `Store.delete`. The file grows by a line: a copy of the other studies into a new file is smaller."""

        def work(file: LockedFile) -> None:
            with self._writing(file):
                found = self._index.studies.get(study)
                if found is None:
                    raise not_found(study, tuple(self._index.studies), str(self))
                self._write(file, make_end(found.number))
                self._snapshots.drop(found.number)

        self._run(work)

    def check(self) -> tuple[str, ...]:
        """See `Store.check`. Cost O(everything)."""

        def work(file: LockedFile) -> bytes:
            return file.read(0, file.size)

        data = self._run(work)
        index = LineIndex()
        index.take(data[len(HEADER) :], len(HEADER))
        return tuple(self._faults(index, data))

    def close(self) -> None:
        """Close the file. Idempotent."""
        with self._guard:
            self._closed = True
            self._disconnect()

    def __reduce__(self) -> NoReturn:
        raise not_sent(str(self))

    def __repr__(self) -> str:
        return f"JSONLines({str(self._place)!r})"

    def __str__(self) -> str:
        return self._given

    # --- the file -----------------------------------------------------------------------------------

    def _run(self, work: Callable[[LockedFile], T]) -> T:
        """Do `work` on the file, alone among the threads of this process."""
        with self._guard:
            self._check_open()
            try:
                return work(self._connected())
            except OSError as error:
                raise self._translated(error) from error

    def _connected(self) -> LockedFile:
        if self._file is not None:
            self._file.check()
            return self._file
        file = LockedFile(self._place, self._patience_s, make=self._identity is None and not self._must_exist)
        try:
            if self._identity is not None and file.identity != self._identity:
                file.check()
                raise StoreError(f"the file {str(self._place)!r} was replaced by another file: open it again")
            self._establish(file)
        except BaseException:
            file.close()
            raise
        self._file, self._identity = file, file.identity
        return file

    def _establish(self, file: LockedFile) -> None:
        """Write the first line of a new file, after making sure that any other file is ours."""
        start = file.read(0, len(HEADER) + 20).partition(b"\n")
        if not start[1] and HEADER.startswith(start[0]):  # new, or its maker was killed at once
            if self._must_exist:
                raise StoreError(f"{str(self._place)!r} is empty: there is no study in it. Check the path")
            with file.locked():
                if file.size < len(HEADER):
                    file.write(HEADER[file.size :], file.size)
            start = file.read(0, len(HEADER) + 20).partition(b"\n")
        schema = read_header(start[0] + start[1])
        if schema is None:
            raise StoreCorrupt(
                f"{str(self._place)!r} is not a store of Luthier's: its first line is not {HEADER.decode().strip()}; "
                "give another path, or put back a copy"
            )
        if schema > SCHEMA:
            raise StoreTooNew(
                f"{str(self._place)!r} has schema {schema}, made by a newer Luthier; this one reads schema {SCHEMA}. "
                "Nothing was changed. Upgrade with: pip install --upgrade luthier"
            )
        if schema < SCHEMA:
            raise StoreTooOld(f"{str(self._place)!r} has schema {schema}; this Luthier reads {SCHEMA}")
        self._index.end = self._index.end or len(HEADER)

    @contextmanager
    def _writing(self, file: LockedFile) -> Iterator[None]:
        """Hold the right to write, with everything read that others wrote, and a broken last line set aside."""
        with file.locked():
            self._catch_up(file)
            if file.size > self._index.end:
                file.set_aside(self._index.end)
            yield

    def _write(self, file: LockedFile, line: bytes) -> None:
        """Write a line behind the last one, under the lock."""
        end = self._index.end
        file.write(line, end)
        file.check()  # what went into a file that has just lost its name is not acknowledged
        self._index.take(line, end)

    def _catch_up(self, file: LockedFile) -> None:
        """Take in what others have appended. Cost O(new lines)."""
        size, end = file.size, self._index.end
        if size < end:
            raise StoreCorrupt(
                f"the file {str(self._place)!r} has become shorter while it was open, to {size} from {end} bytes: "
                "another program wrote to it. Nothing more is read or written; put back a copy, or open it again to "
                "go on with what is there now"
            )
        begin, start = self._index.last
        if file.read(begin, len(start)) != start:
            raise StoreCorrupt(
                f"the file {str(self._place)!r} was written over by another program while it was open: at byte {begin} "
                "stands another line than was read there. Nothing more is read or written; open it again to go on "
                "with what is there now"
            )
        if size > end:
            data = file.read(end, size - end)
            if end == len(HEADER) and (kept := self._kept_index.read(data, end)) is not None:
                self._index, data = kept, data[kept.end - end :]
            self._index.take(data, self._index.end)

    def _disconnect(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _check_open(self) -> None:
        if self._closed:
            raise closed(str(self))

    def _translated(self, error: OSError) -> StoreError:
        where = f"the file {str(error.filename or self._place)!r}"  # it may be one beside the log
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return StoreFull(
                f"no space is left for {where}: nothing that was acknowledged is lost; make space on the disk and go on"
            )
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.EBADF):
            why = "it may only be read" if error.errno == errno.EBADF else error.strerror
            return StoreReadOnly(
                f"{where} cannot be written or read by this user ({why}): change its permissions, or those of its "
                f"folder, or make a copy of {str(self._place)!r}"
            )
        return StoreError(f"{where} could not be used: {error.strerror or error}")

    # --- the lines ----------------------------------------------------------------------------------

    def _known(self, file: LockedFile, study: str) -> IndexedStudy:
        self._catch_up(file)
        found = self._index.studies.get(study)
        if found is None:
            raise not_found(study, tuple(self._index.studies), str(self))
        return self._sound(found)

    def _numbered(self, file: LockedFile, number: int) -> IndexedStudy | None:
        self._catch_up(file)
        return self._index.numbered(number)

    def _sound(self, study: IndexedStudy) -> IndexedStudy:
        """Raise StoreCorrupt unless the log of a study is whole."""
        if fault := self._index.fault(study):
            raise StoreCorrupt(
                f"the file {str(self._place)!r} is damaged: study {study.name!r}: {fault}. Stop all that use it and "
                "put back a copy; the lines that are whole can be read with any tool for JSON"
            )
        return study

    def _events(self, study: str, line: bytes, checksum: int) -> list[Record]:
        with self._reading(study):
            found = read_events(line, checksum)
        return self._said(study, found)

    @contextmanager
    def _reading(self, study: str) -> Iterator[None]:
        """Say of which study a line is that cannot be read."""
        try:
            yield
        except StoreCorrupt as error:
            raise self._damaged(study, str(error)) from None
        except StoreTooNew as error:
            raise StoreTooNew(f"{str(self._place)!r}, study {study!r}: {error}") from None

    def _damaged(self, study: str, what: str) -> StoreCorrupt:
        return StoreCorrupt(f"the file {str(self._place)!r} is damaged: study {study!r}: {what}")

    def _said(self, study: str, found: LineEvents) -> list[Record]:
        """Give the records of a line, having said which of them are read only as far as they can be."""
        for place, why in found.odd:
            _logger.warning("%s, study %r: event %d is read as far as it can be: %s", self._place, study, place, why)
        return found.records

    def _faults(self, index: LineIndex, data: bytes) -> Iterator[str]:
        """Say everything that is wrong with a whole file."""
        if b"\n" in data[index.end :]:
            yield f"the last line, at byte {index.end}, is broken: the next writer will set it aside"
        for offset, number in index.damaged:
            yield f"the line at byte {offset} is damaged" + (f" (of study {number})" if number is not None else "")
        for study in index.studies.values():
            if study.broken:
                yield f"study {study.number} ({study.name}): {study.broken}"
            at = 0.0
            for _, offset, size, checksum in study.lines(0, study.length):
                try:
                    events = read_events(data[offset : offset + size], checksum).records
                except StoreError as error:
                    yield f"study {study.number} ({study.name}): {error}"
                    continue
                if events[0].at < at:
                    yield f"study {study.number} ({study.name}): a line at byte {offset} is stamped before another"
                at = events[-1].at
