"""Errors of SQLite as errors of a store."""

from __future__ import annotations

from pathlib import Path

from luthier.errors import StoreBusy, StoreCorrupt, StoreError, StoreFull, StoreReadOnly
from luthier.store.path_checks import full, readable, writable
from luthier.store.sqlite.library import sqlite3

_BUSY = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT))
_REFUSED = frozenset((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN))


def translate(error: sqlite3.Error, place: Path) -> StoreError:
    """Say what happened, where, and what to do."""
    where, code = f"the SQLite file {str(place)!r}", _code(error)
    if code == sqlite3.SQLITE_NOTADB:
        return StoreCorrupt(
            f"{str(place)!r} is not an SQLite file, or its beginning is damaged ({error}): give the path of a study's "
            "file or of a new one, or put back a copy of it"
        )
    if code in _DAMAGED or (code == sqlite3.SQLITE_ERROR and _is_strange(error)):
        return damaged(place, str(error))
    if code in _BUSY:
        return StoreBusy(f"{where} is locked by another process ({error}); try again once that is done")
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and full(place)):
        return StoreFull(
            f"no space is left for {where}: nothing that was acknowledged is lost; make space on the disk and go on"
        )
    if code in _REFUSED and not readable(place):
        return StoreError(f"{where} may not be read by this user ({error}): change its permissions, or copy it")
    if code in _REFUSED and not writable(place):
        return StoreReadOnly(
            f"{where} cannot be written: it, the folder it is in or the disk is read-only ({error}); "
            "change that, or copy the file to where you may write"
        )
    return StoreError(
        f"{where} could not be used: {error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
    )


def damaged(place: Path, what: str) -> StoreCorrupt:
    """Make the error of finding damage in a file that is a store."""
    return StoreCorrupt(
        f"the SQLite file {str(place)!r} is damaged: {what}. Stop all that use it and put back a copy, or a "
        "backup by luthier restore; the other studies of the file can be saved by luthier copy, and the events of this "
        "one are text in the table events"
    )


def _code(error: sqlite3.Error) -> int:
    """Give the primary result code; errors of Python's module itself have none and count as SQLITE_ERROR."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _is_strange(error: sqlite3.Error) -> bool:
    """Tell whether tables are not as they were made: the part of the file that describes them is damaged."""
    return any(sign in str(error) for sign in ("no such table", "no such column", "malformed", "decode to UTF-8"))
