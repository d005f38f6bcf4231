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
        log: the store; the new file is for those for whom it is.
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
            _give(file.fileno(), log.stat())
            for data in parts:
                file.write(data)
        part.replace(place)
    except BaseException:  # a full disk
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def open_beside(log: Path, place: Path, mode: int) -> int:
    """Open a file to write to, having made it where there is none; the caller holds the lock of the store.

    Args:
        log, place: as for `write_beside`.
        mode: of `os.open`.

    Raises:
        OSError: it could not be made or opened.
    """
    if not place.exists():
        write_beside(log, place)
    return os.open(place, mode | os.O_CLOEXEC)


def _give(file: int, log: os.stat_result) -> None:
    """Have a file be for those for whom the log is, whatever the habits of the process that happens to make it."""
    rights = log.st_mode & 0o777
    for owner in (log.st_uid, -1):  # only root may give a file to another user
        with contextlib.suppress(OSError):
            os.fchown(file, owner, log.st_gid)
            break
    else:
        rights &= ~0o070  # it is of a group of this user's, of whom the log says nothing
    os.fchmod(file, rights)
