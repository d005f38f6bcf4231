"""Packed chunks in a temporary file: they read as from memory, and stay in memory where no file can be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import luthier as lt
from luthier.errors import StoreError
from luthier.history.packed.chunk_file import ChunkFile, FileChunk
from luthier.history.packed.packed_list import CHUNK, KEPT, PackedList

MANY = 4 * CHUNK + KEPT


def _filed(count: int = MANY) -> PackedList[object]:
    items: PackedList[object] = PackedList()
    items.leave_memory()
    for number in range(count):
        items.append((number, 0.1 * number))
        items.pack()
    return items


def test_a_list_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    items, plain = _filed(), [(number, 0.1 * number) for number in range(MANY)]
    assert [type(chunk) for chunk in items._parts[0]] == [FileChunk] * 4
    assert not [*tmp_path.iterdir()]  # the file has no name
    assert items[:] == plain and items[5] == plain[5] and [*items] == plain
    assert items.picked(300, lambda text: items.packing.unpack(text, 0, 0), lambda item: item) == plain[300:]
    chunks, rest = items.parts()
    other: PackedList[object] = PackedList()
    other.leave_memory()
    other.fill(chunks, rest)
    assert other[:] == plain and type(other._parts[0][0]) is FileChunk


def test_copies_write_into_files_of_their_own() -> None:
    items = _filed()
    twin = items.copy()
    for number in range(CHUNK):
        items.append(("one", number))
        items.pack()
        twin.append(("other", number))
        twin.pack()
    assert items[MANY:] == [("one", number) for number in range(CHUNK)]
    assert twin[MANY:] == [("other", number) for number in range(CHUNK)] and twin[:MANY] == items[:MANY]
    twin[3] = "changed"
    assert items[3] == (3, 0.1 * 3)


def test_a_fork_writes_into_a_file_of_its_own() -> None:
    file = ChunkFile()
    first = file.put(b"first")
    child = os.fork()
    if child == 0:
        mine = file.put(b"child")
        found = [one.read() if isinstance(one, FileChunk) else one for one in (first, mine)]
        os._exit(0 if found == [b"first", b"child"] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    second = file.put(b"after")
    assert isinstance(first, FileChunk) and isinstance(second, FileChunk)
    assert (first.read(), second.read()) == (b"first", b"after")


def test_without_a_place_for_the_file_all_stays_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert ChunkFile().put(b"data") == b"data"
    items = _filed()
    assert type(items._parts[0][0]) is bytes and items[7] == (7, 0.1 * 7)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.undo()
    monkeypatch.setattr(os, "pwrite", full)
    assert ChunkFile().put(b"data") == b"data"


def test_a_file_that_was_cut_off_is_an_error() -> None:
    chunk = ChunkFile().put(b"data")
    assert isinstance(chunk, FileChunk)
    os.ftruncate(chunk._file.number, 2)
    with pytest.raises(StoreError, match="temporary file"):
        chunk.read()


def test_a_study_on_disk_has_old_trials_in_a_file_and_one_in_memory_has_not(tmp_path: Path) -> None:
    configs = [{"x": number / 3000} for number in range(3000)]
    for store, kind in ((tmp_path / "s.db", FileChunk), (None, bytes)):
        with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=store, method=lt.Random()) as study:
            for first in range(0, 3000, 300):
                part = configs[first : first + 300]
                study.add_many(part, [one["x"] for one in part])
            kinds = {type(chunk) for chunk in study.history._log.fold.trials._parts[0]}
            assert kind in kinds
            assert [trial["x"] for trial in study.trials] == [one["x"] for one in configs]
            assert study.verify().ok


def test_what_is_pickled_stays_in_memory() -> None:
    kept: PackedList[object] = PackedList()
    kept.leave_memory()
    kept.fill([b"p of pickle", b"m of MessagePack"], [])
    assert [type(chunk) for chunk in kept._parts[0]] == [bytes, FileChunk]
