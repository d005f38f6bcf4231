"""Rules that stop trials: what each decides, by hand; their combinations; bad settings and bad reports."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.stats import wilcoxon

import luthier as lt
from luthier.errors import InvalidResult, InvalidSetting, NoResult, StudyMismatch, TrialFinished, TrialPruned
from luthier.event import Pruned
from luthier.numeric import signed_rank_p
from luthier.stop import GO_ON, Decision, Rule
from luthier.store import Memory
from luthier.trial import Reason, Ruling, State

SPACE = {"x": lt.Float(0, 1)}


def study_of(rule: Rule | None = None, *, maximize: bool = False, **more: Any) -> lt.Study:
    goal: dict[str, Any] = {"maximize": "y"} if maximize else {"minimize": "y"}
    return lt.Study("s", SPACE, method=lt.Random(), seed=0, stop=rule, **goal, **more)


def past(study: lt.Study, *curves: list[float]) -> None:
    """Finish a trial with each of these curves; its value is the last one."""
    rule, study.rule = study.rule, None
    for curve in curves:
        trial = study.ask()
        for value in curve:
            trial.report(value)
        study.tell(trial, curve[-1])
    study.rule = rule


def stopped_at(study: lt.Study, curve: list[float]) -> int | None:
    """Report a curve, and give the step at which the trial is told to stop."""
    trial = study.ask()
    for step, value in enumerate(curve):
        trial.report(value, step)
        if trial.should_stop():
            study.tell(trial, value)
            return step
    study.tell(trial, curve[-1])
    return None


def test_the_median_rule_compares_with_finished_trials_at_the_same_step() -> None:
    study = study_of(lt.Median(trials=3, after=1))
    past(study, [5, 4, 3], [5, 2, 1], [9, 6, 1])  # medians: 5, 4, 1
    assert stopped_at(study, [99, 4, 1]) is None  # step 0 is before `after`
    assert stopped_at(study, [5, 4.5, 0]) == 1
    assert stopped_at(study, [2, 8, 8]) == 2  # its best so far is what counts: 2, and the median at step 2 is 1
    last = study.trials[-1]
    assert (last.reason, last.values, last.trial.outcome.extra) == (Reason.PRUNED, {}, {"unfinished": {"y": 8.0}})


def test_the_median_rule_waits_for_enough_trials_and_looks_at_every_so_many_steps() -> None:
    study = study_of(lt.Median(trials=2, after=1, every=3))
    past(study, [1] * 9)
    assert stopped_at(study, [9.0] * 9) is None  # that one has finished, too
    assert stopped_at(study, [9.5] * 9) == 1
    study.rule = lt.Median(trials=2, after=2, every=3)
    assert stopped_at(study, [9.5] * 9) == 2
    study.rule = lt.Median(trials=2, after=20)
    assert stopped_at(study, [9.5] * 9) is None


def test_a_maximized_objective_is_compared_the_other_way() -> None:
    study = study_of(lt.Percentile(keep=25, trials=4), maximize=True)
    past(study, [0.1], [0.2], [0.3], [0.4])
    assert stopped_at(study, [0.3]) == 0
    assert stopped_at(study, [0.35]) is None


def test_a_report_that_is_not_finite_counts_as_worse_than_everything() -> None:
    study = study_of(lt.Median(trials=1))
    past(study, [1.0, 1.0], [2.0, 2.0])
    assert stopped_at(study, [0.5, math.nan]) == 1
    assert stopped_at(study, [math.inf, 0.0]) == 0
    lenient = study_of(lt.Median(trials=3))
    past(lenient, [1.0])
    assert stopped_at(lenient, [math.nan, 1.0]) is None  # too few to compare with: nothing is lost by a NaN
    assert [report.value for report in lenient.trials[-1].reports][1] == 1.0


@pytest.mark.parametrize("value", [1.01, math.nan, math.inf, -math.inf])
def test_the_threshold_rule(value: float) -> None:
    study = study_of(lt.Threshold(1.0))
    assert stopped_at(study, [1.0, 0.5]) is None
    assert stopped_at(study, [value]) == 0
    study = study_of(lt.Threshold(1.0, after=2))
    assert stopped_at(study, [5.0, 5.0, 1.0]) is None


def test_a_threshold_that_nothing_meets_leaves_a_study_that_says_so() -> None:
    study = study_of(lt.Threshold(-1.0))

    def objective(trial: lt.RunningTrial) -> float:
        trial.report(0.0)
        return 0.0 if trial.should_stop() else 1.0

    assert study.run(objective, trials=6) == "trials"
    assert study.reader.counts == {"pruned": 6}
    with pytest.raises(NoResult, match="ended as pruned"):
        _ = study.best


def test_patience_finishes_a_trial_whose_value_then_counts() -> None:
    study = study_of(lt.Patience(reports=2, least=0.1))
    assert stopped_at(study, [5.0, 4.0, 3.95, 3.92, 1.0]) == 3
    assert study.trials[0].value == 3.92 and study.trials[0].reason is Reason.DONE
    assert stopped_at(study, [5.0, 4.0, 3.95, 3.8, 3.75, 3.7]) == 5
    assert stopped_at(study, [1.0, math.nan, math.nan]) == 2


def test_the_wilcoxon_rule_compares_folds_with_those_of_the_best_trial() -> None:
    study = study_of(lt.Wilcoxon(p=0.1, pairs=4))
    assert stopped_at(study, [9.0] * 5) is None  # there is nothing to compare with
    past(study, [0.1, 0.2, 0.3, 0.2, 0.1, 0.2])
    assert stopped_at(study, [0.2, 0.3, 0.4, 0.3, 0.2, 0.3]) == 3  # 4 of 4 are worse: p = 1/16
    assert stopped_at(study, [0.2, 0.1, 0.4, 0.1, 0.2, 0.1]) is None
    past(study, [0.1, 0.2])
    assert stopped_at(study, [math.nan] * 6) == 3


def test_the_signed_rank_test_is_exact() -> None:
    rng = np.random.default_rng(0)
    for size in (2, 5, 9, 20, 40):
        differences = rng.normal(0.3, 1.0, size)
        expected = wilcoxon(differences, alternative="greater", method="exact").pvalue
        assert signed_rank_p(differences) == pytest.approx(expected, abs=1e-12)
    large = rng.normal(0.1, 1.0, 300)
    expected = wilcoxon(large, alternative="greater", method="approx", correction=True).pvalue
    assert signed_rank_p(large) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("differences", [[1, 1, -1, 2], [0, 3, 3, -3, 1], [0, 0, 2], [2, math.inf, -1]])
def test_the_signed_rank_test_with_ties_and_zeros_equals_an_enumeration_of_signs(differences: list[float]) -> None:
    given = np.array(differences, float)
    size = np.abs(given)
    ranks = np.array([(size < one).sum() + ((size == one).sum() + 1) / 2 for one in size])
    used = ranks[size > 0]
    observed = ranks[given > 0].sum()
    sums = [
        sum(rank for rank, sign in zip(used, signs, strict=True) if sign) for signs in product((0, 1), repeat=len(used))
    ]
    assert signed_rank_p(given) == pytest.approx(np.mean(np.array(sums) >= observed - 1e-9))
    assert signed_rank_p(np.zeros(4)) == 1.0


class TestCombinations:
    def test_any_and_all(self) -> None:
        either = lt.Threshold(5.0) | lt.Patience(1)
        both = lt.Threshold(5.0) & lt.Patience(1)
        assert either == lt.AnyOf((lt.Threshold(5.0), lt.Patience(1))) and isinstance(both, lt.AllOf)
        study = study_of(either)
        assert stopped_at(study, [6.0]) == 0 and study.trials[-1].reason is Reason.PRUNED
        assert stopped_at(study, [4.0, 4.0]) == 1 and study.trials[-1].reason is Reason.DONE
        assert stopped_at(study, [4.0, 6.0]) == 1 and study.trials[-1].reason is Reason.PRUNED  # stop prevails
        study = study_of(both)
        assert stopped_at(study, [6.0, 5.5, 5.0, 5.0, 7.0]) == 4
        assert [event.by for event in study.history.events if isinstance(event, Pruned)] == ["Threshold & Patience"]

    def test_what_cannot_be_combined(self) -> None:
        with pytest.raises(InvalidSetting, match="not a rule"):
            lt.AnyOf((lt.Median(), 3))  # type: ignore[arg-type]
        with pytest.raises(InvalidSetting, match="at least one"):
            lt.AllOf(())
        with pytest.raises(InvalidSetting, match="several"):
            lt.ASHA() | (lt.Hyperband() | lt.Median())
        with pytest.raises(InvalidSetting, match=r"use \|"):
            lt.ASHA() & lt.Median()


@pytest.mark.parametrize(
    "make",
    [
        lambda: lt.Median(trials=0),
        lambda: lt.Percentile(keep=0),
        lambda: lt.Percentile(keep=100),
        lambda: lt.Median(every=0),
        lambda: lt.Patience(0),
        lambda: lt.Patience(least=-1),
        lambda: lt.Threshold(math.nan),
        lambda: lt.Threshold(1.0, after=-1),
        lambda: lt.Wilcoxon(p=1),
        lambda: lt.Wilcoxon(pairs=1),
        lambda: lt.ASHA(eta=1),
        lambda: lt.Hyperband(eta=1),
        lambda: lt.SuccessiveHalving(trials=1),
        lambda: lt.OneStep(keep=0),
        lambda: lt.OneStep(keep=5, trials=5),
        lambda: lt.Fidelity("", 1, 2),
        lambda: lt.Fidelity("epochs", 0, 2),
        lambda: lt.Fidelity("epochs", 2, 2),
        lambda: lt.Fidelity("epochs", 1, 2.5),  # type: ignore[arg-type]
    ],
)
def test_settings_outside_their_range_are_refused(make: Any) -> None:
    with pytest.raises(InvalidSetting):
        make()


class TestStudies:
    def test_a_rule_is_kept_with_the_study(self) -> None:
        store = Memory()
        study = lt.Study("s", SPACE, minimize="y", store=store, stop=lt.Median(trials=7) | lt.Threshold(3.0))
        study.tell(study.ask(), 1.0)
        again = lt.Study("s", store=store)
        assert again.rule == study.rule
        again.rule = None
        again.tell(again.ask(), 1.0)
        assert lt.Study("s", store=store).rule is None

    def test_what_is_no_rule_is_refused(self) -> None:
        with pytest.raises(InvalidSetting, match="give a rule"):
            study_of(lt.Random())  # type: ignore[arg-type]
        with pytest.raises(InvalidSetting, match="fidelity"):
            study_of(lt.ASHA())
        with pytest.raises(InvalidSetting, match="Fidelity"):
            study_of(fidelity=("epochs", 1, 9))
        study = study_of()
        with pytest.raises(InvalidSetting, match="fidelity"):
            study.rule = lt.Hyperband()

        class Mine(Rule):
            def decide(self, problem: Any, history: Any, number: int) -> Decision:
                return GO_ON

        with pytest.raises(InvalidSetting):
            study_of(Mine())

    def test_a_fidelity_is_that_of_the_stored_study(self) -> None:
        store = Memory()
        lt.Study("s", SPACE, minimize="y", store=store, fidelity=lt.Fidelity("epochs", 1, 9))
        assert lt.Study("s", store=store).problem.fidelity == lt.Fidelity("epochs", 1, 9)
        with pytest.raises(StudyMismatch, match="81"):
            lt.Study("s", store=store, fidelity=lt.Fidelity("epochs", 1, 81))

    def test_without_a_rule_no_trial_is_to_stop(self) -> None:
        study = study_of()
        trial = study.ask()
        trial.report(1e9)
        assert not trial.should_stop() and not study.should_stop(trial)
        assert study.tell(trial, 1.0).is_done

    def test_an_objective_that_does_not_ask_has_its_value(self) -> None:
        study = study_of(lt.Threshold(0.0))

        def objective(trial: lt.RunningTrial) -> float:
            for step in range(3):
                trial.report(1.0, step)
            return 5.0

        study.run(objective, trials=2)
        assert [trial.value for trial in study.trials] == [5.0, 5.0]
        assert study.trials[0].trial.ruling is Ruling.STOP  # which it was told at the first report
        assert len([event for event in study.history.events if isinstance(event, Pruned)]) == 2
        assert study.verify().ok

    def test_a_report_after_the_stop_is_kept_and_decides_nothing(self) -> None:
        study = study_of(lt.Threshold(0.0))
        trial = study.ask()
        trial.report(1.0)
        assert trial.should_stop()
        trial.report(-1.0)
        assert trial.should_stop()
        result = study.tell(trial, -1.0)
        assert result.reason is Reason.PRUNED and [report.value for report in result.reports] == [1.0, -1.0]
        with pytest.raises(TrialFinished):
            trial.report(2.0)

    def test_steps_that_go_back_are_refused_and_nothing_is_lost(self) -> None:
        study = study_of(lt.Median())
        trial = study.ask()
        trial.report(1.0, 5)
        trial.report(1.5, 5)  # a correction
        with pytest.raises(InvalidResult, match="step 3 after step 5"):
            trial.report(1.0, 3)
        assert study.tell(trial, 1.0).is_done and [report.value for report in study.trials[0].reports] == [1.5]

        def objective(running: lt.RunningTrial) -> float:
            running.report(1.0, 5)
            running.report(1.0, 3)
            return 1.0

        study.run(objective, trials=2)
        assert study.trials[1].reason is Reason.FAILED and "step 3 after step 5" in study.trials[1].error

    def test_an_objective_that_never_reports_is_never_stopped(self) -> None:
        study = study_of(lt.Median(trials=1) | lt.Threshold(0.0) | lt.Patience(1))
        study.run(lambda trial: 1.0 if not trial.should_stop() else 2.0, trials=5)
        assert [trial.value for trial in study.trials] == [1.0] * 5

    @pytest.mark.parametrize("executor", ["inline", "threads", pytest.param("processes", marks=pytest.mark.slow)])
    def test_every_executor_asks_the_rule(self, executor: str) -> None:
        study = study_of(lt.Threshold(10.0))

        def objective(trial: lt.RunningTrial) -> float:
            for step in range(20):
                trial.report(float(step), step)
                if trial.should_stop():
                    if trial.number % 2:
                        raise TrialPruned("enough")
                    return float(step)
            return 20.0

        study.run(objective, trials=6, workers=2 if executor != "inline" else 1, executor=executor)
        for trial in study.trials:
            assert trial.reason is Reason.PRUNED and [report.step for report in trial.reports] == list(range(12))
            assert trial.error == ("enough" if trial.number % 2 else "")
        assert study.verify().ok and study.verify().rulings == 6

    def test_a_pruned_trial_teaches_the_model(self) -> None:
        study = study_of(lt.Median(trials=2))
        past(study, [1.0, 1.0], [2.0, 2.0], [3.0, 3.0])
        assert stopped_at(study, [2.5, 2.5]) == 0
        data = study.history.data(study.problem)
        assert data.stopped.losses.tolist() == [[pytest.approx(np.quantile([1.0, 2.0, 3.0], 2 / 3))]]

    def test_one_may_say_that_a_trial_is_pruned(self) -> None:
        study = study_of()
        result = study.tell(study.ask(), pruned="not worth it")
        assert (result.reason, result.error) == (Reason.PRUNED, "not worth it")

    def test_a_copy_of_a_trial_elsewhere_cannot_ask(self) -> None:
        import pickle

        study = study_of(lt.Median())
        with pytest.raises(InvalidSetting, match="no study to ask"):
            pickle.loads(pickle.dumps(study.ask())).should_stop()
        assert not pickle.loads(pickle.dumps(study_of().ask())).should_stop()

    def test_a_trial_whose_worker_is_lost_after_its_ruling_is_not_run_again(self) -> None:
        study = study_of(lt.Threshold(0.0))
        trial = study.ask()
        trial.report(1.0)
        study.release(trial, "killed", reason=Reason.LOST)
        assert study.trials[0].reason is Reason.PRUNED
        other = study.ask()
        other.report(-1.0)
        study.release(other, "killed", reason=Reason.LOST)
        assert study.trials[1].state is State.WAITING

    @pytest.mark.parametrize("rule", [lt.Median(), lt.ASHA(), lt.SuccessiveHalving(), lt.Hyperband(), None])
    @pytest.mark.parametrize("asked", [{"workers": 2, "deterministic": 1}, {"workers": 1, "deterministic": 2}])
    def test_of_one_trial_after_the_other_it_has_one_worker(self, rule: Rule | None, asked: dict[str, int]) -> None:
        """With a window of 1 two workers would run as ever, and nothing of it be deterministic. None: it is ASHA."""
        study = study_of(rule, fidelity=lt.Fidelity("epochs", 1, 9))
        assert study.rule is not None
        with pytest.raises(InvalidSetting, match="no two runs share: use one worker"):
            study.run(lambda trial: 1.0, trials=3, executor="threads", **asked)  # type: ignore[arg-type]
        assert not study.trials

    def test_under_a_scheduler_one_worker_makes_the_same_trials_and_several_are_replayed(self) -> None:
        def halved(**how: Any) -> lt.Study:
            study = study_of(lt.ASHA(), fidelity=lt.Fidelity("epochs", 1, 9))
            study.run(lambda trial: float(trial["x"]) + 1 / (trial.until or 9), trials=20, **how)
            assert study.verify().ok
            return study

        def outlines(study: lt.Study) -> list[tuple[Any, ...]]:
            return [(trial.params, trial.value, trial.state) for trial in study.trials]

        once, again = halved(deterministic=True), halved(deterministic=True)
        assert outlines(once) == outlines(again) == outlines(halved())
        assert len(halved(workers=3, executor="threads").trials) == 20

    def test_a_deterministic_run_of_several_workers_has_no_rule(self) -> None:
        study = study_of(lt.Median())
        with pytest.raises(InvalidSetting, match="no two runs share"):
            study.run(lambda trial: 1.0, trials=3, workers=2, executor="threads", deterministic=True)
        assert study.run(lambda trial: 1.0, trials=3, deterministic=True) == "trials"
        study.rule = None
        assert study.run(lambda trial: 1.0, trials=5, workers=2, executor="threads", deterministic=True) == "trials"
