"""Gradients of whole criteria by central differences: averages, and weighted criteria."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.acquisition.analytic import EI, PI, UCB, LogEI
from luthier.acquisition.augmented import AugmentedLogEI
from luthier.acquisition.criterion import (
    AnalyticCriterion,
    FunctionCriterion,
    IntegratedCriterion,
)
from luthier.acquisition.directional_hypervolume import LogDirectionalEHVI
from luthier.acquisition.hypervolume import LogEHVI, bind_hypervolume
from luthier.acquisition.protocol import AcquisitionContext, SmoothCriterion
from luthier.acquisition.weighting.cost import PerSecond, Zero
from luthier.acquisition.weighting.edges import EdgePenalty
from luthier.acquisition.weighting.feasibility import Feasible
from luthier.acquisition.weighting.nearness import NearnessPenalty
from luthier.acquisition.weighting.penalty import PlateauPenalty
from luthier.acquisition.weighting.prior_weighted import PriorWeighted
from luthier.acquisition.weighting.weighted import Weighted, weight_criterion
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.user_prior import Prior
from luthier.space import Beta, Choice, Float, LogNormal, Normal, Space
from luthier.space.variables.distribution import log_density, log_density_slope
from luthier.surrogate import KERNELS, Embedding, gp_posterior, supports

SPACE = Space({"a": Float(0, 1), "b": Float(0, 1), "c": Choice("x", "y"), "d": Float(0, 1, when="c == 'x'")})
STEP = 1e-6


def posterior(seed: int):
    rng = np.random.default_rng(seed)
    x = SPACE.sample(Key.of(seed), 12)
    embedding = Embedding.of(SPACE.columns)
    theta = np.append(rng.normal(-0.3, 0.2, embedding.variables), -4.0)
    return gp_posterior(embedding, KERNELS["matern52"], theta, x, rng.normal(size=12), None)


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


@pytest.mark.parametrize("objectives", [2, 3])
@pytest.mark.parametrize("beyond", [(0.0, 0.0, 0.0), (-1.5, -4.0, 0.0)])
def test_the_expected_hypervolume_improvement(objectives: int, beyond: tuple[float, ...]) -> None:
    models, less = [posterior(seed) for seed in range(objectives)], np.array(beyond[:objectives])
    criterion = bind_hypervolume(models, SPACE.sample(Key.of(3), 9), less)
    assert isinstance(criterion, LogEHVI) and supports(criterion, SmoothCriterion)
    check(criterion)


@pytest.mark.parametrize("objectives", [2, 4])
def test_the_expected_hypervolume_improvement_where_trials_share_results(objectives: int) -> None:
    models, sharing = [posterior(seed) for seed in range(objectives)], np.array([1, 3, 1, 3, 3, 2, 1, 2, 1])
    criterion = bind_hypervolume(models, SPACE.sample(Key.of(3), 9), sharing=sharing)
    assert isinstance(criterion, LogEHVI | LogDirectionalEHVI) and criterion.shared is not None
    check(criterion)


@pytest.mark.parametrize("objectives", [4, 5])
def test_the_expected_hypervolume_improvement_along_directions(objectives: int) -> None:
    criterion = bind_hypervolume([posterior(seed) for seed in range(objectives)], SPACE.sample(Key.of(3), 9))
    assert isinstance(criterion, LogDirectionalEHVI) and supports(criterion, SmoothCriterion)
    check(criterion)


@pytest.mark.parametrize("acquisition", [EI(), LogEI(), PI(), UCB()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("scale", ["own", "signed"])
def test_an_average_over_models(acquisition, scale: str) -> None:
    parts = [AnalyticCriterion(acquisition, posterior(seed), -0.5) for seed in range(3)]
    criterion = IntegratedCriterion(parts, np.array([0.2, 0.3, 0.5]), acquisition.scale if scale == "own" else scale)
    assert supports(criterion, SmoothCriterion)
    check(criterion)


@pytest.mark.parametrize("acquisition", [EI(), LogEI()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("known", [True, False], ids=["something feasible", "nothing feasible"])
def test_weighted_by_feasibility(acquisition, known: bool) -> None:
    inner = AnalyticCriterion(acquisition, posterior(0), -0.5) if known else None
    criterion = Feasible(inner, acquisition.scale, (posterior(1), posterior(2)))
    assert supports(criterion, SmoothCriterion)
    check(criterion)


def context(costs) -> AcquisitionContext:
    x = SPACE.sample(Key.of(3), 12)
    data = Data(
        SPACE.columns,
        x,
        x[:, :1],
        np.empty((12, 0)),
        None,
        costs(x),
        np.empty((0, x.shape[1])),
        np.empty((0, x.shape[1])),
    )
    return AcquisitionContext(data, -0.5, SPACE.sample(Key.of(4), 50), x[:0], Key.of(5), Memo())


@pytest.mark.parametrize("acquisition", [EI(), LogEI(), UCB()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("known", [True, False], ids=["costs", "no costs"])
def test_per_second(acquisition, known: bool) -> None:
    at = context(lambda x: np.exp(2.0 * x[:, 0] + np.sin(5.0 * x[:, 1])) if known else np.full(len(x), np.nan))
    check(PerSecond(acquisition, 0.7).bind(posterior(0), at))


PRIORS = {
    "normal": Prior({"a": Normal(0.3, 0.2), "d": Normal(0.9, 0.5)}),
    "beta": Prior({"a": Beta(2.0, 5.0), "b": Beta(0.5, 0.5)}),
    "narrow": Prior({"a": Normal(0.3, 0.02)}),  # most points are on the floor
    "weights": Prior({"c": {"x": 0.9, "y": 0.1}, "b": Normal(2.0, 1.0)}),
}


@pytest.mark.parametrize("acquisition", [EI(), LogEI(), UCB()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("prior", PRIORS)
def test_weighted_by_a_prior(acquisition, prior: str) -> None:
    at = context(lambda x: np.full(len(x), np.nan))
    criterion = PriorWeighted(acquisition, PRIORS[prior].on(SPACE), 5.0).bind(posterior(0), at)
    assert supports(criterion, SmoothCriterion)
    check(criterion)


@pytest.mark.parametrize("variable", [Float(0.5, 4.0), Float(1e-3, 4.0, log=True)], ids=["linear", "log"])
@pytest.mark.parametrize("prior", [Normal(1.0, 0.7), LogNormal(0.2, 0.6), Beta(3.0, 1.5)], ids=repr)
def test_the_slope_of_a_prior(variable, prior) -> None:
    u = np.linspace(0.01, 0.99, 37)
    numeric = (log_density(prior, variable.scale, u + STEP) - log_density(prior, variable.scale, u - STEP)) / (2 * STEP)
    np.testing.assert_allclose(log_density_slope(prior, variable.scale, u), numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("prior", [LogNormal(0.2, 0.6), Beta(0.5, 0.5)], ids=repr)
def test_the_slope_of_a_prior_is_finite_at_the_ends(prior) -> None:
    assert np.isfinite(log_density_slope(prior, Float(0.0, 4.0).scale, np.array([0.0, 1.0]))).all()


def test_the_slope_of_the_weighted_improvement() -> None:
    """From a value far below the best to one far above, log softplus and its slope have no break."""
    z = np.concatenate([np.linspace(-40.0, 40.0, 401), [-1e5, -800.0, 800.0, 1e5]])[:, None]

    class Same:
        def value(self, x):
            return x[:, 0]

        def value_grad(self, x):
            return x[:, 0], np.ones_like(x)

    criterion = Weighted(Same(), "signed", Zero())
    _, gradient = criterion.value_grad(z)
    numeric = (criterion.value(z + 1e-4) - criterion.value(z - 1e-4)) / 2e-4
    np.testing.assert_allclose(gradient[:, 0], numeric, rtol=1e-5, atol=1e-7)


def test_what_has_a_part_without_gradients_has_none() -> None:
    """Then only the climb by small changes is left."""
    plain, smooth = FunctionCriterion(lambda x: x[:, 0]), AnalyticCriterion(EI(), posterior(0), 0.0)
    at = context(lambda x: np.full(len(x), np.nan))
    composed = [
        IntegratedCriterion([plain, smooth], np.array([0.5, 0.5]), "positive"),
        Feasible(plain, "positive", (posterior(1),)),
        weight_criterion(EI(), posterior(0), at, plain),
        Weighted(plain, "positive", smooth),
    ]
    assert not any(supports(criterion, SmoothCriterion) for criterion in (plain, *composed))
    assert supports(Weighted(smooth, "positive", Zero()), SmoothCriterion)


def test_an_average_where_nothing_is_left_of_the_values() -> None:
    """Logarithms of zero give no gradient, and no warning."""

    class Nothing:
        def value(self, x):
            return np.full(len(x), -np.inf)

        def value_grad(self, x):
            return self.value(x), np.zeros_like(x)

    value, gradient = IntegratedCriterion([Nothing(), Nothing()], np.array([0.5, 0.5]), "log").value_grad(
        np.zeros((2, 3))
    )
    assert (value == -np.inf).all()
    assert not gradient.any()


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_augmented_log_expected_improvement(noise: float) -> None:
    model = posterior(1)
    theta = np.append(model.theta[:-1], np.log(noise) if noise else -14.0)
    model = gp_posterior(model.embedding, model.kernel, theta, model.x, model.y, None)
    context = AcquisitionContext(None, -0.5, model.x, model.x[:0], Key.of(0), Memo())
    criterion = AugmentedLogEI(0.01).bind(model, context)
    assert supports(criterion, SmoothCriterion)
    check(criterion)


def test_penalty_on_plateaus() -> None:
    inner = AnalyticCriterion(LogEI(), posterior(2), -0.5)
    criterion = PlateauPenalty(inner, lambda x: np.where(x[:, 0] > 0.5, 2.0, 0.0))
    assert supports(criterion, SmoothCriterion)
    check(criterion)


def test_penalty_at_edges() -> None:
    inner = AnalyticCriterion(LogEI(), posterior(2), -0.5)
    criterion = EdgePenalty(inner, np.array([0, 1]), np.array([1.5, 0.7]))
    check(criterion)
    x = np.array([[0.02, 0.5, 0.25, 0.5], [0.97, 0.03, 0.75, np.nan]])
    value, gradient = criterion.value_grad(x)
    np.testing.assert_allclose(value, criterion.value(x))
    for column in (0, 1):
        step = np.zeros(4)
        step[column] = STEP
        numeric = (criterion.value(x + step) - criterion.value(x - step)) / (2 * STEP)
        np.testing.assert_allclose(gradient[:, column], numeric, rtol=2e-5, atol=1e-6)


def test_penalty_far_from_the_front() -> None:
    inner = AnalyticCriterion(LogEI(), posterior(2), -0.5)
    centres = np.array([[0.2, 0.5, 0.25, 0.5], [0.7, 0.1, 0.75, np.nan]])
    criterion = NearnessPenalty(inner, centres, np.array([0, 1]), 0.1)
    check(criterion)
    x = np.array([[0.25, 0.45, 0.25, 0.5], [0.92, 0.3, 0.75, np.nan], [0.05, 0.9, 0.25, 0.5]])
    value, gradient = criterion.value_grad(x)
    np.testing.assert_allclose(value, criterion.value(x))
    np.testing.assert_allclose(inner.value(x) - value, [0.0, 12.0, 30.0], atol=1e-9)  # 0.12 and 0.3 beyond the box
    for column in (0, 1):
        step = np.zeros(4)
        step[column] = STEP
        numeric = (criterion.value(x + step) - criterion.value(x - step)) / (2 * STEP)
        np.testing.assert_allclose(gradient[:, column], numeric, rtol=2e-5, atol=1e-6)
