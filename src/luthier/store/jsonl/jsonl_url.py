"""The URLs of files of JSON lines."""

from __future__ import annotations

from luthier.store.jsonl.lines_store import JSONLines
from luthier.store.path_checks import path_of


def open_jsonl(url: str, *, must_exist: bool = False) -> JSONLines:
    """Open ``jsonl:///relative/path.jsonl`` or ``jsonl:////absolute/path.jsonl``.

    Raises:
        InvalidSetting: the URL is not of this form.
        StoreError: see `JSONLines`.
    """
    return JSONLines(path_of(url, "jsonl", "these"), must_exist=must_exist)
