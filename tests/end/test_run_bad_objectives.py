"""Whatever an objective does, it costs its own trial, and the log says what happened."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import pytest

import luthier as lt
from luthier.errors import RemoteError, TrialFailed
from luthier.trial import Reason

SPACE = {"x": lt.Float(0, 1)}


def _run(objective: Callable[[lt.RunningTrial], object], **settings: object) -> lt.study.TrialResult:
    """Run one bad trial after a good one, and one after it."""

    def mixed(trial: lt.RunningTrial) -> object:
        return objective(trial) if trial.number == 1 else trial["x"]

    study = lt.Study("s", SPACE, minimize="loss", seed=1)
    study.run(mixed, trials=3, **settings)  # type: ignore[arg-type]
    trials = study.trials
    assert trials[0].is_done and trials[2].is_done and len(trials) == 3
    assert study.best.number in (0, 2)
    return trials[1]


def _raise(trial: lt.RunningTrial) -> object:
    raise ValueError(f"x is {trial['x']}, and that is wrong")


@pytest.mark.parametrize(
    ("objective", "reason", "says"),
    [
        (_raise, Reason.FAILED, "ValueError: x is 0."),
        (lambda trial: None, Reason.FAILED, "returned None for 'loss': does it lack a return statement?"),
        (lambda trial: "good", Reason.FAILED, "returned 'good' for 'loss': return a number (a str is not one)"),
        (lambda trial: True, Reason.FAILED, "returned True for 'loss': return a number (a bool is not one)"),
        (lambda trial: {"gain": 1.0}, Reason.FAILED, "lacks the objective 'loss'"),
        (lambda trial: object(), Reason.FAILED, "cannot be stored"),
        (lambda trial: [1.0, 2.0], Reason.FAILED, "return a number (a list is not one)"),
        (lambda trial: float("nan"), Reason.NONFINITE, "returned loss = nan"),
        (lambda trial: float("-inf"), Reason.NONFINITE, "returned loss = -inf"),
        (lambda trial: sys.exit(2), Reason.FAILED, "SystemExit: 2"),
    ],
)
def test_a_bad_result_fails_its_trial_with_a_message(
    objective: Callable[[lt.RunningTrial], object], reason: Reason, says: str
) -> None:
    trial = _run(objective)
    assert trial.reason is reason
    assert says in trial.error
    assert trial.duration_s is not None


def test_a_trial_that_hangs_is_ended_at_its_time_limit() -> None:
    trial = _run(lambda trial: time.sleep(100), trial_time_s=0.3)
    assert trial.reason is Reason.TIMEOUT and "longer than its limit of 0.3 s" in trial.error


@pytest.mark.skipif(sys.platform == "win32", reason="no memory limit on Windows")
def test_a_trial_that_eats_memory_is_ended_at_its_memory_limit() -> None:
    def eat(trial: lt.RunningTrial) -> object:
        kept = []
        while True:
            kept.append(bytearray(20_000_000))
            time.sleep(0.005)

    trial = _run(eat, trial_memory_mb=400)
    assert trial.reason is Reason.MEMORY and "more than its limit of 400 MB" in trial.error


def test_a_trial_that_kills_its_process_costs_only_itself() -> None:
    trial = _run(lambda trial: os._exit(3), workers=2)
    assert trial.reason is Reason.FAILED and "exit code 3" in trial.error
    trial = _run(lambda trial: os.abort(), executor="processes")
    assert trial.reason is Reason.FAILED and "SIGABRT" in trial.error


def test_an_objective_that_always_fails_in_the_same_way_ends_the_run() -> None:
    study = lt.Study("s", SPACE, minimize="loss", seed=1)
    with pytest.raises(
        TrialFailed, match=r"10 trials of this run in a row .* the objective\s+seems to be broken(.|\n)*ValueError"
    ):
        study.run(_raise, trials=100)
    assert len(study) == 10
    with pytest.raises(TrialFailed, match="3 trials of this run in a row"):
        study.run(_raise, trials=100, give_up_after=3)
    assert len(study) == 13
    study.run(_raise, trials=30, give_up_after=None)
    assert len(study) == 30 and study.history.finished == 30


def test_a_failing_trial_ends_the_run_where_that_is_asked_for() -> None:
    study = lt.Study("s", SPACE, minimize="loss", seed=1)
    with pytest.raises(TrialFailed, match=r"trial 0 with .*ValueError"):
        study.run(_raise, trials=5, on_error="raise")
    assert len(study) == 1 and study.trials[0].reason is Reason.FAILED


@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_the_failure_of_a_run_has_its_cause(executor: str) -> None:
    """The exception itself, or from another process the text of it, with the place where it was raised."""
    study = lt.Study("s", SPACE, minimize="loss", seed=1)
    with pytest.raises(TrialFailed) as failed:
        study.run(_raise, trials=5, on_error="raise", executor=executor)
    cause = failed.value.__cause__
    if executor == "processes":
        assert isinstance(cause, RemoteError) and "Traceback" in str(cause) and "in _raise" in str(cause)
    assert isinstance(cause, RemoteError if executor == "processes" else ValueError)


def test_a_pruned_trial_is_no_failure() -> None:
    def prune(trial: lt.RunningTrial) -> object:
        trial.report(0.5)
        raise lt.errors.TrialPruned("not worth it")

    study = lt.Study("s", SPACE, minimize="loss", seed=1)
    study.run(prune, trials=12)
    assert {str(trial.reason) for trial in study.trials} == {"pruned"}
    assert study.trials[0].reports[0].value == 0.5
