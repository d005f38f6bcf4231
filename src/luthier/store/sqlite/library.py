"""The SQLite library: Python's own, or a current one where that has a bug and the other is installed."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3 as sqlite3


def is_fixed(version: tuple[int, ...]) -> bool:
    """Tell whether a version of SQLite is without the bug of WAL mode by which a file may be damaged.

    Before 3.51.3 (also fixed in 3.50.7 and 3.44.6), a checkpoint that races with a restart of the log can do so.
    Source: sqlite.org/wal.html, "The WAL-Reset Bug".
    """
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def choose_library() -> Any:
    """Give Python's module `sqlite3`, or `pysqlite3` where that is installed and has the fix, and Python's has not.

    One process never uses two: closing a file in one would drop the locks of the other.
    """
    own = importlib.import_module("sqlite3")
    if is_fixed(own.sqlite_version_info):
        return own
    try:
        other: ModuleType = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return own
    return other if is_fixed(other.sqlite_version_info) else own


if not TYPE_CHECKING:
    sqlite3 = choose_library()


def sqlite_library() -> str:
    """Name the library in use, for a person."""
    return f"{sqlite3.sqlite_version}" + (" (pysqlite3)" if sqlite3.__name__.startswith("pysqlite3") else "")
