"""The laws of a study that learns from other tasks: resume, replay, memo, constraints, no duplicates."""

from __future__ import annotations

from typing import Any

import pytest
from dying import SPACE, die_at, objective, open_study, outline

import luthier as lt
from luthier.event import Transferred
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.store import Memory, Store

SEARCH = AcquisitionOptimizer(scattered=60, nearby=30, rounds=1)
METHODS = [lt.Auto(search=SEARCH), lt.Bayes(search=SEARCH, initial=4)]
TRIALS = 16


def other(sign: float = 1.0) -> lt.Study:
    """Make results of another task: they lack a variable, and keep no constraint."""
    space = {"x": lt.Float(-1, 1), "n": lt.Int(1, 9), "kind": lt.Choice("a", "b")}
    study = lt.Study("other", space, minimize="loss", method=lt.Random(), seed=5)
    for trial in study.ask(25):
        study.tell(trial, sign * (abs(trial["x"] - 0.1) + trial["n"] / 2))
    return study


def begun(method: Any, store: Store | None = None, sign: float = 1.0) -> lt.Study:
    """Open the study of these tests, with its source."""
    study = open_study(Memory() if store is None else store, method)
    study.transfer_from(other(sign))
    return study


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_a_run_killed_at_any_event_ends_like_one_that_was_not(method: Any) -> None:
    expected = begun(method)
    expected.run(objective, trials=TRIALS)
    assert expected.verify().proved == TRIALS and expected.verify().ok  # law 2
    for number in (1, 8, 25, 37):
        store = Memory()
        begun(method, store).close()
        die_at(store, number, number % 2 == 0, method, trials=TRIALS)
        study = open_study(store, method)  # the source is not asked for again
        study.run(objective, trials=TRIALS)
        assert outline(study) == outline(expected)  # law 1


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_proposals_are_new_feasible_and_follow_from_the_log_alone(method: Any, sign: float) -> None:
    study = begun(method, sign=sign)
    study.run(objective, trials=TRIALS)
    configs = [trial.trial.config for trial in study.trials]
    for config in configs:
        SPACE.check(config)  # law 4
    assert len({SPACE.identity(config) for config in configs}) == TRIALS  # law 5
    history = study.history.upto(study.history.length - 3)
    key = Key.of(3).of_trial(TRIALS)
    one, two = (method.suggest(study.problem, history, key, 2, memo) for memo in (Memo(), Memo(0)))
    assert one == two  # law 3


def test_a_source_counts_from_its_place_in_the_log_on() -> None:
    study = open_study(Memory(), lt.Auto(search=SEARCH, initial=3))
    study.run(objective, trials=6)
    before = study.history
    study.transfer_from(other())
    study.run(objective, trials=10)
    assert study.history.digest != before.digest
    assert study.verify().ok
    notes = [trial.note for trial in study.history.trials]
    assert not any("sources" in note for note in notes[:6]) and any("sources" in note for note in notes[6:])


def test_a_deterministic_run_with_several_workers() -> None:
    def run(executor: str, workers: int) -> lt.Study:
        study = begun(METHODS[1])
        study.run(objective, trials=12, executor=executor, workers=workers, deterministic=2)
        return study

    expected, found = run("inline", 1), run("threads", 2)
    assert outline(found) == outline(expected) and found.verify().ok
    assert any(isinstance(event, Transferred) for event in found.history.events)
