"""Packed chunks in an unnamed temporary file, so that they take no memory."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress

from luthier.errors import StoreError


class FileChunk:
    """The place of a chunk in a file, which is there as long as somebody has one of its chunks.

    Args:
        file: has it.
        offset: where it begins.
        size: its bytes.
    """

    __slots__ = ("_file", "_offset", "_size")

    def __init__(self, file: _Descriptor, offset: int, size: int) -> None:
        self._file, self._offset, self._size = file, offset, size

    def read(self) -> bytes:
        """Give the chunk. Raises StoreError where the file cannot be read any more."""
        try:
            found = os.pread(self._file.number, self._size, self._offset)
        except OSError as error:
            raise StoreError(f"old trials cannot be read from a temporary file: {error.strerror or error}") from None
        if len(found) != self._size:
            raise StoreError("old trials cannot be read from a temporary file, which was cut off: open the study again")
        return found


class ChunkFile:
    """A file for the chunks of one list, made with the first of them; what cannot be written stays in memory.

    It has no name, so it ends with the process, and is where the system has its temporary files (TMPDIR). What is in it
    is never written over: forks of the process read it as well, and write into files of their own.
    """

    __slots__ = ("_end", "_file", "_process")

    def __init__(self) -> None:
        self._file: _Descriptor | None = None
        self._end = 0
        self._process = 0

    def put(self, data: bytes) -> bytes | FileChunk:
        """Write a chunk; gives its place, or the chunk where there is none."""
        if sys.platform == "win32":
            return data
        try:
            if self._file is None or self._process != os.getpid():
                self._file, self._end, self._process = _Descriptor(), 0, os.getpid()
            if os.pwrite(self._file.number, data, self._end) != len(data):
                return data
        except OSError:  # a full disk, too many open files, no folder for temporary files
            return data
        chunk = FileChunk(self._file, self._end, len(data))
        self._end += len(data)
        return chunk


class _Descriptor:
    """An open file without a name."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number, name = tempfile.mkstemp(prefix="luthier-")
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - no path is needed any more

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):
            os.close(self.number)
