"""Acquisition functions that need more than moments: against closed forms, mpmath and plain Monte Carlo."""

from __future__ import annotations

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad, trapezoid
from scipy.stats import norm

from luthier.acquisition.analytic import EI
from luthier.acquisition.augmented import AugmentedLogEI
from luthier.acquisition.criterion import bind_acquisition
from luthier.acquisition.knowledge_gradient import KnowledgeGradient, expected_decrease
from luthier.acquisition.max_value_entropy import MaxValueEntropy, sample_minima
from luthier.acquisition.noisy_ei import NoisyEI
from luthier.acquisition.normal import truncation_entropy
from luthier.acquisition.protocol import AcquisitionContext, Bindable
from luthier.acquisition.qei import QEI
from luthier.acquisition.thompson import Thompson
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.step import bind_criterion
from luthier.numeric.quasi.quasi_normal import quasi_normal
from luthier.space import Column
from luthier.surrogate import KERNELS, Embedding
from luthier.surrogate.gp.posterior import GPPosterior, gp_posterior
from luthier.surrogate.protocol import Moments

REALS = tuple(Column(name, "number", 0, 0, 1, False) for name in "ab")
KEY = Key.of(3)
ALL = [Thompson(), MaxValueEntropy(), KnowledgeGradient(), QEI(), NoisyEI()]


def draw(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 2))


def model(noise: float = 1e-4, n: int = 9) -> GPPosterior:
    x = draw(n, 0)
    theta = np.array([-0.9, -0.6, math.log(noise)])
    return gp_posterior(Embedding.of(REALS), KERNELS["matern52"], theta, x, np.sin(6 * x[:, 0]) + x[:, 1], None)


def context(posterior, pending: np.ndarray | None = None, violations: np.ndarray | None = None) -> AcquisitionContext:
    x = posterior.x
    n, empty = len(x), np.empty((0, 2))
    violations = np.empty((n, 0)) if violations is None else violations
    data = Data(REALS, x, posterior.y[:, None], violations, None, np.full(n, np.nan), empty, empty)
    return AcquisitionContext(data, posterior.best, draw(80, 9), empty if pending is None else pending, KEY, Memo())


class Pair:
    """A mixture of two."""

    def __init__(self, *members: GPPosterior) -> None:
        self.members, self.weights = members, np.array([0.25, 0.75])
        self.x, self.y = members[0].x, members[0].y

    @property
    def best(self) -> float:
        return self.members[0].best

    def moments(self, x: np.ndarray) -> Moments:
        one, two = (member.moments(x) for member in self.members)
        return Moments(0.25 * one.mean + 0.75 * two.mean, 0.25 * one.variance + 0.75 * two.variance)


# --- max-value entropy ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "z", [-1e8, -1e4, -700.0, -40.0, -12.0, -3.0, -1.0, -1.0 - 1e-9, 0.0, 0.5, 2.0, 6.0, 15.0, 37.0]
)
def test_truncation_entropy_against_mpmath(z: float) -> None:
    with mpmath.workdps(60):
        x = mpmath.mpf(z)
        if z < -600:  # by the asymptotic series of the Mills ratio
            ratio = -(1 - x**-2 + 3 * x**-4 - 15 * x**-6) / x
            exact = x * (1 + x * ratio) / (2 * ratio) + mpmath.log(2 * mpmath.pi) / 2 - mpmath.log(ratio)
        else:
            with mpmath.workdps(900 if z < -20 or z > 20 else 60):
                below = mpmath.ncdf(x)
                exact = x * mpmath.npdf(x) / (2 * below) - mpmath.log(below)
    assert truncation_entropy(np.array([z]))[0] == pytest.approx(float(exact), rel=1e-10)


def test_entropy_is_that_of_a_truncated_normal() -> None:
    for z in (-2.0, 0.3, 1.5):
        mass = norm.cdf(z)
        entropy = -quad(lambda t, mass=mass: norm.pdf(t) / mass * (norm.logpdf(t) - math.log(mass)), -12, z)[0]
        fall = 0.5 * math.log(2 * math.pi * math.e) - entropy
        assert truncation_entropy(np.array([z]))[0] == pytest.approx(fall, rel=1e-7)


