"""Scalings of losses: the power transformation against scikit-learn's, and slopes that make scales comparable."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import PowerTransformer

from luthier.numeric.scaling import COMPARABLE_SCALINGS, SCALINGS, log_scaling_slopes, power_scaling

RNG = np.random.default_rng(0)
SAMPLES = {
    "normal": RNG.standard_normal(60),
    "skewed": np.exp(1.5 * RNG.standard_normal(60)),
    "skewed down": -np.exp(RNG.standard_normal(60)),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_power_is_that_of_scikit_learn(name) -> None:
    y = SAMPLES[name]
    unit = (y - y.mean()) / y.std()
    theirs = PowerTransformer().fit_transform(unit[:, None])[:, 0]
    np.testing.assert_allclose(power_scaling(y), theirs, atol=2e-3)
    np.testing.assert_allclose(power_scaling(1e5 * y - 3.0), power_scaling(y), atol=1e-6)


def test_linear_keeps_distances_of_orders_of_magnitude_and_bounds_outliers() -> None:
    y = np.concatenate([np.arange(20.0), [100.0, 150.0]])
    scaled = SCALINGS["linear"](y)
    np.testing.assert_allclose(np.diff(scaled) / np.diff(y), (scaled[1] - scaled[0]), rtol=1e-9)
    bent = SCALINGS["standard"](y)
    assert bent[-1] - bent[-2] < 10 * (bent[1] - bent[0])
    outlier = SCALINGS["linear"](np.append(y, 1e12))
    assert outlier[1] - outlier[0] > 0.1 * (scaled[1] - scaled[0])


@pytest.mark.parametrize("name", COMPARABLE_SCALINGS)
def test_slopes_are_derivatives(name) -> None:
    y = np.sort(np.concatenate([np.linspace(0.0, 3.0, 2000), np.full(5, 1.5)]))
    scaled = SCALINGS[name](y)
    values, place = np.unique(y, return_inverse=True)
    first = np.unique(place, return_index=True)[1]
    derivative = np.gradient(scaled[first], values)[place]
    np.testing.assert_allclose(np.exp(log_scaling_slopes(y, scaled))[1:-1], 3.0 * derivative[1:-1], rtol=5e-3)


def test_densities_of_the_losses_are_those_of_the_scaled_ones_times_the_slopes() -> None:
    rng = np.random.default_rng(1)
    y = np.exp(rng.standard_normal(4000))
    scaled = np.log(y)
    exact = -np.log(y)  # the slope of the logarithm
    found = log_scaling_slopes(y, scaled)
    assert np.median(found - exact) == pytest.approx(np.log(y.max() - y.min()), abs=0.02)


def test_equal_losses_have_no_slopes() -> None:
    assert (log_scaling_slopes(np.ones(4), np.zeros(4)) == 0).all()
    assert np.isfinite(log_scaling_slopes(np.array([1e300, -1e300, 0.0]), np.array([1.0, -1.0, 0.0]))).all()
