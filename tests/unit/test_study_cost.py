"""Costs of trials: declared, checked, stored, added up, and the budget of a run in them."""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.errors import InvalidResult, InvalidSetting, StudyMismatch
from luthier.event import Attributed
from luthier.history import outcome_cost
from luthier.history.spending import Spending
from luthier.run import Budget, End
from luthier.store import Memory
from luthier.trial import Outcome, Reason

SPACE = {"x": lt.Float(0, 1)}


def study(**settings: Any) -> lt.Study:
    given: dict[str, Any] = {"minimize": "loss", "cost": "dollars", "method": lt.Random(), "seed": 0}
    return lt.Study("priced", SPACE, **(given | settings))


def priced(trial: lt.RunningTrial) -> dict[str, float]:
    return {"loss": trial["x"], "dollars": 1.0}


# --- what a trial costs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["", "  ", 3, True, ["dollars"]])
def test_what_is_no_name_of_a_cost_is_refused_before_anything_is_written(given: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="cost"):
        study(cost=given, store=tmp_path / "study.db")
    assert not (tmp_path / "study.db").exists()


def test_the_cost_is_part_of_the_stored_study(tmp_path: Path) -> None:
    store = tmp_path / "study.db"
    with study(store=store) as first:
        first.run(priced, trials=3)
    with lt.Study("priced", store=store) as again:
        assert again.problem.cost == "dollars" and again.spent == 3.0
    with pytest.raises(StudyMismatch, match="cost='dollars', not 'tokens'"):
        study(store=store, cost="tokens")
    with lt.Study("free", SPACE, minimize="loss", store=store) as free:
        assert free.problem.cost is None
    with pytest.raises(StudyMismatch, match="no cost of its own"):
        lt.Study("free", SPACE, minimize="loss", store=store, cost="dollars")


def test_a_study_with_instances_has_its_cost_in_seconds() -> None:
    with pytest.raises(InvalidSetting, match="'seconds'"):
        study(instances=lt.Instances(["a", "b"]))
    raced = study(instances=lt.Instances(["a", "b"]), cost="seconds")
    raced.run(lambda trial: trial["x"], trials=3)
    assert raced.spent > 0


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (0.5, "lacks 'dollars'"),
        ({"loss": 0.5}, "lacks 'dollars'"),
        ({"loss": 0.5, "dollars": -1}, "returned -1"),
        ({"loss": 0.5, "dollars": math.nan}, "returned nan"),
        ({"loss": 0.5, "dollars": math.inf}, "returned inf"),
        ({"loss": 0.5, "dollars": "3"}, "0 or more"),
    ],
)
def test_a_result_without_a_sensible_cost_is_refused_and_the_trial_stays(result: Any, said: str) -> None:
    asked = study()
    trial = asked.ask()
    with pytest.raises(InvalidResult, match=said):
        asked.tell(trial, result)
    assert asked.tell(trial, {"loss": 0.5, "dollars": 2}).is_done and asked.spent == 2.0


def test_in_a_run_it_fails_the_trial_and_nothing_is_lost() -> None:
    run = study()
    run.run(lambda trial: {"loss": 0.25, "dollars": -1.0 if trial.number else 2.0}, trials=2)
    first, second = run.trials
    assert first.is_done and second.reason is Reason.FAILED
    assert "cost of a trial is a finite number" in second.error
    assert second.extra == {"loss": 0.25, "dollars": -1.0} and run.spent == 2.0


