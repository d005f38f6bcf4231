"""Snapshots in files keep their contract: SQLite and JSON lines."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from itertools import accumulate
from pathlib import Path

from snapshot_contract import SnapshotContract

import luthier as lt
from luthier.store import JSONLines, SQLite


class TestSQLite(SnapshotContract):
    def where(self, folder: Path) -> str:
        return str(folder / "s.db")

    def cut(self, folder: Path, length: int) -> None:
        with contextlib.closing(sqlite3.connect(folder / "s.db")) as file, file:
            file.execute("DELETE FROM events WHERE position >= ?", (length,))
            file.execute("UPDATE studies SET length = ?", (length,))


class TestJSONLines(SnapshotContract):
    def where(self, folder: Path) -> str:
        return str(folder / "s.jsonl")

    def cut(self, folder: Path, length: int) -> None:
        header, *lines = (folder / "s.jsonl").read_bytes().splitlines(keepends=True)
        lengths = accumulate(int(line.partition(b'"count":')[2].partition(b",")[0]) for line in lines)
        kept = [line for line, after in zip(lines, lengths, strict=True) if after <= length]
        (folder / "s.jsonl").write_bytes(b"".join((header, *kept)))

    def beside(self, folder: Path) -> Path:
        """The file of the snapshot."""
        return folder / "s.jsonl.snapshot-1"

    def test_it_is_a_file_beside_the_log_that_nobody_else_may_read(self, tmp_path: Path) -> None:
        given = {"minimize": "y", "method": lt.Random(), "store": self.where(tmp_path)}
        with lt.Study("s", {"x": lt.Float(0, 1)}, **given) as study:
            study.ask()
        (tmp_path / "s.jsonl").chmod(0o600)
        with self.opened(tmp_path) as study:
            for _ in range(60):
                study.tell(study.ask(), 1.0)
        assert stat.S_IMODE(self.beside(tmp_path).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "s.jsonl.index").stat().st_mode) == 0o600
        assert sorted(path.name for path in tmp_path.iterdir()) == ["s.jsonl", "s.jsonl.index", "s.jsonl.snapshot-1"]
        with JSONLines(tmp_path / "s.jsonl") as store:
            assert store.check() == ()
            store.delete("s")
        assert not self.beside(tmp_path).exists()

    def test_what_is_no_snapshot_or_was_left_half_written_is_written_over(
        self, tmp_path: Path, monkeypatch: object
    ) -> None:
        trials = self.grown(tmp_path)
        whole = self.beside(tmp_path).read_bytes()
        part = self.beside(tmp_path).with_name("s.jsonl.snapshot-1.part")
        for torn in (b"", whole[:30], whole[: len(whole) // 2], b"\0" * len(whole)):
            self.beside(tmp_path).write_bytes(torn)
            part.write_bytes(whole[:100])  # of a writer that was killed
            with self.opened(tmp_path) as study:
                assert study.history.trials[:60] == trials
                study.tell(study.ask(), 0.5)
            assert not part.exists() and self.stored(tmp_path)[1]

    def test_the_one_of_a_log_that_was_there_before_is_not_even_read(self, tmp_path: Path) -> None:
        self.grown(tmp_path)
        other = tmp_path / "other"
        other.mkdir()
        self.grown(other)
        assert self.beside(other).read_bytes() != self.beside(tmp_path).read_bytes()
        (other / "s.jsonl").replace(tmp_path / "s.jsonl")
        with JSONLines(tmp_path / "s.jsonl") as store:
            assert store.snapshot("s") is None

    def test_a_folder_that_cannot_be_written_keeps_none(self, tmp_path: Path) -> None:
        self.beside(tmp_path).mkdir()  # root writes into any folder, but not over one
        self.grown(tmp_path)
        with JSONLines(tmp_path / "s.jsonl") as store:
            assert store.snapshot("s") is None
        assert sorted(path.name for path in tmp_path.iterdir()) == ["s.jsonl", "s.jsonl.snapshot-1"]

    def test_parts_of_a_long_line_are_read_without_the_others(self, tmp_path: Path) -> None:
        configs = [{"x": i / 5000, "n": 1 + i % 100} for i in range(5000)]
        space = {"x": lt.Float(0, 1), "n": lt.Int(1, 100)}
        with lt.Study("s", space, minimize="y", store=tmp_path / "s.db", method=lt.Random()) as study:
            study.add_many(configs, [one["x"] for one in configs])
        with SQLite(tmp_path / "s.db") as file:
            records = file.read("s")
        with JSONLines(tmp_path / "s.jsonl") as store:
            store.append("before", [record.event for record in records[:3]], 0)
            store.restore("s", records)
            assert (tmp_path / "s.jsonl").stat().st_size > 2**20
            number = store.identify("s")[0]
            length = len(records)
            for first, last in ((0, 256), (0, length), (length - 5, length), (777, 778), (300, 300)):
                assert store.between(number, first, last) == records[first:last]
            store.append("s", [record.event for record in records[-2:]], length)
            both = store.between(number, length - 3, length + 2)
            assert both[:3] == records[-3:] and [one.event for one in both[3:]] == [one.event for one in records[-2:]]
