"""A store in one SQLite file, for any number of processes and threads of one machine."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from luthier._closing import Closing
from luthier._hints import translating_settings
from luthier._runtime.fork_lock import ForkSafeLock
from luthier.errors import StoreCorrupt
from luthier.event import Event, Record, checked
from luthier.store.path_checks import check_file, settle
from luthier.store.protocol import Clock, Stamps, check_name, closed, conflict, not_found, not_sent, removed, replaced
from luthier.store.rows import COLUMNS, Row, faults, following, make, study_records
from luthier.store.sqlite.connection import Connection, check_identity
from luthier.store.sqlite.error_translation import damaged, translate
from luthier.store.sqlite.library import sqlite3
from luthier.store.sqlite.schema import establish, has_renewals, journal_mode, make_renewals
from luthier.store.sqlite.snapshots import drop_snapshot, find_snapshot, keep_snapshot, log_sum, rows_between

T = TypeVar("T")

_logger = logging.getLogger(__name__)

PATIENCE_S = 60.0
_CHUNK = 10_000

_NAMES = "SELECT name FROM studies ORDER BY id"
# The index of the names is not relied on: a damaged one would hide a study, or lead to another.
_BY_NUMBER = "SELECT id, length FROM studies WHERE id = ? AND +name = ?"
_BY_NAME = "SELECT id, length FROM studies NOT INDEXED WHERE name = ?"
# Also one statement: others may begin the study at any moment.
_INDEXED_ONLY = (
    "SELECT id FROM studies WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM studies NOT INDEXED WHERE name = ?1)"
)
# A study and the stamp of its last event, which a study without events has not.
_END = (
    "SELECT id, length, at FROM studies LEFT JOIN events ON study = id AND position = length - 1 "
    "WHERE id = ? AND +name = ?"
)
_INSERT = f"INSERT INTO events ({COLUMNS}) VALUES (?, ?, ?, ?, ?)"
# One statement, so of one moment. Where there is nothing new, one row comes, with nothing but the length.
_READ = (
    f"SELECT {COLUMNS}, length FROM studies LEFT JOIN events ON study = id AND position >= ? "
    "WHERE id = ? AND +name = ? ORDER BY position"
)
_RENEW = (
    "INSERT INTO renewals (study, number, token, at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (study, number, token) DO UPDATE SET at = excluded.at"
)
_RENEWED = "SELECT at FROM renewals WHERE study = ? AND number = ? AND token = ?"
_SCAN = f"SELECT {COLUMNS} FROM events WHERE (study, position) > (?, ?) ORDER BY study, position LIMIT {_CHUNK}"


@translating_settings
class SQLite(Closing):
    """Logs in one SQLite file, which is made if it does not exist.

    Every append is one transaction, on the disk when it returns. Each event has a checksum that covers its place in
    the log too, so a damaged or misplaced one is found when it is read. While a process has the store open, it must not
    open the file by other means, not even to copy it: closing it again would drop the locks of SQLite
    (sqlite.org/howtocorrupt.html, 2.2).

    Args:
        path: the file, on a local disk.
        clock: seconds since 1970 UTC.
        patience_s: how long to wait for other processes before `StoreBusy`.
        must_exist: refuse to make a new file.

    Raises:
        InvalidSetting: the path cannot be a store's.
        StoreCorrupt: the file is damaged, or not one of Luthier's.
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
        self._given, self._place = str(path), settle(Path(path), "SQLite file")
        self._patience_s = patience_s
        self._stamps = Stamps(clock)
        self._closed = False
        self._must_exist = must_exist
        self._can_defer = False
        self._numbers: dict[str, int] = {}  # of studies, as they were found last
        self._link: Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._guard = ForkSafeLock(timeout_s=patience_s, before_fork=self._disconnect)
        check_file(self._place, "SQLite file", must_exist)
        self._run(lambda link: None)

    @property
    def path(self) -> Path:
        """The file."""
        return self._place

    def append(self, study: str, events: Sequence[Event], expect: int) -> int:
        """See `Store.append`. Cost: one transaction, flushed."""
        return self._append(study, events, expect, flush=True)

    def append_soon(self, study: str, events: Sequence[Event], expect: int) -> int:
        """See `Deferring.append_soon`. Cost: one transaction; it is flushed with a later one where the mode is WAL."""
        return self._append(study, events, expect, flush=not self._can_defer)

    def _append(self, study: str, events: Sequence[Event], expect: int, flush: bool) -> int:
        check_name(study)
        bodies = [checked(event) for event in events]

        def work(link: Connection) -> int:
            link.flush_commits(flush)
            with link.transaction():
                number, length, latest = self._end(link, study) or (None, 0, 0.0)
                if length != expect:
                    raise conflict(study, length, expect)
                if not bodies:
                    return length
                if number is None:
                    number = _begin(link, study, 0)
                at = self._stamps.stamp(latest)
                link.insert(_INSERT, make(number, length, at, bodies))
                length += len(bodies)
                link.execute("UPDATE studies SET length = ? WHERE id = ?", (length, number))
            link.check()  # what went into a file that has just lost its name is not acknowledged
            return length

        return self._run(work)

    def restore(self, study: str, records: Sequence[Record]) -> None:
        """See `Restoring.restore`. Cost: one transaction, flushed."""
        check_name(study)
        bodies = [checked(record.event) for record in records]

        def work(link: Connection) -> None:
            link.flush_commits(True)
            with link.transaction():
                found = self._find(link, study)
                if found is not None:
                    raise conflict(study, found[1], 0)
                number = _begin(link, study, len(bodies))
                parts = enumerate(zip(records, bodies, strict=True))
                link.insert(_INSERT, [row for i, (record, body) in parts for row in make(number, i, record.at, [body])])
            link.check()

        self._run(work)
        self._stamps.seen(records[-1].at)

    def renew(self, study: str, number: int, token: int) -> None:
        """See `Store.renew`. Cost: one transaction."""

        def work(link: Connection) -> None:
            link.flush_commits(not self._can_defer)  # whoever is alive renews again
            with link.transaction():
                known, _ = self._known(link, study)
                make_renewals(link)
                link.execute(_RENEW, (known, number, token, self._stamps.now()))
            link.check()

        self._run(work)

    def renewed(self, study: str, number: int, token: int) -> float | None:
        """See `Store.renewed`. Cost O(log renewals)."""

        def work(link: Connection) -> list[Row]:
            known, _ = self._known(link, study)
            return link.execute(_RENEWED, (known, number, token)) if has_renewals(link) else []

        rows = self._run(work)
        return self._checked(rows[0][0], float, study) if rows else None

    def read(self, study: str, after: int = 0) -> tuple[Record, ...]:
        """See `Store.read`. Cost O(records read)."""
        return self.identify(study, after)[1]

    def identify(self, study: str, after: int = 0) -> tuple[int, tuple[Record, ...]]:
        """See `Identifying.identify`. Cost O(records read)."""

        def work(link: Connection) -> tuple[int, list[Row]]:
            number = self._numbers.get(study)
            rows = link.execute(_READ, (after, number, study)) if number is not None else []
            if number is None or not rows:
                number = self._known(link, study)[0]
                rows = link.execute(_READ, (after, number, study))
            if not rows:  # it was removed at this very moment
                raise not_found(study, self._names(link), str(self))
            return number, rows

        number, rows = self._run(work)
        length = self._checked(rows[0][-1], int, study)
        if length < after:
            raise replaced(study, length, after, str(self))
        if length == after:
            return number, ()
        new = self._records(study, rows, after, length)
        self._stamps.seen(new[-1].at)
        return number, new

    def between(self, number: int, first: int, last: int) -> tuple[Record, ...]:
        """See `Rereading.between`. Cost O(records read)."""

        def work(link: Connection) -> tuple[bytes, list[Row]]:
            names = link.execute("SELECT name FROM studies WHERE id = ?", (number,))
            if not names:
                raise removed(number, repr(self))
            return names[0][0], rows_between(link, number, first, last)

        name, rows = self._run(work)
        return self._records(str(name, errors="replace"), rows, first, last)

    def log_sum(self, number: int, length: int) -> int | None:
        """See `Snapshotting.log_sum`."""
        return self._run(lambda link: log_sum(link, number, length))

    def keep_snapshot(self, number: int, data: bytes | bytearray) -> None:
        """See `Snapshotting.keep_snapshot`. Cost: one transaction."""

        def work(link: Connection) -> None:
            link.flush_commits(not self._can_defer)  # a snapshot that is lost is made again
            with link.transaction():
                keep_snapshot(link, number, data)
            link.execute("PRAGMA shrink_memory")  # two megabytes of pages that were read to sum up the log

        self._run(work)

    def snapshot(self, study: str) -> tuple[int, bytes] | None:
        """See `Snapshotting.snapshot`."""

        def work(link: Connection) -> tuple[int, bytes] | None:
            found = self._find(link, study)
            body = None if found is None else find_snapshot(link, found[0])
            return None if found is None or body is None else (found[0], body)

        return self._run(work)

    def length(self, study: str) -> int:
        """See `Store.length`."""
        return self._run(lambda link: self._known(link, study)[1])

    def names(self) -> tuple[str, ...]:
        """See `Store.names`."""
        return self._run(self._names)

    def now(self) -> float:
        """See `Store.now`."""
        self._check_open()
        return self._stamps.now()

    def delete(self, study: str) -> None:
        """See `Store.delete`. The file keeps its size; later events use the space again."""

        def work(link: Connection) -> None:
            link.flush_commits(True)
            with link.transaction():
                number, _ = self._known(link, study)
                link.execute("DELETE FROM events WHERE study = ?", (number,))
                if has_renewals(link):
                    link.execute("DELETE FROM renewals WHERE study = ?", (number,))
                drop_snapshot(link, number)
                link.execute("DELETE FROM studies WHERE id = ?", (number,))
            link.check()

        self._run(work)

    def check(self) -> tuple[str, ...]:
        """See `Store.check`. Cost O(everything); others can read meanwhile, and write between the parts of it."""
        try:
            found = [
                text.decode(errors="replace")
                for (text,) in self._run(lambda link: link.execute("PRAGMA integrity_check"))
                if text != b"ok"
            ]
            return (*found, *self._scan())
        except StoreCorrupt as error:
            return (str(error),)

    def close(self) -> None:
        """Close the file. Idempotent."""
        with self._guard:
            self._closed = True
            if self._link is not None:
                self._link.drop_journal()
            self._disconnect()

    def __reduce__(self) -> NoReturn:
        raise not_sent(str(self))

    def __repr__(self) -> str:
        return f"SQLite({str(self._place)!r})"

    def __str__(self) -> str:
        return self._given

    # --- the connection -----------------------------------------------------------------------------

    def _run(self, work: Callable[[Connection], T]) -> T:
        """Do `work` on the file, alone among the threads of this process."""
        with self._guard:
            self._check_open()
            try:
                return work(self._connected())
            except sqlite3.Error as error:
                raise translate(error, self._place) from error
            except UnicodeDecodeError as error:  # an error of SQLite's whose text cites what is damaged
                raise damaged(self._place, f"SQLite says {error.object!r}") from error

    def _connected(self) -> Connection:
        if self._link is not None:
            self._link.check()
            return self._link
        if self._identity is not None:
            check_identity(self._place, self._identity)
        link = Connection(self._place, self._patience_s, make=self._identity is None)
        try:
            establish(link, self._place, journal_mode(), make=not self._must_exist)
            self._can_defer = link.execute("PRAGMA journal_mode") == [(b"wal",)]
        except BaseException:
            link.close()
            raise
        self._link, self._identity = link, link.identity
        return link

    def _disconnect(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _check_open(self) -> None:
        if self._closed:
            raise closed(str(self))

    # --- the tables ---------------------------------------------------------------------------------

    def _names(self, link: Connection) -> tuple[str, ...]:
        found = [name for (name,) in link.execute(_NAMES)]
        for name in found:
            if not isinstance(name, bytes):
                raise damaged(self._place, f"{name!r} stands where the name of a study was written")
        return tuple(name.decode(errors="replace") for name in found)

    def _find(self, link: Connection, study: str) -> tuple[int, int] | None:
        """Give the number and the length of a study."""
        known = self._numbers.get(study)
        if known is None:
            check_name(study)  # SQLite's own error would say nothing to anybody
        rows = link.execute(_BY_NUMBER, (known, study)) if known is not None else []
        rows = rows or link.execute(_BY_NAME, (study,))
        if not rows:
            if link.execute(_INDEXED_ONLY, (study,)):
                raise damaged(self._place, f"study {study!r} stands in the index of the names, and not in their table")
            return None
        self._numbers[study] = rows[0][0]
        return rows[0][0], self._checked(rows[0][1], int, study)

    def _known(self, link: Connection, study: str) -> tuple[int, int]:
        found = self._find(link, study)
        if found is None:
            raise not_found(study, self._names(link), str(self))
        return found

    def _end(self, link: Connection, study: str) -> tuple[int, int, float] | None:
        """Give the number and the length of a study, and the stamp of its last event (0 where there is none)."""
        number = self._numbers.get(study)
        rows = link.execute(_END, (number, study)) if number is not None else []
        if not rows:
            if (found := self._find(link, study)) is None:
                return None
            rows = link.execute(_END, (found[0], study))
        number, length, latest = rows[0]
        if not self._checked(length, int, study):
            return number, 0, 0.0
        if latest is None:
            raise damaged(self._place, f"study {study!r}: event {length - 1} is missing")
        return number, length, self._checked(latest, float, study)

    def _checked(self, value: Any, kind: type[T], study: str) -> T:
        """Make sure that a column holds what was once written to it."""
        if not isinstance(value, kind):
            raise damaged(self._place, f"study {study!r}: {value!r} stands where a number was written")
        return value

    def _records(self, study: str, rows: list[Row], first: int, length: int) -> tuple[Record, ...]:
        """Read rows whose positions are `first` and onwards, up to `length`."""
        place = self._place
        return study_records(rows, first, length, study, repr(str(place)), lambda what: damaged(place, what))

    def _scan(self) -> Iterator[str]:
        """Say what is wrong with any event, reading a part at a time."""
        yield from self._run(_incomplete)
        number, position, at = 0, -1, 0.0
        while rows := self._run(lambda link, after=(number, position): link.execute(_SCAN, after)):  # type: ignore[misc]
            for study, group in groupby(rows, itemgetter(0)):
                if study != number:
                    number, position, at = study, -1, 0.0
                part = list(group)
                yield from (f"study {number}: {found}" for found in faults(part, following(position, 0), at))
                position, at = part[-1][1], part[-1][2] if isinstance(part[-1][2], float) else at


def _begin(link: Connection, study: str, length: int) -> int:
    """Give a new study a number."""
    link.execute("INSERT INTO studies (name, length) VALUES (?, ?)", (study, length))
    ((number,),) = link.execute("SELECT last_insert_rowid()")
    return int(number)


def _incomplete(link: Connection) -> list[str]:
    """Say which studies have another number of events than they should, and which events belong to no study."""
    lengths = link.execute(
        "SELECT id, name, length, count(study) FROM studies LEFT JOIN events ON study = id GROUP BY id "
        "HAVING length != count(study)"
    )
    lost = link.execute("SELECT DISTINCT study FROM events WHERE study NOT IN (SELECT id FROM studies)")
    return [
        f"study {number} ({name.decode(errors='replace') if isinstance(name, bytes) else name!r}) has {count} of its "
        f"{length} events"
        for number, name, length, count in lengths
    ] + [f"there are events of study {number}, but no such study" for (number,) in lost]
