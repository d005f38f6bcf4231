"""Law 1 where losses diverge: a trial that reports no finite number ends alike, killed before it returns or not."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

import pytest
from dying import DyingStore, outline

import luthier as lt
from check_set import stride
from luthier.stop import Rule
from luthier.store import Memory, Store
from luthier.testing.faults import Crash

SPACE = lt.Space({"x": lt.Float(0, 1), "n": lt.Int(1, 4)})
EPOCHS = lt.Fidelity("epochs", 1, 9)
RULES: list[Rule] = [
    lt.ASHA(),
    lt.Hyperband(),
    lt.SuccessiveHalving(),
    lt.OneStep(keep=2),
    lt.Threshold(1.7),
    lt.Median(trials=2) | lt.Patience(4),
    lt.ASHA() | lt.Threshold(1.7),
]


def _curve(trial: lt.RunningTrial) -> tuple[float, float]:
    """Train until told to stop; give the latest value, and the best one."""
    value = best = math.inf
    for epoch in range(1, 10):
        value = float(trial["x"]) + 1.0 / epoch
        if trial["n"] == 4 or (trial["n"] == 3 and epoch > 2):
            value = math.inf
        best = min(value, best)
        trial.report(value, epoch)
        if trial.should_stop():
            break
    return value, best


def latest(trial: lt.RunningTrial) -> float:
    """Return what was reported last."""
    return _curve(trial)[0]


def best(trial: lt.RunningTrial) -> float:
    """Return the best value so far, which may be finite where the latest is not."""
    return _curve(trial)[1]


def pruned(trial: lt.RunningTrial) -> float:
    """Raise where it is told to stop."""
    value, _ = _curve(trial)
    if trial.should_stop():
        raise lt.errors.TrialPruned
    return value


def nothing(trial: lt.RunningTrial) -> float | None:
    """Return nothing where it is told to stop."""
    value, _ = _curve(trial)
    return None if trial.should_stop() else value


Objective: TypeAlias = Callable[[lt.RunningTrial], float | None]
CASES: list[tuple[Rule, Objective]] = [
    *((rule, latest) for rule in RULES),
    *((rule, objective) for rule in (lt.ASHA(), lt.Threshold(1.7)) for objective in (best, pruned, nothing)),
]


def _run(store: Store, rule: Rule, objective: Objective) -> lt.Study:
    given: dict[str, Any] = {"method": lt.Random(), "seed": 3, "fidelity": EPOCHS, "stop": rule}
    study = lt.Study("s", SPACE, minimize="y", store=store, **given)
    study.run(objective, trials=10, give_up_after=None)
    return study


@pytest.mark.parametrize(("rule", "objective"), CASES)
def test_a_run_killed_at_any_event_ends_like_one_that_was_not(rule: Rule, objective: Objective) -> None:
    counting = DyingStore(Memory())
    expected = outline(_run(counting, rule, objective))
    assert any(reason == "nonfinite" for _, _, reason, *_ in expected)
    for number in range(1, counting.appends + 1, stride(1)):
        store = Memory()
        dying = DyingStore(store)
        dying.fail(number, after=True)
        with suppress(Crash):
            _run(dying, rule, objective)
        gc.collect()  # its leases end with it
        again = _run(store, rule, objective)
        assert outline(again) == expected, number
        assert again.verify().ok


def test_a_result_of_a_trial_that_has_diverged_may_be_told_twice() -> None:
    study = lt.Study("s", SPACE, minimize="y", method=lt.Random(), seed=3, stop=lt.Threshold(1.7))
    for result in (0.5, math.inf):
        trial = study.ask()
        trial.report(math.nan, 1)
        assert trial.should_stop()
        first, again = study.tell(trial, result), study.tell(trial, result)
        assert first.reason == again.reason == "nonfinite"
    assert study.trial(0).trial.outcome.extra == {"unfinished": {"y": 0.5}}
    with pytest.raises(lt.errors.TrialFinished):
        study.tell(0, 0.6)


def test_a_race_that_has_a_case_without_a_finite_number_ends_alike() -> None:
    def cost(trial: lt.RunningTrial) -> float:
        return math.inf if trial["n"] > 2 and trial.instance in "ab" else float(trial["x"])

    def run(store: Store) -> lt.Study:
        instances = lt.Instances(["a", "b", "c", "d"])
        study = lt.Study("s", SPACE, minimize="y", store=store, method=lt.Random(), seed=3, instances=instances)
        study.run(cost, trials=12, give_up_after=None)
        return study

    counting = DyingStore(Memory())
    expected = outline(run(counting))
    assert any(reason == "nonfinite" for _, _, reason, *_ in expected)
    for number in range(1, counting.appends + 1, stride(1)):
        store = Memory()
        dying = DyingStore(store)
        dying.fail(number, after=True)
        with suppress(Crash):
            run(dying)
        gc.collect()
        assert outline(run(store)) == expected, number
