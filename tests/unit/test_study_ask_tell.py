"""Asking and telling: what is given out, what is taken, and what is refused."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

import luthier as lt
from luthier.errors import (
    InvalidConfig,
    InvalidResult,
    InvalidSetting,
    LeaseLost,
    NoResult,
    SpaceExhausted,
    StoreFull,
    TrialFinished,
    TrialNotFound,
)
from luthier.event import Asked, Configured, Freed, Reported
from luthier.store import Memory
from luthier.study import AskTell
from luthier.study.leases.lease_expiry import MAX_LOST
from luthier.testing.faults import FaultyStore
from luthier.trial import Outcome, Reason, State

SPACE = {"x": lt.Float(0, 1), "n": lt.Int(1, 9)}


def _study(**settings: Any) -> lt.Study:
    return lt.Study("s", SPACE, minimize="loss", seed=1, **({"method": lt.Random()} | settings))


def test_a_trial_is_asked_and_told() -> None:
    study = _study()
    trial = study.ask()
    assert trial.number == 0 and trial.attempt == 1
    assert 0 <= trial["x"] <= 1 and trial.params["n"] in range(1, 10)
    assert study.trials[0].state is State.RUNNING
    result = study.tell(trial, 0.25, duration_s=2.0)
    assert (result.value, result.reason, result.duration_s) == (0.25, Reason.DONE, 2.0)
    assert result["x"] == trial["x"] and result.is_done
    assert len(study) == 1 and study.best.number == 0 and study.best_value == 0.25
    assert dict(study.best_params) == dict(trial.params)


def test_several_trials_are_asked_at_once_and_verify() -> None:
    study = _study()
    trials = study.ask(4)
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert len({trial["x"] for trial in trials}) == 4
    for trial in trials:
        study.tell(trial, trial["x"])
    assert study.verify().proved == 4


def test_the_seed_of_a_trial_is_the_same_at_every_attempt() -> None:
    study = _study()
    first = study.ask()
    study.release(first, "give up")
    again = study.ask()
    assert (again.number, again.attempt, again.seed, again.params) == (0, 2, first.seed, first.params)
    assert study.ask().seed != first.seed
    with pytest.raises(LeaseLost, match="late result is refused"):
        study.tell(first, 1.0)
    assert study.tell(again, 1.0).value == 1.0


def test_waiting_trials_come_first_then_enqueued_ones_then_proposals() -> None:
    study = _study()
    lost = study.ask()
    study.enqueue({"x": 0.5, "n": 3})
    study.release(lost)
    trials = study.ask(4)
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert trials[0].attempt == 2
    assert dict(trials[1].params) == {"x": 0.5, "n": 3}
    assert [trial.trial.origin for trial in study.trials] == ["method", "enqueued", "method", "method"]


def test_values_can_be_asked_for() -> None:
    study = _study()
    trial = study.ask(params={"x": 0.1, "n": 2})
    assert dict(trial.params) == {"x": 0.1, "n": 2}
    assert study.trials[0].trial.origin == "user"
    with pytest.raises(InvalidConfig, match="x"):
        study.ask(params={"x": 2.0, "n": 2})
    assert len(study.ask(2, params={"x": 0.2, "n": 2})) == 2


def test_a_finite_space_ends_cleanly() -> None:
    study = lt.Study("s", {"n": lt.Int(1, 3)}, minimize="loss", seed=1, method=lt.Random())
    assert sorted(trial["n"] for trial in study.ask(10)) == [1, 2, 3]
    with pytest.raises(SpaceExhausted):
        study.ask()


@pytest.mark.parametrize("count", [0, -1])
def test_no_less_than_one_trial_can_be_asked_for(count: int) -> None:
    with pytest.raises(InvalidSetting, match="from 1 to"):
        _study().ask(count)


def test_a_trial_has_one_outcome() -> None:
    study = _study()
    trial = study.ask()
    study.tell(trial, 1.0)
    assert study.tell(trial, 1.0).value == 1.0  # said again, after an answer that was lost
    length = study.history.length
    with pytest.raises(TrialFinished, match="keeps that outcome"):
        study.tell(trial, 2.0)
    with pytest.raises(TrialFinished):
        study.tell(0, 2.0)
    with pytest.raises(TrialFinished, match="no more reports"):
        trial.report(0.5)
    assert study.history.length == length and study.best_value == 1.0


def test_a_failure_can_be_told_and_a_number_instead_of_a_trial() -> None:
    study = _study()
    study.ask(2)
    assert study.tell(0, failed="out of luck").error == "out of luck"
    assert study.trials[0].reason is Reason.FAILED
    assert study.tell(1, 3.0).value == 3.0
    with pytest.raises(TrialNotFound, match="no trial 2; the study has 2"):
        study.tell(2, 1.0)
    with pytest.raises(TrialNotFound):
        study.release(5)


@pytest.mark.parametrize("value", [None, "text", True, [1.0, 2.0], {"other": 1.0}, object()])
def test_what_is_no_result_is_refused_and_the_trial_goes_on(value: object) -> None:
    study = _study()
    trial = study.ask()
    with pytest.raises(InvalidResult):
        study.tell(trial, value)
    assert study.trials[0].state is State.RUNNING
    study.tell(trial, 1)


def test_reports_are_kept_and_counted_up() -> None:
    study = _study()
    trial = study.ask()
    trial.report(0.5)
    trial.report(0.4)
    study.report(trial, 0.3, step=7)
    study.report(0, 0.2)
    assert [(r.step, r.value) for r in study.trials[0].reports] == [(0, 0.5), (1, 0.4), (7, 0.3), (8, 0.2)]
    with pytest.raises(InvalidResult, match="a report of trial 0 is a number"):
        trial.report("good")  # type: ignore[arg-type]
    with pytest.raises(InvalidResult, match="count from 0"):
        trial.report(0.1, step=-1)


def test_reports_that_come_with_the_outcome_are_written_down_once() -> None:
    study = _study()
    trial = study.ask()
    trial.report(0.5)
    study.finish(trial, Outcome(Reason.DONE, {"loss": 1.0}), reports=((0, 0.5), (1, 0.25)))
    assert [event.value for event in study.history.events if isinstance(event, Reported)] == [0.5, 0.25]


def test_a_lease_with_a_time_expires_on_the_clock_of_the_store() -> None:
    now = [1000.0]
    store = Memory(clock=lambda: now[0])
    study = _study(store=store)
    late = study.ask(lease_s=10)
    assert study.ask().number == 1
    now[0] += 11
    again = study.ask()
    assert (again.number, again.attempt) == (0, 2)
    with pytest.raises(LeaseLost):
        study.tell(late, 1.0)
    with pytest.raises(InvalidSetting, match="more than 0"):
        study.ask(lease_s=0)


def test_a_report_shows_that_the_holder_of_a_timed_lease_lives() -> None:
    now = [1000.0]
    study = _study(store=Memory(clock=lambda: now[0]))
    trial = study.ask(lease_s=10)
    for _ in range(3):
        now[0] += 8
        trial.report(0.5)
        assert study.ask().number > 0


def test_a_study_that_is_closed_or_forgotten_gives_its_trials_back() -> None:
    store = Memory()
    closed, forgotten, alive = (_study(store=store) for _ in range(3))
    numbers = [study.ask().number for study in (closed, forgotten, alive)]
    closed.close()
    closed.close()
    del forgotten
    here = _study(store=store)
    assert [here.ask().number for _ in range(3)] == [numbers[0], numbers[1], 3]
    assert alive.tell(numbers[2], 1.0).value == 1.0


def test_the_heartbeat_renews_what_is_held_and_the_log_does_not_grow() -> None:
    study = AskTell("s", SPACE, minimize="loss", seed=1, method=lt.Random())
    trials = study.ask(2)
    study.tell(trials[0], 1.0)
    length = study.history.length
    study._heartbeat.beat()
    assert study.history.length == length
    ledger = study._log
    assert ledger.renewed(0, trials[0].token) is None
    assert ledger.renewed(1, trials[1].token) is not None
    study.tell(trials[1], 1.0)
    study._heartbeat.beat()
    assert study.history.length == length + 1


def test_a_worker_elsewhere_keeps_its_trial_as_long_as_it_renews_the_lease() -> None:
    now = [1000.0]
    store = Memory(clock=lambda: now[0])
    study = AskTell("s", SPACE, minimize="loss", seed=1, method=lt.Random(), store=store)
    log = study._log
    log.commit(lambda history: [Asked(0, {"x": 0.5, "n": 3}, history.length, owner="elsewhere/1/2/3", ttl_s=10.0)])
    token = log.history.length - 1
    for _ in range(3):
        now[0] += 8
        store.renew("s", 0, token)
        assert study.ask().number > 0
    store.renew("s", 0, token - 1)  # of some earlier holder
    now[0] += 11
    again = study.ask()
    assert (again.number, again.attempt) == (0, 2)
    (freed,) = [event for event in study.history.events if isinstance(event, Freed)]
    assert (freed.token, freed.reason, freed.ran_s) == (token, "lost", 24.0)


def test_a_trial_that_is_lost_too_often_says_how_long_its_last_worker_ran() -> None:
    now = [1000.0]
    store = Memory(clock=lambda: now[0])
    study = _study(store=store)
    for turn in range(MAX_LOST):
        trial = study.ask(lease_s=10)
        assert (trial.number, trial.attempt) == (0, turn + 1)
        now[0] += 5
        store.renew("s", 0, trial.token)
        now[0] += 11
    assert study.ask().number == 1
    outcome = study.trials[0].trial.outcome
    assert outcome is not None and (outcome.reason, outcome.duration_s) == (Reason.LOST, 5.0)
    assert f"worker {MAX_LOST} of this trial" in outcome.error


def test_reports_of_an_attempt_count_from_its_own_beginning() -> None:
    study = _study()
    first = study.ask()
    first.report(0.5)
    first.report(0.4)
    study.release(first)
    again = study.ask()
    again.report(0.45)
    study.finish(again, Outcome(Reason.DONE, {"loss": 1.0}), reports=((0, 0.45), (1, 0.35)))
    result = study.trials[0]
    assert [(r.attempt, r.step, r.value) for r in result.trial.reports] == [
        (1, 0, 0.5), (1, 1, 0.4), (2, 0, 0.45), (2, 1, 0.35)
    ]  # fmt: skip
    assert [(r.step, r.value) for r in result.reports] == [(0, 0.45), (1, 0.35)]


def test_the_method_is_written_down_once_and_again_when_it_changes() -> None:
    store = Memory()
    study = _study(store=store)
    study.ask(), study.ask()
    study.method = lt.Quasi("halton")
    study.ask(), study.ask()
    reopened = lt.Study("s", store=store)
    assert reopened.method == lt.Quasi("halton")
    reopened.ask()
    named = [event for event in study.history.events if isinstance(event, Configured)]
    assert [event.method["use"] for event in named] == ["Random", "Quasi"]
    assert study.verify().proved == 5


def test_an_error_of_a_method_gives_back_what_was_asked_for_with_it() -> None:
    class Broken:
        def suggest(self) -> None:
            """Propose nothing."""

    study = _study()
    trial = study.ask()
    study.release(trial)
    study.method = Broken()  # type: ignore[assignment]
    with pytest.raises(InvalidSetting, match="not a method"):
        study.ask(2)
    assert not study.history.running


def test_a_tell_that_the_store_refuses_can_be_told_again() -> None:
    store = FaultyStore(Memory())
    study = _study(store=store)
    trial = study.ask()
    store.fail_next(StoreFull("the disk is full"))
    with pytest.raises(StoreFull):
        study.tell(trial, 1.0)
    assert study.trials[0].state is State.RUNNING
    assert study.tell(trial, 1.0).value == 1.0


def test_several_objectives_have_a_front_and_no_best() -> None:
    study = lt.Study("s", SPACE, minimize="time", maximize="accuracy", seed=1, method=lt.Random())
    for time_s, accuracy in [(3, 0.9), (1, 0.5), (2, 0.4), (2, 0.8), (3, 0.9)]:
        study.tell(study.ask(), {"time": time_s, "accuracy": accuracy})
    assert [trial.number for trial in study.front] == [0, 1, 3]
    with pytest.raises(InvalidSetting, match=r"read study\.front"):
        _ = study.best
    assert "front: trial 0" in repr(study) and "maximize accuracy" in repr(study)
    study.tell(study.ask(), [5, 0.99])
    assert study.trials[5].values == {"time": 5.0, "accuracy": 0.99}


def test_the_best_trial_keeps_the_outcome_constraints() -> None:
    study = _study()
    with pytest.raises(NoResult, match="no trial has ended yet"):
        _ = study.best
    study.tell(study.ask(), {"loss": 1.0, "violations": {"memory": 0.5}})
    with pytest.raises(NoResult, match="outcome constraints"):
        _ = study.best
    study.tell(study.ask(), {"loss": 2.0, "violations": {"memory": -0.5}})
    study.tell(study.ask(), {"loss": 2.0, "violations": {"memory": 0.0}})
    assert study.best.number == 1
    data = study.history.data(study.problem)
    assert data.violations.tolist() == [[0.5], [-0.5], [0.0]] and data.loss.tolist() == [1.0, 2.0, 2.0]


def test_many_threads_may_ask_and_tell_at_once() -> None:
    study = _study()

    def work() -> None:
        for _ in range(20):
            trial = study.ask()
            time.sleep(0)
            study.tell(trial, trial["x"])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked = [event.number for event in study.history.events if isinstance(event, Asked)]
    assert asked == list(range(120)) and study.history.finished == 120
    assert study.best_value == min(trial.value for trial in study.trials)
    assert study.verify().ok
