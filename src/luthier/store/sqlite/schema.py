"""The SQLite file of a store: its tables, the marks by which it is recognised, its journal mode.

A file is one of ours when its header carries `APPLICATION`, and is read when its schema is `SCHEMA`; both are written
in the transaction that makes the tables, so no process ever sees one without the other. Files from before there were
renewals have no table of them: it is made at the first renewal, not when a file is opened, which changes nothing.
"""

from __future__ import annotations

from pathlib import Path

from luthier.errors import StoreBusy, StoreCorrupt, StoreError, StoreTooNew, StoreTooOld
from luthier.store.sqlite.connection import Connection
from luthier.store.sqlite.library import is_fixed, sqlite3

APPLICATION = int.from_bytes(b"Luth", "big")
"""What `PRAGMA application_id` says of a file of ours (``file`` shows it too)."""

SCHEMA = 1
"""The version of the tables below, kept in `PRAGMA user_version`."""

_LONGEST_JOURNAL = 2**20  # bytes that are kept of a journal after a large transaction

_RENEWALS = (
    # A lease is named by its token, the position of the event that granted it; that of the number helps a reader.
    "CREATE TABLE IF NOT EXISTS renewals (study INTEGER NOT NULL, number INTEGER NOT NULL, token INTEGER NOT NULL, "
    "at REAL NOT NULL, PRIMARY KEY (study, number, token)) WITHOUT ROWID"
)

_MAKE = (
    # AUTOINCREMENT: the number of a deleted study is never given to another one. The length shows when damage to the
    # file has cut off the end of a log.
    "CREATE TABLE studies (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, length INTEGER NOT NULL)",
    "CREATE TABLE events (study INTEGER NOT NULL, position INTEGER NOT NULL, at REAL NOT NULL, "
    "checksum INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (study, position)) WITHOUT ROWID",
    _RENEWALS,
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)


def journal_mode(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Choose the journal mode for a version of the SQLite library.

    WAL lets readers and a writer work at once; where it has a bug that can damage the file (see
    `luthier.store.sqlite.library.is_fixed`), a rollback journal is used. It is kept from one transaction to the next: a
    file whose size does not change is flushed faster than one that is written anew.
    """
    return "wal" if is_fixed(version) else "persist"


def establish(link: Connection, place: Path, mode: str, make: bool = True) -> None:
    """Make the tables in a file that is new or empty, after making sure that any other file is ours.

    Args:
        link: to the file.
        place: the file, for messages.
        mode: the journal mode to keep it in.
        make: whether to make the tables; otherwise nothing is written to an empty file.

    Raises:
        StoreError: the file is empty, and nothing is to be made.
        StoreCorrupt: the file belongs to another program.
        StoreTooNew, StoreTooOld: it has another schema.
        StoreBusy: it could not be locked in time.
        sqlite3.Error: anything else that SQLite says.
    """
    link.execute("PRAGMA synchronous = FULL")
    link.execute("PRAGMA cell_size_check = ON")  # finds a damaged page when it is read, not when it is half understood
    link.execute("PRAGMA trusted_schema = OFF")
    link.execute("PRAGMA cache_size = -512")  # KiB, of 2000: who appends and reads on needs no more
    with link.transaction("BEGIN"):  # the questions of `_is_new` are about one moment
        new = _is_new(link, place)
    if new and not make:
        raise StoreError(
            f"{str(place)!r} is empty: there is no study in it. Check the path, or run a study there first"
        )
    if new:
        with link.transaction():
            if _is_new(link, place):  # still: of many that begin at once one comes first
                for statement in _MAKE:
                    link.execute(statement)
    _keep_in(link, mode, place)


def has_renewals(link: Connection) -> bool:
    """Tell whether the file has the table of renewals."""
    return bool(link.execute("SELECT 1 FROM sqlite_master WHERE name = 'renewals'"))


def make_renewals(link: Connection) -> None:
    """Make the table of renewals where it is missing, within a transaction."""
    link.execute(_RENEWALS)


def _is_new(link: Connection, place: Path) -> bool:
    ((application,),) = link.execute("PRAGMA application_id")
    ((schema,),) = link.execute("PRAGMA user_version")
    if application == APPLICATION:
        _check_schema(schema, place)
        return False
    ((tables,),) = link.execute("SELECT count(*) FROM sqlite_master")
    if application == 0 and schema == 0 and tables == 0:
        return True
    raise StoreCorrupt(
        f"{str(place)!r} is an SQLite file, but not a store of Luthier's (application id {application:#010x}): it was "
        "made by another program, or its first bytes are damaged; give another path, or put back a copy"
    )


def _check_schema(schema: int, place: Path) -> None:
    if schema > SCHEMA:
        raise StoreTooNew(
            f"{str(place)!r} has schema {schema}, made by a newer Luthier; this one reads schema {SCHEMA}. "
            "Nothing was changed. Upgrade with: pip install --upgrade luthier"
        )
    if schema < SCHEMA:
        raise StoreTooOld(
            f"{str(place)!r} has schema {schema}; this Luthier works with {SCHEMA}. Nothing was changed. "
            f"Bring it up to date, once all workers are stopped, with: luthier upgrade {place}"
        )


def _keep_in(link: Connection, mode: str, place: Path) -> None:
    try:
        link.execute(f"PRAGMA journal_mode = {mode}")
        if mode == "persist":  # a WAL is of one size by itself
            link.execute(f"PRAGMA journal_size_limit = {_LONGEST_JOURNAL}")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise  # what can only be read stays in the mode that it has
    except StoreBusy:
        raise StoreBusy(
            f"{str(place)!r} is used by a process with another version of SQLite, in a journal mode that is not safe "
            f"with the version here ({sqlite3.sqlite_version}): close the other process, or use the same SQLite in both"
        ) from None
