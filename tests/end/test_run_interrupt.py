"""Ctrl-C ends a run in good order, a second one or SIGTERM at once; either way it can be resumed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from awaiting import until

import luthier as lt
from luthier.event import Freed, Told
from luthier.trial import State

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

_PROGRAM = """
import sys, time
import luthier as lt
file, started, nap, workers, executor = sys.argv[1:6]
def objective(trial):
    open(started, "a").write("x")
    end = time.monotonic() + float(nap)
    while time.monotonic() < end:
        time.sleep(0.01)
    return trial["x"]
study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", store=file, seed=1)
try:
    study.run(objective, trials=50, workers=int(workers), executor=executor)
except lt.errors.Interrupted as error:
    assert isinstance(error, KeyboardInterrupt)
    print(error)
    study.close()
    sys.exit(130)
"""

KINDS = [("inline", 1), pytest.param("threads", 2, marks=pytest.mark.slow), ("processes", 2)]


def _start(folder: Path, nap_s: float, executor: str, workers: int) -> subprocess.Popen[str]:
    script, started = folder / "program.py", folder / "started"
    script.write_text(_PROGRAM)
    arguments = [str(folder / "s.db"), str(started), str(nap_s), str(workers), executor]
    process = subprocess.Popen(
        [sys.executable, str(script), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until(lambda: started.exists() and started.stat().st_size >= workers, "the first trials run")
    return process


def _reopened(folder: Path) -> lt.Study:
    return lt.Study("s", store=folder / "s.db")


@pytest.mark.parametrize(("executor", "workers"), KINDS)
def test_the_first_ctrl_c_waits_for_what_runs(folder: Path, executor: str, workers: int) -> None:
    process = _start(folder, 0.3, executor, workers)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "interrupted by SIG" in out and "the same call goes on" in out
    assert "waiting for those that run" in err
    with _reopened(folder) as study:
        assert 1 <= len(study) <= workers + 1
        assert all(trial.is_done for trial in study.trials)


@pytest.mark.parametrize(("executor", "workers"), KINDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_second_ctrl_c_or_sigterm_ends_what_runs_and_it_is_run_again(
    folder: Path, executor: str, workers: int, number: signal.Signals
) -> None:
    process = _start(folder, 60.0, executor, workers)
    if number == signal.SIGINT:
        process.send_signal(number)
        time.sleep(0.3)
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert f"interrupted by {number.name}" in out
    assert "ending the running trials" in err
    with _reopened(folder) as study:
        assert [trial.state for trial in study.trials] == [State.WAITING] * workers
        freed = [event for event in study.history.events if isinstance(event, Freed)]
        assert [event.reason for event in freed] == ["interrupted"] * workers
        before = [dict(trial.params) for trial in study.trials]
        study.run(lambda trial: trial["x"], trials=workers)
        assert [dict(trial.params) for trial in study.trials] == before
        assert all(trial.is_done and trial.trial.lease.attempt == 2 for trial in study.trials if trial.trial.lease)
        told = [event.number for event in study.history.events if isinstance(event, Told)]
        assert sorted(told) == list(range(workers))


def test_handlers_are_put_back_and_other_threads_take_no_signals() -> None:
    before = signal.getsignal(signal.SIGINT)
    inside: list[object] = []

    def objective(trial: lt.RunningTrial) -> float:
        inside.append(signal.getsignal(signal.SIGINT))
        return float(trial["x"])

    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", seed=1)
    study.run(objective, trials=1)
    assert inside[0] != before and signal.getsignal(signal.SIGINT) is before
    thread = threading.Thread(target=lambda: study.run(objective, trials=2))
    thread.start()
    thread.join()
    assert inside[1] is before and len(study) == 2


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        seen: list[object] = []
        study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", seed=1)
        study.run(lambda trial: seen.append(signal.getsignal(signal.SIGINT)) or trial["x"], trials=1)
        assert seen == [signal.SIG_IGN]
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_objective_that_raises_keyboardinterrupt_interrupts_the_run() -> None:
    def objective(trial: lt.RunningTrial) -> float:
        if trial.number == 2:
            raise KeyboardInterrupt
        return float(trial["x"])

    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", seed=1)
    with pytest.raises(lt.errors.Interrupted, match="after 2 trials"):
        study.run(objective, trials=5)
    assert [str(trial.state) for trial in study.trials] == ["finished", "finished", "waiting"]
    study.run(lambda trial: trial["x"], trials=5)
    assert study.history.finished == 5 and study.trials[2].trial.lease is not None
