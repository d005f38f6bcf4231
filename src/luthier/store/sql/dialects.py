"""Differences of PostgreSQL, MySQL and MariaDB: drivers, clocks, locks, meanings of errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class ServerVerdict(Enum):
    """What an error of a server means for what was being done."""

    AGAIN = "again"
    """The transaction was rolled back in favour of another one: do it again at once."""
    GONE = "gone"
    """The server is not there, or the connection to it: connect again."""
    NOT_NOW = "not now"
    """The server is there, and takes nobody in at the moment: it is starting, ending, or full of others."""
    REFUSED = "refused"
    """The server does not let this user in, or has no such database."""
    FORBIDDEN = "forbidden"
    """The user may not do this."""
    READ_ONLY = "read-only"
    """The server takes no writes: it is a replica, or set so."""
    FULL = "full"
    """There is no space left on the server's disk."""
    OTHER = "other"
    """Anything else."""


_WORDS: tuple[tuple[str, ServerVerdict], ...] = (
    # PostgreSQL's driver gives no code for an error of connecting.
    (r"starting up|shutting down|accepting connections|in recovery", ServerVerdict.NOT_NOW),
    (r"too many (clients|connections)|remaining connection slots", ServerVerdict.NOT_NOW),
    (
        r"authentication failed|no password supplied|no pg_hba|does not exist|not permitted|Access denied",
        ServerVerdict.REFUSED,
    ),
    (
        r"Name or service not known|could not translate host|nodename nor servname|getaddrinfo|resolve",
        ServerVerdict.REFUSED,
    ),
    (r"invalid (integer|port|connection option|sslmode)|unexpected keyword|certificate|SSL", ServerVerdict.REFUSED),
)


@dataclass(frozen=True, slots=True)
class ServerDialect:
    """One kind of server.

    Args:
        title: its name.
        extra: of Luthier, which installs the driver.
        driver: the module that talks to it.
        engine: SQLAlchemy's name of both.
        options: of the driver, where the URL does not give them: no wait is without end.
        session: statements at the beginning of each connection.
        clock: the server's time, in seconds since 1970 UTC.
        lock: takes the one right to make tables, in a transaction.
        unlock: gives it back, where the end of the transaction does not.
        turn: takes the turn of a number, after two seconds at most; no more than a courtesy among writers.
        turn_end: gives it back.
        warning: a query that says, in words, why the server may lose what it acknowledged; or nothing.
        codes: the meaning of error codes, by their beginnings.
        missing: the codes of a table that does not exist.
    """

    title: str
    extra: str
    driver: str
    engine: str
    options: Mapping[str, Any]
    session: tuple[str, ...]
    clock: str
    lock: str
    unlock: str
    turn: str
    turn_end: str
    warning: str
    codes: Mapping[str, ServerVerdict]
    missing: frozenset[str]
    begin: str = field(default="BEGIN")

    def code(self, error: BaseException | None) -> str:
        """Give the code of a driver's error; empty where it has none."""
        number = error.args[0] if error is not None and error.args else None
        if isinstance(number, int):
            return str(number)
        state = getattr(error, "sqlstate", None)
        return state if isinstance(state, str) else ""

    def judge(self, error: BaseException | None, connecting: bool, lost: bool) -> ServerVerdict:
        """Say what a driver's error means.

        Args:
            error: of the driver.
            connecting: it came while a connection was being made.
            lost: SQLAlchemy found that the connection is of no use any more.
        """
        code = self.code(error)
        for length in (5, 4, 2):
            if (verdict := self.codes.get(code[:length])) is not None and (length != 2 or len(code) == 5):
                return verdict
        if connecting and not code:
            text = str(error)
            return next((verdict for words, verdict in _WORDS if re.search(words, text)), ServerVerdict.GONE)
        return ServerVerdict.GONE if lost else ServerVerdict.OTHER


