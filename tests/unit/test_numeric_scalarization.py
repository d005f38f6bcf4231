"""The augmented Chebyshev scalarization against its formula."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.numeric import augmented_chebyshev


@pytest.mark.parametrize("ideal", [0.0, -1.0])
def test_it_is_its_formula(ideal: float) -> None:
    rng = np.random.default_rng(0)
    losses, weights = rng.random((3, 20)), np.array([0.2, 0.3, 0.5])
    expected = [max(weights * (one - ideal)) + 0.05 * sum(weights * one) for one in losses.T]
    np.testing.assert_allclose(augmented_chebyshev(losses, weights, ideal), expected, rtol=1e-14)


def test_its_minimum_is_not_dominated() -> None:
    rng = np.random.default_rng(1)
    losses = rng.random((2, 200))
    for share in np.linspace(0.01, 0.99, 25):
        best = losses[:, np.argmin(augmented_chebyshev(losses, np.array([share, 1.0 - share])))]
        assert not ((losses <= best[:, None]).all(axis=0) & (losses < best[:, None]).any(axis=0)).any()
