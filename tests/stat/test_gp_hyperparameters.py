"""Drawn hyperparameters against numerical integration on a grid, and against a long chain of another kind."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.space import Column
from luthier.surrogate import Embedding
from luthier.surrogate.gp.marginal_likelihood import HyperparameterPosterior
from luthier.surrogate.gp.model import GP
from luthier.surrogate.gp.warped_likelihood import WarpedHyperparameterPosterior

LEVELS = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
DRAWN = 600


def data(x: np.ndarray, y: np.ndarray) -> Data:
    columns = tuple(Column(f"x{j}", "number", 0, 0, 1, False) for j in range(x.shape[1]))
    n, none = len(x), x[:0]
    return Data(columns, x, y.reshape(n, 1), np.empty((n, 0)), None, np.full(n, np.nan), none, none)


def problem(d: int, n: int = 12) -> Data:
    rng = np.random.default_rng(d)
    x = rng.random((n, d))
    return data(x, np.sin(5.0 * x[:, 0]) + 0.2 * rng.standard_normal(n))


def drawn(surrogate: GP, given: Data) -> np.ndarray:
    return np.array([member.theta for member in surrogate.fit(given, Key.of(0), Memo()).members])


def effective(chain: np.ndarray) -> float:
    """Give the effective number of independent samples of a chain, by Geyer's initial positive sequence."""
    centred = chain - chain.mean()
    rho = np.correlate(centred, centred, "full")[len(chain) - 1 :] / (centred @ centred)
    pairs = rho[0:-1:2] + rho[1::2]
    stop = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    return len(chain) / max(2.0 * pairs[:stop].sum() - 1.0, 1.0)


def assert_quantiles(chain: np.ndarray, exact: np.ndarray) -> None:
    """Check that the share of the chain below each exact quantile is right within four standard errors."""
    few = effective(chain)
    assert few > 100
    for level, quantile in zip(LEVELS, exact, strict=True):
        allowed = 4.0 * np.sqrt(level * (1.0 - level) / few)
        assert abs((chain < quantile).mean() - level) < allowed


def on_grid(density: HyperparameterPosterior, points: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Give the axes, and the probabilities of the points of a grid over the whole box."""
    axes = [np.linspace(low, high, points) for low, high in density.bounds]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    logs = np.array([-density.value(theta) for theta in grid.reshape(-1, len(axes))])
    weights = np.exp(logs - logs.max()).reshape(grid.shape[:-1])
    return axes, weights / weights.sum()


def test_a_length_and_the_noise_against_a_grid() -> None:
    given = problem(1)
    surrogate = GP(samples=DRAWN, scaling="given", growth=12.0)
    chain = drawn(surrogate, given)
    axes, weights = on_grid(surrogate._density(Embedding.of(given.columns), given, 12, 12), 90)
    for place, axis in enumerate(axes):
        share = weights.sum(axis=1 - place)
        middle = 0.5 * (axis[1:] + axis[:-1])
        exact = np.interp(LEVELS, np.cumsum(share)[:-1], middle)
        assert_quantiles(chain[:, place], exact)


def metropolis(density, steps: int, seed: int) -> np.ndarray:
    """Walk a random-walk Metropolis chain, an independent and simpler sampler; every tenth point."""
    rng = np.random.default_rng(seed)
    low, high = np.array(density.bounds).T
    point, kept = density.start(), []
    now = -density.value(point)
    for step in range(steps):
        proposed = point + rng.standard_normal(len(point)) * density.width * 0.5
        if (proposed >= low).all() and (proposed <= high).all():
            value = -density.value(proposed)
            if np.log(rng.random()) < value - now:
                point, now = proposed, value
        if step >= 2000 and step % 10 == 0:
            kept.append(point)
    return np.array(kept)


@pytest.mark.slow
@pytest.mark.parametrize("warp", [False, True])
def test_three_hyperparameters_or_five_against_a_long_chain(warp: bool) -> None:
    given = problem(1 if warp else 2)
    surrogate = GP(samples=DRAWN, scaling="given", growth=12.0, warp=warp)
    density = surrogate._density(Embedding.of(given.columns), given, 12, 12)
    assert isinstance(density, WarpedHyperparameterPosterior if warp else HyperparameterPosterior)
    members = surrogate.fit(given, Key.of(0), Memo()).members
    chain = np.array([np.append(one.theta, one.embedding.warp.shape if warp else []) for one in members])
    long = metropolis(density, 60_000, 1)
    for place in range(chain.shape[1]):
        few, many = effective(chain[:, place]), effective(long[:, place])
        assert few > 100 and many > 300
        exact = np.quantile(long[:, place], LEVELS)
        allowed = 4.0 * np.sqrt(LEVELS * (1.0 - LEVELS) * (1.0 / few + 1.0 / many))
        assert (np.abs((chain[:, place][:, None] < exact).mean(axis=0) - LEVELS) < allowed).all()
        error = np.hypot(chain[:, place].std() / np.sqrt(few), long[:, place].std() / np.sqrt(many))
        assert abs(chain[:, place].mean() - long[:, place].mean()) < 4.0 * error
