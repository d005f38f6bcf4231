"""A store on a database server, for any number of processes and threads of any number of machines."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, NoReturn, TypeVar

from sqlalchemy import Executable
from sqlalchemy.exc import DBAPIError

from luthier._closing import Closing
from luthier._runtime.fork_lock import ForkSafeLock
from luthier.errors import StoreCorrupt, StoreError
from luthier.event import Event, Record, checked
from luthier.store.checksum import checksum
from luthier.store.protocol import Clock, Stamps, check_name, closed, conflict, not_found, not_sent, removed, replaced
from luthier.store.rows import faults, following, study_records
from luthier.store.sql.dialects import DIALECTS, ServerVerdict
from luthier.store.sql.server_clock import ServerClock
from luthier.store.sql.server_errors import damaged, first_line, refused, translate
from luthier.store.sql.server_link import Outage, ServerLink, make_engine
from luthier.store.sql.server_snapshots import drop_snapshot, find_snapshot, keep_snapshot, log_sum
from luthier.store.sql.tables import WITH_SNAPSHOTS, Statements, check_schema, make_tables, missing, version
from luthier.store.url_secrets import shown_place

T = TypeVar("T")

_logger = logging.getLogger(__name__)

PATIENCE_S = 600.0
_FIRST_PATIENCE_S = 3.0  # a server that never was there is rather a wrong URL
_CONTENTION_S = 60.0
_CHUNK = 10_000


class ServerStore(Closing):
    """Logs on a database server: PostgreSQL, MySQL or MariaDB. The tables are made where there are none.

    An append locks the row of its study, so the writers of one study take turns and those of several do not wait for
    each other. All times are those of the server. Where the server goes away, every call waits for it, says so in the
    log of the process, and goes on when it is back; whether a commit was done that was under way at that moment is
    found out by the random number that every append carries. Serialization failures and deadlocks are tried again.

    Args:
        url: see `luthier.store.sql.server_url.open_server`. A password in it is never shown.
        clock: seconds since 1970 UTC; None for the server's own.
        patience_s: how long to wait for a server that is away, once it has been there.
        must_exist: refuse to make tables.

    Raises:
        MissingDependency: SQLAlchemy or the driver is not installed.
        InvalidSetting: the URL is not that of a database.
        StoreTooNew, StoreTooOld: the tables have another schema.
        StoreReadOnly: there are no tables, and none can be made.
        StoreError: the server cannot be reached, refuses the user, or has no tables while they must exist.
    """

    def __init__(
        self, url: str, *, clock: Clock | None = None, patience_s: float = PATIENCE_S, must_exist: bool = False
    ) -> None:
        self._place = shown_place(url)
        self._dialect = DIALECTS[url.partition("://")[0].lower()]
        self._engine = make_engine(url, self._dialect, self._place)
        self._sql = Statements(self._dialect)
        self._patience_s = patience_s
        self._clock = ServerClock()
        self._stamps = Stamps(clock or self._clock)
        self._closed = False
        self._must_exist = must_exist
        self._link: ServerLink | None = None
        self._was_there = False
        self._has_snapshots = False  # which tables of schema 1 have not
        self._guard = ForkSafeLock(timeout_s=patience_s + _CONTENTION_S, before_fork=self._disconnect)
        self._run(lambda link: None)

    def append(self, study: str, events: Sequence[Event], expect: int) -> int:
        """See `Store.append`. Cost: one transaction of five statements."""
        check_name(study)
        bodies = [checked(event) for event in events]
        mark, tries = secrets.randbits(63), 0

        def work(link: ServerLink) -> int:
            nonlocal tries
            tries += 1
            with link.transaction():
                found = self._find(link, study, self._sql.lock_at, expect)
                if found is None:
                    found = self._find(link, study)
                    if found is None and expect != 0:
                        raise conflict(study, 0, expect)
                    if found is not None:
                        if tries > 1 and self._is_marked(link, found[0], expect, mark):
                            return expect + len(bodies)  # its commit was done, and the answer to it lost
                        raise conflict(study, found[1], expect)
                if bodies:
                    number = found[0] if found else self._begin(link, study)
                    at = self._stamps.stamp(found[2] if found else 0.0)
                    self._insert(link, number, expect, [at] * len(bodies), bodies, mark)
            return expect + len(bodies)

        return self._run(work)

    def restore(self, study: str, records: Sequence[Record]) -> None:
        """See `Restoring.restore`. Cost: one transaction."""
        check_name(study)
        bodies = [checked(record.event) for record in records]
        mark, tries = secrets.randbits(63), 0

        def work(link: ServerLink) -> None:
            nonlocal tries
            tries += 1
            with link.transaction():
                found = self._find(link, study, self._sql.lock)
                if found is not None:
                    if tries > 1 and self._is_marked(link, found[0], 0, mark):
                        return
                    raise conflict(study, found[1], 0)
                number = self._begin(link, study)
                self._insert(link, number, 0, [record.at for record in records], bodies, mark)

        self._run(work)
        self._stamps.seen(records[-1].at)

    def renew(self, study: str, number: int, token: int) -> None:
        """See `Store.renew`. Cost: two statements."""

        def work(link: ServerLink) -> None:
            known = self._known(link, study)[0]
            at = self._stamps.now()
            if link.execute(self._sql.renew, {**_lease(known, number, token), "now_at": at}).rowcount == 0:
                row = {"study": known, "number": number, "token": token, "at": at}
                link.execute(self._sql.first_renewal, row)

        self._run(work)

    def renewed(self, study: str, number: int, token: int) -> float | None:
        """See `Store.renewed`. Cost: two statements."""

        def work(link: ServerLink) -> float | None:
            lease = _lease(self._known(link, study)[0], number, token)
            at = link.execute(self._sql.renewed, lease).scalar()
            return None if at is None else float(at)

        return self._run(work)

    def read(self, study: str, after: int = 0) -> tuple[Record, ...]:
        """See `Store.read`. Cost O(records read)."""
        return self.identify(study, after)[1]

    def identify(self, study: str, after: int = 0) -> tuple[int, tuple[Record, ...]]:
        """See `Identifying.identify`. Cost O(records read), one statement."""
        values = {"digest": _digest(study), "after": after}
        rows: list[Any] = self._run(lambda link: list(link.execute(self._sql.read, values)))
        if not rows:
            raise not_found(study, self.names(), str(self))
        length, number = int(rows[0][5]), int(rows[0][6])
        if length < after:
            raise replaced(study, length, after, str(self))
        if length == after:
            return number, ()
        new = self._records(study, rows, after, length)
        self._stamps.seen(new[-1].at)
        return number, new

    def between(self, number: int, first: int, last: int) -> tuple[Record, ...]:
        """See `Rereading.between`. Cost O(records read), one statement."""
        rows = self._part(number, first, last - first) if last > first else []
        if not rows and number not in self._run(lambda link: [row[0] for row in link.execute(self._sql.studies)]):
            raise removed(number, repr(self))
        return self._records(f"number {number}", rows, first, last)

    def log_sum(self, number: int, length: int) -> int | None:
        """See `Snapshotting.log_sum`. Cost: one statement, O(length) on the server."""
        return self._run(lambda link: log_sum(link, number, length) if self._has_snapshots else None, waits=False)

    def keep_snapshot(self, number: int, data: bytes | bytearray) -> None:
        """See `Snapshotting.keep_snapshot`. Cost: one transaction."""
        self._run(lambda link: keep_snapshot(link, number, data) if self._has_snapshots else None, waits=False)

    def snapshot(self, study: str) -> tuple[int, bytes] | None:
        """See `Snapshotting.snapshot`."""
        return self._run(lambda link: find_snapshot(link, _digest(study)) if self._has_snapshots else None, waits=False)

    def length(self, study: str) -> int:
        """See `Store.length`."""
        return self._run(lambda link: self._known(link, study)[1])

    def names(self) -> tuple[str, ...]:
        """See `Store.names`."""
        return self._run(self._names)

    def now(self) -> float:
        """See `Store.now`. The server is asked where it has not been for a while."""
        self._check_open()
        if self._clock.is_stale:
            self._run(self._ask_time)
        return self._stamps.now()

    @contextmanager
    def turn(self, study: str) -> Iterator[None]:
        """See `Queueing.turn`. Cost: two statements."""
        key = int(_digest(study)[:15], 16)
        self._run(lambda link: link.take_turn(key))
        try:
            yield
        finally:
            with suppress(StoreError):
                self._run(lambda link: link.give_turn(key))

    def delete(self, study: str) -> None:
        """See `Store.delete`."""
        tries = 0

        def work(link: ServerLink) -> None:
            nonlocal tries
            tries += 1
            with link.transaction():
                found = self._find(link, study, self._sql.lock)
                if found is None and tries > 1:
                    return  # it was done, and the answer lost; or another process was faster
                if found is None:
                    raise not_found(study, self._names(link), str(self))
                for statement in (*self._sql.forget, self._sql.remove):
                    link.execute(statement, {"of_study": found[0]})
                if self._has_snapshots:
                    drop_snapshot(link, found[0])

        self._run(work)

    def check(self) -> tuple[str, ...]:
        """See `Store.check`. Cost O(everything); others can go on meanwhile."""
        try:
            return tuple(self._scan())
        except StoreCorrupt as error:
            return (str(error),)

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._closed = True  # a wait for the server ends
        with self._guard:
            self._disconnect()

    def __reduce__(self) -> NoReturn:
        raise not_sent(str(self))

    def __repr__(self) -> str:
        return f"ServerStore({self._place!r})"

    def __str__(self) -> str:
        return self._place

    # --- the connection -----------------------------------------------------------------------------

    def _run(self, work: Callable[[ServerLink], T], waits: bool = True) -> T:
        """Do `work` on the server, alone among the threads of this process, as often as it takes.

        Args:
            work: what is to be done.
            waits: whether for a server that is away; nothing waits for a snapshot.
        """
        with self._guard:
            outage = Outage(self._place, self._patience_s, self._check_open)
            deadline_s = 0.0
            while True:
                self._check_open()
                connecting = self._link is None or not self._link.is_usable()
                try:
                    link = self._connected()
                    connecting = False
                    answer = work(link)
                except DBAPIError as error:
                    verdict = self._dialect.judge(error.orig, connecting, error.connection_invalidated)
                    if verdict is ServerVerdict.AGAIN:
                        deadline_s = deadline_s or time.monotonic() + _CONTENTION_S
                        if time.monotonic() > deadline_s:
                            raise translate(error, verdict, self._place) from None
                        _logger.debug("%s: trying again (%s)", self._place, first_line(error))
                        time.sleep(secrets.randbelow(20) / 1000)
                    elif (waits or outage.lasted_s == 0.0) and (
                        verdict is ServerVerdict.NOT_NOW
                        or (verdict is ServerVerdict.GONE and (self._was_there or outage.lasted_s < _FIRST_PATIENCE_S))
                    ):
                        self._disconnect()
                        known = self._was_there or verdict is ServerVerdict.NOT_NOW
                        outage.wait(first_line(error), self._patience_s if known else _FIRST_PATIENCE_S)
                    else:
                        raise translate(error, verdict, self._place) from None
                except (TypeError, ValueError, AttributeError, LookupError) as error:
                    if connecting:  # an option that the driver does not know, or does not take like this
                        raise refused(self._place, str(error)) from None
                    raise
                else:
                    outage.end()
                    return answer

    def _connected(self) -> ServerLink:
        if self._link is not None and self._link.is_usable():
            return self._link
        link = ServerLink(self._engine, self._dialect)
        try:
            self._ask_time(link)
            if not self._was_there:
                self._establish(link)
        except BaseException:
            link.close()
            raise
        self._link, self._was_there = link, True
        return link

    def _establish(self, link: ServerLink) -> None:
        """Make sure of the tables, or make them: of many processes that begin at once one does."""
        for (why,) in link.command(self._dialect.warning):
            _warn(self._place, why)
        found = version(link.connection)
        if found is None and self._must_exist:
            raise missing(self._place)
        if found is None:
            with link.transaction():
                link.command(self._dialect.lock)
                found = version(link.connection)
                if found is None:
                    make_tables(link.connection)
            if self._dialect.unlock:
                link.command(self._dialect.unlock)
        if found is not None:
            check_schema(found, self._place)
        self._has_snapshots = found is None or found >= WITH_SNAPSHOTS

    def _disconnect(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _check_open(self) -> None:
        if self._closed:
            raise closed(str(self))

    def _ask_time(self, link: ServerLink) -> None:
        self._clock.note(float(link.execute(self._sql.clock).scalar_one()))

    # --- the tables ---------------------------------------------------------------------------------

    def _names(self, link: ServerLink) -> tuple[str, ...]:
        return tuple(bytes(name).decode(errors="replace") for (name,) in link.execute(self._sql.names))

    def _find(
        self, link: ServerLink, study: str, statement: Executable | None = None, expect: int | None = None
    ) -> tuple[int, int, float] | None:
        """Give the number, the length and the latest stamp of a study; note what the server's clock shows."""
        values = {"digest": _digest(study)} | ({} if expect is None else {"expect": expect})
        row: Any = link.execute(self._sql.find if statement is None else statement, values).first()
        if row is None:
            return None
        self._clock.note(float(row[3]))
        return int(row[0]), int(row[1]), float(row[2])

    def _known(self, link: ServerLink, study: str) -> tuple[int, int, float]:
        found = self._find(link, study)
        if found is None:
            raise not_found(study, self._names(link), str(self))
        return found

    def _begin(self, link: ServerLink, study: str) -> int:
        """Give a new study a number."""
        self._ask_time(link)
        row = {"digest": _digest(study), "name": study.encode(), "length": 0, "latest": 0.0}
        key = link.execute(self._sql.begin, row).inserted_primary_key
        assert key is not None
        return int(key[0])

    def _insert(
        self, link: ServerLink, number: int, length: int, stamps: Sequence[float], bodies: Sequence[bytes], mark: int
    ) -> None:
        """Write events behind the `length` that a study has, and its new length."""
        rows = [
            {
                "study": number,
                "position": position,
                "at": at,
                "checksum": checksum(number, position, at, body),
                "body": body,
                "mark": mark,
            }
            for position, (at, body) in enumerate(zip(stamps, bodies, strict=True), length)
        ]
        link.execute(self._sql.insert, rows[0] if len(rows) == 1 else rows)
        link.execute(self._sql.grow, {"of_study": number, "now_long": length + len(rows), "now_at": stamps[-1]})

    def _is_marked(self, link: ServerLink, number: int, position: int, mark: int) -> bool:
        """Tell whether the event at a position is of the append that bears the mark."""
        return link.execute(self._sql.mark, {"of_study": number, "at_position": position}).scalar() == mark

    def _records(self, study: str, rows: Sequence[Any], first: int, length: int) -> tuple[Record, ...]:
        """Read rows whose positions are `first` and onwards, up to `length`."""
        place = self._place
        return study_records(list(rows), first, length, study, place, lambda what: damaged(place, what))

    def _scan(self) -> Iterator[str]:
        """Say what is wrong with any event, reading a part at a time."""
        known: list[Any] = self._run(lambda link: list(link.execute(self._sql.studies)))
        for number, name, length in known:
            position, at = 0, 0.0
            while part := self._part(number, position):
                yield from (f"study {number}: {found}" for found in faults(part, position, at))
                position, at = following(part[-1][1], position), part[-1][2]
            if position < length:
                title = bytes(name).decode(errors="replace")
                yield f"study {number} ({title}) has {position} of its {length} events"
        lost: list[Any] = self._run(lambda link: list(link.execute(self._sql.lost)))
        yield from (f"there are events of study {number}, but no such study" for (number,) in lost)

    def _part(self, number: int, after: int, limit: int = _CHUNK) -> list[Any]:
        values = {"of_study": number, "after": after, "limit": limit}
        return self._run(lambda link: list(link.execute(self._sql.scan, values)))


@cache
def _warn(where: str, why: str) -> None:
    """Say once what is wrong with a server."""
    _logger.warning("%s may lose what it acknowledged when its machine fails: %s", where, why)


def _lease(study: int, number: int, token: int) -> dict[str, int]:
    """Name a lease."""
    return {"of_study": study, "of_number": number, "of_token": token}


def _digest(study: str) -> str:
    """Give what a study's name is found by. Raises `StudyNotFound`'s like: an invalid name finds nothing."""
    return hashlib.sha256(study.encode(errors="surrogatepass")).hexdigest()
