"""Where studies are kept: in memory, or in one SQLite file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.errors import InvalidSetting
from luthier.store.memory import Memory
from luthier.store.protocol import Store

if TYPE_CHECKING:
    from luthier.store.sqlite.schema import journal_mode
    from luthier.store.sqlite.store import SQLite

__all__ = ["Memory", "SQLite", "Store", "journal_mode", "open_store"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?=//)")  # of two letters or more: C://data is a path
_KNOWN = "give a path such as 'study.db', a URL such as 'sqlite:///study.db', or None to keep the study in memory"


def open_store(where: str | os.PathLike[str] | Store | None = None, *, must_exist: bool = False) -> Store:
    """Open a store.

    Args:
        where: None for a new store in memory; the path of an SQLite file, or its URL: ``sqlite:///relative/path.db`` or
            ``sqlite:////absolute/path.db``; or a store, which is given back.
        must_exist: refuse to make a new file.

    Raises:
        InvalidSetting: it is none of these.
        StoreError: it cannot be used; see `SQLite`.
    """
    if where is None:
        return Memory()
    if isinstance(where, str | os.PathLike):
        from luthier.store.sqlite.store import SQLite

        return SQLite(_path(where), must_exist=must_exist)
    if isinstance(where, Store) and not isinstance(where, type):
        return where
    raise InvalidSetting(f"{where!r} is not a store: {_KNOWN}")


def _path(where: str | os.PathLike[str]) -> Path:
    text = os.fspath(where)
    if not isinstance(text, str):
        raise InvalidSetting(f"the path of a store is text, not {text!r}")
    scheme = _SCHEME.match(text)
    if scheme is None:
        path = text
    elif scheme[1] == "sqlite":
        path = _of_url(text)
    else:  # the rest of the URL is not repeated: it may hold a password
        raise InvalidSetting(f"there is no store for URLs that begin with {scheme[0]}//: {_KNOWN}")
    if not path or path.isspace() or "\0" in path:
        raise InvalidSetting(f"{text!r} is no path of a store: {_KNOWN}")
    if path.startswith(":memory:"):
        raise InvalidSetting(f"{text!r} would be a file of a strange name: {_KNOWN}")
    return Path(path)


def _of_url(url: str) -> str:
    rest = url.removeprefix("sqlite://")
    if not rest.startswith("/"):
        raise InvalidSetting(f"{url!r}: after sqlite:// comes a third slash and the path; {_KNOWN}")
    if "?" in rest or "#" in rest:
        raise InvalidSetting(f"{url!r}: an SQLite URL of Luthier's has no options; {_KNOWN}")
    return rest[1:]


def __getattr__(name: str) -> Any:
    if name == "journal_mode":
        from luthier.store.sqlite.schema import journal_mode

        return journal_mode
    if name == "SQLite":  # sqlite3 is loaded when it is needed
        from luthier.store.sqlite.store import SQLite

        return SQLite
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
