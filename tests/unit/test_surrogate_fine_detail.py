"""Fine detail in place of noise: where the data show it, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_t

from luthier.memo import Memo
from luthier.space import Column
from luthier.surrogate import KERNELS, Embedding, GPPosterior, gp_posterior, with_fine_detail
from luthier.surrogate.gp.fine_detail import find_detail, log_evidence
from luthier.surrogate.gp.kernel import DetailedKernel, squares
from luthier.surrogate.gp.marginal_likelihood import JITTER, WIDE

EMBEDDING = Embedding.of([Column(name, "number", 0, 0, 1, False) for name in "ab"])
THETA = np.array([0.5, 0.5, -7.0])


def closing_in(n: int, seed: int) -> np.ndarray:
    """Points (n, 2) half of which lie near one place, as proposals do at the edge of a constraint."""
    rng = np.random.default_rng(seed)
    wide, near = rng.random((n // 2, 2)), 0.4 + 0.02 * rng.normal(size=(n - n // 2, 2))
    return np.concatenate([wide, near])


def fitted(x: np.ndarray, y: np.ndarray) -> GPPosterior:
    return gp_posterior(EMBEDDING, KERNELS["matern52"], THETA, x, y, None)


def rippled(x: np.ndarray) -> np.ndarray:
    return x.sum(axis=1) - 0.8 + 0.02 * np.sin(120 * x[:, 0]) * np.sin(100 * x[:, 1])


def test_detail_is_found_and_predicts() -> None:
    x, model = closing_in(80, 0), fitted(closing_in(80, 0), rippled(closing_in(80, 0)))
    detailed = with_fine_detail(model, 1.0, Memo())
    assert isinstance(detailed.kernel, DetailedKernel)
    more = 0.4 + 0.01 * np.random.default_rng(1).normal(size=(50, 2))
    error, usual = (np.abs(each.moments(more).mean - rippled(more)) for each in (detailed, model))
    assert error.mean() < 0.6 * usual.mean()
    assert np.abs(detailed.moments(x).mean - rippled(x)).max() < 0.1 * np.abs(model.moments(x).mean - rippled(x)).max()


def test_noise_stays_noise() -> None:
    """Of twenty samples of noise none looks like detail."""
    for seed in range(20):
        x, rng = closing_in(80, seed), np.random.default_rng(100 + seed)
        model = fitted(x, x.sum(axis=1) - 0.8 + 0.02 * rng.normal(size=80))
        assert with_fine_detail(model, 1.0, Memo()) is model


def test_few_data_say_nothing() -> None:
    x = closing_in(9, 0)
    model = fitted(x, rippled(x))
    assert with_fine_detail(model, 1.0, Memo()) is model


def test_a_memo_changes_nothing_and_data_after_a_checkpoint_neither() -> None:
    x = closing_in(80, 0)[np.random.default_rng(2).permutation(80)]
    memo = Memo()
    cold, warm = (with_fine_detail(fitted(x, rippled(x)), 1.0, kept) for kept in (Memo(0), memo))
    again = with_fine_detail(fitted(x, rippled(x)), 1.0, memo)
    assert cold.kernel == warm.kernel == again.kernel
    assert cold.moments(x[:5] + 0.01).mean.tobytes() == again.moments(x[:5] + 0.01).mean.tobytes()
    fewer = with_fine_detail(fitted(x[:79], rippled(x[:79])), 1.0, memo)
    assert fewer.kernel == cold.kernel


def test_of_many_data_those_near_the_edge_tell() -> None:
    x = closing_in(500, 3)
    assert find_detail(fitted(x, rippled(x)), 500, 1.0) is not None


def test_evidence_is_a_multivariate_t_density() -> None:
    """Shah, Wilson and Ghahramani (2014), eq. 5; the constant mean is a part of the covariance."""
    x, strength = closing_in(12, 4), 1.5
    y = rippled(x)

    def exact(matrix: np.ndarray) -> float:
        return float(multivariate_t(shape=matrix + JITTER * np.eye(12) + WIDE, df=2 * strength).logpdf(y))

    r2 = squares(x, x)
    one, other = (KERNELS["matern52"](scale * r2).value + 0.01 * np.eye(12) for scale in (1.0, 50.0))
    found = log_evidence(one, y, strength) - log_evidence(other, y, strength)
    assert found == pytest.approx(exact(one) - exact(other), rel=1e-6)
    assert log_evidence(-np.eye(12), y, strength) == -np.inf
