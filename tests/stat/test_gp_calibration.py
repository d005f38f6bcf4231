"""Central intervals of the Gaussian process hold the truth as often as they say, on functions from its own prior."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, t

from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.space import Column
from luthier.surrogate import KERNELS, Embedding, gp_posterior
from luthier.surrogate.gp.marginal_likelihood import Hyperpriors
from luthier.surrogate.gp.model import GP

COLUMNS = (
    Column("a", "number", 0, 0, 1, False),
    Column("k", "category", 3, 0, 1, False),
    Column("g", "number", 0, 0, 1, True),
)
EMBEDDING = Embedding.of(COLUMNS)
HYPERPRIORS = Hyperpriors()
SEEN = 25


def draw_points(rng: np.random.Generator, n: int) -> np.ndarray:
    x = rng.random((n, 3))
    x[:, 1] = (np.floor(x[:, 1] * 3) + 0.5) / 3
    x[x[:, 1] < 0.4, 2] = np.nan
    return x


def draw_hyperparameters(rng: np.random.Generator) -> np.ndarray:
    """Draw lengths and noise from their priors, within the box."""
    lengths = rng.normal(HYPERPRIORS.length(3), HYPERPRIORS.log_length_std, 3)
    return np.append(lengths, np.clip(rng.normal(HYPERPRIORS.log_noise, HYPERPRIORS.log_noise_std), -14.0, 1.0))


def draw_losses(rng: np.random.Generator, theta: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, float]:
    """Draw a function at `x` from the prior: scale, constant mean, values; give the values and the scale."""
    e = EMBEDDING.embed(x) * np.exp(-theta[:-1])[EMBEDDING.owners]
    r2 = ((e[:, None] - e[None]) ** 2).sum(-1)
    variance = HYPERPRIORS.scale / rng.gamma(HYPERPRIORS.scale)
    root = np.linalg.cholesky(KERNELS["matern52"](r2).value + 1e-10 * np.eye(len(x)))
    return math.sqrt(variance) * (root @ rng.standard_normal(len(x)) + 10.0 * rng.standard_normal()), variance


def noisy(rng: np.random.Generator, values: np.ndarray, variance: float, theta: np.ndarray) -> np.ndarray:
    return values + math.sqrt(variance * math.exp(theta[-1])) * rng.standard_normal(len(values))


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_coverage_with_the_true_hyperparameters(level: float) -> None:
    """The scale is integrated out: what is said of one point is a t distribution of n + 2 degrees of freedom."""
    rng, inside, functions = np.random.default_rng(11), 0, 500
    half = t.ppf(0.5 + level / 2, SEEN + 2 * HYPERPRIORS.scale)
    for _ in range(functions):
        theta, x = draw_hyperparameters(rng), draw_points(rng, SEEN + 1)
        truth, variance = draw_losses(rng, theta, x)
        losses = noisy(rng, truth[:SEEN], variance, theta)
        model = gp_posterior(EMBEDDING, KERNELS["matern52"], theta, x[:SEEN], losses, None, HYPERPRIORS.scale)
        mean, var = model.moments(x[SEEN:])
        inside += abs(truth[SEEN] - mean[0]) < half * math.sqrt(var[0])
    low, high = binom.ppf([0.0005, 0.9995], functions, level)
    assert low <= inside <= high


def coverage(surrogate: GP, functions: int, seed: int) -> float:
    """Give the share of 90 % intervals, at 10 points for each of several functions, that hold the truth."""
    rng, inside = np.random.default_rng(seed), 0
    for _ in range(functions):
        theta, x = draw_hyperparameters(rng), draw_points(rng, SEEN + 10)
        truth, variance = draw_losses(rng, theta, x)
        losses = noisy(rng, truth[:SEEN], variance, theta)
        # The prior is on the scale of the losses: only a shift of them, which the constant mean takes up.
        none = x[:0]
        given = Data(COLUMNS, x[:SEEN], losses[:, None], np.empty((SEEN, 0)), None, np.full(SEEN, np.nan), none, none)
        mean, var = surrogate.fit(given, Key.of(0), Memo()).moments(x[SEEN:])
        inside += int((np.abs(truth[SEEN:] - mean) < 1.6449 * np.sqrt(var)).sum())
    return inside / (10 * functions)


def test_coverage_with_the_most_probable_hyperparameters() -> None:
    # Ten points of one function are not independent: the limits are those of as many functions, a tenth of the points.
    functions = 60
    low, high = binom.ppf([0.0005, 0.9995], 2 * functions, 0.9) / (2 * functions)
    assert low - 0.03 <= coverage(GP(scaling="given", growth=float(SEEN)), functions, 12) <= high


@pytest.mark.slow
def test_coverage_with_drawn_hyperparameters() -> None:
    functions = 60
    low, high = binom.ppf([0.0005, 0.9995], 2 * functions, 0.9) / (2 * functions)
    assert low <= coverage(GP(scaling="given", growth=float(SEEN), samples=20), functions, 12) <= high