def test_minima_have_the_distribution_of_independent_normals() -> None:
    class Independent:
        best = 0.0

        def moments(self, x):
            return Moments(x[:, 0], x[:, 1] ** 2)

    rng = np.random.default_rng(0)
    scattered = np.column_stack([rng.normal(0, 0.3, 200), np.full(200, 0.5)])
    known = np.array([[5.0, 0.01]])
    drawn = sample_minima(Independent(), scattered, known, KEY, 4000)
    true = (scattered[:, 0] + 0.5 * rng.standard_normal((20_000, 200))).min(axis=1)
    # A Gumbel distribution through the quartiles is the source's approximation; the quartiles are met.
    np.testing.assert_allclose(np.quantile(drawn, [0.25, 0.5, 0.75]), np.quantile(true, [0.25, 0.5, 0.75]), atol=0.02)
    assert sample_minima(Independent(), scattered, np.array([[-9.0, 0.1]]), KEY, 50).max() <= -9.0 - 0.3 + 1e-12


def test_max_value_entropy_is_the_mean_over_the_minima() -> None:
    posterior, q = model(), draw(5, 4)
    criterion = MaxValueEntropy(minima=3).bind(posterior, context(posterior))
    mean, variance = posterior.moments(q)
    expected = np.zeros(5)
    for minimum in criterion.minima:
        z = (mean - minimum) / np.sqrt(variance)
        expected += (z * norm.pdf(z) / (2 * norm.cdf(z)) - norm.logcdf(z)) / 3
    np.testing.assert_allclose(criterion.value(q), expected, rtol=1e-8)


# --- knowledge gradient --------------------------------------------------------------------------


def fall_by_quadrature(a: np.ndarray, b: np.ndarray) -> float:
    z = np.linspace(-9, 9, 200_001)
    lowest = (a[:, None] + b[:, None] * z).min(axis=0)
    return float(a.min() - trapezoid(lowest * norm.pdf(z), z))


def test_expected_fall_against_quadrature() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(30, 12)), rng.normal(size=(30, 12)) * rng.uniform(0, 2, (30, 1))
    a[3, :] = 0.5  # all equal
    b[4, :] = 0.7  # parallel
    a[5, 1], b[5, 1] = a[5, 0], b[5, 0]  # the same line twice
    a[6], b[6] = 0.0, np.arange(12) - 6.0  # all meet in one corner
    expected = [fall_by_quadrature(*pair) for pair in zip(a, b, strict=True)]
    np.testing.assert_allclose(expected_decrease(a, b), expected, rtol=1e-5, atol=1e-7)


def test_expected_fall_of_hardly_anything_is_not_rounded_away() -> None:
    fall = expected_decrease(np.array([[0.0, 1.0]]), np.array([[0.0, -0.05]]))[0]
    assert fall == pytest.approx(0.05 * float(mpmath.npdf(20) - 20 * mpmath.ncdf(-20)), rel=1e-9, abs=0)
    assert expected_decrease(np.array([[1.0]]), np.array([[3.0]])) == [0.0]
    assert expected_decrease(np.empty((0, 3)), np.empty((0, 3))).shape == (0,)


def test_knowledge_gradient_against_refitted_models() -> None:
    """Look at x, condition on what is seen, take the lowest mean: on average that is the knowledge gradient."""
    posterior = model(noise=0.05)
    q = draw(3, 5)
    criterion = KnowledgeGradient(points=10).bind(posterior, context(posterior))
    values = criterion.value(q)
    mean, variance = posterior.moments(q)
    z = np.linspace(-7, 7, 701)
    weights = norm.pdf(z) / norm.pdf(z).sum()
    for row in range(3):
        followed = np.concatenate([criterion.points, q[row : row + 1]])
        before = posterior.moments(followed).mean.min()
        seen = mean[row] + math.sqrt(variance[row] + posterior.noise_variance) * z
        lowest = [posterior.condition(q[row : row + 1], y[None]).moments(followed).mean.min() for y in seen]
        assert values[row] == pytest.approx(before - weights @ lowest, rel=1e-3)


# --- q-EI ----------------------------------------------------------------------------------------


def joint_improvement(posterior, x, best, base):
    """Give ``E[(best - min f(x))₊]`` of each of b sets of q points (b, q, d), by Monte Carlo with `base` (s, q).

    Source: Ginsbourger, Le Riche and Carraro (2010), section 3.
    """
    lowest = [posterior.sample(points, base).min(axis=1) for points in x]
    return np.array([np.maximum(best - low, 0.0).mean() for low in lowest])


def test_one_point_and_nothing_pending_is_expected_improvement() -> None:
    posterior, q = model(), draw(20, 6)
    exact = bind_acquisition(EI(), posterior, context(posterior)).value(q)
    np.testing.assert_allclose(QEI().bind(posterior, context(posterior)).value(q), exact, rtol=1e-9)
    joint = joint_improvement(posterior, q[:, None, :], posterior.best, quasi_normal(KEY, 4096, 1))
    np.testing.assert_allclose(joint, exact, rtol=0.02, atol=1e-4)


