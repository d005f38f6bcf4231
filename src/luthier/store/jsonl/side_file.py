"""Files beside a JSON-lines store, which hold nothing that the store has not."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_beside(log: Path, place: Path, *parts: bytes | bytearray) -> None:
    """Write a file in place of an earlier one; the caller holds the lock of the store.

    It is written under another name and then renamed: who is killed in the middle of it leaves the earlier one, and a
    part that the next writer writes over. It is not flushed, as a failure of power takes nothing but this file.

    Args:
        log: the store; whoever may not read it may not read the new file.
        place: of the file.
        parts: what it is to hold.

    Raises:
        OSError: it could not be written, and the earlier one stays.
    """
    part = place.with_name(f"{place.name}.part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()  # of a writer that was killed
    try:
        with part.open("xb") as file:
            os.fchmod(file.fileno(), log.stat().st_mode & 0o777)
            for data in parts:
                file.write(data)
        part.replace(place)
    except BaseException:  # a full disk
        with contextlib.suppress(OSError):
            part.unlink()
        raise
