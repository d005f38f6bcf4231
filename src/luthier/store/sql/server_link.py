"""Connection to a database server, and the wait for a server that is away."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from luthier.errors import InvalidSetting, LuthierError, StoreError
from luthier.store.sql.dialects import ServerDialect, ServerVerdict

_logger = logging.getLogger(__name__)

_SHORTEST_S, _LONGEST_S = 0.02, 2.0  # between two attempts to connect
_jitter = random.SystemRandom().uniform  # never the caller's generator


def make_engine(url: str, dialect: ServerDialect, where: str) -> Engine:
    """Make what connects to a server; it does so when it is first used.

    Raises:
        InvalidSetting: SQLAlchemy does not understand the URL.
    """
    try:
        parsed = make_url(url).set(drivername=dialect.engine)
        missing = {key: value for key, value in dialect.options.items() if key not in parsed.query}
        # Nothing is to be set back at the end of a connection: the server may be away, and whoever forgets a store
        # without closing it would read of that.
        return create_engine(
            parsed,
            poolclass=NullPool,
            pool_reset_on_return=None,
            isolation_level="AUTOCOMMIT",
            connect_args=missing,
            hide_parameters=True,
        )
    except (ArgumentError, ValueError, TypeError):
        raise InvalidSetting(
            f"{where!r} is not the URL of a database: write user, host and database as in "
            "scheme://user:password@host:port/database, and special characters of a password as %40"
        ) from None


class ServerLink:
    """One connection, for one thread at a time. Every statement is a transaction of its own, but in `transaction`.

    Args:
        engine: see `make_engine`.
        dialect: the kind of server.
    """

    def __init__(self, engine: Engine, dialect: ServerDialect) -> None:
        self._dialect = dialect
        self._process = os.getpid()
        self.connection: Connection = engine.connect()
        try:
            for statement in dialect.session:
                self.command(statement)
        except BaseException:
            self.close()
            raise

    def execute(
        self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Execute a statement, for each of several mappings of values."""
        result: CursorResult[Any] = self.connection.execute(statement, values)
        return result

    def command(self, text: str) -> list[Any]:
        """Execute a statement in the server's own words."""
        result = self.connection.exec_driver_sql(text)
        return list(result) if result.returns_rows else []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything inside, or nothing of it."""
        self.command(self._dialect.begin)
        try:
            yield
            self.command("COMMIT")
        except (LuthierError, DBAPIError):
            with suppress(SQLAlchemyError):  # the connection may be what has failed
                self.command("ROLLBACK")
            raise
        except BaseException:  # it came in the middle of a statement
            self.close()
            raise

    def take_turn(self, key: int) -> None:
        """Wait until nobody else has the turn of a number, for two seconds at most."""
        try:
            self.command(self._dialect.turn.format(key=key))
        except DBAPIError as error:
            if self._dialect.judge(error.orig, False, error.connection_invalidated) is not ServerVerdict.AGAIN:
                raise

    def give_turn(self, key: int) -> None:
        """Let the next one have the turn."""
        self.command(self._dialect.turn_end.format(key=key))

    def is_usable(self) -> bool:
        """Tell whether this process may use the connection, which is open."""
        return self._process == os.getpid() and not self.connection.closed and not self.connection.invalidated

    def close(self) -> None:
        """Close it, unless it is the parent's."""
        if self._process == os.getpid():
            with suppress(Exception):
                self.connection.invalidate()  # it is of no use to anybody, and goes back to no pool
            with suppress(Exception):
                self.connection.close()


class Outage:
    """The wait for a server that does not answer: ever longer pauses, one warning, and an end.

    Args:
        where: the store, as it may be shown.
        patience_s: how long to wait.
        check: raises where waiting is of no use any more; called between attempts.
    """

    def __init__(self, where: str, patience_s: float, check: Callable[[], None]) -> None:
        self._where = where
        self._patience_s = patience_s
        self._check = check
        self._begun: float | None = None
        self._tries = 0
        self._pause_s = _SHORTEST_S

    @property
    def lasted_s(self) -> float:
        """For how long the server has been away."""
        return 0.0 if self._begun is None else time.monotonic() - self._begun

    def wait(self, why: str, up_to_s: float) -> None:
        """Pause once.

        Args:
            why: what the driver says.
            up_to_s: for how long the caller will go on with this, as it is said to people.

        Raises:
            StoreError: the server was away for all of the time.
        """
        now_s = time.monotonic()
        self._tries += 1
        if self._begun is None:
            self._begun = now_s
            _logger.info("%s: the connection was lost (%s)", self._where, why)
        elif self._tries == 2:  # connecting again was in vain, too
            _logger.warning("%s does not answer (%s): waiting for up to %g s", self._where, why, up_to_s)
        if now_s - self._begun >= self._patience_s:
            raise StoreError(
                f"the store {self._where} did not answer for {self._patience_s:g} s ({why}). What was acknowledged is "
                "there; what was being written may be, or not: start the server, open the study again and go on"
            )
        time.sleep(_jitter(0.5, 1.0) * self._pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_S)
        self._check()

    def end(self) -> None:
        """Note that the server has answered."""
        if self._begun is not None and self._tries > 1:
            away_s = time.monotonic() - self._begun
            _logger.warning("%s answers again, after %.1f s: going on", self._where, away_s)
