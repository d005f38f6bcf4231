"""Trials that are run again or forgotten: what the study says of them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import luthier as lt
from luthier.errors import InvalidSetting, LeaseLost, NoResult, TrialNotFound
from luthier.store import Memory
from luthier.study import StudyEditor, StudyReader
from luthier.trial import State

SPACE = {"x": lt.Float(0, 1)}


def _study(**settings: Any) -> lt.Study:
    study = lt.Study("s", SPACE, minimize="loss", method=lt.Random(), seed=1, **settings)
    for number in range(4):
        trial = study.ask()
        if number == 1:
            study.tell(trial, failed="OSError: the disk is gone")
        else:
            study.tell(trial, float(number))
    return study


def test_a_trial_is_run_again_with_its_configuration_and_costs_no_budget() -> None:
    study = _study()
    config = dict(study.trial(1).config)
    assert study.retry() == (1,)
    assert study.trial(1).state is State.WAITING and study.trial(1).reason is None
    assert study.retry(1) == (1,) and study.history.waiting == (1,)  # it waits already
    ran = []
    study.run(lambda trial: ran.append(dict(trial.params)) or 0.5, trials=4)
    assert ran == [config] and study.trial(1).value == 0.5 and study.trial(1).attempts == 2
    assert study.trial(1).to_dict()["attempts"] == 2 and "attempts" not in study.trial(0).to_dict()
    assert study.retry() == () and len(study) == 4 and study.history.finished == 4


def test_a_late_result_of_the_earlier_attempt_is_refused() -> None:
    study = lt.Study("s", SPACE, minimize="loss", method=lt.Random(), seed=1)
    trial = study.ask()
    study.tell(trial, 1.0)
    study.retry(trial.number)
    with pytest.raises(LeaseLost):
        study.tell(trial, 1.0)
    again = study.ask()
    with pytest.raises(LeaseLost):
        study.tell(trial, 1.0)
    assert study.tell(again, 2.0).value == 2.0 and study.best_value == 2.0


def test_a_forgotten_trial_stays_in_the_log_and_counts_for_nothing() -> None:
    study = _study()
    assert study.best.number == 0
    assert study.forget([0, 3]) == (0, 3)
    assert study.best.number == 2 and study.trial(0).forgotten and study.trial(0).value == 0.0
    assert study.history.data(study.problem).loss.tolist() == [2.0] and study.history.measured() == (2,)
    assert not study.history.has(study.space.identity(dict(study.trial(0).config)))
    assert study.reader.summary() == "4 trials: 3 done, 1 failed (2 of them forgotten)"
    assert "forgotten" in repr(study.trial(0)) and "forgotten" not in repr(study.trial(2))
    assert study.trial(0).to_dict()["forgotten"] is True and "forgotten" not in study.trial(2).to_dict()
    assert [row["forgotten"] for row in study.reader.rows()] == [True, False, False, True]
    assert study.forget(0) == (0,) and sum(type(event).__name__ == "Forgotten" for event in study.reader.events) == 2
    study.forget(lambda trial: trial.is_done)
    with pytest.raises(NoResult, match="no best trial: its 1 finished trial ended as failed"):
        _ = study.best
    study.forget(1)
    with pytest.raises(NoResult, match=r"4 finished trials are forgotten: see study\.retry"):
        _ = study.best


def test_retry_brings_a_forgotten_trial_back() -> None:
    study = _study()
    study.forget(0)
    study.retry(0)
    identity = study.space.identity(dict(study.trial(0).config))
    assert study.history.has(identity) and not study.trial(0).forgotten
    study.run(lambda trial: -1.0, trials=4)
    assert study.best.number == 0 and study.history.forgotten == ()


def test_a_waiting_trial_that_is_forgotten_is_not_run_any_more() -> None:
    study = _study()
    study.retry(1)
    study.forget(1)
    assert study.history.waiting == () and study.ask().number == 4


def test_what_others_learn_and_the_front_leave_out_what_is_forgotten() -> None:
    study = lt.Study("s", SPACE, minimize=["a", "b"], method=lt.Random(), seed=1)
    study.add_many([{"x": 0.1}, {"x": 0.2}], [{"a": 0, "b": 0}, {"a": 1, "b": 1}])
    study.forget(0)
    assert [trial.number for trial in study.front] == [1]
    other = lt.Study("t", SPACE, minimize=["a", "b"], method=lt.Random(), seed=1)
    assert other.learn_from(study) == 1


@pytest.mark.parametrize("verb", ["retry", "forget"])
def test_a_selection_that_makes_no_sense_is_refused_and_changes_nothing(verb: str) -> None:
    study = _study()
    running = study.ask()
    before = study.history.length
    choose = getattr(study, verb)
    for which in ("failed", True, 1.0, [0, "1"], [True], object()):
        with pytest.raises(InvalidSetting, match="give a trial or its number"):
            choose(which)
    with pytest.raises(TrialNotFound, match="no trial 17"):
        choose([0, 17])
    with pytest.raises(TrialNotFound):
        choose(-1)
    with pytest.raises(InvalidSetting, match=f"trial {running.number} is running"):
        choose([0, running.number])
    assert study.history.length == before
    assert choose([]) == () and choose(lambda trial: False) == ()
    assert choose([study.trial(2), 2]) == (2,)


def test_a_trial_outside_the_present_space_is_not_run_again() -> None:
    study = lt.Study("s", SPACE, minimize="loss", method=lt.Random(), seed=1)
    study.tell(study.ask(params={"x": 0.9}), failed="no")
    study.tell(study.ask(params={"x": 0.1}), failed="no")
    study.change({"x": lt.Float(0, 0.5)})
    with pytest.raises(InvalidSetting, match="does not hold its configuration"):
        study.retry(0)
    assert study.retry() == (1,)


def test_it_is_all_in_the_log_that_other_processes_read() -> None:
    store = Memory()
    study = _study(store=store)
    with StudyReader.open(store) as reader:
        StudyEditor.open(store, "s").forget(0)
        assert reader.trial(0).forgotten and reader.best.number == 2 and study.best.number == 2
        StudyEditor.open(store, "s").retry()
        assert reader.trial(1).state is State.WAITING
        assert reader.history.begin().extend(reader.events).data(reader.problem).loss.tolist() == [2.0, 3.0]


def test_data_that_a_model_has_stay_as_they_are() -> None:
    study = _study()
    history = study.history
    data = history.data(study.problem)
    fork = history.fork()
    study.forget(0)
    study.retry(2)
    assert data.loss.tolist() == [0.0, 2.0, 3.0]
    assert fork.data(study.problem).loss.tolist() == [0.0, 2.0, 3.0]
    assert history.data(study.problem).loss.tolist() == [0.0, 2.0, 3.0]
    assert study.history.data(study.problem).loss.tolist() == [3.0]
    assert history.digest == fork.digest != study.history.digest
