"""Laws 1, 2 and 7 for races over instances; and the incumbent, which is never worse on the cases that it had."""

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
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier as lt
from check_set import stride
from luthier.event import Reported, Told
from luthier.history import History
from luthier.stop import Rule
from luthier.store import Memory, Store
from luthier.testing.faults import Crash

SPACE = lt.Space({"x": lt.Float(0, 1), "n": lt.Int(1, 9)})
INSTANCES = lt.Instances(range(5), seeds=2)
RULES: list[Rule] = [lt.Intensify(), lt.Intensify(first_cases=2, p=0.3), lt.Intensify() | lt.Threshold(1.2), lt.ASHA()]


def _loss(trial: lt.RunningTrial) -> float:
    if trial["n"] == 9 and trial.instance == 3:
        raise ValueError("nine on three")
    noise = random.Random(f"{trial.seed} {trial['x']}").gauss(0.0, 0.2)
    return float(trial["x"]) + 0.1 * int(trial.instance) + noise


def _open(store: Store | Path, rule: Rule, **more: Any) -> lt.Study:
    settings: dict[str, Any] = {"method": lt.Random(), "seed": 3, "instances": INSTANCES, **more}
    return lt.Study("s", SPACE, minimize="y", store=store, stop=rule, **settings)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_race_killed_at_any_event_ends_like_one_that_was_not(rule: Rule) -> None:
    counting = DyingStore(Memory())
    expected = _open(counting, rule)
    expected.run(_loss, trials=12)
    assert expected.history.evaluations < 12 * 10
    for number in range(1, counting.appends + 1, stride(9)):
        store = Memory()
        for after in (False, True):  # dies twice: somewhere, and a little later
            dying = DyingStore(store)
            dying.fail(number if not after else 5, after=after)
            with suppress(Crash):
                study = _open(dying, rule)
                study.run(_loss, trials=12)
            study = None
            gc.collect()
        again = _open(store, rule)
        again.run(_loss, trials=12)
        assert outline(again) == outline(expected)
        assert again.history.evaluations == expected.history.evaluations  # no case was run twice
        assert again.best.number == expected.best.number
        verification = again.verify()
        assert verification.ok and verification.proved == 12


def _incumbents(history: History) -> list[tuple[int | None, int]]:
    """Give the incumbent after each event, and how many cases it had."""
    found = []
    for length in range(1, history.length + 1):
        then = history.upto(length)
        best = then.best
        found.append((best, 0 if best is None else len(then.loss_sums(best))))
    return found


@settings(max_examples=25, deadline=None)
@given(
    losses=st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=2, max_size=12),
    interleaved=st.integers(1, 4),
    p=st.sampled_from([None, 0.3]),
)
def test_an_elite_is_replaced_only_by_one_that_is_better_on_its_whole_set(
    losses: list[list[int]], interleaved: int, p: float | None
) -> None:
    """Ask and tell by several workers in turn, with losses that often tie."""
    study = _open(Memory(), lt.Intensify(p=p), instances=lt.Instances(range(6)))
    running: list[tuple[lt.study.ActiveTrial, Any]] = []
    while len(study) < len(losses) or running:
        while len(running) < interleaved and len(study) < len(losses):
            trial = study.ask()
            running.append((trial, trial.cases()))
        trial, cases = running.pop(0)
        case = next(cases, None)
        if case is None:
            study.tell(trial)
        else:
            trial.report(float(losses[trial.number % len(losses)][case.step - 1]))
            running.append((trial, cases))
    history = study.history
    before: tuple[int | None, int] = (None, 0)
    for now, (best, count) in enumerate(_incumbents(history), 1):
        had = before
        before = (best, count)
        if best == had[0] or had[0] is None:
            assert count >= had[1]
            continue
        assert best is not None and isinstance(history.event(now - 1), Reported)
        old, new = history.loss_sums(had[0]), history.upto(now).loss_sums(best)
        assert len(new) >= had[1] and new[had[1] - 1] < old[had[1] - 1]
    final = study.best
    assert not [trial for trial in study.trials if trial.is_done and trial.value < final.value and final.is_done]
    assert study.verify().ok


def _slowly(trial: lt.RunningTrial) -> float:
    """Leave the number of the process that evaluates."""
    (trial.folder / f"pid-{os.getpid()}").touch()
    time.sleep(0.01)
    return float(trial["x"]) + 0.1 * int(trial.instance)


@pytest.mark.slow
def test_four_workers_killed_at_random_lose_no_case(tmp_path: Path) -> None:
    file, draws, rule = tmp_path / "s.db", random.Random(5), lt.Intensify()
    for _ in range(3):
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
    assert verification.ok and verification.proved == 40 and verification.rulings > 20
    told = [event.number for event in history.events if isinstance(event, Told)]
    assert len(told) == len(set(told)) == history.finished
    cases = [(event.number, event.step) for event in history.events if isinstance(event, Reported)]
    assert len(cases) == len(set(cases)) == history.evaluations  # none is run twice whose value was reported
    assert study.best.params["x"] == min(trial.params["x"] for trial in study.trials)