def test_joint_improvement_against_plain_monte_carlo() -> None:
    posterior, sets = model(), np.stack([draw(4, seed) for seed in (11, 12, 13)])
    ours = joint_improvement(posterior, sets, posterior.best, quasi_normal(KEY, 2048, 4))
    rng = np.random.default_rng(2)
    for points, value in zip(sets, ours, strict=True):
        drawn = rng.multivariate_normal(posterior.moments(points).mean, posterior.covariance(points), 100_000)
        gain = np.maximum(posterior.best - drawn.min(axis=1), 0)
        assert abs(value - gain.mean()) < 4 * gain.std() / math.sqrt(len(gain)) + 0.01 * gain.mean()


def test_improvement_beside_pending_points_against_joint_improvement() -> None:
    posterior, q, pending = model(), draw(4, 7), draw(3, 8)
    value = QEI(samples=2048).bind(posterior, context(posterior, pending)).value(q)
    base = quasi_normal(KEY, 2**15, 4)
    sets = np.stack([np.concatenate([pending, point[None]]) for point in q])
    alone = joint_improvement(posterior, pending[None], posterior.best, base[:, :3])[0]
    both = joint_improvement(posterior, sets, posterior.best, base)
    np.testing.assert_allclose(value, both - alone, rtol=0.05, atol=1e-4)


def test_a_pending_point_is_worth_nothing_again() -> None:
    posterior, pending = model(), draw(2, 8)
    pending = np.concatenate([pending, pending])  # the same ones pending twice
    criterion = QEI().bind(posterior, context(posterior, pending))
    assert (criterion.value(pending) < 0.02 * criterion.value(draw(200, 1)).max()).all()
    assert np.isfinite(criterion.value(posterior.x)).all()


# --- noisy EI ------------------------------------------------------------------------------------


def test_without_noise_it_is_expected_improvement() -> None:
    posterior, q = model(noise=1e-7), draw(20, 6)
    exact = bind_acquisition(EI(), posterior, context(posterior)).value(q)
    np.testing.assert_allclose(NoisyEI().bind(posterior, context(posterior)).value(q), exact, rtol=0.02, atol=1e-4)


@pytest.mark.parametrize("waiting", [0, 2])
def test_noisy_improvement_against_plain_monte_carlo(waiting: int) -> None:
    """The improvement of f(x) on the lowest of f at the data and at the pending points, all drawn jointly."""
    posterior, q, pending = model(noise=0.3), draw(3, 6), draw(waiting, 8)
    value = NoisyEI(draws=2**14).bind(posterior, context(posterior, pending)).value(q)
    known = np.concatenate([posterior.x, pending])
    rng = np.random.default_rng(5)
    for row in range(3):
        points = np.concatenate([known, q[row : row + 1]])
        covariance = posterior.covariance(points)
        drawn = rng.multivariate_normal(posterior.moments(points).mean, covariance, 100_000, check_valid="ignore")
        gain = np.maximum(drawn[:, :-1].min(axis=1) - drawn[:, -1], 0)
        assert abs(value[row] - gain.mean()) < 4 * gain.std() / math.sqrt(len(gain)) + 0.02 * gain.mean()


def test_what_breaks_a_constraint_is_not_the_best() -> None:
    posterior, q = model(noise=0.1), draw(10, 6)
    broken = np.zeros((9, 1))
    broken[np.argmin(posterior.y)] = 1.0
    all_feasible = NoisyEI().bind(posterior, context(posterior)).value(q)
    assert (NoisyEI().bind(posterior, context(posterior, violations=broken)).value(q) > all_feasible).all()


# --- all -----------------------------------------------------------------------------------------


def test_thompson_is_a_function_drawn() -> None:
    posterior, q = model(), draw(30, 6)
    criterion = Thompson().bind(posterior, context(posterior))
    assert (criterion.value(q) == criterion.value(q)).all()
    np.testing.assert_allclose(criterion.value(q[4:9]), criterion.value(q)[4:9], rtol=1e-9)
    np.testing.assert_allclose(criterion.value(posterior.x), -posterior.y, atol=0.1)
    other = Thompson().bind(posterior, context(posterior)._replace(key=KEY.fold("other")))
    assert np.abs(other.value(q) - criterion.value(q)).max() > 0.01


