"""Processes of `luthier worker` that share one study, some of which are killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from awaiting import until

import luthier as lt
from luthier.event import Asked, Told
from luthier.study import StudyReader

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals")]

_OBJECTIVE = """
import time

def loss(trial):
    time.sleep(0.05)
    return trial["x"] ** 2

def hang(trial):
    time.sleep(600)
"""


@pytest.fixture
def place(folder: Path) -> Path:
    (folder / "train.py").write_text(_OBJECTIVE)
    space = {"x": lt.Float(-1, 1)}
    lt.Study("s", space, minimize="loss", store=folder / "s.db", method=lt.Quasi("sobol"), seed=3).close()
    return folder


def worker(place: Path, *options: str, objective: str = "loss") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "luthier", "worker", "s.db", "s", "--objective", f"train:{objective}", *options]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def luthier(place: Path, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "luthier", *words, "s.db", "--json"],
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_four_share_one_budget_exactly_and_take_over_what_a_killed_one_ran(place: Path) -> None:
    workers = [worker(place, "--trials", "60") for _ in range(3)]
    victim = worker(place, "--trials", "60", objective="hang")
    with StudyReader.open(place / "s.db") as reader:
        until(lambda: len(reader.leases) == 4 and reader.history.finished > 5, "all four run a trial")
        victim.kill()
        victim.communicate()
        for one in workers:
            _, said = one.communicate(timeout=120)
            assert one.returncode == 0, said
        events = reader.events
        assert [event.number for event in events if isinstance(event, Asked)] == list(range(60))
        assert sorted(event.number for event in events if isinstance(event, Told)) == list(range(60))
        assert all(result.is_done for result in reader.trials)
        assert sum(result.attempts == 2 for result in reader.trials) == 1
    with lt.Study("s", store=place / "s.db") as study:
        assert study.verify().ok


def test_sigterm_gives_the_trial_back_and_another_worker_runs_it_first(place: Path) -> None:
    preempted = worker(place, "--trials", "5", objective="hang")
    with StudyReader.open(place / "s.db") as reader:
        until(lambda: bool(reader.leases), "a trial runs")
        assert luthier(place, "top")["workers"][0]["trials"][0]["number"] == 0
        preempted.send_signal(signal.SIGTERM)
        preempted.communicate(timeout=60)
        assert preempted.returncode == 130
        assert reader.history.waiting == (0,) and reader.trial(0).trial.lease.lost == 0  # type: ignore[union-attr]
        assert worker(place, "--trials", "5").wait(60) == 0
        ended = [event.number for event in reader.events if isinstance(event, Told)]
        assert ended == [0, 1, 2, 3, 4]


def test_orders_reach_all_of_them(place: Path) -> None:
    workers = [worker(place, "--trials", "10000") for _ in range(2)]
    with StudyReader.open(place / "s.db") as reader:
        until(lambda: reader.history.finished > 5 and len(reader.leases) == 2, "both run")
        assert luthier(place, "pause")["changed"]
        until(lambda: not reader.leases, "what runs has ended")
        count = len(reader)
        assert luthier(place, "top")["order"] == "pause"
        assert luthier(place, "resume")["changed"]
        until(lambda: len(reader) > count, "they go on")
        luthier(place, "stop")
        for one in workers:
            said, _ = one.communicate(timeout=60)
            assert one.returncode == 0 and "it was stopped" in said
        assert not reader.leases and not reader.history.waiting
        assert luthier(place, "reap")["taken_back"] == []
