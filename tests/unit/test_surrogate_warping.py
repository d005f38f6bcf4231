"""Input warping: the function itself, and the process of warped numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.space import Column
from luthier.surrogate import KERNELS, Embedding, gp_posterior
from luthier.surrogate.gp.input_warping import Warp, warpable
from luthier.surrogate.gp.marginal_likelihood import HyperparameterPosterior, Hyperpriors
from luthier.surrogate.gp.model import GP
from luthier.surrogate.gp.warped_likelihood import WarpedHyperparameterPosterior

COLUMNS = (
    Column("a", "number", 0, 0, 1, False),
    Column("k", "category", 3, 0, 1, False),
    Column("g", "number", 0, 0, 1, True),
    Column("b", "number", 2, 0, 1, False),
)
KEY = Key.of(0)


def draw(n: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).random((n, 4))
    x[:, 1] = (np.floor(x[:, 1] * 3) + 0.5) / 3
    x[:, 3] = (np.floor(x[:, 3] * 2) + 0.5) / 2
    x[x[:, 1] < 0.4, 2] = np.nan
    return x


def data(x, loss) -> Data:
    n, none = len(x), x[:0]
    return Data(COLUMNS, x, loss.reshape(n, 1), np.empty((n, 0)), None, np.full(n, np.nan), none, none)


def test_it_is_the_distribution_function_of_kumaraswamy() -> None:
    assert warpable(COLUMNS).tolist() == [0, 2]
    u = np.linspace(0.0, 1.0, 11)
    x = np.stack([u, u, 1.0 - u, u], axis=1)
    warp = Warp(np.array([0, 2]), np.log([0.5, 3.0, 2.0, 0.7]))
    warped = warp.apply(x)
    np.testing.assert_allclose(warped[1:-1, 0], (1.0 - (1.0 - u**0.5) ** 2.0)[1:-1], atol=1e-5)
    np.testing.assert_allclose(warped[:, 2], 1.0 - (1.0 - (1.0 - u) ** 3.0) ** 0.7, atol=2e-4)
    assert (warped[:, [1, 3]] == x[:, [1, 3]]).all()
    assert warped.min() >= 0 and warped.max() <= 1 and (np.diff(warped[:, 0]) > 0).all()
    np.testing.assert_allclose(Warp(np.array([0, 2]), np.zeros(4)).apply(x), x, atol=1e-5)
    assert np.isnan(warp.apply(draw(9))[:, 2]).sum() == np.isnan(draw(9)[:, 2]).sum()
    assert np.isfinite(warp.values(draw(9))).all()


def test_the_evidence_of_a_warp_is_that_of_the_warped_points() -> None:
    x, y = draw(15), np.sin(4 * draw(15)[:, 0])
    embedding, shape = Embedding.of(COLUMNS), np.array([0.4, -0.3, 0.2, -0.6])
    theta = np.array([-0.4, 0.2, 0.3, 0.1, -4.0])
    warped = WarpedHyperparameterPosterior(embedding, x, y, None, KERNELS["matern52"], Hyperpriors())
    other = embedding.warped(Warp(warpable(COLUMNS), shape)).embed(x)
    plain = HyperparameterPosterior(embedding, other, y, None, KERNELS["matern52"], Hyperpriors())
    both = np.append(theta, shape)
    prior = 0.5 * float(shape @ shape) / Hyperpriors().log_warp_std ** 2
    assert warped.value_grad(both)[0] == pytest.approx(plain.value_grad(theta)[0] + prior, rel=1e-10)
    assert warped.value(both) == pytest.approx(warped.value_grad(both)[0], rel=1e-9)
    assert plain.value(theta) == pytest.approx(plain.value_grad(theta)[0], rel=1e-10)


def test_a_posterior_of_warped_numbers_is_one_of_the_numbers_warped_before() -> None:
    x, q = draw(15), draw(6, 1)
    y = np.sin(4 * x[:, 0])
    embedding, theta = Embedding.of(COLUMNS), np.array([-0.4, 0.2, 0.3, 0.1, -4.0])
    warp = Warp(warpable(COLUMNS), np.array([0.4, -0.3, 0.2, -0.6]))
    one = gp_posterior(embedding.warped(warp), KERNELS["matern52"], theta, x, y, None).moments(q)
    two = gp_posterior(embedding, KERNELS["matern52"], theta, warp.apply(x), y, None).moments(warp.apply(q))
    np.testing.assert_allclose(one.mean, two.mean)
    np.testing.assert_allclose(one.variance, two.variance)


def test_a_warp_is_learnt() -> None:
    x = np.random.default_rng(3).random((40, 1))
    columns = COLUMNS[:1]
    y = np.sin(6.0 * x[:, 0] ** 4)  # rough at the upper end only
    n, none = len(x), x[:0]
    given = Data(columns, x, y.reshape(n, 1), np.empty((n, 0)), None, np.full(n, np.nan), none, none)
    q = np.linspace(0.02, 0.98, 200)[:, None]
    truth = np.sin(6.0 * q[:, 0] ** 4)
    warped, plain = (GP(scaling="given", warp=warp).fit(given, KEY, Memo()) for warp in (True, False))
    assert warped.embedding.warp.shape[0] == pytest.approx(math.log(4.0), abs=0.15)

    def log_density(model) -> float:
        mean, variance = model.moments(q)
        return float(np.mean(-0.5 * np.log(variance) - 0.5 * (truth - mean) ** 2 / variance))

    assert log_density(warped) > log_density(plain) + 1.0


def test_two_levels_alone_cannot_be_warped() -> None:
    x = np.array([[0.25], [0.75], [0.25]])
    n, none = len(x), x[:0]
    columns = (COLUMNS[3],)
    loss = np.array([[0.0], [1.0], [0.1]])
    given = Data(columns, x, loss, np.empty((n, 0)), None, np.full(n, np.nan), none, none)
    for samples in (0, 3):
        moments = GP(warp=True, samples=samples).fit(given, KEY, Memo()).moments(x)
        assert moments.mean[0] < moments.mean[1] and (moments.variance > 0).all()


def test_a_memo_changes_nothing() -> None:
    x = draw(30)
    y = np.sin(3 * x[:, 0]) + (x[:, 1] > 0.5)
    warm, q = Memo(), draw(9, 4)
    for n in (1, 2, 5, 17):
        model = GP(warp=True).fit(data(x[:n], y[:n]), KEY, warm)
        cold = GP(warp=True).fit(data(x[:n], y[:n]), KEY, Memo(0))
        assert (model.moments(q).mean == cold.moments(q).mean).all()
