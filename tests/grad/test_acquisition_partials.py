"""The partial derivatives of every analytic acquisition function by central differences."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.acquisition.analytic import EI, PI, UCB, LogEI

CASES = [EI(), EI(0.3), LogEI(), LogEI(0.3), PI(), PI(0.3), UCB(), UCB(0.0)]


@pytest.mark.parametrize("acquisition", CASES, ids=repr)
@pytest.mark.parametrize("std", [0.05, 1.0, 7.0])
def test_partials(acquisition, std: float) -> None:
    z = np.linspace(-6, 5, 23)
    mean, stds, best = 0.2 - z * std, np.full_like(z, std), 0.2
    step = 1e-5 * std
    score = acquisition.score(mean, stds, best)

    def value(m, s):
        return acquisition.score(m, s, best).value

    by_mean = (value(mean + step, stds) - value(mean - step, stds)) / (2 * step)
    by_std = (value(mean, stds + step) - value(mean, stds - step)) / (2 * step)
    np.testing.assert_allclose(score.d_mean, by_mean, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(score.d_std, by_std, rtol=1e-5, atol=1e-9)
