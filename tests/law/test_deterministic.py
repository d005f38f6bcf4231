"""Deterministic runs: the same trials whatever the timing, the number and the deaths of the workers."""

from __future__ import annotations

import gc
import random
import time
from typing import Any

import pytest
from dying import SPACE, DyingStore, die_at, objective, open_study, outline

import luthier as lt
from check_set import stride
from luthier.event import Asked, Told
from luthier.executor import RunningTrial
from luthier.history import TrialOrder
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.stop import Median
from luthier.store import Memory, Store

SEARCH = AcquisitionOptimizer(scattered=60, nearby=30, rounds=1)
PARZEN = lt.Bayes(lt.Parzen(), search=SEARCH)
METHODS = [PARZEN, lt.Evolution(), pytest.param(lt.Auto(search=SEARCH), marks=pytest.mark.slow)]
WINDOW = 4


def unsteady(trial: RunningTrial) -> float:
    """Take any time."""
    time.sleep(random.random() * 0.005)
    return objective(trial)


def run(method: Any, store: Store | None = None, trials: int = 24, **settings: Any) -> lt.Study:
    """Run the study of these tests."""
    study = open_study(Memory() if store is None else store, method)
    given: dict[str, Any] = {"deterministic": WINDOW, "give_up_after": None, **settings}
    study.run(unsteady, trials=trials, **given)
    return study


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_neither_timing_nor_the_number_of_workers_change_a_trial(method: Any) -> None:
    expected = run(method, executor="inline")
    for executor, workers in (("threads", 2), ("threads", 6), ("processes", 4)):
        found = run(method, executor=executor, workers=workers)
        assert outline(found) == outline(expected), (executor, workers)
        verification = found.verify()
        assert verification.ok and verification.proved == 24
    assert outline(run(method, executor="threads", workers=WINDOW, deterministic=True)) == outline(expected)


def test_one_worker_runs_the_same_trials_with_and_without_it() -> None:
    assert outline(run(PARZEN, deterministic=True)) == outline(run(PARZEN, deterministic=False))


def test_a_proposal_sees_the_outcomes_up_to_its_window_and_no_others() -> None:
    study = run(lt.Random(), executor="threads", workers=WINDOW)
    events = study.history.events
    for place, event in enumerate(events):
        if isinstance(event, Asked):
            ended = {one.number for one in events[:place] if isinstance(one, Told)}
            assert event.window == WINDOW
            assert ended >= set(range(event.number - WINDOW + 1))
            view = TrialOrder(WINDOW).at(study.history.upto(event.seen))
            assert view.finished == max(0, event.number - WINDOW + 1)
            assert len(view) == event.number


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_a_run_killed_at_any_event_ends_like_one_that_was_not(executor: str) -> None:
    expected = run(lt.Evolution(), trials=16, executor="inline")
    settings = {"executor": executor, "workers": 1 if executor == "inline" else 3, "deterministic": WINDOW}
    counting = DyingStore(Memory())
    run(lt.Evolution(), counting, trials=16, **settings)
    for number in range(1, counting.appends + 1, stride(3)):
        store = Memory()
        die_at(store, number, number % 2 == 0, lt.Evolution(), 16, **settings)
        gc.collect()
        found = run(lt.Evolution(), store, trials=16, **settings)
        assert outline(found) == outline(expected)
        assert found.verify().ok


def test_a_target_ends_it_after_the_same_trial() -> None:
    ends = []
    for executor, workers in (("inline", 1), ("threads", 4), ("threads", 2)):
        study = run(PARZEN, trials=60, executor=executor, workers=workers, target=1.3)
        ends.append(outline(study))
    assert ends[0] == ends[1] == ends[2]
    assert len(ends[0]) < 60


