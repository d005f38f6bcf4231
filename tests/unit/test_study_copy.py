"""Copies of studies: exact, provable, and never over another one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import luthier as lt
from luthier.cli.program import program
from luthier.errors import InvalidSetting, StudyNotFound
from luthier.event import Claimed, Freed, SetAside
from luthier.event import encode as encoded
from luthier.store import Memory, SQLite
from luthier.study import StudyReader
from luthier.trial import State

SPACE = {"x": lt.Float(-1, 1), "n": lt.Int(1, 40)}
METHOD = lt.Bayes(lt.Parzen(), lt.EI(), initial=4)


def objective(trial: lt.RunningTrial) -> float:
    trial.set(node="a1")
    trial.report(trial["x"], 0)
    if trial["n"] > 35:
        raise ValueError("too large")
    return float(trial["x"]) ** 2 + int(trial["n"])


@pytest.mark.parametrize("target", ["other.db", "same file", "memory"])
def test_a_copy_has_the_same_log_and_goes_on_with_the_same_trials(target: str, tmp_path: Path) -> None:
    with lt.Study("s", SPACE, minimize="loss", method=METHOD, seed=3, store=tmp_path / "s.db") as study:
        study.run(objective, trials=14, give_up_after=None)
        study.enqueue({"x": 0.5, "n": 3})
        study.annotate("a note", ["paper"])
        study.forget(0)
        where = {"other.db": tmp_path / "other.db", "same file": None, "memory": Memory()}[target]
        with study.copy(where, "twin") as twin:
            assert twin.reader.records == study.reader.records
            assert twin.history.digest == study.history.digest
            assert (twin.notes, twin.tags, twin.name) == ("a note", ("paper",), "twin")
            assert twin.verify().ok and twin.verify().proved == study.verify().proved
            for one in (study, twin):
                one.run(objective, trials=17, give_up_after=None)
            assert [(t.config, t.values, t.attributes) for t in twin.trials] == [
                (t.config, t.values, t.attributes) for t in study.trials
            ]
            twin.tell(twin.ask(), 1.0)
            assert len(study) == 17


def test_a_copy_is_never_made_over_another_study(tmp_path: Path) -> None:
    with lt.Study("s", SPACE, minimize="loss", seed=3, store=tmp_path / "s.db", method=lt.Random()) as study:
        study.run(objective, trials=3)
        before = study.reader.records
        for where in (None, tmp_path / "s.db", f"sqlite:///{tmp_path}/s.db"):
            with pytest.raises(InvalidSetting, match="has a study 's' already"):
                study.copy(where)
        for name in ("", "  ", 5):
            with pytest.raises(InvalidSetting, match="needs a name"):
                study.copy(tmp_path / "none.db", name)  # type: ignore[arg-type]
        assert not (tmp_path / "none.db").exists() and study.reader.records == before
        study.copy(tmp_path / "other.db").close()
        with pytest.raises(InvalidSetting, match="already"):
            study.reader.copy(tmp_path / "other.db")


def test_what_runs_in_the_original_waits_in_the_copy(tmp_path: Path) -> None:
    store = Memory()
    with lt.Study("s", SPACE, minimize="loss", method=lt.Random(), seed=3, store=store) as study:
        study.run(objective, trials=2)
        running = study.ask()
        store.append("s", [Claimed(3, study.history.length, 1, "elsewhere/1/1/a", 120.0)], study.history.length)
        before = study.reader.records
        assert study.reader.copy(None, "twin") == 1 and study.reader.records == before
        with lt.Study("twin", store=store) as twin:
            assert twin.reader.records[: len(before)] == before
            assert [type(record.event) for record in twin.reader.records[len(before) :]] == [Freed, Freed]
            assert twin.history.digest == study.history.digest
            assert twin.trial(2).state is State.WAITING and not twin.history.claims
            again = twin.ask()
            assert (again.number, again.params, again.attempt) == (2, running.params, 2)
            twin.tell(again, 2.0)
        study.tell(running, 1.0)


def test_an_event_that_cannot_be_read_is_copied_as_it_is(tmp_path: Path) -> None:
    with SQLite(tmp_path / "a.db") as store, lt.Study("s", SPACE, minimize="loss", seed=0, store=store) as study:
        odd = SetAside('{"type":"reported","number":0,"token":2,"step":"x"}', "odd")
        store.append("s", [odd], study.history.length)
        with study.copy(tmp_path / "b.db") as twin:
            assert [encoded(e) for e in twin.reader.events] == [encoded(e) for e in study.reader.events]
            assert isinstance(twin.reader.events[1], SetAside) and twin.reader.events[1].text == odd.text


def test_the_command_line_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with lt.Study("s", SPACE, minimize="loss", method=lt.Random(), seed=3, store="s.db") as study:
        study.run(objective, trials=3)
    run = CliRunner().invoke
    done = run(program, ["copy", "s.db", "t.db"])
    assert done.exit_code == 0 and "s: copied into t.db as 's', 3 trials" in done.output
    assert run(program, ["copy", "s.db", "--as", "twin"]).exit_code == 0
    assert isinstance(run(program, ["copy", "s.db", "t.db", "--study", "s"]).exception, InvalidSetting)
    assert "--as" in run(program, ["copy", "s.db"]).output
    assert isinstance(run(program, ["copy", "s.db", "t.db", "--study", "nope"]).exception, StudyNotFound)
    assert [entry.name for entry in lt.studies("s.db")] == ["s", "twin"]
    with StudyReader.open("t.db") as copied, StudyReader.open("s.db", "s") as original:
        assert copied.records == original.records
