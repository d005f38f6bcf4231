"""Reading a study: without its method, without leases, and nothing is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.cli import execute
from luthier.errors import InvalidConfig, InvalidSetting, NoResult, StoreError, StudyMismatch, StudyNotFound
from luthier.event import Asked, Created
from luthier.method import spec
from luthier.store import Memory
from luthier.study import AskTell, StudyEditor, StudyReader

SPACE = {"x": lt.Float(0, 1, default=0.5)}


@dataclass(frozen=True)
class Vanished(lt.Random):
    """A method that only the process that made the study knows."""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a store with a study whose method is not registered any more."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(spec._REGISTERED, "Vanished", Vanished)
    with lt.Study("mine", SPACE, minimize="loss", seed=3, method=Vanished(), store="mine.db") as study:
        for _ in range(3):
            study.tell(study.ask(), 1.0)
        study.add({"x": 0.25}, {"loss": 0.5, "note": "n"})
    monkeypatch.delitem(spec._REGISTERED, "Vanished")
    return Path("mine.db")


def test_a_stored_study_is_read_without_its_method(path: Path) -> None:
    with pytest.raises(InvalidSetting, match="no method 'Vanished'"):
        lt.Study("mine", store=path)
    for where in (path, str(path), f"sqlite:///{path}"):
        with StudyReader.open(where, "mine") as reader:
            assert (reader.name, reader.seed, len(reader), bool(reader)) == ("mine", 3, 4, True)
            assert reader.best.number == 3 and reader.best_value == 0.5 and dict(reader.best_params) == {"x": 0.25}
            assert [trial.number for trial in reader.front] == [3]
            assert [trial.value for trial in reader.trials] == [1.0, 1.0, 1.0, 0.5]
            assert reader.trial(3).extra == {"note": "n"}
            assert reader.problem.objectives[0].name == "loss" and reader.space.names == ("x",)
            assert reader.method_spec == {"use": "Vanished"}
            assert dict(reader.counts) == {"done": 4} and reader.summary() == "4 trials: 4 done"
            assert isinstance(reader.events[0], Created) and len(reader.events) == reader.history.length
            assert reader.elapsed_s() >= 0.0
            assert "Study 'mine': minimize loss" in repr(reader) and "<h4>Study mine</h4>" in reader._repr_html_()
            assert list(reader.to_frame()["loss"]) == [row["loss"] for row in reader.rows()]


@pytest.mark.parametrize(
    "words",
    [
        ["best"],
        ["best", "--json"],
        ["show"],
        ["export"],
        ["export", "--format", "json"],
        ["doctor"],
        ["report", "-o", "-"],
    ],
)
def test_the_commands_that_read_need_no_method(path: Path, words: list[str]) -> None:
    before = path.read_bytes()
    assert execute([words[0], str(path), *words[1:]]) == 0
    assert path.read_bytes() == before


def test_the_commands_that_need_the_method_say_so(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["verify"], ["explain"], ["best", "--expected"]):
        assert execute([words[0], str(path), *words[1:]]) == 1
        assert "no method 'Vanished'" in capsys.readouterr().err
    assert execute(["enqueue", str(path), "x=0.75"]) == 0
    assert execute(["rm", str(path), "--yes"]) == 0


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for where in (tmp_path / "no.db", f"sqlite:///{tmp_path}/no.db"):
        with pytest.raises(StoreError):
            StudyReader.open(where, "mine")
        assert execute(["show", str(where)]) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_name_may_be_left_out_where_there_is_one_study() -> None:
    store = Memory()
    with pytest.raises(StudyNotFound, match="has no studies"):
        StudyReader.open(store)
    with pytest.raises(StudyNotFound, match="a"):
        StudyReader.open(store, "a")
    AskTell("a", SPACE, minimize="loss", store=store)
    assert StudyReader.open(store).name == "a"
    AskTell("b", SPACE, minimize="loss", store=store)
    with pytest.raises(StudyNotFound, match="2 studies; choose one of 'a', 'b'"):
        StudyReader.open(store)
    with pytest.raises(StudyNotFound, match="c"):
        StudyReader.open(store, "c")


def test_what_is_no_study_is_refused() -> None:
    store = Memory()
    store.append("odd", [Asked(0, {"x": 0.5}, 0)], 0)
    with pytest.raises(StudyMismatch, match="does not begin as a study"):
        StudyReader.open(store, "odd")


def test_a_reader_follows_the_study_and_holds_nothing() -> None:
    store = Memory()
    study = lt.Study("s", SPACE, minimize="loss", seed=1, method=lt.Random(), store=store)
    reader = StudyReader.open(store)
    assert reader.method_spec is None and not reader.leases and not reader.reports
    with pytest.raises(NoResult, match="no trial has ended yet"):
        _ = reader.best
    with pytest.raises(NoResult):
        reader.best_to_dict()
    trial = study.ask()
    trial.report(0.5)
    trial.report(0.25)
    assert {number: lease.token for number, lease in reader.leases.items()} == {0: trial.token}
    assert [(one.step, one.value) for one in reader.reports[0]] == [(0, 0.5), (1, 0.25)]
    reader.close()
    reader.close()
    assert study.tell(trial, 2.0).value == 2.0
    assert reader.best_value == 2.0 and not reader.leases  # the store was not the reader's to close


def test_why_the_best_is_the_best() -> None:
    study = lt.Study("s", SPACE, minimize="a", seed=1, method=lt.Random())
    study.add({"x": 0.5}, 1.0)
    assert study.reader.why_best(study.best) == ""
    study.add({"x": 0.25}, 3.5)
    study.add({"x": 0.75}, {"a": 0.5, "violations": {"c": 1.0}})
    assert study.reader.best_to_dict()["why"] == {"next": 1, "by": 2.5, "excluded": [2]}
    assert study.reader.why_best(study.best) == (
        "ahead of trial 1 by 2.5; 1 better trial breaks a constraint or left the space"
    )


def test_the_forms_of_a_study_are_json() -> None:
    study = lt.Study("s", SPACE, minimize="a", maximize="b", seed=1, method=lt.Random())
    study.add({"x": 0.5}, {"a": 1.0, "b": 2.0, "pair": (1, float("nan"))})
    study.add({"x": 0.25}, [2.0, 1.0])
    reader = study.reader
    values: dict[str, Any] = {"values": {"a": 1.0, "b": 2.0}, "params": {"x": 0.5}}
    why = {"best_in": ["a", "b"]}
    assert reader.best_to_dict() == [{"study": "s", "number": 0, "trials": 2, **values, "why": why}]
    assert [row["on_front"] for row in reader.rows()] == [True, False]
    document = json.loads(json.dumps(reader.to_dict(), allow_nan=False))
    assert document["leaders"] == [0]
    assert document["objectives"] == [{"name": "a", "maximize": False}, {"name": "b", "maximize": True}]
    assert document["trials"][0]["extra"] == {"pair": {"$tuple": [1, {"$float": "nan"}]}}
    begun = document["trials"][1].pop("begun")
    assert datetime.fromisoformat(begun) <= datetime.now(UTC)
    assert datetime.fromisoformat(document["trials"][1].pop("ended")) >= datetime.fromisoformat(begun)
    assert document["trials"][1] == {
        "number": 1,
        "state": "finished",
        "reason": "done",
        "values": {"a": 2.0, "b": 1.0},
        "params": {"x": 0.25},
        "violations": {},
        "duration_s": None,
        "origin": "imported",
        "error": "",
        "reports": [],
        "extra": {},
        "note": {},
        "attempts": 1,
        "worker": "",
    }


def test_an_editor_needs_no_method(path: Path) -> None:
    with lt.store.open_store(path) as store:
        editor = StudyEditor.open(store, "mine")
        editor.enqueue({})
        assert editor.add({"x": 0.125}, 0.25).number == 4
        with pytest.raises(InvalidConfig, match="x"):
            editor.enqueue({"x": 2})
        assert editor.reader.best_value == 0.25 and [dict(c) for _, c in editor.reader.history.queue] == [{"x": 0.5}]
        assert editor.learn_from(lt.Study("o", SPACE, minimize="loss").reader) == 0


def test_a_study_that_could_not_be_opened_again_is_not_made(tmp_path: Path) -> None:
    place = tmp_path / "a.db"
    with pytest.raises(InvalidSetting, match=r"Vanished could not be opened again, .* @luthier\.register"):
        lt.Study("mine", SPACE, minimize="loss", method=Vanished(), store=place)
    assert not place.exists()