def test_two_studies_of_one_store_make_the_same_trials_together() -> None:
    import threading

    store = Memory()
    expected = run(PARZEN, executor="inline")
    open_study(store, PARZEN)
    threads = [threading.Thread(target=run, args=(PARZEN, store), kwargs={"executor": "threads"}) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outline(open_study(store)) == outline(expected)


def test_what_people_do_meanwhile_is_proved_as_well() -> None:
    store = Memory()
    study = run(PARZEN, store, trials=8)
    study.add({"x": 0.25, "n": 2, "kind": "a"}, 1.0)
    study.enqueue({"x": 0.5, "n": 3, "kind": "a"})
    study.retry([3])
    study.forget([6])
    study.run(unsteady, trials=14, executor="threads", workers=3, deterministic=3)
    study.change(lt.Space({**SPACE.variables, "n": lt.Int(1, 12)}, require=["kind == 'a' or x < 0.9"]))
    study.run(unsteady, trials=20, executor="threads", workers=4)  # not in order
    study.run(unsteady, trials=26, executor="threads", workers=4, deterministic=True)
    found = study.verify()
    assert found.ok and found.proved == 25 and found.given == 2
    assert study.explain(22).number == 22


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "yes", None])
def test_refuses_what_is_no_window(wrong: Any) -> None:
    with pytest.raises(lt.errors.InvalidSetting, match="deterministic"):
        run(lt.Random(), deterministic=wrong)


def test_with_a_rule_one_worker_is_deterministic_as_it_is() -> None:
    def objective(trial: RunningTrial) -> float:
        for step in range(9):
            trial.report(trial["x"] + step, step)
            if trial.should_stop():
                break
        return float(trial["x"])

    outlines = []
    for deterministic in (True, False):
        rule = Median()
        study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=4, stop=rule)
        study.run(objective, trials=12, deterministic=deterministic)
        outlines.append([(trial.number, trial.params, trial.reason) for trial in study.trials])
    assert outlines[0] == outlines[1] and any(reason == "pruned" for *_, reason in outlines[0])
    with pytest.raises(lt.errors.InvalidSetting, match="deterministic"):
        study.run(objective, trials=20, workers=2, executor="threads", deterministic=True)


def _halved(store: Store, **settings: Any) -> lt.Study:
    def curve(trial: RunningTrial) -> float:
        value = 0.0
        for epoch in range(1, 10):
            time.sleep(random.random() * 0.002)
            value = trial["x"] + 1 / epoch
            trial.report(value, epoch)
            if trial.should_stop():
                break
        return value

    given: dict[str, Any] = {"method": PARZEN, "seed": 4, "fidelity": lt.Fidelity("epochs", 1, 9), "stop": lt.ASHA()}
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=store, **given)
    if settings:
        study.run(curve, **settings)
    return study


def test_two_studies_of_one_store_take_turns_under_a_rule() -> None:
    import threading

    expected, store = _halved(Memory(), trials=16, deterministic=True), Memory()
    _halved(store)
    given = {"trials": 16, "deterministic": True}
    threads = [threading.Thread(target=_halved, args=(store,), kwargs=given) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = _halved(store)
    assert outline(found) == outline(expected) and found.verify().ok


@pytest.mark.parametrize("rule", [None, Median()], ids=["window", "rule"])
def test_a_run_that_waits_for_a_trial_takes_it_back_where_its_worker_dies(rule: Any, tmp_path: Any) -> None:
    import subprocess
    import sys
    import threading

    given: dict[str, Any] = {
        "minimize": "y",
        "store": tmp_path / "s.db",
        "method": lt.Random(),
        "seed": 1,
        "stop": rule,
    }
    study = lt.Study("s", {"x": lt.Float(0, 1)}, **given)
    code = f"import luthier as lt, time; s = lt.Study('s', store={str(tmp_path / 's.db')!r}); s.ask(); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code])
    while not study.history.running:
        time.sleep(0.05)
    threading.Timer(0.5, other.kill).start()
    assert study.run(lambda trial: trial["x"], trials=4, deterministic=True) == "trials"
    assert other.wait() != 0
    assert [trial.reason for trial in study.trials] == ["done"] * 4


def test_whoever_asks_after_a_deterministic_run_is_given_any_number_of_trials() -> None:
    study = run(lt.Random(), trials=6, deterministic=2)
    assert [study.ask().number, study.ask().number, study.ask().number] == [6, 7, 8]
    assert len(study.ask(3)) == 3
