"""What `Auto` recommends of a noisy function of one variable with a narrow optimum."""

from __future__ import annotations

import math

import numpy as np
import pytest

import luthier as lt

LOWEST = -0.8986
SEEDS = (6, 14, 17, 18, 27, 29, 30, 35)
"""Those of the first 42 of which one model alone that decided where to learn left more than .1 (the mean was .47)."""


def sine(x: float) -> float:
    return math.sin(5 * x) * (1 - math.tanh(x * x))


def regret(seed: int) -> float:
    study = lt.Study("sine", {"x": lt.Float(-2, 2)}, minimize="loss", noisy=True, seed=seed)
    rng = np.random.default_rng(seed)
    study.run(lambda trial: sine(trial["x"]) + 0.1 * float(rng.normal()), trials=20)
    return sine(study.expected_best(anywhere=True).prediction.params["x"]) - LOWEST


@pytest.mark.slow
def test_a_narrow_optimum_among_noise_is_found() -> None:
    regrets = [regret(seed) for seed in SEEDS]  # seven are below .02
    assert sum(one < 0.1 for one in regrets) >= 5, regrets
