"""What a study explains and predicts: in the objective's units and direction, and honestly where nothing is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats

import luthier as lt
from luthier.acquisition.analytic import LogEI
from luthier.acquisition.normal import density, distribution
from luthier.analysis.calibration import Calibration, Coverage
from luthier.analysis.explanation import LIKELY
from luthier.analysis.predictive_distribution import read_models
from luthier.errors import InvalidConfig, InvalidSetting, NoResult, TrialNotFound
from luthier.key import Key
from luthier.memo import Memo
from luthier.surrogate.stacked import Ensemble

SPACE = {"x": lt.Float(-5, 5), "k": lt.Choice("a", "b"), "z": lt.Float(1e-3, 1, log=True, when="k == 'b'")}


def loss(params: Mapping[str, Any]) -> float:
    return float(params["x"] - 1) ** 2 + (0.5 * math.log10(params["z"]) ** 2 if params["k"] == "b" else 2.0)


def ran(method: Any = None, trials: int = 16, maximize: bool = False, **settings: Any) -> lt.Study:
    goal: dict[str, Any] = {"maximize": "gain"} if maximize else {"minimize": "loss"}
    study = lt.Study("s", SPACE, method=method, seed=3, **goal, **settings)
    sign = -1.0 if maximize else 1.0
    study.run(lambda trial: sign * loss(trial.params), trials=trials)
    return study


@pytest.fixture(scope="module")
def study() -> lt.Study:
    return ran()


# --- explain --------------------------------------------------------------------------------------


def test_the_first_trials_are_a_design_of_which_nothing_was_expected(study: lt.Study) -> None:
    found = study.explain(0)
    assert (found.purpose, found.prediction, found.acquisition, found.known) == ("design", None, None, 0)
    assert "needs at least 3 trials with values; there are 0" in found.remarks[0]
    assert found.values == {"loss": study.trial(0).value}
    assert study.explain(4).prediction is not None  # a model could have said something by then


def test_a_proposal_is_explained_from_what_was_known_then(study: lt.Study) -> None:
    found = study.explain(9)
    view = study.history.upto(study.history.trial(9).seen)
    data = view.data(view.problem())
    assert found.known == len(data) == 9
    assert isinstance(study.method, lt.Auto)
    step = study.method.step(view.problem(), data, Key.of(3).fold("trial", 9), 0, Memo())
    predicted = read_models(step.models, data, Memo())
    assert predicted is not None
    point = study.space.encode([dict(study.trial(9).config)])
    median, low, high = predicted.quantiles(point, (0.5, 0.05, 0.95), observed=True)[:, 0].tolist()
    assert found.prediction is not None
    assert found.prediction.interval == (median, low, high)
    best = min(trial.value for trial in study.trials[:9])
    assert found.improvement == predicted.below(point, np.array([best]))[0]
    assert found.improvement is not None
    assert found.purpose == ("exploit" if found.improvement >= LIKELY else "explore")
    assert found.unit == "length-scales of the model"
    assert [near.number for near in found.neighbours] == sorted(
        range(9), key=lambda n: predicted.distances(point, data.x)[0][0, n]
    )[:3]
    surprise = predicted.surprise(point, np.array([study.trial(9).value]))[0]
    assert found.surprises == {"loss": surprise}


def test_a_proposal_is_where_its_acquisition_function_is_large(study: lt.Study) -> None:
    for number in range(6, 16):
        rated = study.explain(number).acquisition
        assert rated is not None
        assert rated.above > 0.95


def test_the_value_of_the_acquisition_function_is_that_of_its_model() -> None:
    study = ran(lt.Bayes(surrogate=lt.GP(), acquisition=lt.LogEI()), trials=10)
    view = study.history.upto(study.history.trial(9).seen)
    data = view.data(view.problem())
    model = lt.GP().fit(data, Key.of(0), Memo())
    mean, variance = model.moments(study.space.encode([dict(study.trial(9).config)]))
    expected = LogEI().score(mean, np.sqrt(variance), model.best).value[0]
    rated = study.explain(9).acquisition
    assert rated is not None
    assert rated.name == "LogEI"
    assert rated.value == pytest.approx(expected, rel=1e-9)


def test_every_trial_of_a_batch_is_rated() -> None:
    study = ran(trials=6)
    for trial in study.ask(4):
        found = study.explain(trial)
        assert found.acquisition is not None
        assert found.acquisition.above > 0.9
        assert found.known == 6


def test_exploiting_and_exploring_part_where_the_partial_derivatives_of_ei_are_equal() -> None:
    z = stats.norm.ppf(LIKELY)
    assert density(np.array([z]))[0] == pytest.approx(distribution(np.array([z]))[0], abs=1e-4)


def test_a_point_that_is_known_to_be_good_is_exploited_and_a_far_one_explores() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Bayes(initial=1), seed=0)
    for x in (0.0, 0.2, 0.4, 0.5, 0.7, 1.0):
        study.add({"x": x}, (x - 0.42) ** 2)
    near = study.explain(study.ask())
    assert near.purpose == "exploit"
    assert near.params["x"] == pytest.approx(0.42, abs=0.03)
    assert "to beat the best known then, 0.0004" in near.why
    far = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Bayes(initial=1), seed=0)
    for x in (0.3, 0.35, 0.4, 0.45, 0.5):
        far.add({"x": x}, (x - 0.42) ** 2)
    found = far.explain(far.ask())
    assert found.purpose == "explore"
    assert "little is known there" in found.why


def test_a_running_trial_and_then_its_surprise(study: lt.Study) -> None:
    own = ran(trials=8)
    trial = own.ask()
    before = own.explain(trial)
    assert not before.values
    assert not before.surprises
    own.tell(trial, 1e3)
    after = own.explain(trial.number)
    assert after.prediction == before.prediction
    assert after.acquisition == before.acquisition
    assert after.surprises["loss"] > 5
    assert "standard deviations above the expected" in str(after)


def test_maximizing_mirrors_minimizing() -> None:
    down, up = ran(trials=12), ran(trials=12, maximize=True)
    one, two = down.explain(11), up.explain(11)
    assert one.prediction is not None
    assert two.prediction is not None
    (median, low, high), mirrored = one.prediction.interval, two.prediction.interval
    assert mirrored == pytest.approx((-median, -high, -low))
    assert two.surprises["gain"] == pytest.approx(-one.surprises["loss"])
    assert two.improvement == pytest.approx(one.improvement)
    assert up.expected_best().number == down.expected_best().number
    assert up.calibration().residuals == pytest.approx([-z for z in down.calibration().residuals])


@pytest.mark.parametrize("method", [lt.Random(), lt.Quasi(), lt.Grid(points=5), lt.Evolution("de")])
def test_methods_without_a_model_say_so_and_a_default_one_predicts(method: Any) -> None:
    study = ran(method, trials=8)
    found = study.explain(7)
    assert found.purpose == "unmodelled"
    assert f"{type(method).__name__} asks no model" in found.why
    assert found.acquisition is None
    assert found.prediction is not None
    assert found.prediction.by == f"a default GP, as {type(method).__name__} asks no model"
    assert study.predict(SOME).by == found.prediction.by


SOME = {"x": 1.0, "k": "a"}


@pytest.mark.parametrize(
    "surrogate",
    [
        lt.GP(samples=2),
        lt.GP(scaling="evidence"),
        lt.GP(scaling="rank", warp=True),
        lt.GP(scaling="log gap"),
        lt.Forest(trees=10),
        Ensemble((lt.GP(), lt.GP(kernel="rbf"))),
    ],
)
def test_every_surrogate_with_means_is_read_in_the_units_of_the_objective(surrogate: Any) -> None:
    study = ran(lt.Bayes(surrogate=surrogate, initial=8), trials=12)
    found = study.explain(11)
    assert found.prediction is not None
    assert found.prediction.by == f"{type(surrogate).__name__} of Bayes"
    assert found.acquisition is not None
    tried = study.predict([trial.params for trial in study.trials])
    values = np.array([trial.value for trial in study.trials])
    far = np.abs([one.value for one in tried] - values)
    assert np.median(far) < 0.5 * values.std()
    assert all(one.low <= one.value <= one.high for one in tried)
    assert len(study.calibration().residuals) == 12


def test_a_parzen_ratio_gives_no_means_and_a_default_process_stands_in() -> None:
    study = ran(lt.Bayes(surrogate=lt.Parzen(), acquisition=lt.EI(), initial=5), trials=10)
    found = study.explain(9)
    assert found.prediction is not None
    assert found.prediction.by == "a default GP, as Parzen gives no means"
    assert found.purpose in ("exploit", "explore")
    assert found.acquisition is not None
    assert found.acquisition.name == "log density ratio"
    assert found.acquisition.above > 0.5


def test_a_member_of_a_portfolio_is_named() -> None:
    study = ran(lt.Bayes(acquisition=lt.Hedge((lt.LogEI(), lt.UCB(2.0))), initial=5), trials=8)
    rated = study.explain(7).acquisition
    assert rated is not None
    assert rated.name == study.trial(7).note["arm"]


def test_trials_that_were_no_proposals() -> None:
    study = ran(trials=6)
    study.enqueue({"x": 2.0, "k": "a"})
    enqueued = study.ask()
    own = study.ask(params={"x": 3.0, "k": "a"})
    added = study.add({"x": 4.0, "k": "a"}, 11.0)
    for trial, said in ((enqueued, "enqueued"), (own, "asked for"), (added, "elsewhere")):
        found = study.explain(trial)
        assert found.purpose == "given"
        assert said in found.why
        assert found.prediction is not None
    assert study.explain(added).surprises


def test_failures_are_stated() -> None:
    study = ran(trials=5)
    study.tell(study.ask(params={"x": -4.0, "k": "a"}), failed="no")
    trial = study.ask()
    assert any("1 crashed before it: counted as the worst value" in remark for remark in study.explain(trial).remarks)
    failed = study.explain(5)
    assert "it ended as failed" in failed.remarks
    assert not failed.values
    assert len(study.calibration().numbers) == 5


def test_several_objectives() -> None:
    study = lt.Study("m", {"x": lt.Float(-2, 2)}, minimize=["a"], maximize="b", seed=1)
    study.run(lambda trial: {"a": trial["x"] ** 2, "b": -((trial["x"] - 1) ** 2)}, trials=9)
    found = study.explain(8)
    assert found.purpose in ("exploit", "explore")
    assert found.improvement is None
    assert set(found.surprises) == {"a", "b"}
    assert found.prediction is not None
    with pytest.raises(InvalidSetting, match="several objectives"):
        _ = found.prediction.value
    predicted = study.predict({"x": 0.5})
    assert predicted.intervals["a"].median == pytest.approx(0.25, abs=0.2)
    assert predicted.intervals["b"].median == pytest.approx(-0.25, abs=0.3)
    assert study.calibration("b").objective == "b"
    with pytest.raises(InvalidSetting, match="'a', 'b'"):
        study.calibration()
    with pytest.raises(InvalidSetting, match="front"):
        study.expected_best()


def test_outcome_constraints() -> None:
    study = lt.Study("c", {"x": lt.Float(-2, 2)}, minimize="y", seed=1)

    def measure(x: float) -> dict[str, Any]:
        return {"y": x, "violations": {"v": -x - 0.5}}  # x at least -0.5

    for x in (-1.9, -1.5, -1.2, -0.9, -0.8):
        study.add({"x": x}, measure(x))
    assert study.explain(study.ask()).purpose == "feasible"
    with pytest.raises(NoResult, match="none of the 5"):
        study.expected_best()
    for x in (-0.4, 0.0, 1.0, 1.9):
        study.add({"x": x}, measure(x))
    inside, outside = study.predict([{"x": 0.5}, {"x": -1.6}])
    assert inside.chance > 0.9 > 0.1 > outside.chance
    assert study.expected_best().params["x"] == -0.4
    assert study.expected_best(anywhere=True).prediction.chance >= 0.5
    assert "constraints hold" in str(outside)


def test_after_the_space_changed() -> None:
    study = ran(trials=8)
    wider = {**SPACE, "x": lt.Float(-5, 9), "m": lt.Bool(default=False)}
    before = study.explain(7)
    study.change(wider)
    assert study.explain(7) == before
    assert study.predict({"x": 8.0, "k": "a", "m": True}).value > 0
    assert study.predict(SOME) == study.predict({**SOME, "m": False})  # what is missing is the default


def test_the_rest_of_a_small_space() -> None:
    study = lt.Study("r", {"x": lt.Int(1, 8)}, minimize="y", method=lt.Random(), seed=0)
    study.run(lambda trial: trial["x"], trials=8)
    assert {study.explain(n).purpose for n in range(8)} == {"unmodelled"}


def test_there_is_no_such_trial_or_level(study: lt.Study) -> None:
    for number in (-1, 99):
        with pytest.raises(TrialNotFound):
            study.explain(number)
    for level in (0.0, 1.0, math.nan):
        with pytest.raises(InvalidSetting, match="level"):
            study.explain(0, level)


# --- predict --------------------------------------------------------------------------------------


def test_predictions_as_users_write_configurations(study: lt.Study) -> None:
    one = study.predict(SOME)
    both = study.predict([SOME, {"x": -4.0, "k": "b", "z": 0.01}])
    assert one.interval == pytest.approx(both[0].interval)
    assert (one.params, one.level, one.chance) == (SOME, 0.9, 1.0)
    assert one.low <= one.value <= one.high
    assert one.value == pytest.approx(2.0, abs=1.0)
    assert study.predict([]) == ()
    narrow, wide = study.predict(SOME, 0.5), study.predict(SOME, 0.99)
    assert wide.low < one.low < narrow.low < narrow.high < one.high < wide.high
    with pytest.raises(InvalidConfig):
        study.predict({"x": 7.0, "k": "a"})
    filled = study.space.complete({"x": 1.0})
    assert study.predict([SOME, {"x": 1.0}]) == study.predict([SOME, filled])


def test_predictions_of_a_data_frame(study: lt.Study) -> None:
    frame = study.to_frame()
    found = study.predict(frame)
    assert [one.params for one in found] == [trial.params for trial in study.trials]
    for one, other in zip(study.predict(frame[["k", "x", "z"]].iloc[:3]), found, strict=False):
        assert one.config == other.config
        assert one.intervals["loss"] == pytest.approx(other.intervals["loss"])
    with pytest.raises(InvalidConfig, match="no column of a variable; there are 'x'"):
        study.predict(frame[["number"]])


def test_one_more_measurement_is_less_sure_than_the_function() -> None:
    study = noisy()
    true, measured = study.predict({"x": 0.0}), study.predict({"x": 0.0}, observed=True)
    assert true.value == pytest.approx(measured.value, abs=0.02)
    assert measured.high - measured.low > 1.5 * (true.high - true.low)


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_values_of_any_size(scale: float) -> None:
    study = lt.Study("b", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=2)
    study.run(lambda trial: scale * (trial["x"] - 0.4) ** 2, trials=12)
    found = study.predict({"x": 0.4})
    assert np.isfinite(found.interval).all()
    assert abs(found.value) < 0.05 * scale
    assert np.isfinite(study.calibration().residuals).all()
    assert math.isfinite(study.explain(11).surprises["y"])


def test_too_little_is_known() -> None:
    study = lt.Study("e", {"x": lt.Float(0, 1)}, minimize="y", seed=0)
    for ask in (lambda: study.predict({"x": 0.1}), study.expected_best, study.calibration):
        with pytest.raises(NoResult, match="at least 3 trials with values; there are 0"):
            ask()
    study.tell(study.ask(), failed="no")
    with pytest.raises(NoResult, match="and 1 that crashed"):
        study.predict({"x": 0.1})
    for x in (0.1, 0.2, 0.3, 0.4):
        study.add({"x": x}, 2.0)
    with pytest.raises(NoResult, match="all 4 values of y are equal"):
        study.calibration()
    found = study.explain(study.ask())
    assert found.purpose in ("design", "explore")
    assert "equal" in found.remarks[0]


def test_nothing_to_choose() -> None:
    study = lt.Study("n", {"x": lt.Constant(1)}, minimize="y", noisy=True, seed=0)
    study.run(lambda trial: float(trial.number), trials=4)
    with pytest.raises(NoResult, match="no variables to choose"):
        study.predict({"x": 1})
    assert "no variables" in study.explain(3).remarks[0]
    assert study.explain(3).neighbours == ()


# --- the expected best ----------------------------------------------------------------------------


def noisy() -> lt.Study:
    study = lt.Study("noisy", {"x": lt.Float(-1, 1)}, maximize="y", noisy=True, seed=5)
    noise = Key.of(7).normal(30).tolist()
    for x, e in zip(np.linspace(-1, 1, 30).tolist(), noise, strict=True):
        study.add({"x": round(x, 6)}, 1 - x * x + 0.3 * e)
    return study


def test_the_expected_best_is_not_the_luckiest() -> None:
    study = noisy()
    found = study.expected_best()
    assert found.luckiest == study.best.number
    assert found.luckiest_value == study.best.value
    assert abs(found.params["x"]) < 0.35
    assert found.low < 1.0 < found.high
    assert found.luckiest_value > found.high > found.value >= found.luckiest_expected
    assert found.number is not None
    assert found.measured == (study.trial(found.number).value,)
    text = str(found)
    assert "expected" in text
    assert "best measured" in text


def test_anywhere_is_at_least_as_good() -> None:
    study = noisy()
    tried, found = study.expected_best(), study.expected_best(anywhere=True)
    assert found.value >= tried.value
    assert found.number is None
    assert study.expected_best(anywhere=True) == found
    study.space.check(dict(found.prediction.config))


def test_without_noise_it_is_the_best(study: lt.Study) -> None:
    found = study.expected_best()
    assert found.number is not None
    assert study.trial(found.number).value == pytest.approx(study.best.value, abs=1e-3)
    assert found.value == pytest.approx(study.best.value, abs=0.05)


def test_repeated_measurements_are_together() -> None:
    study = lt.Study("s", {"x": lt.Int(1, 4)}, minimize="y", noisy=True, seed=0)
    for x, y in ((1, 5.0), (2, 1.0), (3, 3.0), (2, 1.4), (3, 0.8), (2, 0.9), (3, 3.1), (4, 6.0), (1, 5.2), (4, 6.1)):
        study.add({"x": x}, y)
    found = study.expected_best()
    assert (found.number, found.measured, found.luckiest) == (1, (1.0, 1.4, 0.9), 4)


# --- calibration ----------------------------------------------------------------------------------


def test_leave_one_out_residuals_are_those_of_the_model() -> None:
    study = ran(lt.Bayes(surrogate=lt.GP()), trials=12)
    data = study.history.data(study.problem)
    mean, variance = lt.GP().fit(data, Key.of(0), Memo()).leave_one_out()
    scaled = lt.GP().scale(data, Key.of(0), Memo()).scaled
    found = study.calibration()
    np.testing.assert_allclose(found.residuals, (scaled - mean) / np.sqrt(variance))
    assert found.numbers == tuple(range(12))
    half, most = found.coverages
    assert half.held == sum(abs(z) <= stats.norm.ppf(0.75) for z in found.residuals)
    assert most.held == sum(abs(z) <= stats.norm.ppf(0.95) for z in found.residuals)
    limits = stats.binomtest(most.held, most.of).proportion_ci(0.975, "exact")
    assert (most.low, most.high) == pytest.approx((limits.low, limits.high))


def _judged(half: int, most: int, of: int) -> Calibration:
    from luthier.analysis.calibration import _coverage, _verdict

    far = np.array([0.1] * half + [1.0] * (most - half) + [9.0] * (of - most))
    coverages: tuple[Coverage, Coverage] = (_coverage(far, 0.5), _coverage(far, 0.9))
    return Calibration("y", tuple(range(of)), tuple(far), coverages, _verdict(*coverages), "a model")


@pytest.mark.parametrize(
    ("half", "most", "of", "verdict", "said"),
    [
        (10, 18, 20, "fits", "intervals hold as they should, as far as 20 results can tell: 90% of the 90% intervals"),
        (6, 12, 20, "narrow", "intervals are too narrow: 60% of the 90% intervals hold (12 of 20; compatible with 3"),
        (20, 20, 20, "wide", "intervals are too wide: 100% of the 50% intervals hold (20 of 20"),
        (60, 75, 100, "tails", "the middle fits, and too many values lie far out: 75% of the 90% intervals"),
        (20, 90, 100, "narrow", "intervals are too narrow: 20% of the 50% intervals hold"),
        (2, 3, 3, "fits", "as far as 3 results can tell"),
    ],
)
def test_the_verdict(half: int, most: int, of: int, verdict: str, said: str) -> None:
    found = _judged(half, most, of)
    assert found.verdict == verdict
    assert said in str(found)


# --- how it is shown ------------------------------------------------------------------------------


def test_texts_and_html_are_escaped() -> None:
    study = lt.Study("h", {"<x>": lt.Float(0, 1), "k": lt.Choice("<b>", "c")}, minimize="<y>", seed=0)
    study.run(lambda trial: trial["<x>"], trials=7)
    for shown in (study.explain(6), study.predict(study.trial(0).params), study.expected_best(), study.calibration()):
        page = shown._repr_html_()
        assert "<x>" not in page
        assert "<b>" not in page
        assert "<y>" not in page
        assert str(shown).count("\n") == page.count("<tr>")


def test_another_crash_is_foreseen() -> None:
    study = lt.Study("crash", {"x": lt.Float(-1, 1)}, minimize="y", method=lt.Quasi(), seed=0)
    study.run(lambda trial: math.sqrt(trial["x"]), trials=16)  # a failure below 0
    good, bad = study.predict([{"x": 0.5}, {"x": -0.5}])
    assert good.chance > 0.8 > 0.2 > bad.chance
    assert good.value == pytest.approx(math.sqrt(0.5), abs=0.05)
    assert "that it does not crash" in str(bad)
    assert study.expected_best(anywhere=True).params["x"] > -0.2


def _steps(trial: lt.RunningTrial) -> float:
    return float((trial["n"] - 3) ** 2)


def _rough(trial: lt.RunningTrial) -> float:
    return float(trial["x"] ** 2 + 5 * np.sin(1e4 * trial["x"]))


@pytest.mark.parametrize(
    ("space", "objective", "maximize"),
    [
        ({"n": lt.Int(1, 6)}, _steps, False),
        ({"x": lt.Float(-5, 5)}, _rough, False),
        ({"x": lt.Float(-5, 5)}, _rough, True),
    ],
)
def test_what_an_explanation_says_agrees_with_itself_and_the_data(space: Any, objective: Any, maximize: bool) -> None:
    goal = {"maximize": "y"} if maximize else {"minimize": "y"}
    study = lt.Study("s", space, **goal, seed=0)
    study.run(objective, trials=14)
    sign = -1.0 if maximize else 1.0
    for trial in study.trials:
        found = study.explain(trial)
        if found.purpose not in ("exploit", "explore"):
            continue
        best = min(sign * one.value for one in study.trials[: trial.number])
        assert found.improvement is not None and found.acquisition is not None and found.prediction is not None
        assert (found.improvement >= LIKELY) == (found.purpose == "exploit")
        assert " 0% to beat" not in found.why and " 100% to beat" not in found.why
        better = found.prediction.high if maximize else found.prediction.low
        assert ("it could be" in found.why) <= (sign * better < best)
        assert found.acquisition.above > 0.9
