"""Rules that end a run, the noise of folds, and the lead over the defaults."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.analysis import EndEvidence, SingleObjective, describe_end, parse_end_rule
from luthier.analysis.worth import fold_error, fold_losses
from luthier.analysis.worth.regret_bound import measurement_error, regret_bound
from luthier.errors import InvalidSetting, NoResult, TrialNotFound
from luthier.event import RunEnded
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.run import End
from luthier.run.ending import EVERY

SPACE = {"x": lt.Float(0, 1), "y": lt.Float(0, 1)}
FOLDS = (0.01, -0.02, 0.0, 0.03, -0.02)


def study(**settings: Any) -> lt.Study:
    given: dict[str, Any] = {"minimize": "loss", "seed": 0}
    return lt.Study("worth", SPACE, **(given | settings))


def bowl(trial: Any) -> float:
    return float((trial["x"] - 0.3) ** 2 + (trial["y"] - 0.6) ** 2)


def with_folds(trial: lt.RunningTrial) -> float:
    values = [bowl(trial) + apart for apart in FOLDS]
    for fold, value in enumerate(values):
        trial.report(value, fold)
    return sum(values) / len(values)


def evidence(history: History) -> EndEvidence:
    return EndEvidence(history, lt.Auto(), Key.of(0).fold("insight"), Memo())


# --- folds ---------------------------------------------------------------------------------------------


def test_the_error_over_folds_is_that_of_nadeau_and_bengio() -> None:
    values = [0.1, 0.2, 0.4, 0.2, 0.1]
    assert fold_error(values) == pytest.approx(math.sqrt((1 / 5 + 1 / 4) * np.var(values, ddof=1)))
    assert fold_error([0.3]) == fold_error([]) == 0.0


def test_folds_are_told_from_epochs_by_their_mean() -> None:
    run = study(method=lt.Random())
    run.run(with_folds, trials=1)
    run.run(lambda trial: [trial.report(1.0 / (step + 1), step) for step in range(5)] and 0.2, trials=2)
    run.run(lambda trial: {"loss": 0.2, "folds": [0.1, 0.3]}, trials=3)
    scores = [{"fit_s": 3.0, "loss": 0.1}, {"fit_s": 4.0, "loss": 0.5}]
    run.run(lambda trial: {"loss": 0.3, "folds": scores}, trials=4)
    run.run(lambda trial: {"loss": 0.3, "folds": [0.1, "a"]}, trials=5)
    found = [fold_losses(run.problem, trial) for trial in run.history.trials]
    base = bowl(run.trials[0])
    assert found[0] == {fold: base + apart for fold, apart in enumerate(FOLDS)}
    assert found[1:] == [{}, {0: 0.1, 1: 0.3}, {0: 0.1, 1: 0.5}, {}]
    up = lt.Study("up", SPACE, maximize="gain", method=lt.Random(), seed=0)
    up.run(lambda trial: {"gain": 0.2, "folds": [0.1, 0.3]}, trials=1)
    assert fold_losses(up.problem, up.history.trial(0)) == {0: -0.1, 1: -0.3}


# --- the rules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: lt.NotWorthIt(price=0),
        lambda: lt.NotWorthIt(price=-1.0),
        lambda: lt.NotWorthIt(trials=0),
        lambda: lt.NotWorthIt(trials=1000),
        lambda: lt.RegretBound(error=0.0),
        lambda: lt.RegretBound(after=2),
        lambda: lt.NoProgress(0),
        lambda: lt.NoProgress(least=-1),
        lambda: lt.NoProgress(trials="ten"),
    ],
)
def test_settings_out_of_range_are_refused(make: Any) -> None:
    with pytest.raises(InvalidSetting):
        make()


@pytest.mark.parametrize("given", ["worth it", 3, lt.Median(), {"use": "Median"}, lt.NotWorthIt])
def test_what_is_no_rule_for_a_run_is_refused(given: Any) -> None:
    with pytest.raises(InvalidSetting, match="not worth it"):
        study().run(bowl, trials=3, stop=given)


def test_several_objectives_have_no_such_rule() -> None:
    with pytest.raises(InvalidSetting, match="several"):
        study(minimize=["a", "b"]).run(bowl, trials=3, stop="not worth it")


def test_the_words_and_the_text_form_are_the_rule() -> None:
    assert parse_end_rule("not worth it") == lt.NotWorthIt()
    assert parse_end_rule({"use": "NotWorthIt", "price": 0.5}) == lt.NotWorthIt(price=0.5)
    assert parse_end_rule(None) is None


def test_no_progress_counts_trials_since_the_last_real_improvement() -> None:
    losses = iter([1.0, 0.9, 0.899, 0.95, 0.898, 0.897, 0.5])
    run = study(method=lt.Random())
    run.run(lambda trial: next(losses), trials=6)
    rule = lt.NoProgress(trials=4, least=0.01)
    found = rule.decide(evidence(run.history))
    assert found is not None and found.figures == {"since": 4.0, "least": 0.01}
    assert lt.NoProgress(trials=5, least=0.01).decide(evidence(run.history)) is None
    assert lt.NoProgress(trials=1, least=0.0).decide(evidence(run.history)) is None
    run.run(lambda trial: next(losses), trials=7)
    assert rule.decide(evidence(run.history)) is None


def test_no_progress_takes_the_error_of_the_folds_for_no_improvement() -> None:
    run = study(method=lt.Random())

    def train(trial: lt.RunningTrial) -> dict[str, Any]:
        better = 0.001 * trial.number
        return {"loss": 0.2 - better, "folds": [0.1 - better, 0.3 - better]}

    run.run(train, trials=6)
    found = lt.NoProgress(5).decide(evidence(run.history))
    assert found is not None and found.figures["least"] == pytest.approx(fold_error([0.1, 0.3]))
    run.forget([0])
    assert lt.NoProgress(5).decide(evidence(run.history)) is None


@pytest.fixture(scope="module")
def searched() -> lt.Study:
    run = study()
    run.run(with_folds, trials=25)
    return run


def test_the_regret_bound_holds_the_regret(searched: lt.Study) -> None:
    for length in (8, 15, 25):
        events = [place for place, event in enumerate(searched.history.events) if type(event).__name__ == "Told"]
        history = searched.history.upto(events[length - 1] + 1)
        model = SingleObjective.of(history, None, lt.Auto(), Key.of(0), Memo())
        bound = regret_bound(model, model.best_row, Key.of(1))
        assert bound >= model.data.loss.min() - np.mean(FOLDS) - 1e-4
    assert bound < 0.01


def test_a_run_ends_once_the_regret_is_below_the_error_of_the_folds(searched: lt.Study) -> None:
    model = SingleObjective.of(searched.history, None, lt.Auto(), Key.of(0), Memo())
    assert measurement_error(model, model.best_row) == pytest.approx(fold_error(FOLDS))
    found = lt.RegretBound().decide(evidence(searched.history))
    assert found is not None and found.by == "RegretBound"
    assert found.figures["regret"] < found.figures["error"] == pytest.approx(fold_error(FOLDS))
    assert lt.RegretBound(error=1e-12).decide(evidence(searched.history)) is None
    assert lt.RegretBound(after=26).decide(evidence(searched.history)) is None


def test_a_known_variance_is_the_error() -> None:
    run = study()
    run.run(lambda trial: {"loss": bowl(trial), "variance": 0.04}, trials=6)
    model = SingleObjective.of(run.history, None, lt.Auto(), Key.of(0), Memo())
    assert measurement_error(model, model.best_row) == pytest.approx(0.2)


def test_a_price_ends_a_run_where_a_unit_of_cost_brings_less() -> None:
    run = study(cost="dollars")
    run.run(lambda trial: {"loss": bowl(trial), "dollars": 2.0}, trials=12)
    forecast = run.forecast(20)
    rate = max(gain.value / (2.0 * more) for gain, more in zip(forecast.gain, forecast.trials, strict=True))
    assert lt.NotWorthIt(price=0.5 * rate).decide(evidence(run.history)) is None
    found = lt.NotWorthIt(price=2.0 * rate).decide(evidence(run.history))
    assert found is not None and found.by == "Price"
    assert found.figures["gain"] / found.figures["cost"] == pytest.approx(rate, rel=1e-6)
    free = study(cost="dollars")
    free.run(lambda trial: {"loss": bowl(trial), "dollars": 0.0}, trials=12)
    assert lt.NotWorthIt(price=1e6).decide(evidence(free.history)) is None


# --- the end of a run ----------------------------------------------------------------------------------


def test_a_run_that_was_ended_says_why_and_can_be_gone_on_with(tmp_path: Path) -> None:
    store = tmp_path / "study.db"
    with study(store=store, method=lt.Random()) as run:
        assert run.run(lambda trial: 1.0, trials=100, stop=lt.NoProgress(7)) is End.NOT_WORTH_IT
        assert len(run) == 10 and 10 % EVERY == 0
    with study(store=store, method=lt.Random()) as again:
        ended = again.history.ended
        assert ended is not None and ended.by == "NoProgress" and ended.figures["trials"] == 10.0
        assert ended.rule == {"use": "NoProgress", "trials": 7} and ended.seen == again.history.length - 1
        assert describe_end(ended) == "not worth it after 10 trials: 9 trials in a row bettered nothing (NoProgress)"
        assert again.run(lambda trial: 1.0, trials=100, stop=lt.NoProgress(7)) is End.NOT_WORTH_IT
        assert len(again) == 10
        assert sum(isinstance(event, RunEnded) for event in again.history.events) == 1
        assert again.run(lambda trial: 0.5, trials=12) is End.TRIALS and len(again) == 12
        assert again.run(lambda trial: 0.5, trials=100, stop=lt.NoProgress(7)) is End.NOT_WORTH_IT
        assert 15 <= len(again) <= 20 and again.verify().ok


def test_an_ended_run_is_nothing_to_a_method() -> None:
    run = study(method=lt.Random())
    run.run(bowl, trials=100, stop=lt.NoProgress(1))
    ended = run.history.ended
    assert ended is not None
    assert run.history.upto(ended.seen).digest == run.history.digest


# --- the lead ------------------------------------------------------------------------------------------


def test_the_lead_over_the_defaults_is_compared_in_pairs_of_folds() -> None:
    run = study(method=lt.Random())
    run.enqueue({"x": 0.5, "y": 0.5})
    shared = [random.Random(fold).gauss(0, 1.0) for fold in range(5)]

    def train(trial: lt.RunningTrial) -> float:
        gain = 0.0 if trial.number == 0 else 0.05
        values = [0.5 + shared[fold] - gain - 0.01 * trial.number * fold for fold in range(5)]
        for fold, value in enumerate(values):
            trial.report(value, fold)
        return sum(values) / 5

    run.run(train, trials=2)
    found = run.lead()
    assert (found.best, found.other, found.source, found.pairs) == (1, 0, "folds", 5)
    assert found.value == pytest.approx(0.07) and found.noise < 0.02 and not found.is_noise
    assert "5 folds in pairs" in str(found) and found.to_dict()["is_noise"] is False


def test_a_lead_that_is_the_same_in_all_folds_has_no_noise() -> None:
    run = study(method=lt.Random())
    for shift in (0.3, 0.1, 0.3):
        folds = [0.7 + shift + fold / 3 for fold in range(3)]  # whose differences are not exact
        run.tell(run.ask(), {"loss": sum(folds) / 3, "folds": folds})
    found = run.lead(over=0)
    assert (found.source, found.pairs, found.noise, found.is_noise) == ("folds", 3, 0.0, False)
    assert "its standard error is 0 over 3 folds in pairs" in str(found) and "above the noise" in str(found)
    run.forget(1)
    even = run.lead(over=2)
    assert even.value == pytest.approx(0.0) and even.is_noise  # nothing is won, and that is sure


def test_a_lead_below_the_noise_says_so() -> None:
    run = study(method=lt.Random())
    run.enqueue({"x": 0.5, "y": 0.5})
    run.run(lambda trial: {"loss": 0.5 - 0.01 * trial.number, "variance": 0.04}, trials=3)
    found = run.lead()
    assert found.source == "variance" and found.noise == pytest.approx(math.sqrt(0.08)) and found.is_noise
    assert run.lead(over=1).value == pytest.approx(0.01)


def test_without_folds_the_noise_is_that_of_the_models() -> None:
    run = study(noisy=True, method=lt.Random(), seed=1)
    run.enqueue({"x": 0.5, "y": 0.5})
    run.run(lambda trial: bowl(trial) + random.Random(trial.seed).gauss(0, 0.3), trials=25)
    found = run.lead()
    assert found.source == "model" and 0.5 * 0.42 < found.noise < 2.0 * 0.42


def test_a_lead_needs_two_trials_with_values() -> None:
    run = study(method=lt.Random())
    with pytest.raises(NoResult):
        run.lead()
    run.run(bowl, trials=2)
    with pytest.raises(NoResult, match="defaults"):
        run.lead()
    with pytest.raises(TrialNotFound):
        run.lead(over=7)
