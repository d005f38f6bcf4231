"""EI, log-EI, PI and UCB against mpmath, in both tails, and what they refuse."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from luthier.acquisition.analytic import EI, PI, UCB, LogEI
from luthier.acquisition.normal import improvement, log_improvement
from luthier.errors import InvalidSetting

Z = np.concatenate([np.linspace(-40, 10, 201), [-1e5, -1001.0, -999.0, -1.0 - 1e-12, -1.0, -12.0, -12.0 - 1e-9]])
STD, BEST = 0.7, 1.3


def exact_log_h(z: float) -> mpmath.mpf:
    with mpmath.workdps(60):
        x = mpmath.mpf(z)
        if x < -500:  # the continued fraction of the Mills ratio is beyond 60 digits there; the series is exact enough
            return -x * x / 2 - mpmath.log(2 * mpmath.pi) / 2 - 2 * mpmath.log(-x) + mpmath.log1p(-3 / x**2 + 15 / x**4)
        with mpmath.workdps(800 if x < -20 else 60):
            return mpmath.log(mpmath.npdf(x) + x * mpmath.ncdf(x))


@pytest.mark.slow
def test_log_h_against_mpmath() -> None:
    exact = np.array([float(exact_log_h(z)) for z in Z])
    np.testing.assert_allclose(log_improvement(Z), exact, rtol=1e-11, atol=1e-13)


def test_h_is_the_exponential_of_it() -> None:
    np.testing.assert_allclose(improvement(np.array([0.0])), [1 / math.sqrt(2 * math.pi)], rtol=1e-15)


@pytest.mark.parametrize("z", [-40.0, -37.5, -20.0, -6.0, -1.0, 0.0, 1.0, 4.0, 10.0])
def test_each_against_mpmath(z: float) -> None:
    mean, std = np.array([BEST - z * STD]), np.array([STD])
    with mpmath.workdps(50):
        phi, below = mpmath.npdf(z), mpmath.ncdf(z)
        log_h = exact_log_h(z)
        expected = {
            EI(): STD * mpmath.exp(log_h),
            LogEI(): mpmath.log(STD) + log_h,
            PI(): mpmath.log(below),
        }
        slopes = {
            EI(): (-below, phi),
            LogEI(): (-below / mpmath.exp(log_h) / STD, phi / mpmath.exp(log_h) / STD),
            PI(): (-phi / below / STD, -phi / below * z / STD),
        }
    for acquisition, value in expected.items():
        score = acquisition.score(mean, std, BEST)
        assert score.value[0] == pytest.approx(float(value), rel=1e-10, abs=1e-300)
        assert score.d_mean[0] == pytest.approx(float(slopes[acquisition][0]), rel=1e-9, abs=1e-300)
        assert score.d_std[0] == pytest.approx(float(slopes[acquisition][1]), rel=1e-9, abs=1e-300)


def test_ei_against_monte_carlo() -> None:
    draws = np.random.default_rng(0).normal(0.4, 0.9, 400_000)
    gain = np.maximum(0.1 - draws, 0)
    value = EI().score(np.array([0.4]), np.array([0.9]), 0.1).value[0]
    assert abs(value - gain.mean()) < 4 * gain.std() / math.sqrt(len(draws))


def test_ucb_is_the_lower_bound_of_a_loss() -> None:
    score = UCB(2.5).score(np.array([1.0, 2.0]), np.array([0.1, 1.0]), 0.0)
    np.testing.assert_allclose(score.value, [-(1.0 - 0.25), -(2.0 - 2.5)])


def test_a_margin_asks_for_more() -> None:
    mean, std = np.array([0.0]), np.array([1.0])
    for kind in (EI, LogEI, PI):
        assert kind(margin=0.5).score(mean, std, 0.0).value < kind().score(mean, std, 0.0).value


@pytest.mark.parametrize("make", [lambda: EI(-1), lambda: LogEI(math.nan), lambda: PI(math.inf), lambda: UCB(-0.1)])
def test_senseless_settings_are_refused(make) -> None:
    with pytest.raises(InvalidSetting, match="finite number"):
        make()
