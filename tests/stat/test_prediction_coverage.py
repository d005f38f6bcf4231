"""Intervals hold as often as they say, within what a binomial distribution allows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

import luthier as lt
from luthier.key import Key


def _hold(seed: int, noise: float, points: int, left_out: int) -> tuple[int, int]:
    """Draw a smooth function of two variables, run a random study of it, and count the intervals that hold."""
    key = Key.of(seed)
    waves = 2.5 * key.fold("waves").normal((40, 2))
    phases, heights = 2 * np.pi * key.fold("phases").uniform(40), 7.0 * key.fold("heights").normal(40) / 40**0.5

    def function(x: float, z: float) -> float:
        return 100.0 + float(heights @ np.cos(waves @ np.array([x, z]) + phases))

    noises = noise * key.fold("noise").normal(points)
    space = {"x": lt.Float(0, 1), "z": lt.Float(0, 1)}
    study = lt.Study("s", space, maximize="y", method=lt.Random(), seed=seed)
    study.run(lambda trial: function(**trial.params) + float(noises[trial.number]), trials=points)
    places = [dict(zip("xz", row, strict=True)) for row in key.fold("places").uniform((left_out, 2)).tolist()]
    found = study.predict(places)
    half, most = study.predict(places, 0.5), found
    truth = [function(**place) for place in places]
    return (
        sum(one.low <= value <= one.high for one, value in zip(half, truth, strict=True)),
        sum(one.low <= value <= one.high for one, value in zip(most, truth, strict=True)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_intervals_of_predict_hold_on_smooth_functions(noise: float) -> None:
    counts = np.array([_hold(seed, noise, points=18, left_out=2) for seed in range(24)])
    half, most = counts.sum(axis=0).tolist()
    of = 2 * len(counts)
    for held, level in ((half, 0.5), (most, 0.9)):
        assert stats.binomtest(held, of, level).pvalue > 0.01, f"{held} of {of} intervals of {level:.0%} hold"


@pytest.mark.slow
def test_calibration_tells_a_model_that_is_too_sure() -> None:
    """Steps on a fine grid of values, which no smooth model expects: too many of them lie far outside."""
    study = lt.Study("s", {"x": lt.Float(0, 1), "z": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=2)
    study.run(lambda trial: trial["x"] + (1000.0 if trial.number % 12 == 5 else 0.0), trials=120)
    assert study.calibration().verdict != "fits"


@pytest.mark.slow
def test_the_expected_best_is_better_than_the_luckiest() -> None:
    """Over ten studies, the configuration to deploy is nearer to the optimum than the one that measured best."""
    space = {"x": lt.Float(-1, 1), "z": lt.Float(-1, 1)}

    def function(params: Mapping[str, float]) -> float:
        return params["x"] ** 2 + 0.5 * params["z"] ** 2 + 0.3 * params["x"] * params["z"]

    expected, luckiest, held = 0.0, 0.0, 0
    for seed in range(10):
        noise = 0.3 * Key.of(seed).fold("noise").normal(40)
        study = lt.Study("s", space, minimize="y", method=lt.Random(), seed=seed, noisy=True)
        for _ in range(40):
            trial = study.ask()
            study.tell(trial, function(trial.params) + float(noise[trial.number]))
        found = study.expected_best()
        true = function(found.params)
        held += found.low <= true <= found.high
        expected, luckiest = expected + true, luckiest + function(study.best.params)
    assert expected < 0.6 * luckiest
    assert held >= stats.binom.ppf(0.01, 10, 0.9)
