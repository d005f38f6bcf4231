"""What a Gaussian process says of functions as wholes: paths, covariances between points, draws without noise."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from luthier._typing import Floats
from luthier.key import Key
from luthier.space import Column
from luthier.surrogate import KERNELS, Embedding
from luthier.surrogate.gp.kernel import DetailedKernel, Radial
from luthier.surrogate.gp.model import GP
from luthier.surrogate.gp.posterior import GPPosterior, gp_posterior
from luthier.surrogate.gp.random_features import RandomFourierFeatures
from luthier.surrogate.protocol import Joint, Pathwise, SupportsCovariance, SupportsNoiselessDraws

MIXED = (
    Column("a", "number", 0, 0, 1, False),
    Column("k", "category", 3, 0, 1, False),
    Column("g", "number", 0, 0, 1, True),
)
EMBEDDING = Embedding.of(MIXED)
KEY = Key.of(11)


def draw(n: int, seed: int) -> np.ndarray:
    x = np.random.default_rng(seed).random((n, 3))
    x[:, 1] = (np.floor(x[:, 1] * 3) + 0.5) / 3
    x[x[:, 1] < 0.4, 2] = np.nan
    return x


def model(kernel: str = "matern52", noise: float = 0.05, known: bool = False) -> GPPosterior:
    x = draw(10, 0)
    theta = np.array([-0.9, 0.1, -0.4, math.log(noise)])
    given = np.linspace(0, 0.3, 10) if known else None
    return gp_posterior(EMBEDDING, KERNELS[kernel], theta, x, np.sin(6 * x[:, 0]) + x[:, 1], given)


@pytest.mark.parametrize("kernel", [*KERNELS.values(), DetailedKernel(KERNELS["matern52"], 0.5, 3.0)])
def test_prior_draws_have_the_kernel_as_their_covariance(kernel: Callable[[Floats], Radial]) -> None:
    at = EMBEDDING.embed(draw(6, 2)) * np.array([2.0, 1, 1, 1, 3, 3])
    r2 = ((at[:, None] - at[None]) ** 2).sum(-1)
    exact = kernel(r2).value
    drawn = np.concatenate(
        [RandomFourierFeatures.draw(kernel, 6, 50, KEY.fold(i)).value(at) for i in range(200)], axis=1
    )
    np.testing.assert_allclose(drawn @ drawn.T / drawn.shape[1], exact, atol=0.06)  # 10,000 draws: 0.014 each


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("known", [False, True], ids=["learnt", "known"])
def test_paths_have_the_moments_of_the_posterior(kernel: str, known: bool) -> None:
    posterior, q = model(kernel, known=known), draw(6, 3)
    drawn = np.concatenate([posterior.paths(KEY.fold(i), 50)(q) for i in range(200)])
    assert drawn.shape == (10_000, 6)
    covariance = posterior.covariance(q)
    std = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(drawn.mean(axis=0), posterior.moments(q).mean, atol=5 * std.max() / 100)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.07 * covariance.max())


def test_far_from_the_data_paths_are_as_uncertain_of_the_mean_as_the_posterior() -> None:
    x = draw(3, 1)
    tight = gp_posterior(EMBEDDING, KERNELS["matern52"], np.array([-4.0, -3.0, -4.0, -6.0]), x, np.arange(3.0), None)
    far = draw(1, 8)
    variance = tight.moments(far).variance[0]
    assert variance > 1.2 * tight.scale  # the constant's part: a third of the scale
    drawn = np.concatenate([tight.paths(KEY.fold(i), 50)(far)[:, 0] for i in range(100)])
    assert drawn.var() == pytest.approx(variance, rel=0.1)


def test_a_path_is_a_function() -> None:
    path, q = model().paths(KEY, 2), draw(9, 3)
    whole = path(q)
    np.testing.assert_allclose(np.column_stack([path(q[:4]), path(q[4:])]), whole, rtol=1e-9, atol=1e-9)
    moved = q.copy()
    moved[:, 0] += 1e-7
    assert np.abs(path(moved) - whole).max() < 1e-4


def test_paths_go_through_data_without_noise() -> None:
    posterior = model(noise=1e-6)
    np.testing.assert_allclose(posterior.paths(KEY, 5)(posterior.x), np.tile(posterior.y, (5, 1)), atol=0.02)


def test_cross_covariances_are_blocks_of_the_joint_one() -> None:
    posterior, x, z = model(known=True), draw(7, 4), draw(4, 5)
    joint = posterior.covariance(np.concatenate([x, z]))
    np.testing.assert_allclose(posterior.cross_covariance(x, z), joint[:7, 7:], atol=1e-12)
    np.testing.assert_allclose(posterior.cross_covariance(z, x), joint[7:, :7], atol=1e-12)
    np.testing.assert_allclose(np.diag(posterior.cross_covariance(x, x)), posterior.moments(x).variance, rtol=1e-9)


def test_the_noise_of_one_more_observation() -> None:
    plain, known = model(noise=0.05), model(noise=0.05, known=True)
    assert plain.noise_variance == pytest.approx(0.05 * plain.scale)
    assert known.noise_variance == pytest.approx((0.05 + 0.15) * known.scale)


def test_draws_without_noise_are_the_posterior_taken_apart() -> None:
    """Total variance: the mean variance given the draws and the variance of their means give the posterior's."""
    posterior, more, q = model(noise=0.3), draw(2, 6), draw(6, 3)
    drawn = posterior.noiseless_draws(KEY, 4096, more)
    mean, variance = drawn.moments(q)
    assert mean.shape == (4096, 6) and variance.shape == (6,)
    exact = posterior.moments(q)
    np.testing.assert_allclose(mean.mean(axis=0), exact.mean, atol=0.01)
    np.testing.assert_allclose(variance + mean.var(axis=0), exact.variance, rtol=0.05, atol=1e-3)
    known = np.concatenate([posterior.x, more])
    assert (drawn.moments(known).variance < 1e-4 * posterior.scale).all()
    np.testing.assert_allclose(np.cov(drawn.moments(known).mean.T), posterior.covariance(known), atol=0.05)


