"""Laws 1, 2 and 7: a run may die at any event; what is run again ends like a run that never died."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from dying import DyingStore, die_at, objective, open_study, outline

import luthier as lt
from check_set import stride
from luthier.event import Asked, Freed, Retried, Told
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.store import Memory, Store
from luthier.testing.faults import Crash
from luthier.trial import State

SEARCH = AcquisitionOptimizer(scattered=60, nearby=30, rounds=1)
METHODS = [
    lt.Random(),
    lt.Grid(points=4),
    lt.Quasi("sobol"),
    lt.Bayes(lt.Parzen(), search=SEARCH),
    lt.Auto(search=SEARCH),
]


def _whole_run(method: Any) -> tuple[lt.Study, int]:
    store = DyingStore(Memory())
    study = open_study(store, method)
    study.run(objective, trials=30)
    return study, store.appends


def _check(store: Store, expected: lt.Study, acknowledged: dict[int, float | None]) -> None:
    study = open_study(store)
    assert outline(study) == outline(expected)  # law 1
    verification = study.verify()
    assert verification.ok and verification.proved == 30  # law 2
    told = [event.number for event in study.history.events if isinstance(event, Told)]
    assert sorted(told) == list(range(30))  # law 7: one outcome a trial
    for number, value in acknowledged.items():
        assert study.trials[number].values.get("loss") == value


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(method, marks=[pytest.mark.slow] if isinstance(method, lt.Auto | lt.Bayes) else [])
        for method in METHODS
    ],
    ids=lambda method: type(method).__name__,
)
def test_a_run_killed_at_any_event_ends_like_one_that_was_not(method: Any) -> None:
    expected, appends = _whole_run(method)
    assert appends > 60
    apart = 1 if isinstance(method, lt.Random) else 23 if isinstance(method, lt.Auto) else 5
    for number in range(1, appends + 1, stride(apart)):
        for after in (False, True):
            store = Memory()
            acknowledged = die_at(store, number, after, method)
            open_study(store, method).run(objective, trials=30)
            _check(store, expected, acknowledged)


def test_a_run_killed_at_every_single_event_ends_like_one_that_was_not() -> None:
    expected, _ = _whole_run(lt.Random())
    store = Memory()
    acknowledged: dict[int, float | None] = {}
    for _ in range(200):  # die after every fourth append, whatever it is
        acknowledged |= die_at(store, 4, True)
        if open_study(store).history.finished == 30:
            break
    _check(store, expected, acknowledged)


def test_a_trial_that_kills_its_process_every_time_is_given_up() -> None:
    store = Memory()
    open_study(store)
    for _ in range(10):
        dying = DyingStore(store)
        study = open_study(dying)
        study.ask()
        dying.dead = True
        del study
        gc.collect()
    study = open_study(store)
    assert study.ask().number == 2
    assert [str(trial.reason) for trial in study.trials] == ["lost", "lost", "None"]
    assert "5" in study.trials[0].error
    assert study.history.data(study.problem).x.shape[0] == 0  # it taught nothing


@pytest.mark.parametrize("after", [False, True])
def test_of_two_processes_one_may_die_at_any_event(after: bool) -> None:
    for number in range(1, 45, stride(1)):
        store = Memory()
        dying = DyingStore(store)
        dying.fail(number, after=after)
        told: dict[int, float] = {}
        _together(dying, store, told)
        gc.collect()
        survivor = open_study(store)
        survivor.run(objective, trials=30)
        history = survivor.history
        assert len(history) == 30 and history.finished == 30
        assert all(trial.state is State.FINISHED for trial in history.trials)
        assert survivor.verify().ok
        asked = [event.number for event in history.events if isinstance(event, Asked)]
        ended = [event.number for event in history.events if isinstance(event, Told)]
        assert asked == list(range(30)) and sorted(ended) == asked
        for trial, value in told.items():
            assert survivor.trials[trial].value == value
        freed = [event for event in history.events if isinstance(event, Freed)]
        again = [event for event in history.events if isinstance(event, Retried)]
        assert [event.number for event in freed] == [event.number for event in again]


def _together(dying: DyingStore, store: Store, told: dict[int, float]) -> None:
    """Let two studies take turns, each with a trial open while the other moves, until one dies."""
    try:
        first, second = open_study(dying), open_study(store)
        for _ in range(12):
            mine, theirs = first.ask(), second.ask()
            told[theirs.number] = second.tell(theirs, float(theirs["x"])).value
            told[mine.number] = first.tell(mine, float(mine["x"])).value
    except Crash:
        pass


def test_what_was_killed_between_two_runs_of_different_length_goes_on() -> None:
    store = Memory()
    open_study(store).run(objective, trials=7)
    open_study(store).run(objective, trials=7)
    assert len(open_study(store)) == 7
    open_study(store).run(objective, trials=30)
    whole, _ = _whole_run(lt.Random())
    assert outline(open_study(store)) == outline(whole)
    assert open_study(store).verify().ok
