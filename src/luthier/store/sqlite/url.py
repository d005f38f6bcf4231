"""The URLs of SQLite files."""

from __future__ import annotations

from pathlib import Path

from luthier.errors import InvalidSetting
from luthier.store.path_checks import USAGE
from luthier.store.sqlite.store import SQLite

_OPTIONS = ("?mode=ro", "?mode=rw", "?mode=rwc", "?mode=memory", "?cache=shared")
"""What SQLite's own URIs may end with."""


def open_url(url: str, *, must_exist: bool = False) -> SQLite:
    """Open ``sqlite:///relative/path.db`` or ``sqlite:////absolute/path.db``.

    Raises:
        InvalidSetting: the URL is not of this form.
        StoreError: see `SQLite`.
    """
    rest = url.removeprefix("sqlite://")
    if not rest.startswith("/"):
        raise InvalidSetting(f"{url!r}: after sqlite:// comes a third slash and the path; {USAGE}")
    if "?" in rest or "#" in rest:
        raise InvalidSetting(f"{url!r}: Luthier's SQLite URLs have no options; {USAGE}")
    return open_path(rest[1:], url, must_exist=must_exist)


def open_path(path: str, given: str, *, must_exist: bool = False) -> SQLite:
    """Open the file at a path; `given` is what the user wrote.

    Raises:
        InvalidSetting: the path cannot be one.
        StoreError: see `SQLite`.
    """
    if not path or path.isspace() or "\0" in path:
        raise InvalidSetting(f"{given!r} is not a path of a store: {USAGE}")
    if path.startswith((":memory:", "file:", "sqlite:")) or path.endswith(_OPTIONS):
        raise InvalidSetting(f"{given!r} would be a file of a strange name: {USAGE}")
    return SQLite(Path(path), must_exist=must_exist)
