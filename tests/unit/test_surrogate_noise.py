"""Noise of the Gaussian process: known for each point, against scikit-learn's, and learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.space import Column
from luthier.surrogate import KERNELS, Embedding, gp_posterior
from luthier.surrogate.gp.marginal_likelihood import JITTER, WIDE
from luthier.surrogate.gp.model import GP

COLUMNS = tuple(Column(name, "number", 0, 0, 1, False) for name in "ab")
KEY = Key.of(0)


def data(x, loss, noise=None) -> Data:
    n, none = len(x), x[:0]
    return Data(COLUMNS, x, loss.reshape(n, 1), np.empty((n, 0)), noise, np.full(n, np.nan), none, none)


def test_noise_that_differs_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x, q, noise = rng.random((20, 2)), rng.random((6, 2)), np.geomspace(1e-4, 2.0, 20)
    y = np.sin(4 * x[:, 0]) + np.sqrt(noise) * rng.standard_normal(20)
    ours = gp_posterior(
        Embedding.of(COLUMNS), KERNELS["matern52"], np.append(np.log([0.5, 0.9]), math.log(0.02)), x, y, noise
    )
    theirs = GaussianProcessRegressor(
        ConstantKernel(WIDE, "fixed") + Matern([0.5, 0.9], nu=2.5), alpha=noise + 0.02 + JITTER, optimizer=None
    ).fit(x, y)
    mean, covariance = theirs.predict(q, return_cov=True)
    np.testing.assert_allclose(ours.moments(q).mean, mean, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(ours.covariance(q), covariance * ours.scale, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("share", [1e-3, 0.1, 0.5])
def test_noise_is_learnt(share: float) -> None:
    """Of losses whose variance is by so much noise, the model says so, within a factor of two."""
    rng = np.random.default_rng(1)
    x = rng.random((150, 2))
    smooth = np.sin(4 * x[:, 0]) + x[:, 1]
    std = math.sqrt(share / (1 - share)) * smooth.std()
    y = smooth + std * rng.standard_normal(150)
    model = GP(scaling="given").fit(data(x, y), KEY, Memo())
    assert 0.5 < model.noise_variance / std**2 < 2.0


def test_known_noise_need_not_be_learnt() -> None:
    rng = np.random.default_rng(2)
    x = rng.random((80, 2))
    noise = np.where(np.arange(80) % 2 == 0, 1e-4, 1.0)
    smooth = 3.0 * np.sin(4 * x[:, 0])
    y = smooth + np.sqrt(noise) * rng.standard_normal(80)
    q = rng.random((100, 2))

    def error(given: Data) -> float:
        return float(
            np.mean((GP(scaling="given").fit(given, KEY, Memo()).moments(q).mean - 3.0 * np.sin(4 * q[:, 0])) ** 2)
        )

    assert error(data(x, y, noise)) < 0.3 * error(data(x, y))
