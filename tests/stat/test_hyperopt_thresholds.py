"""Hyperopt's own published thresholds: the loss that must be reached in so many trials, on the functions of its tests.

Source: hyperopt/tests/unit/test_tpe.py (thresholds, lengths) and test_domains.py (the functions), version 0.3.0.
Hyperopt's test takes one run of one fixed seed, with settings of its own for two of the functions. Here the settings
are the defaults, and nine in ten of several fixed seeds must reach the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest

import luthier as lt
from luthier.acquisition.analytic import EI
from luthier.method.bayesian.auto import Auto
from luthier.method.bayesian.bayes import Bayes
from luthier.surrogate.parzen.estimator import Parzen

Config = Mapping[str, Any]


class Threshold(NamedTuple):
    """A loss that is to be undercut in so many trials."""

    space: Callable[[], dict[str, Any]]
    loss: Callable[[Config, np.random.Generator], float]
    below: float
    trials: int
    noisy: bool = False


def _quadratic(config: Config, noise: np.random.Generator) -> float:
    return float((config["x"] - 3.0) ** 2)


def _lognormal(config: Config, noise: np.random.Generator) -> float:
    return float(min(0.1 * (config["x"] - 10.0) ** 2, 10.0))


def _distractor(config: Config, noise: np.random.Generator) -> float:
    x = config["x"]
    return -1.0 / (1.0 + math.exp(-x)) - 2.0 * math.exp(-((x + 10.0) ** 2))


def _wave(config: Config, noise: np.random.Generator) -> float:
    t = config["x"] + (math.pi if config["curve"] else 0.0)
    return -(math.sin(t) + 2.0 * math.exp(-((t / 5.0) ** 2)))


def _noisy_wave(config: Config, noise: np.random.Generator) -> float:
    x = config["x"]
    t = noise.normal(0.0, 0.1) + 2.0 * math.exp(-((x / 5.0) ** 2))
    return -(t + math.sin(x) * config["amp"] if config["hf"] else t)


def _arms(config: Config, noise: np.random.Generator) -> float:
    return float(noise.normal(-1.0 if config["x"] == 0 else 0.0, 1.0))


def _many(config: Config, noise: np.random.Generator) -> float:
    """Add up values of every distribution; those that Hyperopt rounds (q…) are rounded here.

    The loss is the logarithm of the square of the sum: any sum between -1 and 1 reaches the threshold.
    """
    total = sum(config[name] for name in ("a", "b", "bb", "c", "d", "g", "h", "k"))
    total += 3.0 * config["e"] + 2.0 * round(config["f"] / 2.0) + 2.0 * round(config["i"] / 2.0) + round(config["j"])
    return math.log(1e-12 + float(total) ** 2)


def _branin(config: Config, noise: np.random.Generator) -> float:
    x, y = config["x"], config["y"]
    valley = y - 5.1 / (4.0 * math.pi**2) * x**2 + 5.0 * x / math.pi - 6.0
    return float(valley**2 + 10.0 * (1.0 - 1.0 / (8.0 * math.pi)) * math.cos(x) + 10.0)


def _many_space() -> dict[str, Any]:
    """Give the twelve variables; unbounded distributions are cut off at three standard deviations."""
    return {
        "a": lt.Int(0, 2),
        "b": lt.Int(0, 9),
        "bb": lt.Int(12, 24),
        "c": lt.Float(4.0, 7.0),
        "d": lt.Float(math.exp(-2.0), 1.0, log=True),
        "e": lt.Int(0, 3),
        "f": lt.Float(1.0, math.exp(3.0), log=True),
        "g": lt.Float(-17.0, 25.0, prior=lt.Normal(4.0, 7.0)),
        "h": lt.Float(math.exp(-8.0), math.exp(4.0), log=True, prior=lt.LogNormal(-2.0, 2.0)),
        "i": lt.Float(-30.0, 30.0, prior=lt.Normal(0.0, 10.0)),
        "j": lt.Float(math.exp(-6.0), math.exp(6.0), log=True, prior=lt.LogNormal(0.0, 2.0)),
        "k": lt.Choice(0, 1, weights=(0.1, 0.9)),
    }


THRESHOLDS = {
    "quadratic1": Threshold(lambda: {"x": lt.Float(-5.0, 5.0)}, _quadratic, 1e-5, 1000),
    "q1_lognormal": Threshold(
        lambda: {"x": lt.Float(math.exp(-6.0), math.exp(6.0), log=True, prior=lt.LogNormal(0.0, 2.0))},
        _lognormal,
        0.01,
        250,
    ),
    "distractor": Threshold(lambda: {"x": lt.Float(-15.0, 15.0)}, _distractor, -1.96, 100),
    "gauss_wave": Threshold(lambda: {"x": lt.Float(-20.0, 20.0), "curve": lt.Choice(False, True)}, _wave, -2.0, 50),
    "gauss_wave2": Threshold(
        lambda: {"x": lt.Float(-20.0, 20.0), "hf": lt.Choice(False, True), "amp": lt.Float(0.0, 1.0, when="hf")},
        _noisy_wave,
        -2.0,
        75,
        noisy=True,
    ),
    "n_arms": Threshold(lambda: {"x": lt.Choice(0, 1)}, _arms, -2.5, 50, noisy=True),
    "many_dists": Threshold(_many_space, _many, 0.0005, 200),
    "branin": Threshold(lambda: {"x": lt.Float(-5.0, 10.0), "y": lt.Float(0.0, 15.0)}, _branin, 0.7, 200),
}


def reached(case: Threshold, method: Any, seed: int) -> float:
    """Give the least loss of one run, which ends when the threshold is reached."""
    noise = np.random.default_rng(seed)
    with lt.Study(
        "threshold", lt.Space(case.space()), minimize="loss", method=method, seed=seed, noisy=case.noisy
    ) as study:
        least = math.inf
        for _ in range(case.trials):
            try:
                trial = study.ask()
            except lt.SpaceExhausted:
                break
            loss = case.loss(trial.params, noise)
            study.tell(trial, loss)
            least = min(least, loss)
            if least < case.below:
                break
    return least


def _tpe() -> Bayes:
    return Bayes(Parzen(), EI())


METHODS: dict[str, tuple[Callable[[], Any], int]] = {"TPE": (_tpe, 20), "Auto": (Auto, 10)}


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", THRESHOLDS)
def test_reaches_what_hyperopt_reaches(name: str, method: str) -> None:
    """TPE reaches each threshold with 18 of the seeds 0 to 19, Auto with 9 of the seeds 0 to 9.

    Hyperopt 0.3.0 itself, with the settings of its test, reaches that of the distractor with 19 of 20 seeds, Optuna
    5.0.0's TPESampler with 16.
    """
    make, seeds = METHODS[method]
    case = THRESHOLDS[name]
    losses = sorted(reached(case, make(), seed) for seed in range(seeds))
    assert sum(loss < case.below for loss in losses) >= seeds - seeds // 10, losses


@pytest.mark.parametrize("name", ["quadratic1", "branin", "distractor"])
def test_the_functions_are_those_of_hyperopt(name: str) -> None:
    """The optima that Hyperopt's docstrings give."""
    optimum = {
        "quadratic1": ({"x": 3.0}, 0.0),
        "branin": ({"x": math.pi, "y": 2.275}, 0.397887),
        "distractor": ({"x": -10.0}, -2.0),
    }
    config, loss = optimum[name]
    assert THRESHOLDS[name].loss(config, np.random.default_rng(0)) == pytest.approx(loss, abs=1e-4)
