"""Gradients with input warping, and those of a mixture, by central differences."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.space import Column
from luthier.surrogate import KERNELS, Embedding, gp_posterior
from luthier.surrogate.gp.input_warping import Warp, warpable
from luthier.surrogate.gp.marginal_likelihood import Hyperpriors
from luthier.surrogate.gp.warped_likelihood import WarpedHyperparameterPosterior
from luthier.surrogate.mixture import MixturePosterior
from luthier.surrogate.protocol import Differentiable

COLUMNS = (
    Column("a", "number", 0, 0, 1, False),
    Column("k", "category", 3, 0, 1, False),
    Column("g", "number", 0, 0, 1, True),
    Column("i", "number", 7, 0, 1, False),
)


def draw(n: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).random((n, 4))
    x[:, 1] = (np.floor(x[:, 1] * 3) + 0.5) / 3
    x[x[:, 1] < 0.4, 2] = np.nan
    return x


def test_partials_of_the_warp() -> None:
    x, shape = draw(9, 0), np.array([0.5, -0.4, 0.1, -0.7, 0.3, 0.2])
    places = warpable(COLUMNS)
    made = Warp(places, shape).partials(x)
    step = 1e-6
    active = ~np.isnan(x[:, places])
    by_u = (Warp(places, shape).values(x + step) - Warp(places, shape).values(x - step)) / (2 * step)
    np.testing.assert_allclose(made.by_u[active], by_u[active], rtol=1e-5)
    for i in range(6):
        up, down = shape.copy(), shape.copy()
        up[i] += step
        down[i] -= step
        difference = (Warp(places, up).values(x) - Warp(places, down).values(x)) / (2 * step)
        part = made.by_log_a if i < 3 else made.by_log_b
        np.testing.assert_allclose(part[:, i % 3], difference[:, i % 3], rtol=1e-5, atol=1e-8)
    for part in made[1:]:
        assert (part[~active] == 0).all()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("noisy", [False, True])
def test_evidence(kernel: str, noisy: bool) -> None:
    x = draw(14, 0)
    noise = np.linspace(0.01, 0.2, 14) if noisy else None
    evidence = WarpedHyperparameterPosterior(
        Embedding.of(COLUMNS), x, np.sin(4 * x[:, 0]), noise, KERNELS[kernel], Hyperpriors()
    )
    assert len(evidence.start()) == len(evidence.width) == len(evidence.bounds) == 4 + 1 + 6
    for theta in (evidence.start(), np.random.default_rng(1).normal(-0.3, 0.4, 11)):
        gradient = evidence.value_grad(theta)[1]
        for i in range(len(theta)):
            step = np.zeros_like(theta)
            step[i] = 1e-5
            difference = (evidence.value_grad(theta + step)[0] - evidence.value_grad(theta - step)[0]) / 2e-5
            assert gradient[i] == pytest.approx(difference, rel=1e-5, abs=1e-6)


def posterior(theta: np.ndarray, shape: np.ndarray):
    x = draw(14, 2)
    embedding = Embedding.of(COLUMNS).warped(Warp(warpable(COLUMNS), shape))
    return gp_posterior(embedding, KERNELS["matern52"], theta, x, np.sin(4 * x[:, 0]), None)


@pytest.mark.parametrize("several", [False, True])
def test_moments(several: bool) -> None:
    one = posterior(np.array([-0.4, 0.2, 0.3, 0.1, -4.0]), np.array([0.5, -0.4, 0.1, -0.7, 0.3, 0.2]))
    two = posterior(np.array([0.4, 0.1, -0.3, 0.5, -3.0]), np.array([-0.5, 0.4, 0.3, 0.7, 0.1, -0.2]))
    model, x = MixturePosterior([one, two], np.full(2, 0.5), {Differentiable}) if several else one, draw(6, 3)
    made = model.moments_grad(x)
    np.testing.assert_allclose(made.mean, model.moments(x).mean)
    np.testing.assert_allclose(made.variance, model.moments(x).variance, rtol=1e-9)
    for j in (0, 2, 3):
        step = np.zeros(4)
        step[j] = 1e-6
        up, down = model.moments(x + step), model.moments(x - step)
        np.testing.assert_allclose(made.mean_grad[:, j], (up.mean - down.mean) / 2e-6, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(made.variance_grad[:, j], (up.variance - down.variance) / 2e-6, rtol=1e-4, atol=1e-7)
    assert (made.mean_grad[:, 1] == 0).all()
    assert (made.mean_grad[np.isnan(x[:, 2]), 2] == 0).all()
