"""Connection to one SQLite file that waits for locks and notices forks and replaced files."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from luthier.errors import StoreBusy, StoreError
from luthier.store.rows import Row
from luthier.store.sqlite.library import sqlite3

_logger = logging.getLogger(__name__)

_SHORTEST_S, _LONGEST_S = 0.001, 0.04  # between two attempts; SQLite's own waiting is slower, and deaf to Ctrl-C
_jitter = random.SystemRandom().uniform  # never the caller's generator
_BUSY = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))


class Connection:
    """A connection whose every statement is tried again while other processes hold the file.

    Text comes back as bytes: nothing but bytes is needed of the bodies of events, and it is for the reader to complain
    about half a character.

    Args:
        place: the file.
        patience_s: how long to try.
        make: create the file if it does not exist.

    Raises:
        sqlite3.Error: it cannot be opened.
    """

    def __init__(self, place: Path, patience_s: float, *, make: bool) -> None:
        self._place = place
        self._file = os.fspath(place)
        self._patience_s = patience_s
        self._process = os.getpid()
        mode = "rwc" if make else "rw"
        self._connection = sqlite3.connect(
            f"file:{quote(os.fsencode(place))}?mode={mode}",
            uri=True,
            timeout=0.0,
            isolation_level=None,
            check_same_thread=False,
        )
        self._connection.text_factory = bytes
        self.identity = _identity(self._file)
        self._flushes = True

    def execute(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Execute a statement, and give its rows.

        Raises:
            StoreBusy: others held the file all the time.
            sqlite3.Error: anything else that SQLite says.
        """
        deadline_s: float | None = None
        pause_s, looked = _SHORTEST_S, False
        while True:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error) and not looked:
                    # SQLite says so by the tables that it remembers, where others hold the file as it wants to compare.
                    looked = True
                    self.execute("SELECT count(*) FROM sqlite_master")  # reads them anew
                    continue
                if error.sqlite_errorcode & 0xFF not in _BUSY:
                    raise
                now_s = time.monotonic()
                if deadline_s is None:
                    deadline_s = now_s + self._patience_s
                    _logger.debug(
                        "%s is locked by another process: trying for up to %g s", self._place, self._patience_s
                    )
                if now_s >= deadline_s:
                    raise StoreBusy(
                        f"the SQLite file {str(self._place)!r} was locked by other processes for "
                        f"{self._patience_s:g} s ({error}); nothing was done. Try again later, or with fewer of them"
                    ) from error
            time.sleep(_jitter(0.0, pause_s))
            pause_s = min(2 * pause_s, _LONGEST_S)

    def insert(self, statement: str, rows: Sequence[Row]) -> None:
        """Execute a statement for each of `rows`, within a transaction."""
        self._connection.executemany(statement, rows)

    def flush_commits(self, wanted: bool) -> None:
        """Have the commits from now on be on the disk when they return, or else when a later one is that flushes.

        That holds in WAL mode only, where the log of commits is one file, written in order (sqlite.org/pragma.html,
        "synchronous": FULL and NORMAL). The mode of a new connection is FULL.
        """
        if wanted != self._flushes:
            self.execute(f"PRAGMA synchronous = {'FULL' if wanted else 'NORMAL'}")
            self._flushes = wanted

    def transaction(self, begin: str = "BEGIN IMMEDIATE") -> Transaction:
        """Do everything inside, or nothing of it; by default with the one right to write, from its beginning on."""
        return Transaction(self, begin)

    def roll_back(self) -> None:
        """End a transaction without doing anything of it."""
        if self._connection.in_transaction:  # SQLite ends it by itself after some errors
            self._connection.execute("ROLLBACK")

    def check(self) -> None:
        """Make sure that this process may use the connection, and that it leads to the file that bears the name.

        Raises:
            StoreError: it does not. Cost: 2 microseconds.
        """
        if self._process != os.getpid():
            raise StoreError(
                f"this process was forked while its parent was in the middle of using {str(self._place)!r}: "
                "open the store again in the child"
            )
        check_identity(self._file, self.identity)

    def drop_journal(self) -> None:
        """Remove the empty journal that a kept one leaves behind, unless others are using the file at this moment."""
        if self._process != os.getpid():
            return
        with contextlib.suppress(sqlite3.Error):
            ((mode,),) = self._connection.execute("PRAGMA journal_mode").fetchall()
            if mode == b"persist" and not self._connection.in_transaction:
                self._connection.execute(
                    "PRAGMA journal_mode = DELETE"
                ).fetchall()  # it takes the lock, or does nothing

    def close(self) -> None:
        """Close it, unless it is the parent's."""
        if self._process != os.getpid():
            return
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


class Transaction:
    """A transaction as a context: committed at the end, rolled back on any exception, also one of the commit.

    Args:
        connection: to the file.
        begin: the statement that begins it.
    """

    __slots__ = ("_begin", "_connection")

    def __init__(self, connection: Connection, begin: str) -> None:
        self._connection = connection
        self._begin = begin

    def __enter__(self) -> None:
        self._connection.execute(self._begin)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._connection.roll_back()
            return
        try:
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.roll_back()
            raise


def check_identity(place: str | Path, known: tuple[int, int]) -> None:
    """Raise `StoreError` unless the file that bears the name is the `known` one."""
    try:
        present = _identity(place)
    except OSError:
        raise StoreError(
            f"the SQLite file {str(place)!r} was deleted, moved or unmounted while it was open: put it back as it was "
            "and open it again, or begin anew"
        ) from None
    if present != known:
        raise StoreError(
            f"the SQLite file {str(place)!r} was replaced by another file while it was open: nothing more is read or "
            "written; open it again to go on with the new one"
        )


def _identity(place: str | Path) -> tuple[int, int]:
    state = os.stat(place)  # noqa: PTH116 - three times faster than Path.stat, and asked for with every statement
    return state.st_dev, state.st_ino
