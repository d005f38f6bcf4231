"""Laws 1, 2 and 7 for schedulers of several objectives: a run may die anywhere, and every ruling is made again."""

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
from luthier.event import Promoted, Reported, Resumed, Told
from luthier.stop import Rule
from luthier.store import Memory, Store
from luthier.testing.faults import Crash

SPACE = lt.Space({"x": lt.Float(0, 1), "n": lt.Int(1, 9)})
EPOCHS = lt.Fidelity("epochs", 1, 9)
RULES: list[Rule] = [lt.ASHA(), lt.Hyperband(), lt.SuccessiveHalving(), lt.OneStep(keep=2)]


def _in_steps(trial: lt.RunningTrial) -> dict[str, float]:
    values = {"loss": 9.0, "size": 9.0}
    for epoch in range(1, 10):
        values = {"size": float(trial["n"]) * (1.0 - trial["x"]), "loss": float(trial["x"]) + 1.0 / epoch}
        if trial["n"] == 9 and epoch == 2:
            raise ValueError("nine")
        trial.report(values, epoch)
        if trial.should_stop():
            break
    return values


def _at_once(trial: lt.RunningTrial) -> tuple[float, float]:
    assert trial.until is not None
    return float(trial["x"]) + 1.0 / trial.until, float(trial["n"]) * (1.0 - trial["x"])


def _open(store: Store | Path, rule: Rule, method: Any = None) -> lt.Study:
    goals = ["loss", "size"]
    method = lt.Random() if method is None else method
    return lt.Study("s", SPACE, minimize=goals, store=store, method=method, seed=3, fidelity=EPOCHS, stop=rule)


@pytest.mark.parametrize("objective", [_in_steps, pytest.param(_at_once, marks=pytest.mark.slow)])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_run_killed_at_any_event_ends_like_one_that_was_not(rule: Rule, objective: Any) -> None:
    counting = DyingStore(Memory())
    expected = _open(counting, rule)
    expected.run(objective, trials=14)
    assert any(isinstance(event, Reported) and event.others for event in expected.history.events)
    for number in range(1, counting.appends + 1, 7):
        store = Memory()
        for after in (False, True):  # dies twice: somewhere, and a little later
            dying = DyingStore(store)
            dying.fail(number if not after else 5, after=after)
            with suppress(Crash):
                study = _open(dying, rule)
                study.run(objective, trials=14)
            study = None
            gc.collect()
        again = _open(store, rule)
        again.run(objective, trials=14)
        assert outline(again) == outline(expected)
        verification = again.verify()
        assert verification.ok and verification.proved == 14
        told = [event.number for event in again.history.events if isinstance(event, Told)]
        assert len(told) == len(set(told)) == again.history.finished


@pytest.mark.parametrize("method", [lt.Auto(initial=4), lt.Bayes(lt.Parzen(), lt.EI(), initial=4)])
def test_what_rungs_teach_a_model_is_replayed(method: Any) -> None:
    study = _open(Memory(), lt.ASHA(), method)
    study.run(_in_steps, trials=14)
    verification = study.verify()
    assert verification.ok and verification.proved == 14 and verification.rulings > 3


def _slowly(trial: lt.RunningTrial) -> dict[str, float]:
    (trial.folder / f"pid-{os.getpid()}").touch()
    values = {"loss": 9.0, "size": 9.0}
    for epoch in range(1, (trial.until or 9) + 1):
        time.sleep(0.01)
        values = {"loss": float(trial["x"]) + 1.0 / epoch, "size": float(trial["n"]) * (1.0 - trial["x"])}
    return values


@pytest.mark.slow
@pytest.mark.parametrize("rule", [lt.ASHA(), lt.Hyperband()], ids=lambda rule: type(rule).__name__)
def test_four_workers_killed_at_random_lose_nothing(rule: Rule, tmp_path: Path) -> None:
    file, draws = tmp_path / "s.db", random.Random(repr(rule))
    for _ in range(3):
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                _open(file, rule).run(_slowly, trials=30, workers=4)
                os._exit(0)
            os._exit(1)
        time.sleep(draws.uniform(1.0, 2.5))
        for path in list(tmp_path.rglob("pid-*"))[:1]:
            with suppress(ProcessLookupError):
                os.kill(int(path.name[4:]), signal.SIGTERM)  # which Luthier takes for a lost worker
        time.sleep(0.2)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)
    study = _open(file, rule)
    study.run(_slowly, trials=30, workers=4)
    history = study.history
    assert len(history) == 30 and not history.running and not history.waiting
    verification = study.verify()
    assert verification.ok and verification.proved == 30 and verification.rulings > 5
    told = [event.number for event in history.events if isinstance(event, Told)]
    assert len(told) == len(set(told)) == history.finished
    assert {event.number for event in history.events if isinstance(event, Promoted | Resumed)}
    for trial in study.trials:
        for report in trial.reports:
            size = float(trial["n"]) * (1.0 - trial["x"])
            assert report.values == pytest.approx((trial["x"] + 1.0 / report.step, size))
