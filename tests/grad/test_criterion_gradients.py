"""Gradients of whole criteria by central differences: averages, and acquisitions weighed by feasibility."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.acquisition.analytic import EI, PI, UCB, LogEI
from luthier.acquisition.criterion import Integrated, Plain, SmoothIntegrated, analytic, integrate
from luthier.acquisition.feasible import Feasible, SmoothFeasible, feasible
from luthier.key import Key
from luthier.space import Choice, Float, Space
from luthier.surrogate.gaussian import condition
from luthier.surrogate.kernel import KERNELS, Embedding

SPACE = Space({"a": Float(0, 1), "b": Float(0, 1), "c": Choice("x", "y"), "d": Float(0, 1, when="c == 'x'")})
STEP = 1e-6


def posterior(seed: int):
    rng = np.random.default_rng(seed)
    x = SPACE.sample(Key.of(seed), 12)
    embedding = Embedding.of(SPACE.columns)
    theta = np.append(rng.normal(-0.3, 0.2, embedding.variables), -4.0)
    return condition(embedding, KERNELS["matern52"], theta, x, rng.normal(size=12), None)


def check(criterion) -> None:
    x = SPACE.sample(Key.of(9), 6)
    value, gradient = criterion.value_grad(x)
    np.testing.assert_allclose(value, criterion.value(x), rtol=1e-9)
    for column in (0, 1, 3):
        step = np.zeros(x.shape[1])
        step[column] = STEP
        numeric = (criterion.value(x + step) - criterion.value(x - step)) / (2 * STEP)
        np.testing.assert_allclose(gradient[:, column], numeric, rtol=2e-5, atol=1e-7)
    assert not gradient[np.isnan(x[:, 3]), 3].any()


@pytest.mark.parametrize("acquisition", [EI(), LogEI(), PI(), UCB()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("scale", ["own", "signed"])
def test_an_average_over_models(acquisition, scale: str) -> None:
    parts = [analytic(acquisition, posterior(seed), -0.5) for seed in range(3)]
    criterion = integrate(parts, np.array([0.2, 0.3, 0.5]), acquisition.scale if scale == "own" else scale)
    assert isinstance(criterion, SmoothIntegrated)
    check(criterion)


@pytest.mark.parametrize("acquisition", [EI(), LogEI()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("known", [True, False], ids=["something feasible", "nothing feasible"])
def test_weighed_by_feasibility(acquisition, known: bool) -> None:
    inner = analytic(acquisition, posterior(0), -0.5) if known else None
    criterion = feasible(inner, acquisition.scale, (posterior(1), posterior(2)))
    assert isinstance(criterion, SmoothFeasible)
    check(criterion)


def test_what_has_a_part_without_gradients_has_none() -> None:
    """Then only the climb by small changes is left."""
    plain, smooth = Plain(lambda x: x[:, 0]), analytic(EI(), posterior(0), 0.0)
    assert type(integrate([plain, smooth], np.array([0.5, 0.5]), "positive")) is Integrated
    assert type(feasible(plain, "positive", (posterior(1),))) is Feasible


def test_an_average_where_nothing_is_left_of_the_values() -> None:
    """Logarithms of zero give no gradient, and no warning."""

    class Nothing:
        def value(self, x):
            return np.full(len(x), -np.inf)

        def value_grad(self, x):
            return self.value(x), np.zeros_like(x)

    value, gradient = integrate([Nothing(), Nothing()], np.array([0.5, 0.5]), "log").value_grad(np.zeros((2, 3)))
    assert (value == -np.inf).all()
    assert not gradient.any()