@pytest.mark.parametrize("cost", [-1, math.nan, math.inf, "3", True, [1.0]])
def test_a_noted_cost_that_is_none_is_refused_where_it_is_noted(cost: Any) -> None:
    asked = study()
    trial = asked.ask()
    length = asked.history.length
    for note in (trial.set, lambda **values: asked.set(trial, **values)):
        with pytest.raises(InvalidResult, match=r"set\(dollars=.* 0 or more"):
            note(dollars=cost)
    with pytest.raises(InvalidResult, match="dollars"):
        asked.finish(trial, Outcome(Reason.FAILED), attributes={"dollars": cost})
    assert asked.history.length == length
    trial.set(dollars=2.5, other=cost)  # another name may have any value
    trial.set(dollars=None)
    asked.tell(trial, failed="no")


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_in_a_run_a_noted_negative_cost_fails_its_trial(executor: str) -> None:
    def failing(trial: lt.RunningTrial) -> dict[str, float]:
        trial.set(dollars=1.5)
        trial.set(dollars=-2)
        return {"loss": 1.0, "dollars": 1.0}

    run = study()
    run.run(failing, trials=2, executor=executor)
    assert [trial.reason for trial in run.trials] == [Reason.FAILED] * 2
    assert "set(dollars=-2)" in run.trials[0].error and run.spent == 3.0


def test_an_unknown_cost_is_none_and_counts_for_nothing() -> None:
    asked = study()
    asked.tell(asked.ask(), {"loss": 0.5, "dollars": None})
    assert asked.best_value == 0.5 and asked.spent == 0.0
    assert np.isnan(asked.history.data(asked.problem).costs).all()


def test_what_is_paid_counts_whatever_becomes_of_the_trial() -> None:
    asked = study()
    failing = asked.ask()
    asked.set(failing, dollars=3.0)
    asked.tell(failing, failed="out of luck")
    assert asked.spent == 3.0
    broken = asked.ask()
    asked.tell(broken, {"loss": math.nan, "dollars": 0.5})
    assert broken.number == 1 and asked.spent == 3.5
    lost = asked.ask()
    asked.set(lost, dollars=1.0)
    asked.release(lost)
    again = asked.ask()
    assert again.number == lost.number and asked.spent == 4.5
    asked.tell(again, {"loss": 0.1, "dollars": 2.0})
    asked.forget([again.number])
    assert asked.spent == 6.5
    asked.add({"x": 0.5}, 0.1)  # known from elsewhere: it costs nothing, and needs no cost
    asked.add({"x": 0.6}, {"loss": 0.1, "dollars": 50})
    assert asked.spent == 6.5
    with pytest.raises(InvalidResult, match="0 or more"):
        asked.add({"x": 0.7}, {"loss": 0.1, "dollars": -50})


def test_seconds_are_the_duration_unless_the_objective_returns_them() -> None:
    timed = study(cost="seconds")
    timed.tell(timed.ask(), 0.5, duration_s=7.0)
    timed.tell(timed.ask(), {"loss": 0.4, "seconds": 2.0}, duration_s=7.0)
    assert timed.spent == 9.0
    assert timed.history.data(timed.problem).costs.tolist() == [7.0, 2.0]
    assert outcome_cost(None, Outcome(Reason.DONE, {"a": 1.0}, duration_s=3.0, extra={"seconds": 1.0})) == 3.0


def test_an_objective_may_be_the_cost() -> None:
    both = study(minimize=["loss", "dollars"])
    both.tell(both.ask(), [0.5, 4.0])
    assert both.spent == 4.0


def test_paused_runs_are_paid_too() -> None:
    rungs = study(fidelity=lt.Fidelity("epochs", 1, 9), stop=lt.SuccessiveHalving())

    def train(trial: lt.RunningTrial) -> dict[str, float]:
        return {"loss": trial["x"], "dollars": float(trial.until or 9)}

    rungs.run(train, trials=9)
    paid = sum(event.cost for event in rungs.history.events if type(event).__name__ == "Freed")
    told = sum(trial.extra["dollars"] for trial in rungs.trials if trial.is_done)
    assert paid > 0 and rungs.spent == paid + told


def test_spending_is_a_fold_and_copies_are_independent() -> None:
    spending = Spending("dollars")
    spending.note(0, {"dollars": 2.0, "epoch": 3})
    twin = spending.copy()
    spending.freed(0, 100.0, None)
    twin.freed(0, 100.0, 5.0)
    assert (spending.total, twin.total) == (2.0, 5.0)
    twin.told(1, Outcome(Reason.FAILED))
    assert (twin.runs, twin.mean) == (1, 5.0)


