"""Stored snapshots of a study: what is opened by one is the same, and one that does not fit is passed over."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

import luthier as lt
from luthier.history import LogSnapshot
from luthier.history.snapshot import log_snapshot
from luthier.store import SQLite
from luthier.study.stored import log_snapshots

SPACE = {"x": lt.Float(0, 1), "n": lt.Int(1, 100)}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_snapshots, "_LEAST", 40)
    monkeypatch.setattr("luthier.study.log._PACKED_AFTER", 1)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


def opened(place: Path, **more) -> lt.Study:
    return lt.Study("s", store=place, **more)


def grown(place: Path, trials: int = 60) -> tuple:
    """Have a study with a snapshot; gives its trials."""
    with lt.Study("s", SPACE, minimize="y", method=lt.Random(), store=place, seed=3) as study:
        for _ in range(trials):
            trial = study.ask()
            study.tell(trial, float(trial["x"]))
        return study.history.trials


def changed(place: Path, statement: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(place)) as file, file:
        file.execute(statement, values)


def stored(place: Path) -> LogSnapshot | None:
    with SQLite(place) as store:
        found = store.snapshot("s")
    return None if found is None else LogSnapshot.read(found[1])


def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note from where logs are read."""
    found: list[int] = []
    read = SQLite.read

    def noted(self: SQLite, study: str, after: int = 0) -> tuple:
        found.append(after)
        return read(self, study, after)

    monkeypatch.setattr(SQLite, "read", noted)
    return found


def test_a_study_goes_on_from_a_snapshot_as_from_its_log(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = grown(place)
    snapshot = stored(place)
    assert snapshot is not None and snapshot.length >= 40
    found = reads(monkeypatch)
    with opened(place) as study:
        assert found[0] == snapshot.length and 0 not in found  # only what came after it
        assert study.history.trials == trials and study.verify().ok
        after = study.ask()
        study.tell(after, 0.5)
        assert [one.number for one in study.trials] == list(range(61)) and study.elapsed_s() >= 0
    changed(place, "DELETE FROM snapshots")
    with opened(place) as study:
        assert study.history.trials[:60] == trials and study.trial(60).params == after.params
        assert study.verify().ok
    reference = lt.Study("s", SPACE, minimize="y", method=lt.Random(), seed=3)
    for _ in range(61):
        trial = reference.ask()
        reference.tell(trial, float(trial["x"]))
    assert reference.trial(60).params == after.params


def test_it_is_kept_while_a_study_grows_and_when_it_is_closed(place: Path) -> None:
    study = lt.Study("s", SPACE, minimize="y", method=lt.Random(), store=place, seed=3)
    for number in range(100):
        study.tell(study.ask(), float(number))
        snapshot = stored(place)
        assert (snapshot is None) == (number < 18)  # 20 trials with what begins a study
        if snapshot is not None:
            assert study.history.length - snapshot.length <= 60
    study.close()
    changed(place, "DELETE FROM snapshots")
    with opened(place) as study:
        assert study.best.value == 0.0
    assert stored(place) is None  # who only reads writes nothing
    with opened(place) as study:
        study.tell(study.ask(), 7.0)
    snapshot = stored(place)
    assert snapshot is not None and snapshot.length == 204


def test_of_many_that_end_at_once_one_writes_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grown(place)
    changed(place, "DELETE FROM snapshots")
    written: list[int] = []
    keep = SQLite.keep_snapshot

    def noted(self: SQLite, number: int, data: bytes) -> None:
        written.append(number)
        keep(self, number, data)

    monkeypatch.setattr(SQLite, "keep_snapshot", noted)
    studies = [opened(place) for _ in range(3)]
    for study in studies:
        study.tell(study.ask(), 1.0)
    for study in studies:
        study.close()
    assert len(written) == 1


@pytest.mark.parametrize("damage", ["body", "other code", "old rows", "shorter log", "garbage", "no bytes", "no table"])
def test_what_does_not_fit_is_passed_over(place: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = grown(place)
    snapshot = stored(place)
    assert snapshot is not None
    if damage == "body":
        with contextlib.closing(sqlite3.connect(place)) as file:
            ((body,),) = file.execute("SELECT body FROM snapshots").fetchall()
        middle = len(body) // 2
        changed(place, "UPDATE snapshots SET body = ?", body[:middle] + bytes([body[middle] ^ 4]) + body[middle + 1 :])
    elif damage == "other code":
        monkeypatch.setattr(log_snapshot, "_version", lambda: b"a later Luthier")
    elif damage == "old rows":  # a snapshot of another log
        changed(place, "UPDATE events SET checksum = checksum + 1 WHERE position = 5")
    elif damage == "shorter log":
        changed(place, "DELETE FROM events WHERE position >= 30")
        changed(place, "UPDATE studies SET length = 30")
    elif damage == "no table":
        changed(place, "DROP TABLE snapshots")
        changed(place, "CREATE TABLE snapshots (other)")
    else:
        changed(place, "UPDATE snapshots SET body = ?", b"garbage" if damage == "garbage" else 7)
    found = reads(monkeypatch)
    if damage == "old rows":
        with pytest.raises(lt.errors.StoreCorrupt, match="event 5 is damaged"):
            opened(place)
        return
    with opened(place) as study:
        assert found[0] == 0
        assert study.history.length >= (30 if damage == "shorter log" else 122)
        if damage != "shorter log":
            assert study.history.trials == trials
        study.tell(study.ask(), 0.5)


def test_of_a_study_of_its_name_that_was_begun_anew_nothing_is_there(place: Path) -> None:
    grown(place)
    with SQLite(place) as store:
        store.delete("s")
    with lt.Study("s", SPACE, minimize="y", store=place, seed=9) as study:
        assert len(study.history.trials) == 0
    assert stored(place) is None


def test_another_space_after_it_is_read_with_the_log(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grown(place)
    with opened(place) as study:
        study.change({**SPACE, "more": lt.Float(0, 1, default=0.5)})
    with opened(place) as study:
        assert study.ask().params.keys() == {"x", "n", "more"}
    before = stored(place)
    assert before is not None and before.created.name == "s"
    with pytest.raises(lt.errors.StudyMismatch, match="another space"):
        lt.Study("s", SPACE, minimize="y", store=place)


def test_a_store_that_cannot_be_written_keeps_none(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: SQLite, number: int, data: bytes) -> None:
        raise lt.errors.StoreFull("no space is left")

    monkeypatch.setattr(SQLite, "keep_snapshot", refuse)
    assert len(grown(place)) == 60
    assert stored(place) is None


def test_points_that_a_model_read_are_kept_with_the_next_snapshot(place: Path) -> None:
    grown(place)
    before = stored(place)
    assert before is not None and before.encoded == 0
    with opened(place, method=lt.Bayes(lt.Parzen(), lt.EI())) as study:
        study.tell(study.ask(), 0.5)
        points = study.history.data(study.reader.problem).x
    after = stored(place)
    assert after is not None and after.encoded >= 60 and after.length > before.length
    with opened(place) as study:
        again = study.history
        assert (
            again.encoded == after.encoded and again.data(again.problem()).x[: len(points)].tolist() == points.tolist()
        )
    last = stored(place)
    assert last is not None and last.length == after.length  # nothing is new, and there is no other one
