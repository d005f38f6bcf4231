"""Gradients of the evidence and of the posterior's moments by central differences."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.acquisition.analytic import PI, UCB, LogEI
from luthier.acquisition.criterion import AnalyticCriterion
from luthier.space import Column
from luthier.surrogate import KERNELS, Embedding, gp_posterior
from luthier.surrogate.gp.kernel import DetailedKernel
from luthier.surrogate.gp.marginal_likelihood import HyperparameterPosterior, Hyperpriors

COLUMNS = (
    Column("a", "number", 0, 0, 1, False),
    Column("k", "category", 3, 0, 1, False),
    Column("g", "number", 0, 0, 1, True),
    Column("p", "rank", 0, 0, 2, False),
    Column("p", "rank", 0, 1, 2, False),
)


def draw(n: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).random((n, 5))
    x[:, 1] = (np.floor(x[:, 1] * 3) + 0.5) / 3
    x[x[:, 1] < 0.4, 2] = np.nan
    return x


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("noisy", [False, True])
def test_evidence(kernel: str, noisy: bool) -> None:
    embedding, x = Embedding.of(COLUMNS), draw(14, 0)
    noise = np.linspace(0.01, 0.2, 14) if noisy else None
    evidence = HyperparameterPosterior(
        embedding, embedding.embed(x), np.sin(4 * x[:, 0]), noise, KERNELS[kernel], Hyperpriors()
    )
    for theta in (evidence.start(), np.random.default_rng(1).normal(-0.5, 0.5, embedding.variables + 1)):
        gradient = evidence.value_grad(theta)[1]
        for i in range(len(theta)):
            step = np.zeros_like(theta)
            step[i] = 1e-5
            difference = (evidence.value_grad(theta + step)[0] - evidence.value_grad(theta - step)[0]) / 2e-5
            assert gradient[i] == pytest.approx(difference, rel=1e-5, abs=1e-6)


def posterior(kernel: str):
    x = draw(14, 2)
    theta = np.array([-0.4, 0.2, 0.3, 0.1, -4.0])
    return gp_posterior(Embedding.of(COLUMNS), KERNELS[kernel], theta, x, np.sin(4 * x[:, 0]), None)


@pytest.mark.parametrize("kernel", KERNELS)
def test_detailed_kernel(kernel: str) -> None:
    """Beyond the reach of the detail the smooth part alone is left."""
    detailed = DetailedKernel(KERNELS[kernel], 0.1, 5.0)
    r2 = np.array([[1e-3, 0.02, 0.5, 3.0], [0.1, 8.1, 20.0, 60.0]])
    made, h = detailed(r2), 1e-6
    difference = (detailed(r2 + h).value - detailed(r2 - h).value) / (2 * h)
    np.testing.assert_allclose(made.slope, difference, rtol=1e-4, atol=1e-9)
    both = KERNELS[kernel](r2).value + 0.1 * KERNELS[kernel](25.0 * r2).value
    np.testing.assert_allclose(made.value, both / 1.1, atol=1e-9)
    assert detailed(np.zeros(1)).value == pytest.approx(1.0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_moments(kernel: str) -> None:
    model, x = posterior(kernel), draw(6, 3)
    made = model.moments_grad(x)
    np.testing.assert_allclose(made.mean, model.moments(x).mean)
    np.testing.assert_allclose(made.variance, model.moments(x).variance, rtol=1e-9)
    for j in (0, 2, 3, 4):
        step = np.zeros(5)
        step[j] = 1e-6
        up, down = model.moments(x + step), model.moments(x - step)
        np.testing.assert_allclose(made.mean_grad[:, j], (up.mean - down.mean) / 2e-6, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(made.variance_grad[:, j], (up.variance - down.variance) / 2e-6, rtol=1e-4, atol=1e-7)
    assert (made.mean_grad[:, 1] == 0).all()
    assert (made.mean_grad[np.isnan(x[:, 2]), 2] == 0).all()


@pytest.mark.parametrize("acquisition", [LogEI(), PI(0.1), UCB(1.5)], ids=repr)
def test_criterion(acquisition) -> None:
    model, x = posterior("matern52"), draw(6, 4)
    criterion = AnalyticCriterion(acquisition, model, model.best)
    value, gradient = criterion.value_grad(x)
    np.testing.assert_allclose(value, criterion.value(x), rtol=1e-9)
    for j in (0, 2, 3, 4):
        step = np.zeros(5)
        step[j] = 1e-6
        difference = (criterion.value(x + step) - criterion.value(x - step)) / 2e-6
        np.testing.assert_allclose(gradient[:, j], difference, rtol=2e-4, atol=1e-6)
