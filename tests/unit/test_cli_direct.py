"""The commands that give orders to those who run a study, and that show who they are."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import luthier as lt
from luthier.cli.program import program
from luthier.run import SilentReporter
from luthier.study import Order, StudyReader


@pytest.fixture
def store(tmp_path: Path) -> str:
    path = tmp_path / "s.db"
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=path, method=lt.Random(), seed=1) as study:
        study.run(lambda trial: trial["x"], trials=3)
    return str(path)


def call(*words: str) -> Result:
    return CliRunner().invoke(program, list(words))


def form(*words: str) -> Any:
    done = call(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_orders_are_given_and_said(store: str) -> None:
    assert call("pause", store).stdout == "s: paused: no new trials, until: luthier resume\n"
    assert call("pause", store).stdout == "s: is paused already\n"
    assert form("pause", store) == {"study": "s", "order": "pause", "changed": False, "running": 0}
    assert call("resume", store).stdout == "s: goes on\n"
    assert "nothing is paused" in call("resume", store).stdout
    assert "stopping" in call("stop", store).stdout and "cancelling" in call("cancel", store).stdout
    with StudyReader.open(store) as reader:
        given = reader.history.remarks.direction
        assert given is not None and given[1].order == Order.CANCEL


def test_a_pause_says_what_it_waits_for(store: str) -> None:
    with lt.Study("s", store=store) as study:
        first, second = study.ask(2)
        said = call("pause", store).stdout
        assert said.startswith(
            "s: paused: no new trials, until: luthier resume; the 2 trials that run go on to their end"
        )
        study.tell(first, 0.5)
        assert "; the trial that runs goes on to its end, which luthier top shows" in call("pause", store).stdout
        shown = call("top", store).stdout
        assert (
            "PAUSED: nothing is begun before luthier resume; busy until 1 running has ended, and then nothing" in shown
        )
        study.tell(second, 0.5)
        assert "PAUSED: nothing is begun before luthier resume\n" in call("top", store).stdout


def test_a_busy_worker_shows_at_once_that_it_is_paused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, seen = tmp_path / "busy.db", threading.Event()

    def notice(reporter: SilentReporter, text: str) -> None:
        notices.append(text)
        seen.set()

    def waits(trial: lt.RunningTrial) -> float:
        if trial.number == 0:
            call("pause", str(store))
        assert seen.wait(60)  # it is noticed while both workers are busy
        return float(trial["x"])

    notices: list[str] = []
    monkeypatch.setattr(SilentReporter, "notice", notice)
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=store, method=lt.Random(), seed=1) as study:
        resuming = threading.Thread(target=lambda: (seen.wait(60), call("resume", str(store))))
        resuming.start()
        study.run(waits, trials=3, workers=2, executor="threads", progress=SilentReporter())
        resuming.join()
    assert notices[0].startswith("paused: no new trials, until `luthier resume`; 2 here still to end")
    assert notices[1] == "going on"


def test_top_shows_who_runs_what(store: str) -> None:
    assert "s: 3 of 3 trials begun, 0 running" in call("top", store).stdout
    with lt.Study("s", store=store) as study:
        trial = study.ask()
        study.enqueue({"x": 0.5})
        shown = call("top", store).stdout
        assert "4 of 3 trials begun, 1 running, 1 enqueued" in shown
        assert f"trial {trial.number}: for " in shown
        (worker,) = [worker for worker in form("top", store)["workers"] if worker["trials"]]
        assert worker["alive"] is True and worker["trials"][0]["number"] == 3
        assert call("reap", store).stdout == "s: no trial is held by a process that is gone\n"
        study._asking._owner.retire()
        assert "GONE" in call("top", store).stdout
        assert call("reap", store).stdout == "s: trial 3 will be run again\n"
        assert "1 waiting to be run again" in call("top", store).stdout
        assert form("reap", store) == {"study": "s", "taken_back": []}
    assert form("top", store)["ended"]["3600 s"] == 3


def test_a_worker_says_what_it_lacks(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "say what is run" in call("worker", store).output
    assert 'write "module:function"' in call("worker", store, "--objective", "train").output
    missing = call("worker", store, "--objective", "nowhere_at_all:f")
    assert missing.exit_code != 0 and "there is no module 'nowhere_at_all'" in str(missing.exception)
    (tmp_path / "train_once.py").write_text("def loss(trial):\n    return trial['x']\n")
    other = call("worker", store, "other", "--objective", "train_once:loss")
    assert "has no study 'other'" in str(other.exception)


def test_a_worker_runs_the_trials_that_are_left(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train_twice.py").write_text("def loss(trial):\n    return trial['x']\n")
    done = call("worker", store, "--objective", "train_twice:loss", "--trials", "5", "--executor", "threads")
    assert done.exit_code == 0 and done.stdout.startswith("s: 5 trials: 5 done; all wanted trials are done")
    assert call("worker", store, "s", "--objective", "train_twice:loss", "-q").stdout == ""  # as many as it is to have
