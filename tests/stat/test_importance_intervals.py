"""Importance by studies of known functions: dead variables have intervals that hold 0, live ones are found."""

from __future__ import annotations

import math

import numpy as np
import pytest

import luthier as lt

pytestmark = pytest.mark.slow

SPACE = {
    "a": lt.Float(0, 1),
    "b": lt.Float(0, 1),
    "k": lt.Choice("p", "q", "r"),
    "dead": lt.Float(0, 1),
    "dull": lt.Choice("u", "v", "w"),
    "idle": lt.Int(1, 100, log=True),
}
DEAD = ("dead", "dull", "idle")


def _ran(seed: int, trials: int, noise: float, method: lt.Random | None) -> lt.Study:
    errors = np.random.default_rng(seed).standard_normal(trials)
    study = lt.Study("dead", SPACE, minimize="y", method=method, seed=seed, noisy=noise > 0)

    def objective(trial: lt.RunningTrial) -> float:
        value = 4 * (trial["a"] - 0.3) ** 2 + 0.5 * math.sin(5 * trial["b"]) + 0.4 * (trial["k"] == "q") * trial["a"]
        return float(value + noise * errors[trial.number])

    study.run(objective, trials=trials)
    return study


def _count(studies: list[lt.Study], methods: tuple[str, ...]) -> dict[tuple[str, str], int]:
    """Count the studies in which the interval of each dead variable holds 0, that of the total, too."""
    held = {(method, name): 0 for method in methods for name in DEAD}
    for study in studies:
        for method in methods:
            found = study.importance(method=method)  # type: ignore[arg-type]
            for name in DEAD:
                held[method, name] += not found[name].matters
    return held


@pytest.mark.timeout(900)
def test_intervals_of_variables_that_do_nothing_hold_0() -> None:
    studies = [_ran(seed, 60, 0.1, lt.Random()) for seed in range(20)]
    held = _count(studies, ("fanova", "shapley", "permutation", "ped-anova", "local"))
    assert min(held.values()) >= 19, held
    live = [study.importance() for study in studies]
    assert sum(one["a"].matters and one["b"].matters for one in live) >= 19
    assert np.mean([one["a"].score.value for one in live]) == pytest.approx(0.69, abs=0.05)


@pytest.mark.timeout(900)
def test_where_a_search_has_gone_its_own_way_they_hold_0_too() -> None:
    methods = ("fanova", "shapley", "permutation", "ped-anova", "local")
    held = _count([_ran(seed, 30, 0.0, None) for seed in range(8)], methods)
    assert min(held.values()) >= 7, held


@pytest.mark.parametrize("trials", [100, 400])  # by a Gaussian process, and by a forest
def test_sobol_indices_are_found_from_trials(trials: int) -> None:
    space = {name: lt.Float(-math.pi, math.pi) for name in "abcd"}
    study = lt.Study("ishigami", space, minimize="y", method=lt.Random(), seed=1)

    def objective(trial: lt.RunningTrial) -> float:
        a, b, c = (trial[name] for name in "abc")
        return math.sin(a) + 7 * math.sin(b) ** 2 + 0.1 * float(c) ** 4 * math.sin(a)

    study.run(objective, trials=trials)
    found = study.importance()
    for name, main, total in [("a", 0.3139, 0.5576), ("b", 0.4424, 0.4424), ("c", 0.0, 0.2437), ("d", 0.0, 0.0)]:
        one = found[name]
        assert one.total is not None
        assert one.score.value == pytest.approx(main, abs=0.12), name
        assert one.total.value == pytest.approx(total, abs=0.12), name
    assert not found["d"].matters and (found["c"].matters or trials == 100)
    shapley = study.importance(method="shapley")
    assert shapley["c"].score.value == pytest.approx(0.122, abs=0.08)
    assert sum(shapley.scores.values()) == pytest.approx(1.0)


def test_forecasts_hold() -> None:
    """The gain of 8 further trials lies in the 90 % interval about as often as it should."""
    held, expected, gained = 0, [], []
    for seed in range(8):
        centre = np.random.default_rng(seed).uniform(0.2, 0.8, 3)
        space = {name: lt.Float(0, 1) for name in "xyz"}
        study = lt.Study("hills", space, minimize="loss", seed=seed)

        def objective(trial: lt.RunningTrial, centre: np.ndarray = centre) -> float:
            apart = np.array([trial["x"], trial["y"], trial["z"]]) - centre
            return float(1 - np.exp(-4 * (apart**2).sum()) + 0.1 * np.sin(8 * apart[0]))

        study.run(objective, trials=12)
        forecast, before = study.forecast(8), study.best_value
        study.run(objective, trials=20)
        gain = before - study.best_value
        held += forecast.expected.low - 1e-9 <= gain <= forecast.expected.high + 1e-9
        expected.append(forecast.expected.value)
        gained.append(gain)
    assert held >= 5, (held, expected, gained)
    assert 0.3 < np.mean(expected) / np.mean(gained) < 3.0, (expected, gained)