def test_each_draw_without_noise_is_a_gaussian_conditioned_on_it() -> None:
    posterior, q = model(noise=0.3), draw(6, 3)
    drawn = posterior.noiseless_draws(KEY, 4, posterior.x[:0])
    values = drawn.moments(posterior.x).mean
    theta = np.append(posterior.theta[:-1], -np.inf)
    for row in range(4):
        one = gp_posterior(EMBEDDING, KERNELS["matern52"], theta, posterior.x, values[row], None)
        np.testing.assert_allclose(drawn.moments(q).mean[row], one.moments(q).mean, atol=1e-5)
        np.testing.assert_allclose(drawn.moments(q).variance / posterior.scale, one.moments(q).variance / one.scale,
                                   rtol=1e-6)  # fmt: skip


def test_repeated_points_do_no_harm() -> None:
    x = np.repeat(draw(4, 1), 3, axis=0)
    posterior = gp_posterior(EMBEDDING, KERNELS["rbf"], np.array([0.0, 0, 0, -2.0]), x, np.arange(12.0), None)
    q = draw(20, 3)
    mean, variance = posterior.noiseless_draws(KEY, 16, x[:2]).moments(q)
    assert np.abs(mean).max() < 100 and np.isfinite(variance).all()
    exact = posterior.moments(q)
    assert (np.abs(mean.mean(axis=0) - exact.mean) < 2 * np.sqrt(exact.variance) + 0.1).all()
    assert np.abs(posterior.paths(KEY, 3)(q)).max() < 100


def test_the_process_says_so() -> None:
    posterior = model()
    for ability in (Joint, Pathwise, SupportsCovariance, SupportsNoiselessDraws):
        assert isinstance(posterior, ability) and ability in GP().abilities
