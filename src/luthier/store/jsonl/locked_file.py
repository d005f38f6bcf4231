"""A file that processes append to in turn, by a lock of the operating system."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from luthier.errors import InvalidSetting, StoreBusy, StoreError
from luthier.store.jsonl.side_file import open_beside

_logger = logging.getLogger(__name__)

_SHORTEST_S, _LONGEST_S = 0.0005, 0.01
_jitter = random.SystemRandom().uniform  # never the caller's generator


class LockedFile:
    """An open file. The lock ends with the process that holds it, so none is ever left behind.

    Args:
        place: the file.
        patience_s: how long to wait for other processes.
        make: create the file if it does not exist.
    """

    def __init__(self, place: Path, patience_s: float, *, make: bool) -> None:
        if sys.platform == "win32":
            raise InvalidSetting("a store of JSON lines needs locks that Windows does not have: use an SQLite file")
        self._place = place
        self._patience_s = patience_s
        self._process = os.getpid()
        new = make and not place.exists()
        try:
            # Linux refuses to "create" a file of another user's that is there, in a folder for all (proc(5)).
            self._file = os.open(place, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if new else 0), 0o666)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EROFS, errno.EPERM) or new:
                raise
            self._file = os.open(place, os.O_RDONLY | os.O_CLOEXEC)  # what can only be read is read
        self.identity = _identity(os.fstat(self._file))
        if new:
            self._flush_folder()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the one right to write.

        Raises:
            StoreBusy: others held it all the time.
        """
        import fcntl

        deadline_s, pause_s = time.monotonic() + self._patience_s, _SHORTEST_S
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline_s:
                    raise StoreBusy(
                        f"the file {str(self._place)!r} was locked by other processes for {self._patience_s:g} s; "
                        "nothing was done. Try again later, or with fewer of them"
                    ) from None
            time.sleep(_jitter(0.0, pause_s))
            pause_s = min(2 * pause_s, _LONGEST_S)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    @property
    def size(self) -> int:
        """How many bytes the file has."""
        return os.fstat(self._file).st_size

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes; fewer where the file has no more."""
        parts = []
        while size > 0 and (part := os.pread(self._file, min(size, 2**30), offset)):
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return b"".join(parts)

    def write(self, data: bytes, offset: int) -> None:
        """Write what comes at the end of the file, all of it or nothing; on the disk when it returns.

        Raises:
            OSError: it could not be written.
        """
        done = 0
        try:
            while done < len(data):
                done += os.pwrite(self._file, data[done:], offset + done)
        except BaseException:
            if done < len(data):
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, offset)
            raise
        _flush(self._file)
        if self.size != offset + len(data):
            raise StoreError(
                f"the file {str(self._place)!r} was changed while it was locked: another program writes to it, or its "
                "file system has no locks. Put it on a local disk, and let only Luthier write to it"
            )

    def set_aside(self, end: int) -> None:
        """Move what stands behind `end` into a file beside this one: a writer died in the middle of it."""
        torn = self.read(end, self.size - end)
        beside = self._place.with_name(f"{self._place.name}.torn")
        with os.fdopen(open_beside(self._place, beside, os.O_WRONLY | os.O_APPEND), "ab") as other:
            other.write(torn + b"\n")
        os.ftruncate(self._file, end)
        _flush(self._file)
        _logger.warning(
            "%s: the last line was not whole, as its writer was stopped: %d bytes were set aside into %s",
            *(self._place, len(torn), beside.name),
        )

    def check(self) -> None:
        """Make sure that this process may use the file, and that it bears its name still; raises StoreError."""
        if self._process != os.getpid():
            raise StoreError(f"this process was forked in the middle of using {str(self._place)!r}: open it again")
        try:
            present = _identity(self._place.stat())
        except OSError:
            raise StoreError(
                f"the file {str(self._place)!r} was deleted, moved or unmounted while it was open: put it back as it "
                "was and open it again, or begin anew"
            ) from None
        if present != self.identity:
            raise StoreError(
                f"the file {str(self._place)!r} was replaced by another file while it was open: nothing more is read "
                "or written; open it again to go on with the new one"
            )

    def close(self) -> None:
        """Close it."""
        with contextlib.suppress(OSError):
            os.close(self._file)

    def _flush_folder(self) -> None:
        folder = os.open(self._place.parent, os.O_RDONLY)
        with contextlib.suppress(OSError):
            os.fsync(folder)
        os.close(folder)


def _flush(file: int) -> None:
    getattr(os, "fdatasync", os.fsync)(file)


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino
