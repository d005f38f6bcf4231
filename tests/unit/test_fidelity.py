"""Fidelities, one and several: what stands in the log, what trials are told, and trials that do not obey."""

from __future__ import annotations

import math
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.errors import InvalidResult, InvalidSetting, StudyMismatch
from luthier.event import Created, decode, encode
from luthier.store import Memory
from luthier.trial import Reason, State

SPACE = {"x": lt.Float(0, 1)}
BOTH = [lt.Fidelity("epochs", 1, 27), lt.Fidelity("share", 10, 100)]


def study_of(fidelity: Any = BOTH, **more: Any) -> lt.Study:
    return lt.Study("s", SPACE, minimize="y", method=lt.Random(), seed=0, fidelity=fidelity, **more)


def test_fidelities_beside_another_one_are_as_far_between_their_bounds_by_logarithms() -> None:
    ladder = lt.Fidelity.together(BOTH)
    assert ladder is not None and ladder.beside == (lt.Fidelity("share", 10, 100),)
    assert [ladder.units(level)["share"] for level in (1, 3, 9, 27)] == [10, 22, 46, 100]  # 10^(1 + i / 3)
    assert (ladder.units(40)["share"], ladder.units(0)["share"]) == (100, 10)
    assert ladder.parts == tuple(BOTH)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], "or a list of several"),
        ([lt.Fidelity("epochs", 1, 9), "share"], "or a list of several"),
        ("epochs", "or a list of several"),
        ([lt.Fidelity("epochs", 1, 9), lt.Fidelity("epochs", 1, 27)], "a name of its own"),
    ],
)
def test_what_is_no_list_of_fidelities_is_refused_before_anything_is_written(wrong: Any, said: str) -> None:
    store = Memory()
    with pytest.raises(InvalidSetting, match=said):
        study_of(wrong, store=store)
    assert store.names() == ()


def test_several_fidelities_are_stored_told_to_trials_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    seen: set[tuple[tuple[str, int], ...]] = set()

    def objective(trial: lt.RunningTrial) -> float:
        assert trial.until == trial.fidelity["epochs"]
        seen.add(tuple(trial.fidelity.items()))
        return float(trial["x"])

    with study_of(store=path) as study:
        study.run(objective, trials=20)
        ladder = study.reader.problem.fidelity
        assert ladder is not None and len(seen) > 1
        assert all(dict(one) == ladder.units(dict(one)["epochs"]) for one in seen)
        live = study.ask()
        assert live.until is not None and live.fidelity == ladder.units(live.until)
        assert pickle.loads(pickle.dumps(live)).fidelity == live.fidelity
        first = study.history.events[0]
        assert isinstance(first, Created) and (first.fidelity, first.beside) == (
            ("epochs", 1, 27),
            (("share", 10, 100),),
        )
        assert decode(encode(first)) == first
    with lt.Study("s", store=path) as again:
        assert again.reader.problem.fidelity == lt.Fidelity.together(BOTH)
        assert again.verify().ok
    with pytest.raises(StudyMismatch, match="share"):
        study_of(BOTH[0], store=path)


def test_a_study_with_one_fidelity_is_stored_as_before() -> None:
    study = study_of(BOTH[0])
    assert b"beside" not in encode(study.history.events[0])
    assert study.ask().fidelity == {"epochs": 1}
    assert lt.Study("t", SPACE, minimize="y").ask().fidelity == {}


def test_a_trial_that_trains_to_the_end_against_the_rule_has_its_value() -> None:
    """It is paused at its first rung, asks, goes on all the same, and reports the full fidelity."""

    def deaf(trial: lt.RunningTrial) -> float:
        for epoch in range(1, 28):
            trial.report(trial["x"] + 1 / epoch, epoch)
            trial.should_stop()
        return float(trial["x"])

    study = study_of(BOTH[0], stop=lt.ASHA())
    study.run(deaf, trials=4)
    assert [trial.reason for trial in study.trials] == [Reason.DONE] * 4
    assert study.verify().ok


def test_reports_after_a_pause_are_kept_and_change_nothing() -> None:
    study = study_of(BOTH[0], stop=lt.ASHA())
    study.tell(study.ask(), 1.0)
    trial = study.ask()
    trial.report(5.0, 1)
    assert trial.should_stop()
    trial.report(0.1, 2)
    result = study.tell(trial, 0.1)
    assert (result.state, result.values, [report.step for report in result.reports]) == (State.PAUSED, {}, [1, 2])
    assert study.verify().ok


def test_a_step_that_goes_back_is_refused_and_the_trial_goes_on() -> None:
    study = study_of(BOTH[0], stop=lt.ASHA())
    trial = study.ask()
    trial.report(1.0, 1)
    with pytest.raises(InvalidResult, match="steps go up"):
        trial.report(0.5, 0)
    assert study.tell(trial, 1.0).state is State.PAUSED


def test_a_nan_in_the_middle_is_the_worst_at_its_rung() -> None:
    study = study_of(BOTH[0], stop=lt.ASHA())
    for value in (math.nan, 3.0, 1.0):
        trial = study.ask()
        trial.report(value, 1)
        study.tell(trial, 9.0)
    again = study.ask()
    assert (again.number, again.until) == (2, 3)
    assert study.verify().ok


@pytest.mark.parametrize("rule", [lt.ASHA(), lt.Hyperband(), lt.OneStep(trials=6, keep=2), lt.CurveExtrapolation()])
def test_an_objective_that_never_reports_has_the_value_that_it_returns_at_each_rung(rule: Any) -> None:
    study = study_of(BOTH[0], stop=rule)
    study.run(lambda trial: trial["x"], trials=9)
    assert study.reader.summary().startswith("9 trials:") and "failed" not in study.reader.summary()
    assert study.verify().ok


def test_a_checkpoint_that_vanished_costs_no_trial(tmp_path: Path) -> None:
    def saving(trial: lt.RunningTrial) -> float:
        kept = trial.folder / "state"
        value = 1.0
        for epoch in range(trial.start + 1, 28):
            value = trial["x"] + 1 / epoch
            kept.write_text(str(epoch))
            trial.checkpoint(kept, step=epoch)
            trial.report(value, epoch)
            if trial.should_stop():
                break
        return float(value)

    with study_of(BOTH[0], stop=lt.ASHA(), store=tmp_path / "s.db") as study:
        study.run(saving, trials=2)
        shutil.rmtree(f"{tmp_path / 's.db'}.trials")
        with pytest.warns(RuntimeWarning, match="starts at the beginning"):
            study.run(saving, trials=6)
        lost = [trial for trial in study.trials if trial.attributes.get("checkpoint_lost")]
        assert lost and all(trial.state is State.PAUSED for trial in study.trials)
        assert study.verify().ok


def test_a_study_of_paused_trials_says_why_it_has_no_best() -> None:
    fidelity = lt.Fidelity("epochs", 1, 81)
    study = lt.Study("p", {"x": lt.Float(0, 1)}, minimize="loss", method=lt.Random(), seed=0, fidelity=fidelity)
    study.run(lambda trial: trial["x"] + 1 / (trial.until or 81), trials=2)
    with pytest.raises(lt.errors.NoResult, match="no trial has had a full evaluation yet, and 2 paused below it"):
        print(study.best)
