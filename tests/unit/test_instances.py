"""Instances: their cases, what is refused, races, capping, and the means over cases that a trial has not had."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.data import LearningCurves
from luthier.errors import InvalidResult, InvalidSetting, StudyMismatch
from luthier.event import Promoted, Pruned, Reported
from luthier.history.tables.marginal_losses import marginal_losses
from luthier.instances import CaseProgress, Instances
from luthier.key import Key
from luthier.run import End
from luthier.trial import Reason, State

SPACE = {"x": lt.Float(0, 1)}


RULE = lt.Intensify(challengers=1, slack=1.2)


def study_of(count: int = 4, **more: Any) -> lt.Study:
    settings: dict[str, Any] = {"method": lt.Random(), "seed": 0, "instances": lt.Instances(range(count)), **more}
    return lt.Study("s", SPACE, minimize="y", **{"stop": RULE, **settings})


def told(study: lt.Study, losses: list[float]) -> int:
    """Ask for a trial, report these losses as long as it has cases, and tell it; gives the number of cases."""
    trial = study.ask()
    count = 0
    for case in trial.cases():
        trial.report(losses[case.step - 1])
        count += 1
    study.tell(trial)
    return count


# --- cases --------------------------------------------------------------------------------------------


def test_each_instance_comes_once_before_any_comes_again() -> None:
    instances = lt.Instances(["a", "b", "c"], seeds=2)
    cases = instances.cases(Key.of(5))
    assert [case.step for case in cases] == [1, 2, 3, 4, 5, 6]
    assert {case.instance for case in cases[:3]} == {case.instance for case in cases[3:]} == {"a", "b", "c"}
    assert len({case.seed for case in cases}) == 6
    assert cases == instances.cases(Key.of(5)) != instances.cases(Key.of(6))


def test_instances_come_back_from_their_text() -> None:
    for instances in (
        lt.Instances(range(3)),
        lt.Instances({"a": [1, 2.5], "b": [0, 0]}, seeds=3, cutoff_s=5, par=2),
    ):
        again = Instances.from_plain(instances.to_plain())
        assert again == instances and hash(again) == hash(instances)
        assert pickle.loads(pickle.dumps(instances)) == instances
    assert lt.Instances({"a": [1], "b": [2]}) == lt.Instances(["a", "b"], {"b": [2], "a": [1]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a"],), "at least 2 cases"),
        (([], ), "at least one instance"),
        (("a.cnf",), "a list of texts"),
        ((["a", "a"],), "'a' is there twice"),
        (([1.5, "a"],), "not 1.5"),
        ((["a", ""],), "not ''"),
        ((["a", "b"], {"a": [1]}), "'b' has none"),
        ((["a", "b"], {"a": [1], "b": [1, 2]}), "'b' has 2"),
        ((["a", "b"], {"a": [1], "b": [float("nan")]}), "no finite number"),
        ((["a", "b"], {"a": [1], "b": [1], "c": [1]}), "'c' is not among"),
        (({"a": 0.1, "b": 0.5},), r"give 'a' a list of numbers, as in \{'a': \[1.5\]\}; .* not 0.1"),
        (({"a": "xy", "b": "z"},), "list\\(mapping\\)"),
        ((["a", "b"], None, 0), "from 1 to"),
        ((["a", "b"], None, 1, -3.0), "above 0"),
        ((["a", "b"], None, 1, 3.0, 0.5), "from 1 on"),
        (({"a": [1], "b": [1]}, {"a": [1], "b": [1]}), "once"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        lt.Instances(*arguments)


def test_a_study_refuses_what_instances_cannot_be_with(tmp_path: Path) -> None:
    two = lt.Instances(range(2))
    for more, message in (
        ({"fidelity": lt.Fidelity("epochs", 1, 9)}, "a study has one of both"),
        ({"constraints": {"mb": "<= 5"}}, "a study has one of both"),
        ({"minimize": ["y", "z"]}, "one objective"),
        ({"minimize": (), "maximize": "y", "instances": lt.Instances(range(2), cutoff_s=1.0)}, "is minimized"),
        ({"instances": ["a", "b"]}, "give lt.Instances"),
    ):
        settings: dict[str, Any] = {"minimize": "y", "instances": two, **more}
        with pytest.raises(InvalidSetting, match=message):
            lt.Study("s", SPACE, **settings)
    with pytest.raises(InvalidSetting, match="this study has none"):
        lt.Study("s", SPACE, minimize="y", stop=lt.Intensify())
    with pytest.raises(InvalidSetting, match="first_cases"):
        lt.Intensify(first_cases=0)
    study_of(store=tmp_path / "s.db", stop=None).close()
    with pytest.raises(StudyMismatch, match="other instances"):
        study_of(5, store=tmp_path / "s.db", stop=None)
    again = lt.Study("s", store=tmp_path / "s.db")
    assert again.problem.instances == lt.Instances(range(4)) and again.rule == lt.Intensify()


# --- races, worked out by hand ------------------------------------------------------------------------


def test_challengers_double_their_cases_while_they_are_not_worse() -> None:
    study = study_of(8)
    assert told(study, [1.0] * 8) == 1  # the first one: one case, and nobody to race against
    for _ in range(3):  # each is worse at once, and brings the incumbent one case
        assert told(study, [2.0] * 8) == 1
        assert told(study, [1.0] * 8) == 1
        assert study.best.number == 0
    assert len(study.best.reports) == 4
    assert told(study, [1.0, 0.9, 0.9, 0.9, 0.5]) == 5  # 1 (a tie), 2, 4 cases: all, and better; so it has one more
    assert study.best.number == 4 and study.best.value == pytest.approx(0.84)
    promoted = [event.until for event in study.history.events if isinstance(event, Promoted) and event.number == 4]
    assert promoted == [2, 4, 5]
    assert study.trials[0].state is State.PAUSED and study.trials[1].reason is Reason.PRUNED
    assert study.verify().ok


def test_a_tie_on_all_cases_is_lost() -> None:
    study = study_of(8)
    told(study, [1.0] * 8)
    assert told(study, [1.0] * 8) == 1
    assert study.best.number == 0 and study.trials[1].reason is Reason.PRUNED


def test_a_former_incumbent_goes_on_where_it_is_ahead_again() -> None:
    study = study_of(8)
    told(study, [2.0, 2.0, 2.0, 2.0, 9.0, 9.0, 9.0, 9.0])
    told(study, [5.0])
    told(study, [2.0, 2.0])  # the incumbent's second case
    told(study, [1.0, 2.5, 9.0, 9.0])  # better on both: the new incumbent; then due 3 cases, of which the third is bad
    assert study.best.number == 2
    while study.history.asked < 6 and study.best.number == 2:
        told(study, [2.0] * 8)
    assert study.verify().ok


def test_a_test_gives_challengers_another_chance() -> None:
    study = study_of(8, stop=lt.Intensify(p=0.2, challengers=1))
    told(study, [0.5] * 8)
    while len(study.best.reports) < 5:
        told(study, [0.5] * 8)
    assert told(study, [0.6] * 8) == 4  # p = 1/2, 1/4, 1/16: stopped at four cases
    assert study.trials[-1].reason is Reason.PRUNED and study.best.number == 0


def test_the_incumbent_is_that_of_any_rule() -> None:
    def loss(trial: lt.RunningTrial) -> float:
        return float(trial["x"]) + int(trial.instance)

    for rule in (None, lt.ASHA(), lt.Wilcoxon()):
        study = study_of(9)
        study.rule = rule
        study.run(loss, trials=12)
        assert study.best.params["x"] == min(trial.params["x"] for trial in study.trials)
        assert study.best.is_done and study.best.value == pytest.approx(study.best.params["x"] + 4.0)
        assert rule is not None or study.history.evaluations == 12 * 9


def test_a_crash_ends_the_trial_and_the_next_best_is_the_incumbent() -> None:
    def loss(trial: lt.RunningTrial) -> float:
        if trial.number == 0 and trial.attempt > 1:
            raise ValueError("too hard")
        return float(trial.number)

    study = study_of(4)
    study.run(loss, trials=4)
    assert study.trials[0].reason is Reason.FAILED
    assert study.best.number == 1


def test_a_trial_that_is_run_again_begins_at_its_first_case() -> None:
    study = study_of(3)
    study.rule = None
    study.run(lambda trial: 1.0 if trial.number else 0.0, trials=2)
    assert study.best.number == 0
    study.retry([0])
    assert study.best.number == 1
    study.run(lambda trial: 3.0, trials=2)
    assert study.best.number == 1 and study.trials[0].value == 3.0 and study.history.evaluations == 9


# --- the doors ----------------------------------------------------------------------------------------


def test_reports_out_of_order_are_refused_and_change_nothing() -> None:
    study = study_of(4)
    trial = study.ask()
    with pytest.raises(InvalidResult, match="case 1 is next"):
        trial.report(1.0, step=2)
    with pytest.raises(InvalidResult, match="has reported 0 of 1 cases"):
        study.tell(trial, 1.0)
    with pytest.raises(InvalidResult, match="has reported none of its cases"):
        study.tell(trial)
    cases = trial.cases()
    next(cases)
    with pytest.raises(InvalidResult, match="report the value"):
        next(cases)
    assert not [event for event in study.history.events if isinstance(event, Reported)]
    trial.report(1.0)
    study.rule = None
    for value in (2.0, 3.0, 4.0):
        trial.report(value)
    with pytest.raises(InvalidResult, match="all 4 cases"):
        trial.report(5.0)
    assert study.tell(trial).value == 2.5
    with pytest.raises(InvalidSetting, match="no cases"):
        next(lt.Study("t", SPACE, minimize="y").ask().cases())


def test_objectives_return_one_number_for_each_case() -> None:
    def reporting(trial: lt.RunningTrial) -> float:
        trial.report(1.0)
        return 1.0

    for objective, message in (
        (reporting, "what the objective returns is the report"),
        (lambda trial: {"y": 1.0, "z": 2.0}, "it returns one number"),
        (lambda trial: None, "it returns one number"),
    ):
        study = study_of(3)
        study.run(objective, trials=1)
        assert study.trials[0].reason is Reason.FAILED and message in study.trials[0].error
    study = study_of(3)
    study.run(lambda trial: {"y": 1.0}, trials=1)
    assert study.best.value == 1.0
    plain = lt.Study("p", SPACE, minimize="y", seed=0)
    plain.run(lambda trial: float(trial.instance), trials=1)
    assert "is evaluated on no instance" in plain.trials[0].error


def test_a_value_that_is_not_finite_is_the_worst() -> None:
    study = study_of(4)
    told(study, [1.0] * 4)
    assert told(study, [float("nan")]) == 1
    assert study.best.number == 0
    assert told(study, [1.0, 1.0]) == 1 and study.verify().ok


# --- capping ------------------------------------------------------------------------------------------


def test_caps_follow_from_the_times_of_the_incumbent() -> None:
    instances = lt.Instances(range(4), cutoff_s=10.0)
    assert CaseProgress().cap_s(instances, 1, 0.0) == 10.0
    assert CaseProgress((), (3.0, 3.0)).cap_s(instances, 2, 2.5) == 0.5
    assert CaseProgress((), (3.0,)).cap_s(instances, 1, 4.0) == 0.0
    assert CaseProgress((), (3.0,)).cap_s(instances, 2, 0.0) == 10.0
    assert CaseProgress((), (300.0,)).cap_s(lt.Instances(range(4)), 1, 0.0) is None
    assert instances.counted(9.9) == 9.9 and instances.counted(10.0) == 100.0


def test_a_challenger_is_capped_and_stopped_at_its_cap() -> None:
    study = study_of(4, instances=lt.Instances(range(4), cutoff_s=10.0))
    told(study, [2.0, 2.0, 2.0, 2.0])
    trial = study.ask()
    (case,) = list(_reporting(trial, lambda case: case.cap_s or 0.0))
    assert case.cap_s == pytest.approx(1.2 * 2.0 + 0.1)  # instead of the cutoff
    assert study.tell(trial).reason is Reason.PRUNED and study.best.number == 0
    told(study, [2.0] * 4)  # the incumbent's second case
    trial = study.ask()
    caps = [case.cap_s for case in _reporting(trial, lambda case: 1.0 if case.step == 1 else case.cap_s or 0.0)]
    assert caps == pytest.approx([2.5, 1.2 * 4.0 + 0.1 - 1.0])
    assert study.tell(trial).reason is Reason.PRUNED
    assert [event.by for event in study.history.events if isinstance(event, Pruned)] == ["Intensify"] * 2
    trial = study.ask()  # the incumbent's third case has the whole cutoff, and what reaches it counts as 10 times that
    assert trial.number == 0
    (case,) = list(_reporting(trial, lambda case: 12.0))
    assert case.cap_s == 10.0 and study.history.trial(0).reports[-1].value == 100.0


def _reporting(trial: Any, value: Any) -> Any:
    for case in trial.cases():
        trial.report(value(case))
        yield case


def test_objectives_learn_their_cap_in_every_executor() -> None:
    def seconds(trial: lt.RunningTrial) -> float:
        assert trial.cap_s is not None and trial.case is not None
        return min(float(1 + trial.number), trial.cap_s)

    for executor in ("inline", "threads"):
        study = study_of(3, instances=lt.Instances(range(3), cutoff_s=9.0))
        study.run(seconds, trials=3, executor=executor)
        capped = study.trials[2].reports[0].value
        assert study.best.number == 0 and capped == pytest.approx(1.3)


# --- what models see ----------------------------------------------------------------------------------


def _curves(losses: np.ndarray, lengths: np.ndarray) -> LearningCurves:
    """Give the means over the first cases of each trial."""
    trial = np.repeat(np.arange(len(lengths)), lengths)
    step = np.concatenate([np.arange(1, length + 1) for length in lengths])
    means = np.concatenate([np.cumsum(row[:n]) / np.arange(1, n + 1) for row, n in zip(losses, lengths, strict=True)])
    return LearningCurves(np.arange(len(lengths)), np.zeros((len(lengths), 1)), trial, step, means[:, None])


@pytest.mark.parametrize("by_features", [0.0, 1.0])
def test_means_over_all_cases_are_estimated_from_some(by_features: float) -> None:
    """The true means are known: raw means err by the difficulty of the cases, features take off what is left."""
    draw = np.random.default_rng(0)
    feature = draw.normal(size=40)
    losses = draw.normal(size=(60, 1)) + 2.0 * draw.normal(size=40) + 0.3 * draw.normal(size=(60, 40))
    losses += by_features * draw.normal(size=(60, 1)) * feature
    lengths = draw.integers(1, 12, 60)
    lengths[0] = 25
    curves, truth = _curves(losses, lengths), losses.mean(axis=1)

    def error(found: np.ndarray) -> float:
        return float(np.std(found - truth))

    raw = np.array([row[:length].mean() for row, length in zip(losses, lengths, strict=True)])
    plain = marginal_losses(curves, np.empty((40, 0)), np.empty(0, int)).losses
    described = marginal_losses(curves, feature[:, None], np.empty(0, int)).losses
    assert error(plain) < 0.6 * error(raw)
    assert error(described) < 0.8 * error(plain) if by_features else error(described) <= error(plain) + 0.02


def test_additive_losses_are_found_exactly_up_to_the_prior() -> None:
    losses = np.add.outer([0.0, 1.0, 5.0], [3.0, -1.0, 0.0, -2.0])
    found = marginal_losses(_curves(losses, np.array([4, 4, 1])), np.empty((4, 0)), np.array([0]))
    assert found.numbers.tolist() == [1, 2] and found.share.tolist() == [1.0, 0.0]
    assert found.losses[0] == pytest.approx(1.0)  # all cases: their mean
    assert 5.0 < found.losses[1] < 8.0  # of which the case's difficulty, 3, is taken off, drawn to 0


def test_models_learn_from_trials_that_had_some_cases() -> None:
    study = study_of(4)
    for _ in range(6):
        told(study, [1.0, 1.0, 1.0, 1.0])
    data = study.history.data(study.problem)
    assert len(data) + len(data.stopped) == len(study) - len(data.pending)
    assert data.with_stopped().share is not None and np.isfinite(data.with_stopped().losses).all()
    described = study_of(4, instances=lt.Instances({0: [1.0], 1: [2.0], 2: [0.0], 3: [5.0]}))
    for _ in range(6):
        told(described, [1.0, 2.0, 3.0, 4.0])
    assert np.isfinite(described.history.data(described.problem).with_stopped().losses).all()


def test_auto_proposes_and_replays() -> None:
    def loss(trial: lt.RunningTrial) -> float:
        return (float(trial["x"]) - 0.3) ** 2 + 0.1 * int(trial.instance)

    study = study_of(6, method=lt.Auto(), instances=lt.Instances({name: [float(name)] for name in range(6)}))
    study.run(loss, trials=14)
    assert abs(study.best.params["x"] - 0.3) < 0.05
    assert study.verify().ok


# --- a budget of evaluations --------------------------------------------------------------------------


def _case_value(trial: lt.RunningTrial) -> float:
    return float(trial["x"]) + 0.1 * int(trial.instance)


@pytest.mark.parametrize("limit", [1, 7, 20, 41])
def test_a_budget_of_evaluations_counts_the_cases_of_all_runs(limit: int) -> None:
    study = study_of(8)
    assert study.run(_case_value, evaluations=limit) is End.EVALUATIONS
    done = study.history.evaluations
    assert limit <= done < limit + 8
    assert study.history.committed_evaluations == done
    assert study.run(_case_value, evaluations=limit) is End.EVALUATIONS and study.history.evaluations == done
    study.run(_case_value, evaluations=done + 5)
    assert done + 5 <= study.history.evaluations < done + 5 + 8
    assert study.verify().ok


def test_what_running_trials_may_have_yet_is_committed() -> None:
    study = study_of(8)
    trial = study.ask()
    assert study.history.committed_evaluations == 1 and study.history.evaluations == 0
    trial.report(1.0)
    assert study.history.committed_evaluations == study.history.evaluations == 1
    study.rule = None
    study.ask()
    assert study.history.committed_evaluations == 1 + 8  # without a rule it has all of them


def test_workers_share_a_budget_of_evaluations() -> None:
    study = study_of(8)
    assert study.run(_case_value, evaluations=30, workers=3, executor="threads") is End.EVALUATIONS
    assert 30 <= study.history.evaluations < 30 + 3 * 8


def test_evaluations_need_instances() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random())
    with pytest.raises(InvalidSetting, match=r"cases of a study with instances.*trials=9"):
        study.run(lambda trial: 0.0, evaluations=9)
    for wrong in (0, -1, 1.5, "9", True):
        with pytest.raises(InvalidSetting, match="evaluations="):
            study_of(8).run(_case_value, evaluations=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_case_that_is_not_finite_ends_a_lead(place: int) -> None:
    study = study_of(3, stop=None)
    leader, other = study.ask(), study.ask()
    for step in range(3):
        leader.report(float("nan") if step == place else 1.0)
        assert study.history.best == (0 if step < place else None)
    other.report(5.0)
    assert study.history.best == 1