# --- a budget ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", [0, -1.0, math.nan, math.inf, "3"])
def test_a_budget_that_makes_no_sense_is_refused(cost: Any) -> None:
    with pytest.raises(InvalidSetting, match="cost="):
        Budget(cost=cost)


def test_a_run_ends_when_its_budget_is_spent_and_goes_on_with_a_larger_one() -> None:
    run = study()
    assert run.run(priced, cost=5.0) is End.COST
    assert (len(run), run.spent) == (5, 5.0)
    assert run.run(priced, cost=5.0) is End.COST and len(run) == 5
    assert run.run(priced, cost=8.0, trials=100) is End.COST and len(run) == 8
    assert run.run(priced, cost=100.0, trials=9) is End.TRIALS
    assert run.problem.cost_budget == 100.0 and run.verify().ok


def test_without_a_declared_cost_it_is_in_seconds_of_trials() -> None:
    plain = lt.Study("plain", SPACE, minimize="loss", method=lt.Random(), seed=0)
    plain.tell(plain.ask(), 0.5, duration_s=60.0)
    assert plain.run(lambda trial: trial["x"], cost=30.0) is End.COST and len(plain) == 1


def test_running_trials_are_counted_at_what_trials_cost() -> None:
    asked = study()
    asked.tell(asked.ask(), {"loss": 0.5, "dollars": 4})
    running = [asked.ask(), asked.ask()]
    assert (asked.spent, asked.history.committed) == (4.0, 12.0)
    assert asked.take(None, 12.0) is None
    asked.tell(running[0], {"loss": 0.5, "dollars": 1})
    assert asked.history.committed == 7.5 and asked.take(None, 12.0) is not None


