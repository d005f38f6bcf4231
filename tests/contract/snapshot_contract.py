"""The contract of snapshots, as a class of tests: what is opened by one is the same, and what does not fit is none."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

import luthier as lt
from luthier.history import LogSnapshot
from luthier.history.snapshot import log_snapshot
from luthier.store import Snapshotting, Store, back_up, open_store
from luthier.study.stored import log_snapshots

SPACE = {"x": lt.Float(0, 1), "n": lt.Int(1, 100)}
KILLED = """
import sys
import luthier as lt
from luthier.study.stored import log_snapshots
log_snapshots._LEAST, log_snapshots._SHARE = 2, 10**9
study = lt.Study("s", store=sys.argv[1])
while True:
    trial = study.ask()
    study.tell(trial, float(trial["x"]))
    print(trial.number, flush=True)
"""


class SnapshotContract(ABC):
    """Tests of a store that keeps snapshots; a subclass says where it is, and changes it behind its back."""

    @abstractmethod
    def where(self, folder: Path) -> str:
        """Give the path or the URL of the store that is kept in a folder."""

    @abstractmethod
    def cut(self, folder: Path, length: int) -> None:
        """Have the log of the study be as it was when it had so many events."""

    @pytest.fixture(autouse=True)
    def short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(log_snapshots, "_LEAST", 40)
        monkeypatch.setattr("luthier.study.log._PACKED_AFTER", 1)

    def grown(self, folder: Path, trials: int = 60) -> tuple:
        """Have a study with a snapshot; gives its trials."""
        with lt.Study("s", SPACE, minimize="y", method=lt.Random(), store=self.where(folder), seed=3) as study:
            for _ in range(trials):
                trial = study.ask()
                study.tell(trial, float(trial["x"]))
            return study.history.trials

    def opened(self, folder: Path) -> lt.Study:
        return lt.Study("s", store=self.where(folder))

    def stored(self, folder: Path) -> tuple[int, bytes]:
        """Give the number of the study and the snapshot that is there."""
        with open_store(self.where(folder)) as store:
            assert isinstance(store, Snapshotting)
            found = store.snapshot("s")
        assert found is not None
        return found

    def keep(self, folder: Path, number: int, data: bytes) -> None:
        with open_store(self.where(folder)) as store:
            assert isinstance(store, Snapshotting)
            store.keep_snapshot(number, data)

    def reads(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Note from where logs are read."""
        found: list[int] = []
        with open_store(self.where(folder)) as store:
            kind: type[Store] = type(store)
        read = kind.read

        def noted(self: Store, study: str, after: int = 0) -> tuple:
            found.append(after)
            return read(self, study, after)

        monkeypatch.setattr(kind, "read", noted)
        return found

    def test_a_study_goes_on_from_a_snapshot_as_from_its_log(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trials = self.grown(tmp_path)
        snapshot = LogSnapshot.read(self.stored(tmp_path)[1])
        assert snapshot is not None and snapshot.length >= 40
        found = self.reads(tmp_path, monkeypatch)
        with self.opened(tmp_path) as study:
            assert found[0] == snapshot.length and 0 not in found  # only what came after it
            assert study.history.trials == trials and study.verify().ok
            after = study.ask()
            study.tell(after, 0.5)
        reference = lt.Study("s", SPACE, minimize="y", method=lt.Random(), seed=3)
        for _ in range(61):
            trial = reference.ask()
            reference.tell(trial, float(trial["x"]))
        assert reference.trial(60).params == after.params

    def passed_over(self, folder: Path, monkeypatch: pytest.MonkeyPatch, trials: tuple) -> None:
        """Make sure that a study is opened by its log, and goes on."""
        found = self.reads(folder, monkeypatch)
        with self.opened(folder) as study:
            assert found[0] == 0
            assert study.history.trials == trials and study.verify().ok
            study.tell(study.ask(), 0.5)

    @pytest.mark.parametrize("damage", ["torn", "one bit", "no bytes", "garbage", "of a newer version"])
    def test_what_does_not_fit_is_passed_over(
        self, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trials = self.grown(tmp_path)
        number, data = self.stored(tmp_path)
        middle = len(data) // 2
        if damage == "of a newer version":  # which this one replaces in its turn
            with monkeypatch.context() as later:
                later.setattr(log_snapshot, "_version", lambda: b"a later Luthier")
                later.setattr(log_snapshots, "_LEAST", 2)
                with self.opened(tmp_path) as study:
                    study.tell(study.ask(), 0.25)
                    trials = study.history.trials
            assert LogSnapshot.read(self.stored(tmp_path)[1]) is None
        else:
            flipped = data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]
            other = {"torn": data[:middle], "one bit": flipped, "no bytes": b"", "garbage": b"garbage"}[damage]
            self.keep(tmp_path, number, other)
        self.passed_over(tmp_path, monkeypatch, trials)
        assert LogSnapshot.read(self.stored(tmp_path)[1]) is not None  # it was made anew

    def test_a_log_that_was_cut_has_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        trials = self.grown(tmp_path)
        self.cut(tmp_path, 62)
        with self.opened(tmp_path) as study:
            shorter = study.history.trials
            assert study.history.length == 62 and shorter[:30] == trials[:30]
        self.passed_over(tmp_path, monkeypatch, shorter)

    def test_a_snapshot_of_another_log_is_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.grown(tmp_path)
        _, data = self.stored(tmp_path)
        with open_store(self.where(tmp_path)) as store:
            store.delete("s")
        with lt.Study("s", SPACE, minimize="y", method=lt.Random(), store=self.where(tmp_path), seed=9) as study:
            for _ in range(60):
                study.tell(study.ask(), 1.0)
            trials = study.history.trials
        with open_store(self.where(tmp_path)) as store:
            assert isinstance(store, Snapshotting)
            number = store.identify("s")[0]  # type: ignore[attr-defined]
            store.keep_snapshot(number, data)
        self.passed_over(tmp_path, monkeypatch, trials)

    def test_a_backup_is_of_the_logs_alone(self, tmp_path: Path) -> None:
        trials = self.grown(tmp_path)
        with open_store(self.where(tmp_path)) as store, open_store(tmp_path / "backup.db") as other:
            back_up(store, other)
            assert other.read("s") == store.read("s")
            assert isinstance(other, Snapshotting) and other.snapshot("s") is None
        with lt.Study("s", store=tmp_path / "backup.db") as study:
            assert study.history.trials == trials

    def test_of_two_that_write_at_once_one_is_kept_whole(self, tmp_path: Path) -> None:
        with open_store(self.where(tmp_path)) as store:
            store.append("s", [lt.event.Enqueued({}, "t")], 0)
            number = store.identify("s")[0]  # type: ignore[attr-defined]
        bodies = [bytes([mark]) * 700_000 for mark in b"ab"]  # several pieces of a server's
        failed: list[BaseException] = []

        def write(data: bytes) -> None:
            try:
                for _ in range(5):
                    self.keep(tmp_path, number, data)
            except BaseException as error:  # noqa: BLE001
                failed.append(error)

        writers = [threading.Thread(target=write, args=(data,)) for data in bodies]
        for writer in writers:
            writer.start()
        with open_store(self.where(tmp_path)) as store:
            assert isinstance(store, Snapshotting)
            while any(writer.is_alive() for writer in writers):
                found = store.snapshot("s")
                assert found is None or found[1] in bodies
        for writer in writers:
            writer.join()
        assert not failed and self.stored(tmp_path)[1] in bodies

    @pytest.mark.slow
    def test_a_writer_that_is_killed_leaves_a_whole_snapshot_or_none(self, tmp_path: Path) -> None:
        self.grown(tmp_path)
        for turn in range(8):
            command = [sys.executable, "-c", KILLED, self.where(tmp_path)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
                assert worker.stdout is not None
                worker.stdout.readline()
                time.sleep(0.03 * turn)
                worker.send_signal(signal.SIGKILL)
                said = worker.stdout.read().split()
            snapshot = LogSnapshot.read(self.stored(tmp_path)[1])
            assert snapshot is not None
            with self.opened(tmp_path) as study:
                assert study.history.length >= snapshot.length
                assert all(study.trial(int(number)).value == study.trial(int(number))["x"] for number in said)
                whole = study.history.begin().extend(study.history.events)
                assert whole.trials == study.history.trials and whole.digest == study.history.digest
