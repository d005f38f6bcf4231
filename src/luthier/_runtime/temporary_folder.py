"""Temporary folders, which are removed also where their process was killed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

PREFIX = "luthier-"

_SAFE_S = 60.0
"""Seconds within which a new folder is locked by its owner, for sure."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder, and remove it in the end. Folders whose owners were killed are removed by the next one."""
    _sweep(os.getpid())
    own = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        lock = _lock(own)
        try:
            yield own
        finally:
            if lock is not None:
                os.close(lock)
    finally:
        shutil.rmtree(own, ignore_errors=True)


@cache
def _sweep(process: int) -> None:
    """Remove the folders of this user that nobody holds, once a process."""
    if sys.platform == "win32":
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}????????"):
        with suppress(OSError):
            state = folder.lstat()
            if folder.is_symlink() or state.st_uid != os.getuid() or time.time() - state.st_mtime < _SAFE_S:
                continue
            lock = _lock(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Hold a folder as long as this process lives; None where another one does, or the system has no such locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
