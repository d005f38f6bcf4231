"""Extrapolated learning curves: the ensemble against closed forms, and the rule on curves worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.numeric import FinalValue, extrapolate_curve
from luthier.stop import CurveForecast
from luthier.trial import Reason

STEPS = np.arange(1.0, 21.0)


def study_of(rule: lt.CurveExtrapolation, *, maximize: bool = False, **more: Any) -> lt.Study:
    goal: dict[str, Any] = {"maximize": "y"} if maximize else {"minimize": "y"}
    return lt.Study("s", {"x": lt.Float(0, 1)}, method=lt.Random(), seed=0, stop=rule, **goal, **more)


def report(study: lt.Study, curve: list[float], first: int = 1) -> Any:
    """Report a curve until the trial is told to stop; give its result."""
    trial = study.ask()
    value = curve[0]
    for step, value in enumerate(curve, first):
        trial.report(value, step)
        if trial.should_stop():
            break
    return study.tell(trial, value)


def power(limit: float, epochs: int = 40) -> list[float]:
    return [limit + 0.5 / epoch for epoch in range(1, epochs + 1)]


@pytest.mark.parametrize("shape", [STEPS**-0.5, STEPS**-1.0, np.exp(-STEPS / 40 * 3), -np.log(STEPS)])
def test_a_curve_of_one_of_the_shapes_is_continued_to_its_end(shape: Any) -> None:
    horizon = 40.0
    final = {0: horizon**-0.5, 1: horizon**-1.0, 2: math.exp(-3), 3: -math.log(horizon)}
    place = next(i for i, one in enumerate([STEPS**-0.5, STEPS**-1.0, np.exp(-STEPS / 40 * 3), -np.log(STEPS)])
                 if np.array_equal(one, shape))  # fmt: skip
    found = extrapolate_curve(STEPS, shape, horizon)
    span = float(np.ptp(shape))
    assert abs(found.quantile(0.5) - final[place]) < 0.03 * span
    assert found.quantile(0.05) < final[place] < found.quantile(0.95)


def test_quantiles_invert_probabilities_and_an_end_far_away_is_less_certain() -> None:
    noisy = 1.0 / STEPS + 0.01 * Key.of(3).normal(20)
    near, far = (extrapolate_curve(STEPS, noisy, horizon) for horizon in (25.0, 2000.0))
    for found in (near, far):
        for probability in (0.01, 0.3, 0.5, 0.9):
            assert found.below(found.quantile(probability)) == pytest.approx(probability, abs=1e-9)
    assert far.quantile(0.95) - far.quantile(0.05) > near.quantile(0.95) - near.quantile(0.05)
    assert (near.below(math.inf), near.below(-math.inf)) == (1.0, 0.0)


def test_the_forecast_has_the_units_of_the_losses() -> None:
    losses = 1.0 / STEPS + 0.02 * Key.of(1).normal(20)
    plain, scaled = extrapolate_curve(STEPS, losses, 50.0), extrapolate_curve(STEPS, 1000.0 * losses - 7.0, 50.0)
    assert scaled.quantile(0.9) == pytest.approx(1000.0 * plain.quantile(0.9) - 7.0, rel=1e-6)


def test_one_shape_is_the_conjugate_regression_with_a_students_t() -> None:
    """With all weight on one shape the distribution is the closed form, which an integral by draws agrees with."""
    found = FinalValue(np.array([1.0]), 6.0, np.array([2.0]), np.array([0.5]))
    key = Key.of(0)
    draws = 2.0 + 0.5 * key.normal(40_000) / np.sqrt(np.square(key.fold("c").normal((40_000, 6))).sum(axis=1) / 6.0)
    assert found.below(2.4) == pytest.approx(float((draws < 2.4).mean()), abs=0.015)


def test_intervals_hold_most_ends_of_curves_of_other_shapes() -> None:
    """Sums of two decays with correlated noise are none of the shapes; 90 % are meant."""
    held, total = 0, 120
    epochs = np.arange(1.0, 61.0)
    for number in range(total):
        key = Key.of(number)
        draws = key.uniform(5)
        curve = draws[0] * epochs ** -(0.3 + draws[1]) + draws[2] * np.exp(-epochs / (3 + 30 * draws[3]))
        noise = 0.02 * key.fold("noise").normal(60)
        curve += 0.3 + np.convolve(noise, [0.5, 0.3, 0.2], mode="same")
        found = extrapolate_curve(epochs[:20], curve[:20], 60.0)
        held += found.quantile(0.05) <= curve[-1] <= found.quantile(0.95)
    assert held >= 0.75 * total


def test_a_trial_without_a_chance_is_stopped_early_and_a_better_one_is_not() -> None:
    study = study_of(lt.CurveExtrapolation(steps=40))
    assert report(study, power(0.9)).reason is Reason.DONE  # nobody is finished: nothing is decided
    assert report(study, power(0.2)).reason is Reason.DONE
    worse = report(study, power(0.6))
    assert worse.reason is Reason.PRUNED and 4 <= len(worse.reports) < 20
    assert report(study, power(0.1)).reason is Reason.DONE
    assert study.verify().ok


def test_a_maximized_objective_is_mirrored() -> None:
    down, up = study_of(lt.CurveExtrapolation(steps=40)), study_of(lt.CurveExtrapolation(steps=40), maximize=True)
    for limit in (0.2, 0.5, 0.3, 0.1):
        one, other = report(down, power(limit)), report(up, [-value for value in power(limit)])
        assert (one.reason, len(one.reports)) == (other.reason, len(other.reports))
    rule = up.rule
    assert isinstance(rule, lt.CurveExtrapolation)
    forecast = rule.forecast(up.reader.problem, up.history, 1)
    assert forecast is None or isinstance(forecast, CurveForecast)


def test_what_is_not_finite_is_left_out_and_stops_a_trial_where_it_is_the_latest() -> None:
    study = study_of(lt.CurveExtrapolation(steps=40))
    report(study, power(0.5))
    gap = power(0.2)
    trial = study.ask()
    for epoch, value in enumerate(gap[:10], 1):
        trial.report(math.nan if epoch == 3 else value, epoch)
        assert trial.should_stop() == (epoch == 3)
        if epoch == 3:
            break
    result = study.tell(trial, 0.5)
    assert result.reason is Reason.NONFINITE
    rule = study.rule
    assert isinstance(rule, lt.CurveExtrapolation)
    assert rule.forecast(study.reader.problem, study.history, 1) is None  # two finite reports are too few


def test_the_end_is_that_of_the_fidelity_or_of_the_longest_finished_trial() -> None:
    plain = study_of(lt.CurveExtrapolation())
    report(plain, power(0.2), first=0)  # steps 0 to 39
    assert report(plain, power(0.7), first=0).reason is Reason.PRUNED
    rule = plain.rule
    assert isinstance(rule, lt.CurveExtrapolation)
    forecast = rule.forecast(plain.reader.problem, plain.history, 1)
    assert forecast is not None and forecast.step == 39
    assert forecast.low < 0.7 + 0.5 / 40 < forecast.high and (forecast.worse or 0) > 0.95
    units = study_of(lt.CurveExtrapolation(), fidelity=lt.Fidelity("epochs", 1, 40))
    report(units, power(0.2))
    assert report(units, power(0.7)).reason is Reason.PRUNED


def test_it_joins_other_rules() -> None:
    rule = lt.ASHA() | (lt.CurveExtrapolation() & lt.Patience(3))
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", fidelity=lt.Fidelity("epochs", 1, 40), stop=rule)
    assert repr(study.rule) == repr(rule)


@pytest.mark.parametrize("settings", [{"p": 0.5}, {"p": 1.0}, {"reports": 3}, {"steps": 1}])
def test_settings_outside_their_ranges_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting, match="give p between"):
        lt.CurveExtrapolation(**settings)
