"""Outliers: which losses are discounted, by how much, and what that changes of a recommendation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import luthier as lt
from luthier._typing import Floats
from luthier.analysis.outliers import discount_outliers, own_noise
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo

KEY = Key.of(0)
POINTS = 30


def losses_of(noise: float, seed: int = 0) -> tuple[Floats, Floats]:
    """Give points of a line, and a parabola there with noise."""
    x = np.linspace(0.0, 1.0, POINTS)
    return x[:, None], (x - 0.3) ** 2 + noise * Key.of(seed).normal(POINTS)


def data_of(x: Floats, losses: Floats) -> Data:
    n = len(x)
    columns = lt.Space({f"x{j}": lt.Float(0, 1) for j in range(x.shape[1])}).columns
    return Data(columns, x, losses[:, None], np.empty((n, 0)), None, np.full(n, np.nan), x[:0], x[:0])


def with_outlier(size: float) -> Data:
    x, losses = losses_of(0.1)
    losses[25] -= size
    return data_of(x, losses)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noisy", [False, True])
def test_normal_noise_is_left_alone(seed: int, noisy: bool) -> None:
    known = data_of(*losses_of(0.1, seed))
    assert discount_outliers(known, noisy, KEY, Memo()) is known


@pytest.mark.parametrize("noisy", [False, True])
def test_a_lucky_loss_is_discounted_and_no_other(noisy: bool) -> None:
    found = discount_outliers(with_outlier(1.5), noisy, KEY, Memo()).noise
    assert found is not None
    assert np.flatnonzero(found).tolist() == [25]
    assert 0.8 < np.sqrt(found[25]) < 2.5


def test_outliers_that_hide_one_another_are_all_found() -> None:
    x, losses = losses_of(0.05)
    losses[[6, 18, 25]] += [-3.0, 1.5, -0.8]
    found = discount_outliers(data_of(x, losses), True, KEY, Memo()).noise
    assert found is not None
    assert np.flatnonzero(found).tolist() == [6, 18, 25]


def test_of_an_objective_without_noise_the_narrow_optimum_is_no_outlier() -> None:
    x, losses = losses_of(0.0)
    losses[25] = -1.0
    known = data_of(x, losses)
    assert discount_outliers(known, False, KEY, Memo()) is known
    assert discount_outliers(known, True, KEY, Memo()) is not known


def test_losses_that_tie_have_no_noise() -> None:
    x, losses = losses_of(0.1)
    losses[:] = np.round(losses, 1)
    losses[25] = -1.5
    known = data_of(x, np.where(np.arange(POINTS) == 25, -1.5, np.maximum(losses, 0.1)))
    assert discount_outliers(known, False, KEY, Memo()) is known


def test_the_noise_is_the_most_likely_one() -> None:
    """By the density of a loss given all others, N(mean, variance + noise), which is what its noise changes."""
    mean, variance = np.zeros(3), np.array([1.0, 0.5, 2.0])
    losses = np.array([4.0, -3.0, 5.0])
    found = own_noise(losses, mean, variance)
    grid = np.linspace(0.0, 40.0, 40001)
    for place in range(3):
        total = variance[place] + grid
        likely = -0.5 * np.log(total) - 0.5 * losses[place] ** 2 / total
        assert found[place] == pytest.approx(grid[np.argmax(likely)], abs=2e-3)
    assert own_noise(np.array([2.9]), np.zeros(1), np.ones(1)).tolist() == [0.0]


def test_known_variances_count_first() -> None:
    known = with_outlier(1.5)
    explained = replace(known, noise=np.where(np.arange(POINTS) == 25, 2.0, 1e-4))
    assert discount_outliers(explained, True, KEY, Memo()) is explained


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_do_not_matter(scale: float) -> None:
    known = with_outlier(1.5)
    before = discount_outliers(known, True, KEY, Memo()).noise
    after = discount_outliers(replace(known, losses=scale * known.losses), True, KEY, Memo()).noise
    assert before is not None and after is not None
    assert after == pytest.approx(scale**2 * before, rel=1e-3)


@pytest.mark.parametrize("losses", [np.zeros(POINTS), np.linspace(-1e300, 1e300, POINTS)])
def test_losses_without_a_spread_are_left_alone(losses: Floats) -> None:
    known = data_of(losses_of(0.0)[0], losses)
    assert discount_outliers(known, True, KEY, Memo()) is known


def test_the_expected_best_is_not_the_outlier() -> None:
    known = with_outlier(1.5)
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", noisy=True, seed=0)
    for x, loss in zip(known.x[:, 0].tolist(), known.loss.tolist(), strict=True):
        study.add({"x": x}, loss)
    for anywhere in (False, True):
        found = study.expected_best(anywhere=anywhere)
        assert found.luckiest == 25
        assert abs(found.params["x"] - 0.3) < 0.2
        assert found.prediction.by.endswith("1 value that is far from what the others say counts less")
    assert study.predict(found.params).by == found.prediction.by
    assert max(study.calibration().residuals, key=abs) == study.calibration().residuals[25]
