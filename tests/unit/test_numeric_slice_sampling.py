"""The slice sampler against distributions that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from luthier.key import Key
from luthier.numeric.slice_sampling import slice_samples

BOX = np.array([-8.0, -8.0]), np.array([8.0, 8.0])


def chain(log_density, sweeps, width=1.0, box=BOX, start=(0.0, 0.0), seed=0):
    p = len(start)
    walk = slice_samples(log_density, np.array(start), box[0][:p], box[1][:p], np.full(p, width), sweeps, Key.of(seed))
    return np.stack(list(walk))


@pytest.mark.parametrize("width", [0.1, 1.0, 30.0])
def test_two_correlated_normal_variables(width) -> None:
    precision = np.linalg.inv([[1.0, 0.6], [0.6, 1.0]])
    found = chain(lambda x: -0.5 * float(x @ precision @ x), 6000, width)
    np.testing.assert_allclose(found.mean(0), 0.0, atol=0.08)
    np.testing.assert_allclose(np.cov(found.T), [[1.0, 0.6], [0.6, 1.0]], atol=0.12)


def test_the_box_truncates() -> None:
    box = np.array([0.5]), np.array([2.0])
    found = chain(lambda x: -0.5 * float(x @ x), 5000, box=box, start=(1.0,))[:, 0]
    assert found.min() >= 0.5 and found.max() <= 2.0
    levels = np.array([0.1, 0.5, 0.9])
    inside = norm.cdf(0.5) + levels * (norm.cdf(2.0) - norm.cdf(0.5))
    np.testing.assert_allclose(np.quantile(found, levels), norm.ppf(inside), atol=0.04)


def test_both_modes_are_visited() -> None:
    found = chain(lambda x: float(np.logaddexp(*(-8.0 * (x[0] - m) ** 2 for m in (-2, 2)))), 4000, 3.0, start=(2.0,))
    assert 0.42 < (found > 0).mean() < 0.58


def test_the_same_key_gives_the_same_chain_and_what_is_improbable_is_left() -> None:
    def log_density(x):
        return -1e10 if x[0] > 0 else -math.cosh(x[0] + 1.0)

    one, two = chain(log_density, 50, start=(5.0,)), chain(log_density, 50, start=(5.0,))
    assert (one == two).all() and (one[5:] <= 0).all()
    assert (one != chain(log_density, 50, start=(5.0,), seed=1)).any()
