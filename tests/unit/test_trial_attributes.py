"""Attributes and folders of trials while they run: seen at once, kept whatever happens, no business of a method."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.errors import InvalidResult, InvalidSetting, LeaseLost, TrialFinished
from luthier.event import Attributed
from luthier.store import Memory
from luthier.study import StudyReader

SPACE = {"x": lt.Float(-1, 1)}


def new(**settings: Any) -> lt.Study:
    return lt.Study("s", SPACE, minimize="loss", method=lt.Random(), seed=3, **settings)


def objective(trial: lt.RunningTrial) -> float:
    (trial.folder / "model.txt").write_text(str(trial["x"]))
    for epoch in range(2):
        trial.set({"best epoch": epoch}, device="cuda:1")
    if trial.number == 1:
        raise ValueError("bad luck")
    return float(trial["x"])


@pytest.mark.parametrize(
    "executor", ["inline", "threads", pytest.param("processes", marks=pytest.mark.slow), ThreadPoolExecutor(1)]
)
def test_every_executor_brings_attributes_and_folders(executor: Any, tmp_path: Path) -> None:
    with new(store=tmp_path / "s.db") as study:
        study.run(objective, trials=3, workers=1, executor=executor)
        assert study.verify().ok
        for trial in study.trials:
            assert trial.attributes == {"best epoch": 1, "device": "cuda:1"}
            folder = study.folder(trial)
            assert folder == tmp_path / "s.db.trials" / "s-1" / f"0000{trial.number}"
            assert folder == study.folder(trial.number) and (folder / "model.txt").read_text() == str(trial["x"])
    with StudyReader.open(tmp_path / "s.db") as reader:
        row = reader.rows()[1]
        assert (row["best epoch"], row["device"], row["reason"]) == (1, "cuda:1", "failed")
        assert reader.to_dict()["trials"][0]["attributes"]["device"] == "cuda:1"


def test_they_are_seen_while_the_trial_runs_and_once_each() -> None:
    store = Memory()
    with new(store=store) as study:
        seen: list[Mapping[str, Any]] = []

        def slow(trial: lt.RunningTrial) -> float:
            trial.set(epoch=1)
            trial.set(epoch=1)
            seen.append(StudyReader.open(store).trial(trial.number).attributes)
            return 1.0

        study.run(slow, trials=1)
        assert seen == [{"epoch": 1}]
        assert sum(isinstance(event, Attributed) for event in study.reader.events) == 1


def test_a_method_does_not_see_them() -> None:
    proposals = []
    for noted in (False, True):
        with lt.Study("s", SPACE, minimize="loss", seed=3, method=lt.Bayes(lt.Parzen(), lt.EI(), initial=4)) as study:

            def f(trial: lt.RunningTrial, noted: bool = noted) -> float:
                if noted:
                    trial.set(time=time.time())
                return float(trial["x"]) ** 2

            study.run(f, trials=9)
            assert study.verify().ok
            proposals.append([t.config for t in study.trials])
    assert proposals[0] == proposals[1]


def test_ask_and_tell_may_set_them_until_the_trial_ends() -> None:
    study = new()
    trial = study.ask()
    trial.set(node="a1", shape=(2, 3))
    study.set(trial.number, {"a b": float("nan")})
    result = study.tell(trial, 1.0)
    assert result.attributes["shape"] == (2, 3) and result.attributes["a b"] != result.attributes["a b"]
    with pytest.raises(TrialFinished):
        trial.set(node="a2")
    lost = study.ask()
    study.release(lost)
    again = study.ask()
    with pytest.raises(LeaseLost):
        lost.set(node="a2")
    again.set(node="a3")
    study.release(again)
    assert study.trial(again.number).attributes == {"node": "a3"}


@pytest.mark.parametrize("wrong", [{"a": object()}, {1: 2}, {"": 1}, {"a": "\ud800"}, 5, [("a", 1)]])
def test_what_cannot_be_stored_is_refused_where_it_is_set(wrong: Any) -> None:
    study = new()
    trial = study.ask()
    for refuse in (trial.set, lambda values: study.set(trial, values)):
        with pytest.raises(InvalidResult):
            refuse(wrong)
    study.release(trial)
    study.run(lambda running: running.set(wrong) or 1.0, trials=1)
    assert study.trial(0).error.startswith("luthier.errors.InvalidResult") and not study.trial(0).attributes


def test_a_copy_in_another_process_says_where_to_call() -> None:
    import pickle

    with pytest.raises(InvalidSetting, match=r"study\.set"):
        pickle.loads(pickle.dumps(new().ask())).set(a=1)


def test_a_study_in_memory_has_folders_for_its_run() -> None:
    study, places = new(), []

    def write(trial: lt.RunningTrial) -> float:
        assert trial.folder.is_dir()
        places.append(trial.folder)
        return 1.0

    study.run(write, trials=2)
    assert len(set(places)) == 2 and not any(place.exists() for place in places)
    with pytest.raises(InvalidSetting, match="no folders that are kept"):
        study.folder(0)


def test_folders_have_names_that_any_file_system_takes_and_are_not_taken_over(tmp_path: Path) -> None:
    with lt.Study("a/../b c:é", SPACE, minimize="loss", store=tmp_path / "s.db") as study:
        folder = study.folder(7)
        assert folder.parts[-3:] == ("s.db.trials", "a-..-b-c-1", "00007")
        study.reader.store.delete(study.name)
    with lt.Study("a/../b c:é", SPACE, minimize="loss", store=tmp_path / "s.db") as anew:
        assert anew.folder(7) != folder


KILLED = """
import os, luthier as lt
def f(trial):
    trial.set(epoch=trial.attempt)
    (trial.folder / "checkpoint").write_text("here")
    open("ready", "w").close()
    import time; time.sleep(60)
lt.Study("s", {"x": lt.Float(-1, 1)}, minimize="loss", seed=3, store="s.db").run(f, trials=1, executor=EXECUTOR)
"""


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_what_was_set_survives_kill_9(executor: str, tmp_path: Path) -> None:
    """Attributes of a killed attempt are there, and the next attempt finds the files of the first one."""
    process = subprocess.Popen([sys.executable, "-c", KILLED.replace("EXECUTOR", repr(executor))], cwd=tmp_path)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if (tmp_path / "ready").exists():
            with StudyReader.open(tmp_path / "s.db") as reader:
                if reader.trial(0).attributes:
                    break
        time.sleep(0.05)
    process.kill()
    process.wait()
    with lt.Study("s", store=tmp_path / "s.db") as study:
        assert study.trial(0).attributes == {"epoch": 1}

        def second(trial: lt.RunningTrial) -> float:
            assert (trial.folder / "checkpoint").read_text() == "here"
            trial.set(epoch=trial.attempt)
            return 1.0

        study.run(second, trials=1)
        assert study.trial(0).attributes == {"epoch": 2} and study.trial(0).is_done
