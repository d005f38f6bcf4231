"""Dependence, ablation, the smallest change, forecasts, comparisons and acquisition surfaces of a study."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import luthier as lt
from luthier.errors import InvalidConfig, InvalidSetting, NoResult, TrialNotFound

SPACE = {
    "k": lt.Choice("p", "q", default="p"),
    "x": lt.Float(0, 1, default=0.0),
    "g": lt.Float(1e-3, 1.0, log=True, when="k == 'q'"),
    "idle": lt.Int(0, 5, default=0),
    "one": lt.Constant(3),
}


def gain(params: dict[str, Any]) -> float:
    found = 10.0 * params["x"]
    return float(found + (3.0 - (math.log10(params["g"]) + 1.0) ** 2 if params["k"] == "q" else 0.0))


@pytest.fixture(scope="module")
def study() -> lt.Study:
    made = lt.Study("responding", SPACE, maximize="gain", seed=2)
    made.run(lambda trial: gain(trial.params), trials=36)
    return made


@pytest.fixture(scope="module")
def spread() -> lt.Study:
    """Its trials are spread over the whole space."""
    made = lt.Study("spread", SPACE, maximize="gain", method=lt.Quasi("sobol"), seed=2)
    made.run(lambda trial: gain(trial.params), trials=64)
    return made


def test_a_curve_is_the_average_over_the_other_variables(spread: lt.Study) -> None:
    curve = spread.dependence("x", points=5, lines=4)
    assert curve.axis.values == pytest.approx((0.0, 0.25, 0.5, 0.75, 1.0))
    slopes = np.diff(curve.mean)
    assert slopes == pytest.approx(2.5, abs=0.5)
    assert all(low <= mean <= high for low, mean, high in zip(curve.low, curve.mean, curve.high, strict=True))
    assert curve.numbers[0] == spread.best.number
    assert len(curve.lines) == 4 and len(curve.points) == 64
    assert curve.best == spread.best.params["x"]
    assert curve.maximize and "best on average at 1" in curve.heading()
    assert spread.dependence("x", points=5, lines=4) == curve
    json.dumps(curve.to_dict())


def test_a_conditional_variable_is_averaged_where_it_is_active(spread: lt.Study) -> None:
    curve = spread.dependence("g", points=7, lines=3)
    assert curve.active == pytest.approx(0.5, abs=0.02)
    assert curve.axis.log and curve.axis.values[3] == pytest.approx(10**-1.5)
    place = int(np.argmax(curve.mean))
    assert curve.axis.values[place] == pytest.approx(0.1)
    assert any(point.at == (None,) for point in curve.points)  # where k is p
    surface = spread.dependence_surface("k", "g", points=4)
    assert all(math.isnan(value) for value in surface.mean[0])
    assert all(math.isfinite(value) for value in surface.mean[1])
    assert surface.axes[0].labels == ("p", "q")
    assert "k = q" in surface.heading()
    json.dumps(surface.to_dict())


def test_averages_are_over_what_the_constraints_allow() -> None:
    space = lt.Space({"a": lt.Float(0, 1), "b": lt.Float(0, 1)}, require=["b >= a"])
    made = lt.Study("bound", space, minimize="y", seed=0)
    made.run(lambda trial: trial["b"], trials=14)
    curve = made.dependence("a", points=5)
    known = [value for value in curve.axis.values if value < 1.0]
    assert curve.mean[0] == pytest.approx(0.5, abs=0.1)
    assert curve.mean[len(known) - 1] == pytest.approx(0.875, abs=0.1)  # over b from 3/4 to 1


def test_ablation_goes_from_the_defaults_to_the_best(study: lt.Study) -> None:
    path = study.ablation()
    assert path.origin == "the defaults"
    assert path.start == {"k": "p", "x": 0.0, "idle": 0, "one": 3}
    assert path.end == study.best.config and path.number == study.best.number
    first = path.steps[0]
    assert [change.name for change in first.changes] == ["x"]
    assert first.share == pytest.approx(10 / 13, abs=0.1)
    (second,) = [step for step in path.steps if any(change.name == "k" for change in step.changes)]
    assert {change.name for change in second.changes} == {"k", "g"}  # g becomes active with k
    assert path.gain == pytest.approx(path.steps[-1].predicted.median - path.predicted.median)
    assert sum(step.share for step in path.steps) == pytest.approx(1.0)
    json.dumps(path.to_dict())
    given = study.ablation(start={"k": "q"})
    assert given.origin == "the given values"
    assert given.start["g"] == pytest.approx(math.sqrt(1e-3))
    with pytest.raises(InvalidConfig):
        study.ablation(start={"x": 2.0})


def test_the_smallest_change_keeps_what_does_nothing(study: lt.Study) -> None:
    small = study.smallest_change(tolerance=0.5)
    assert small.config["idle"] == 0
    assert {change.name for change in small.changes} == {"k", "x", "g"}
    assert small.predicted.median >= small.best.median - 0.5 - 1e-6
    assert 0.9 < small.config["x"] < study.best.params["x"]  # no farther than need be
    rough = study.smallest_change(tolerance=5.0)
    assert [change.name for change in rough.changes] == ["x"]
    assert "k" in {change.name for change in rough.kept}
    same = study.smallest_change(tolerance=100.0)
    assert same.changes == () and same.config == study.ablation().start
    json.dumps(small.to_dict())
    with pytest.raises(InvalidSetting, match="tolerance=-1"):
        study.smallest_change(tolerance=-1)


def test_a_start_that_breaks_a_constraint_is_the_first_trial() -> None:
    space = lt.Space({"a": lt.Float(0, 1), "b": lt.Float(0, 1)}, require=["a + b >= 1.5"])
    made = lt.Study("bound", space, minimize="y", method=lt.Random(), seed=0)
    made.run(lambda trial: trial["a"], trials=8)
    path = made.ablation()
    assert path.origin == "trial 0"
    assert path.start == made.trial(0).config


def test_a_forecast_is_of_what_is_left_to_win(study: lt.Study) -> None:
    forecast = study.forecast(6)
    assert forecast.trials == (1, 2, 3, 4, 5, 6)
    means = [gain.value for gain in forecast.gain]
    assert means == sorted(means) and means[0] >= 0
    assert forecast.expected.low <= forecast.expected.value <= forecast.expected.high
    assert forecast.best == study.best.value and forecast.number == study.best.number
    assert forecast.expected.value < 1.0  # nearly everything is won: the best possible value is 13
    early = lt.Study("early", SPACE, maximize="gain", method=lt.Random(), seed=5)
    early.run(lambda trial: gain(trial.params), trials=6)
    assert early.forecast(6).expected.value > 3 * forecast.expected.value
    json.dumps(forecast.to_dict())
    for trials in (0, 201, 2.5):
        with pytest.raises(InvalidSetting, match="from 1 to 200"):
            study.forecast(trials)  # type: ignore[arg-type]


def test_studies_are_compared_in_pairs() -> None:
    def studies(name: str, better: float, direction: str = "minimize") -> list[lt.Study]:
        found = []
        for seed in range(3):
            made = lt.Study(name, {"n": lt.Int(0, 99)}, method=lt.Random(), seed=seed, **{direction: "y"})  # type: ignore[arg-type]
            for _ in range(5 + seed):
                trial = made.ask()
                loss = trial["n"] + 7.0 * seed - better
                made.tell(trial, loss if direction == "minimize" else -loss)
            found.append(made)
        return found

    one, two = studies("one", 0.0), studies("two", 2.0)
    compared = lt.compare(one, two)
    assert compared.trials == (1, 2, 3, 4, 5)
    assert compared.difference[-1].value == pytest.approx(2.0)  # the same draws, so nothing but the 2
    assert compared.difference[-1].low == pytest.approx(2.0)
    assert (compared.wins, compared.equal, compared.pairs) == (3, 0, 3)
    assert compared.shared is not None and compared.shared.value == pytest.approx(2.0)
    assert compared.names == ("one", "two")
    assert compared.first[-1] == pytest.approx(compared.second[-1] + 2.0)
    turned = lt.compare(studies("one", 0.0, "maximize"), studies("two", 2.0, "maximize"))
    assert turned.difference[-1].value == pytest.approx(2.0)
    alone = lt.compare(one[0], one[1].reader)
    assert math.isnan(alone.difference[-1].low) and alone.names == ("one (first)", "one (second)")
    assert "repeat both" in alone.remarks[0]
    json.dumps(alone.to_dict())
    with pytest.raises(InvalidSetting, match="3 studies with 1"):
        lt.compare(one, two[0])
    with pytest.raises(InvalidSetting, match="minimizes 'y' and another maximizes"):
        lt.compare(one[0], studies("three", 0.0, "maximize")[0])
    with pytest.raises(InvalidSetting, match="x is not a study"):
        lt.compare(one[0], "x")  # type: ignore[arg-type]
    with pytest.raises(NoResult, match="no finished trial"):
        lt.compare(one[0], lt.Study("none", {"n": lt.Int(0, 9)}, minimize="y", seed=0))


def test_an_acquisition_surface_is_what_the_method_saw(study: lt.Study) -> None:
    number = next(one.number for one in reversed(study.trials) if study.explain(one).acquisition is not None)
    surface = study.acquisition_surface("x", number, points=9)
    rated = study.explain(number).acquisition
    assert rated is not None
    assert surface.acquisition == rated.name
    assert surface.config == study.trial(number).config
    assert max(value for (value,) in surface.values) <= rated.value + 1e-6 * abs(rated.value)  # it was the highest
    assert len(surface.points) == study.explain(number).known
    both = study.acquisition_surface(["x", "k"], points=3)
    assert both.number is None and len(both.values) == 3 and len(both.values[0]) == 2
    json.dumps(both.to_dict())
    with pytest.raises(NoResult, match="trial 0 was not chosen by an acquisition function"):
        study.acquisition_surface("x", 0)
    with pytest.raises(TrialNotFound):
        study.acquisition_surface("x", 99)
    with pytest.raises(InvalidSetting, match="one or two different variables"):
        study.acquisition_surface(["x", "x"])
    plain = lt.Study("plain", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=0)
    with pytest.raises(InvalidSetting, match="Random has no acquisition function"):
        plain.acquisition_surface("x")


def test_unknown_variables_and_too_few_trials(study: lt.Study) -> None:
    with pytest.raises(InvalidSetting, match=r"no variable 'y'.*there are 'k', 'x'"):
        study.dependence("y")
    with pytest.raises(InvalidSetting, match="'one' has a single value"):
        study.dependence("one")
    with pytest.raises(InvalidSetting, match="points=1"):
        study.dependence("x", points=1)
    with pytest.raises(InvalidSetting, match="needs two variables"):
        study.dependence_surface("x", "x")
    empty = lt.Study("empty", {"x": lt.Float(0, 1)}, minimize="y", seed=0)
    for call in (lambda: empty.dependence("x"), empty.forecast, empty.ablation, empty.smallest_change):
        with pytest.raises(NoResult, match="at least 3 trials with values; there are 0"):
            call()


@pytest.mark.slow
def test_several_objectives_and_each_kind_of_variable() -> None:
    space = {
        "s": lt.Subset(["a", "b", "c"]),
        "o": lt.Permutation(["x", "y", "z"]),
        "m": lt.Simplex(["u", "v"]),
        "b": lt.Bool(),
    }
    made = lt.Study("kinds", space, maximize=["y", "z"], method=lt.Random(), seed=0)
    made.run(lambda trial: {"y": len(trial["s"]) + trial["m"]["u"], "z": float(trial["b"])}, trials=20)
    with pytest.raises(InvalidSetting, match="choose one of 'y', 'z'"):
        made.ablation()
    curve = made.dependence("s", "y", lines=2)
    assert curve.axis.kind == "category"
    assert curve.mean[curve.axis.values.index(("a", "b", "c"))] == max(curve.mean) > min(curve.mean) + 1
    assert made.dependence("b", "z").axis.values == (False, True)
    assert {one.name for one in made.importance("y").variables} == {"s", "o", "m", "b"}
    assert made.ablation("y").gain >= 0
    assert "s" in {change.name for change in made.smallest_change("y").changes}
    remarks = made.importance("y", "ped-anova").remarks
    assert any("not scored by ped-anova" in remark for remark in remarks)


def test_predictions_of_later_trials_are_judged() -> None:
    made = lt.Study("ahead", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=1)
    made.run(lambda trial: math.sin(6 * trial["x"]), trials=14)
    ahead = made.calibration(ahead=True)
    assert ahead.how == "ahead" and ahead.numbers == tuple(range(8, 14))
    assert ahead.measured == tuple(made.trial(number).value for number in ahead.numbers)
    held = sum(one.low <= y <= one.high for one, y in zip(ahead.predicted, ahead.measured, strict=True))
    assert held == ahead.coverages[-1].held
    out = made.calibration()
    assert out.how == "left out" and len(out.predicted) == len(out.measured) == 14
    held = sum(one.low <= y <= one.high for one, y in zip(out.predicted, out.measured, strict=True))
    assert held == out.coverages[-1].held
    made_few = lt.Study("few", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=1)
    made_few.run(lambda trial: trial["x"], trials=5)
    with pytest.raises(NoResult, match="at least 9 trials"):
        made_few.calibration(ahead=True)