POSTGRESQL = ServerDialect(
    title="PostgreSQL",
    extra="postgres",
    driver="psycopg",
    engine="postgresql+psycopg",
    options={
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
        "application_name": "luthier",
    },
    session=(
        # A worker that is stopped in the middle of a transaction must not keep the others from theirs.
        "SELECT set_config('idle_in_transaction_session_timeout', '60000', false), "
        "set_config('lock_timeout', '30000', false), set_config('client_encoding', 'UTF8', false)",
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    ),
    clock="CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)",
    lock="SELECT pg_advisory_xact_lock(1282766952)",
    unlock="",
    turn="SELECT set_config('lock_timeout', '2000', true), pg_advisory_lock({key})",
    turn_end="SELECT pg_advisory_unlock({key})",
    warning="SELECT 'fsync is off' WHERE current_setting('fsync') = 'off'",
    codes={
        "40001": ServerVerdict.AGAIN,
        "40P01": ServerVerdict.AGAIN,
        "55P03": ServerVerdict.AGAIN,
        "57014": ServerVerdict.AGAIN,
        "23505": ServerVerdict.AGAIN,  # another process began a study of this name at the same moment
        "57P01": ServerVerdict.GONE,
        "57P02": ServerVerdict.GONE,
        "57P03": ServerVerdict.NOT_NOW,
        "57P05": ServerVerdict.GONE,
        "25P03": ServerVerdict.GONE,
        "53300": ServerVerdict.NOT_NOW,
        "08": ServerVerdict.GONE,
        "28": ServerVerdict.REFUSED,
        "3D000": ServerVerdict.REFUSED,
        "3F000": ServerVerdict.REFUSED,
        "42501": ServerVerdict.FORBIDDEN,
        "25006": ServerVerdict.READ_ONLY,
        "53100": ServerVerdict.FULL,
    },
    missing=frozenset(("42P01",)),
    begin="BEGIN ISOLATION LEVEL READ COMMITTED",
)

MYSQL = ServerDialect(
    title="MySQL or MariaDB",
    extra="mysql",
    driver="pymysql",
    engine="mysql+pymysql",
    options={"connect_timeout": 10, "read_timeout": 90, "write_timeout": 90, "charset": "utf8mb4"},
    session=(
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        # What only MariaDB has stands in what is a comment elsewhere.
        "SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 30, wait_timeout = 28800 "
        "/*M!, idle_transaction_timeout = 60 */",
    ),
    clock="UNIX_TIMESTAMP(SYSDATE(6)) + 0e0",
    lock="SELECT GET_LOCK(CONCAT('luthier.', MD5(DATABASE())), 60)",
    unlock="SELECT RELEASE_LOCK(CONCAT('luthier.', MD5(DATABASE())))",
    turn="SELECT GET_LOCK(CONCAT('luthier.', LEFT(MD5(DATABASE()), 16), '.{key}'), 2)",
    turn_end="SELECT RELEASE_LOCK(CONCAT('luthier.', LEFT(MD5(DATABASE()), 16), '.{key}'))",
    warning="SELECT CONCAT('innodb_flush_log_at_trx_commit is ', @@innodb_flush_log_at_trx_commit) "
    "FROM DUAL WHERE @@innodb_flush_log_at_trx_commit <> 1",
    codes={
        "1213": ServerVerdict.AGAIN,
        "1205": ServerVerdict.AGAIN,
        "1317": ServerVerdict.AGAIN,
        "1062": ServerVerdict.AGAIN,
        "1969": ServerVerdict.AGAIN,
        "3024": ServerVerdict.AGAIN,
        "1040": ServerVerdict.NOT_NOW,
        "1053": ServerVerdict.GONE,
        "1927": ServerVerdict.GONE,
        "2002": ServerVerdict.GONE,
        "2003": ServerVerdict.GONE,
        "2055": ServerVerdict.GONE,
        "2006": ServerVerdict.GONE,
        "2013": ServerVerdict.GONE,
        "4031": ServerVerdict.GONE,
        "1044": ServerVerdict.REFUSED,
        "1045": ServerVerdict.REFUSED,
        "1049": ServerVerdict.REFUSED,
        "1698": ServerVerdict.REFUSED,
        "1130": ServerVerdict.REFUSED,
        "1142": ServerVerdict.FORBIDDEN,
        "1143": ServerVerdict.FORBIDDEN,
        "1227": ServerVerdict.FORBIDDEN,
        "1290": ServerVerdict.READ_ONLY,
        "1792": ServerVerdict.READ_ONLY,
        "1836": ServerVerdict.READ_ONLY,
        "1021": ServerVerdict.FULL,
        "1114": ServerVerdict.FULL,
        "1041": ServerVerdict.NOT_NOW,
    },
    missing=frozenset(("1146",)),
)

DIALECTS = {"postgresql": POSTGRESQL, "postgres": POSTGRESQL, "mysql": MYSQL, "mariadb": MYSQL}
"""The kinds of servers, by the schemes of their URLs."""
