"""The URLs of SQLite files."""

from __future__ import annotations

from pathlib import Path

from luthier.errors import InvalidSetting
from luthier.store.path_checks import USAGE, checked_path, path_of
from luthier.store.sqlite.store import SQLite

_OPTIONS = ("?mode=ro", "?mode=rw", "?mode=rwc", "?mode=memory", "?cache=shared")
"""What SQLite's own URIs may end with."""


_LINES = (".json", ".ndjson", ".jsonlines", ".jl")
_EXPORTS = (
    ".csv",
    ".parquet",
    ".arrow",
    ".feather",
    ".xlsx",
    ".html",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".py",
    ".ipynb",
)


def open_url(url: str, *, must_exist: bool = False) -> SQLite:
    """Open ``sqlite:///relative/path.db`` or ``sqlite:////absolute/path.db``.

    Raises:
        InvalidSetting: the URL is not of this form.
        StoreError: see `SQLite`.
    """
    return open_path(path_of(url, "sqlite", "Luthier's SQLite"), url, must_exist=must_exist)


def open_path(path: str, given: str, *, must_exist: bool = False) -> SQLite:
    """Open the file at a path; `given` is what the user wrote.

    Raises:
        InvalidSetting: the path cannot be one.
        StoreError: see `SQLite`.
    """
    path = checked_path(path, given)
    _check_suffix(path, given, must_exist)
    if path.startswith((":memory:", "file:", "sqlite:")) or path.endswith(_OPTIONS):
        raise InvalidSetting(f"{given!r} would be a file of a strange name: {USAGE}")
    return SQLite(Path(path), must_exist=must_exist)


def _check_suffix(path: str, given: str, must_exist: bool) -> None:
    """Refuse to begin an SQLite file under the name of a file of another kind, unless a URL says that it is one."""
    suffix = Path(path).suffix.lower()
    if must_exist or given != path or suffix not in (*_LINES, *_EXPORTS) or Path(path).expanduser().exists():
        return
    stem = path[: -len(suffix)]
    lines = f"{stem + '.jsonl'!r} for a file of JSON lines, or " if suffix in _LINES else ""
    export = "" if suffix in _LINES else "; `luthier export` and study.to_frame() write tables"
    raise InvalidSetting(
        f"the store {given!r} would be an SQLite file that is called {suffix}: give {lines}{stem + '.db'!r}{export}"
    )
