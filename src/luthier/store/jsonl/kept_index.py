"""The index of a JSON-lines store, kept beside it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from zlib import crc32

import msgspec

from luthier.store.jsonl.line_index import IndexedStudy, LineIndex
from luthier.store.jsonl.side_file import write_beside

_HEADER = b'{"luthier":"index","schema":1,"crc":"%08x"}\n'
_HEADER_SIZE = len(_HEADER % 0)


class _Study(msgspec.Struct, array_like=True):
    number: int
    name: str
    length: int
    latest: float
    broken: str
    until: int
    firsts: bytes
    offsets: bytes
    sizes: bytes
    checksums: bytes


class _Kept(msgspec.Struct, array_like=True):
    byte_order: str
    end: int
    checksum: int
    highest: int
    damaged: list[tuple[int, int | None]]
    studies: list[_Study]


class KeptIndex:
    """The file of the index, so that a long store is not read line by line when it is opened.

    Nothing depends on it: it is believed only where the store begins with what it describes.

    Args:
        place: the store.
    """

    def __init__(self, place: Path) -> None:
        self._log = place
        self._place = place.with_name(f"{place.name}.index")

    def write(self, index: LineIndex) -> None:
        """Keep an index in place of an earlier one; the caller holds the lock of the store. Cost O(lines), small."""
        studies = [
            _Study(
                *(study.number, study.name, study.length, study.latest, study.broken, study.until),
                *(part.tobytes() for part in study.arrays),
            )
            for study in index.studies.values()
        ]
        kept = _Kept(sys.byteorder, index.end, index.checksum, index.highest, index.damaged, studies)
        data = msgspec.msgpack.encode(kept)
        write_beside(self._log, self._place, _HEADER % crc32(data), data)

    def read(self, data: bytes, offset: int) -> LineIndex | None:
        """Give the index of a beginning of the store; None where there is none that fits.

        Args:
            data: what stands in the store from `offset`, where its lines begin, on.
            offset: as above.

        Cost: a checksum of `data`.
        """
        kept = self._read()
        if kept is None or kept.byte_order != sys.byteorder or not offset <= kept.end <= offset + len(data):
            return None
        if crc32(memoryview(data)[: kept.end - offset]) != kept.checksum:
            return None
        try:
            studies = [_study(study) for study in kept.studies]
        except ValueError:  # the checksum is right: somebody made it so
            return None
        index = LineIndex(kept.end, kept.checksum, kept.highest, studies, kept.damaged)
        index.note_last(data, offset)
        return index

    def _read(self) -> _Kept | None:
        """Give what the file says; None where there is none, or no whole one."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            found = self._place.read_bytes()
            header, data = found[:_HEADER_SIZE], memoryview(found)[_HEADER_SIZE:]
            if header == _HEADER % crc32(data):
                return msgspec.msgpack.decode(data, type=_Kept)
        return None


def _study(kept: _Study) -> IndexedStudy:
    found = IndexedStudy(kept.number, kept.name, kept.length, kept.latest, kept.broken, kept.until)
    for part, data in zip(found.arrays, (kept.firsts, kept.offsets, kept.sizes, kept.checksums), strict=True):
        part.frombytes(data)
    return found
