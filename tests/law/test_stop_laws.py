"""Laws 1, 2 and 7 for rules and schedulers: a run may die at any event, and every ruling is made again."""

from __future__ import annotations

import gc
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from dying import DyingStore, outline

import luthier as lt
from check_set import stride
from luthier.event import Promoted, Resumed, Told
from luthier.stop import Rule
from luthier.store import Memory, Store
from luthier.testing.faults import Crash

SPACE = lt.Space({"x": lt.Float(0, 1), "n": lt.Int(1, 9)})
EPOCHS = lt.Fidelity("epochs", 1, 9)
RULES: list[Rule] = [
    lt.ASHA(),
    lt.Hyperband(),
    lt.SuccessiveHalving(),
    lt.OneStep(keep=2),
    lt.Median(trials=2) | lt.Patience(4),
    lt.ASHA() | lt.Threshold(1.7),
]


def _objective(trial: lt.RunningTrial) -> float:
    value = 9.0
    for epoch in range(1, 10):
        value = float(trial["x"]) + 1.0 / epoch - 0.01 * epoch * int(trial["n"])
        if trial["n"] == 9 and epoch == 2:
            raise ValueError("nine")
        trial.report(value, epoch)
        if trial.should_stop():
            return value
    return value


def _at_once(trial: lt.RunningTrial) -> float:
    assert trial.until is not None
    return float(trial["x"]) + 1.0 / trial.until


def _open(store: Store | Path, rule: Rule) -> lt.Study:
    method = lt.Random()
    return lt.Study("s", SPACE, minimize="y", store=store, method=method, seed=3, fidelity=EPOCHS, stop=rule)


@pytest.mark.parametrize("objective", [_objective, pytest.param(_at_once, marks=pytest.mark.slow)])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_run_killed_at_any_event_ends_like_one_that_was_not(rule: Rule, objective: Any) -> None:
    counting = DyingStore(Memory())
    expected = _open(counting, rule)
    expected.run(objective, trials=16)
    for number in range(1, counting.appends + 1, stride(2)):
        store = Memory()
        for after in (False, True):  # dies twice: somewhere, and a little later
            dying = DyingStore(store)
            dying.fail(number if not after else 5, after=after)
            with suppress(Crash):
                study = _open(dying, rule)
                study.run(objective, trials=16)
            study = None
            gc.collect()
        again = _open(store, rule)
        again.run(objective, trials=16)
        assert outline(again) == outline(expected)
        verification = again.verify()
        assert verification.ok and verification.proved == 16
        told = [event.number for event in again.history.events if isinstance(event, Told)]
        assert len(told) == len(set(told)) == again.history.finished


def _slowly(trial: lt.RunningTrial) -> float:
    """Train with checkpoints, and leave the number of the process that does."""
    weight = float(trial.resume_from.read_text()) if trial.resume_from else 0.0
    (trial.folder / f"pid-{os.getpid()}").touch()
    for epoch in range(trial.start + 1, 10):
        time.sleep(0.01)
        weight += float(trial["x"])
        saved = trial.folder / "weight.txt"
        saved.write_text(repr(weight))
        trial.checkpoint(saved, step=epoch)
        trial.report(float(trial["x"]) + 1.0 / epoch, epoch)
        if trial.should_stop():
            break
    return weight


@pytest.mark.slow
@pytest.mark.parametrize("rule", [lt.ASHA(), lt.Hyperband(), lt.Median(trials=3)], ids=lambda rule: type(rule).__name__)
def test_four_workers_killed_at_random_lose_nothing(rule: Rule, tmp_path: Path) -> None:
    file, draws = tmp_path / "s.db", random.Random(repr(rule))
    for _ in range(4):
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                _open(file, rule).run(_slowly, trials=40, workers=4)
                os._exit(0)
            os._exit(1)
        end = time.monotonic() + draws.uniform(1.0, 3.0)
        killed = 0
        while time.monotonic() < end and os.waitpid(child, os.WNOHANG) == (0, 0):
            time.sleep(0.2)
            workers = [int(path.name[4:]) for path in tmp_path.rglob("pid-*")]
            if workers and killed < 2:
                killed += 1
                with suppress(ProcessLookupError):
                    os.kill(draws.choice(workers), signal.SIGTERM)  # which Luthier takes for a lost worker
        else:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            if os.waitpid(child, 0)[1] == 0:
                break
    study = _open(file, rule)
    study.run(_slowly, trials=40, workers=4)
    history = study.history
    assert len(history) == 40 and not history.running and not history.waiting
    verification = study.verify()
    assert verification.ok and verification.proved == 40 and verification.rulings > 5
    told = [event.number for event in history.events if isinstance(event, Told)]
    assert len(told) == len(set(told)) == history.finished
    for trial in study.trials:
        if trial.is_done:  # whatever was killed on the way, it trained nine epochs in all
            assert trial.value == pytest.approx(9 * trial.params["x"])
    if not isinstance(rule, lt.Median):
        promoted = {event.number for event in history.events if isinstance(event, (Promoted, Resumed))}
        assert promoted and study.reader.counts["paused"] > 10