def test_the_budget_is_exact_over_runs_at_the_same_time() -> None:
    store, barrier = Memory(), threading.Barrier(4)

    def work() -> None:
        worker = study(store=store)
        barrier.wait()
        worker.run(priced, cost=40.0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = study(store=store).history
    assert history.finished == len(history)
    # The first trials, of which nobody knows yet what they cost, may be one for each run; then all is counted.
    assert 40.0 <= history.spent <= 43.0


def test_trials_that_wait_to_be_run_again_wait_for_a_larger_budget() -> None:
    asked = study()
    asked.tell(asked.ask(), {"loss": 0.5, "dollars": 4})
    asked.release(asked.ask())
    assert asked.run(priced, cost=4.0) is End.COST and asked.history.waiting
    assert asked.run(priced, cost=5.0) is End.COST and not asked.history.waiting


# --- improvement per cost ------------------------------------------------------------------------------


def dear(trial: lt.RunningTrial) -> dict[str, float]:
    """Two optima that are equally good, of which one costs a hundred times as much."""
    x = trial["x"]
    return {"loss": min(abs(x - 0.15), abs(x - 0.85)), "dollars": 10.0 ** (3 * x) / 10}


@pytest.mark.parametrize(
    "method",
    [lt.Auto(), lt.Bayes(), lt.Bayes(acquisition=lt.UCB(2.0)), lt.Bayes(acquisition=lt.Hedge((lt.EI(), lt.PI())))],
)
def test_methods_look_where_trials_are_cheap(method: Any) -> None:
    run = study(method=method)
    run.run(dear, trials=14)
    later = [trial["x"] for trial in run.trials[6:]]
    assert sum(x < 0.5 for x in later) > len(later) / 2
    assert run.verify().ok


def test_a_method_may_leave_the_cost_aside() -> None:
    minded, aside = study(method=lt.Bayes()), study(method=lt.Bayes(per_cost=False))
    plain = lt.Study("priced", SPACE, minimize="loss", method=lt.Bayes(), seed=0)
    for one in (minded, aside, plain):
        one.run(dear, trials=10)
    assert [trial.params for trial in aside.trials] == [trial.params for trial in plain.trials]
    assert [trial.params for trial in aside.trials] != [trial.params for trial in minded.trials]


def test_trials_may_cost_nothing_at_all() -> None:
    free = study(method=lt.Bayes())
    free.run(lambda trial: {"loss": trial["x"], "dollars": 0.0}, trials=8)
    assert free.spent == 0.0 and len(free) == 8


def test_a_cost_that_no_float_holds_is_no_cost(tmp_path: Path) -> None:
    with study(store=tmp_path / "s.db") as noted:
        trial = noted.ask()
        with pytest.raises(InvalidResult, match="0 or more"):
            noted.set(trial, {"dollars": 10**400})
        earlier = Attributed(trial.number, trial.token, {"dollars": 10**400})  # as earlier versions wrote it
        noted.reader.store.append("priced", [earlier], noted.history.length)
        noted.tell(trial, failed="it crashed")
        assert noted.spent == 0.0
    with study(store=tmp_path / "s.db") as again:
        assert len(again) == 1 and again.spent == 0.0


def test_costs_that_add_up_to_more_than_a_float_holds_end_a_run() -> None:
    huge = study(method=lt.Random())
    assert huge.run(lambda trial: {"loss": trial["x"], "dollars": 1e308}, trials=9, cost=1.7e308) is End.COST
    assert len(huge) == 2


# --- in one call ------------------------------------------------------------------------------------------


def test_one_call_has_a_budget_of_seconds_or_of_what_the_objective_returns() -> None:
    calls: list[float] = []

    def bill(trial: lt.RunningTrial) -> dict[str, float]:
        calls.append(trial["x"])
        return {"value": trial["x"], "dollars": 1.0}

    given: dict[str, Any] = {"method": lt.Random(), "seed": 0}
    for optimize in (lt.minimize, lt.maximize):
        calls.clear()
        best = optimize(bill, SPACE, cost={"dollars": 7.0}, **given)
        assert len(calls) == 7 and best.value == (min(calls) if optimize is lt.minimize else max(calls))
        assert best.extra == {"dollars": 1.0}
    calls.clear()
    lt.minimize(bill, SPACE, cost="dollars", trials=4, **given)  # it is weighed, without a limit
    assert len(calls) == 4

    def slow(trial: lt.RunningTrial) -> float:
        time.sleep(0.02)
        return float(trial["x"])

    began = time.monotonic()
    assert lt.minimize(slow, SPACE, cost=0.1, **given).value >= 0.0
    assert time.monotonic() - began < 30.0
    assert lt.minimize(slow, SPACE, cost={"seconds": 0.1}, **given).value >= 0.0


def test_one_call_weighs_improvement_by_a_named_cost() -> None:
    def bill(trial: lt.RunningTrial) -> dict[str, float]:
        return {"value": (trial["x"] - 0.8) ** 2, "dollars": 0.1 + 10.0 * trial["x"]}

    trials: dict[str, list[Any]] = {}
    for name, cost in (("named", "dollars"), ("plain", None)):
        seen = trials.setdefault(name, [])
        lt.minimize(
            bill, SPACE, trials=14, seed=3, cost=cost, callbacks=[lambda study, trial, to=seen: to.append(trial["x"])]
        )
    assert trials["named"] != trials["plain"]


@pytest.mark.parametrize(
    "wrong",
    [-1.0, 0, math.nan, "", {}, {"a": 1.0, "b": 2.0}, {"a": -1.0}, {"a": "1"}, {3: 1.0}, [1.0], True],
)
def test_one_call_refuses_a_cost_that_makes_no_sense(wrong: Any) -> None:
    with pytest.raises(InvalidSetting, match="cost"):
        lt.minimize(lambda trial: 0.0, SPACE, trials=2, method=lt.Random(), cost=wrong)
