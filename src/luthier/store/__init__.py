"""Stores of studies: in memory, in one file, on a database server, or registered by a third party."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from luthier._hints import translating
from luthier._runtime.lazy_names import lazy_name
from luthier.errors import InvalidSetting
from luthier.scalar import short
from luthier.store.memory import Memory
from luthier.store.path_checks import USAGE
from luthier.store.protocol import Deferring, Identifying, Queueing, Rereading, Restoring, Snapshotting, Store, another
from luthier.store.registry import StoreFactory, find_factory, register_store, schemes
from luthier.store.store_copy import back_up
from luthier.store.upgrade import StoreUpgrade, upgrade_store
from luthier.store.url_secrets import shown_place, without_passwords

if TYPE_CHECKING:
    from luthier.store.jsonl.lines_store import JSONLines
    from luthier.store.sqlite.library import sqlite_library
    from luthier.store.sqlite.schema import journal_mode
    from luthier.store.sqlite.store import SQLite

__all__ = [
    "Deferring",
    "Identifying",
    "JSONLines",
    "Memory",
    "Queueing",
    "Rereading",
    "Restoring",
    "SQLite",
    "Snapshotting",
    "Store",
    "StoreFactory",
    "StoreUpgrade",
    "another",
    "back_up",
    "journal_mode",
    "open_store",
    "register_store",
    "shown_place",
    "sqlite_library",
    "upgrade_store",
    "without_passwords",
]

_LAZY = {
    "JSONLines": "jsonl.lines_store",
    "SQLite": "sqlite.store",
    "journal_mode": "sqlite.schema",
    "sqlite_library": "sqlite.library",
}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?=//)")  # of two letters or more: C://data is a path


@translating({})
def open_store(where: str | os.PathLike[str] | Store | None = None, *, must_exist: bool = False) -> Store:
    """Open a store.

    Args:
        where: None for a new store in memory; the path of an SQLite file, or its URL: ``sqlite:///relative/path.db`` or
            ``sqlite:////absolute/path.db``; the path of a file of JSON lines, which ends with ``.jsonl``, or its URL:
            ``jsonl:///path``; the URL of a database on a server: ``postgresql://user:password@host/name``,
            ``mysql://…`` or ``mariadb://…``; one that a third party has registered (see `register_store`); or a store,
            which is given back.
        must_exist: refuse to make a new file.

    Raises:
        InvalidSetting: it is none of these.
        StoreError: it cannot be used; see `SQLite`.
    """
    if where is None:
        return Memory()
    if isinstance(where, str | os.PathLike):
        return _open_text(os.fspath(where), must_exist)
    try:
        if isinstance(where, Store) and not isinstance(where, type):
            return where
    except Exception as error:
        raise InvalidSetting(f"a {type(where).__name__} is not a store: {USAGE}") from error
    raise InvalidSetting(f"{short(where)} is not a store: {USAGE}")


def _open_text(text: object, must_exist: bool) -> Store:
    if not isinstance(text, str):
        raise InvalidSetting(f"the path of a store is text, not {short(text)}")
    text = str.__str__(text)
    scheme = _SCHEME.match(text)
    if scheme is None and ("://" in text or without_passwords(text) != text):
        raise InvalidSetting(f"{without_passwords(text)!r} is neither a path nor a URL: {USAGE}")
    if scheme is None and text.endswith(".jsonl"):
        from luthier.store.jsonl.lines_store import JSONLines

        return JSONLines(text, must_exist=must_exist)
    if scheme is None:
        from luthier.store.sqlite.url import open_path

        return open_path(text, text, must_exist=must_exist)
    factory = find_factory(scheme[1])
    if factory is None:  # the rest of the URL is not repeated: it may hold a password
        raise InvalidSetting(
            f"there is no store for URLs that begin with {scheme[0]}//, but for {', '.join(schemes())}: {USAGE}"
        )
    store = factory(text, must_exist=must_exist)
    if not isinstance(store, Store):
        lacking = [name for name in vars(Store) if not name.startswith("_") and not hasattr(store, name)]
        raise InvalidSetting(
            f"the function registered for {scheme[0]}// gave {type(store).__name__}, not a store: "
            f"it lacks {', '.join(lacking)} (see luthier.store.Store)"
        )
    return store


def __getattr__(name: str) -> Any:
    """Import a store when it is first used: who keeps studies in lines needs no database."""
    return lazy_name(__name__, _LAZY, name)


def __dir__() -> list[str]:
    return sorted(__all__)