@pytest.mark.parametrize("acquisition", ALL[1:], ids=repr)
def test_a_mixture_is_averaged_over(acquisition) -> None:
    members = model(0.01), model(0.5)
    q, mixture = draw(7, 6), Pair(*members)
    pending = draw(2, 8)
    value = acquisition.bind(mixture, context(mixture, pending)).value(q)
    one, two = (acquisition.bind(member, context(mixture, pending)).value(q) for member in members)
    np.testing.assert_allclose(value, 0.25 * one + 0.75 * two)


def test_of_a_mixture_thompson_draws_one() -> None:
    members = model(1e-6), replace(model(1e-6), scale=1e-4)
    drawn = [Thompson().bind(Pair(*members), context(members[0])._replace(key=Key.of(i))) for i in range(80)]
    spread = np.std([criterion.value(np.array([[0.01, 0.99]])) for criterion in drawn])
    narrow = sum(abs(c.value(np.array([[0.01, 0.99]]))[0] + members[0].moments(np.array([[0.01, 0.99]])).mean[0]) < 0.05
                 for c in drawn)  # fmt: skip
    assert 0.6 * 80 < narrow < 0.95 * 80 and spread > 0.05


@pytest.mark.parametrize("acquisition", ALL, ids=repr)
def test_each_is_positive_where_it_says_so_and_alike_at_every_call(acquisition) -> None:
    assert isinstance(acquisition, Bindable)
    posterior, q = model(0.02), np.concatenate([draw(50, 6), model().x])
    one, two = (acquisition.bind(posterior, context(posterior, draw(2, 8))).value(q) for _ in range(2))
    assert one.shape == (59,) and np.isfinite(one).all() and (one == two).all()
    assert acquisition.scale == "signed" or (one >= 0).all()


@pytest.mark.parametrize("acquisition", ALL, ids=repr)
def test_outcome_constraints_weight_each(acquisition) -> None:
    """Positive values are multiplied by the probability that the constraint holds, others get its logarithm."""
    posterior, q = model(), draw(30, 6)
    x = posterior.x
    bound = gp_posterior(Embedding.of(REALS), KERNELS["matern52"], np.array([0.0, 0.0, -6.0]), x, x[:, 0] - 0.5, None)
    given = context(posterior, draw(2, 8), (x[:, :1] - 0.5))
    weighted = bind_criterion(acquisition, posterior, (bound,), given).value(q)
    mean, variance = bound.moments(q)
    log_chance = norm.logcdf(-mean / np.sqrt(variance))
    feasible = float(posterior.moments(x[x[:, 0] <= 0.5]).mean.min())
    inner = bind_acquisition(acquisition, posterior, given._replace(best=feasible)).value(q)
    expected = inner + log_chance if acquisition.scale == "signed" else inner * np.exp(log_chance)
    np.testing.assert_allclose(weighted, expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize(
    "make",
    [
        lambda: MaxValueEntropy(minima=0),
        lambda: KnowledgeGradient(points=1),
        lambda: QEI(samples=0),
        lambda: NoisyEI(draws=0),
    ],
)
def test_senseless_settings_are_refused(make) -> None:
    with pytest.raises(InvalidSetting, match="at least"):
        make()


def test_base_samples_are_normal() -> None:
    base = quasi_normal(KEY, 1024, 5)
    np.testing.assert_allclose(base.mean(axis=0), 0, atol=0.01)
    np.testing.assert_allclose(np.cov(base.T), np.eye(5), atol=0.05)
    assert quasi_normal(KEY, 4, 1030).shape == (4, 1030) and quasi_normal(KEY, 4, 0).shape == (4, 0)


@pytest.mark.parametrize("noise", [1e-6, 0.05, 3.0])
def test_augmented_expected_improvement_is_that_of_huang_et_al(noise: float) -> None:
    posterior = model(noise)
    x = draw(20, 5)
    mean, variance = posterior.moments(x)
    std, tau = np.sqrt(variance), math.sqrt(posterior.noise_variance)
    z = (posterior.best - mean) / std
    expected = std * (z * norm.cdf(z) + norm.pdf(z)) * (1.0 - tau / np.sqrt(variance + tau**2))
    found = bind_acquisition(AugmentedLogEI(), posterior, context(posterior)).value(x)
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-6, atol=1e-12)


def test_a_margin_of_augmented_expected_improvement_is_checked() -> None:
    with pytest.raises(InvalidSetting, match="margin"):
        AugmentedLogEI(-1.0)
