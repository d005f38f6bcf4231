"""The URLs of files of JSON lines."""

from __future__ import annotations

from luthier.errors import InvalidSetting
from luthier.store.jsonl.lines_store import JSONLines
from luthier.store.path_checks import USAGE


def open_jsonl(url: str, *, must_exist: bool = False) -> JSONLines:
    """Open ``jsonl:///relative/path.jsonl`` or ``jsonl:////absolute/path.jsonl``.

    Raises:
        InvalidSetting: the URL is not of this form.
        StoreError: see `JSONLines`.
    """
    rest = url.removeprefix("jsonl://")
    if not rest.startswith("/"):
        raise InvalidSetting(f"{url!r}: after jsonl:// comes a third slash and the path; {USAGE}")
    if "?" in rest or "#" in rest:
        raise InvalidSetting(f"{url!r}: these URLs have no options; {USAGE}")
    if not rest[1:] or rest.isspace() or "\0" in rest:
        raise InvalidSetting(f"{url!r} is not a path of a store: {USAGE}")
    return JSONLines(rest[1:], must_exist=must_exist)
