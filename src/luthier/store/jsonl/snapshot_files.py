"""Snapshots beside a JSON-lines store, a file for each study."""

from __future__ import annotations

import contextlib
from pathlib import Path

from luthier.store.jsonl.side_file import write_beside

_HEADER = b'{"luthier":"snapshot","schema":1,"study":%d,"begin":"%08x"}\n'


class SnapshotFiles:
    """Files beside a log. Nothing depends on one: who finds another thing than a snapshot there has none.

    Each says in its first line of which study it is, and how that begins, so that a log that was put in the place of
    another one does not even read the other's. It is written under another name and then renamed: who is killed in the
    middle of it leaves the earlier one, and a part that the next writer writes over. It is not flushed, as a failure of
    power takes nothing but a snapshot.

    Args:
        place: the log.
    """

    def __init__(self, place: Path) -> None:
        self._log = place

    def write(self, number: int, begin: int, data: bytes | bytearray) -> None:
        """Keep a snapshot in place of an earlier one; the caller holds the lock of the store.

        Args:
            number: of the study.
            begin: the checksum of its first line.
            data: the snapshot.
        """
        write_beside(self._log, self._place(number), _HEADER % (number, begin), data)

    def read(self, number: int, begin: int) -> bytes | None:
        """Give a snapshot, which may be damaged; None where there is none of this study."""
        try:
            with self._place(number).open("rb") as file:
                header = _HEADER % (number, begin)
                return file.read() if file.read(len(header)) == header else None
        except OSError:
            return None

    def drop(self, number: int) -> None:
        """Remove the snapshot of a study."""
        with contextlib.suppress(OSError):
            self._place(number).unlink()

    def _place(self, number: int) -> Path:
        return self._log.with_name(f"{self._log.name}.snapshot-{number}")
