"""The Gaussian process against scikit-learn's, against its definition, and on what could break it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, multivariate_t
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern

from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric.scaling import SCALINGS
from luthier.space import Column
from luthier.surrogate import GP, KERNELS, Embedding, gp_posterior
from luthier.surrogate.checkpoints import checkpoints
from luthier.surrogate.gp.marginal_likelihood import JITTER, WIDE, HyperparameterPosterior, Hyperpriors
from luthier.surrogate.protocol import Conditionable, Differentiable, Joint
from luthier.surrogate.subset_of_data import subset_of_data

REALS = tuple(Column(name, "number", 0, 0, 1, False) for name in "abc")
MIXED = (*REALS[:1], Column("k", "category", 3, 0, 1, False), Column("g", "number", 0, 0, 1, True))
KEY = Key.of(0)


def data(columns, x, loss, noise=None) -> Data:
    n, d = x.shape
    empty = np.empty((0, d))
    return Data(tuple(columns), x, loss.reshape(n, 1), np.empty((n, 0)), noise, np.full(n, np.nan), empty, empty)


def draw(n: int, columns=REALS, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).random((n, len(columns)))
    for j, column in enumerate(columns):
        if column.levels:
            x[:, j] = (np.floor(x[:, j] * column.levels) + 0.5) / column.levels
        if column.conditional:
            x[x[:, 1] < 0.4, j] = np.nan
    return x


@pytest.mark.parametrize(
    ("kernel", "theirs"),
    [("matern52", Matern(nu=2.5)), ("matern32", Matern(nu=1.5)), ("rbf", RBF())],
)
def test_posterior_equals_that_of_scikit_learn(kernel: str, theirs) -> None:
    x, q = draw(25), draw(7, seed=1)
    y = np.sin(3 * x[:, 0]) + x[:, 1] ** 2
    lengths = np.array([0.4, 0.7, 1.9])
    ours = gp_posterior(Embedding.of(REALS), KERNELS[kernel], np.append(np.log(lengths), math.log(0.01)), x, y, None)
    theirs = theirs.set_params(length_scale=lengths)
    # A constant mean with a wide prior is a constant kernel; our scale is estimated, and multiplies all of it.
    regressor = GaussianProcessRegressor(
        ConstantKernel(WIDE, "fixed") + theirs, alpha=0.01 + JITTER, optimizer=None, normalize_y=False
    ).fit(x, y)
    mean, covariance = regressor.predict(q, return_cov=True)
    np.testing.assert_allclose(ours.moments(q).mean, mean, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(ours.moments(q).variance, np.diag(covariance) * ours.scale, rtol=1e-5)
    np.testing.assert_allclose(ours.covariance(q), covariance * ours.scale, rtol=1e-5, atol=1e-9)


def test_evidence_is_a_multivariate_t_density() -> None:
    x, hyperpriors = draw(12), Hyperpriors()
    y = np.cos(4 * x[:, 0])
    embedding = Embedding.of(REALS)
    evidence = HyperparameterPosterior(embedding, x, y, None, KERNELS["matern52"], hyperpriors)

    def exact(theta: np.ndarray) -> float:
        scaled = x / np.exp(theta[:3])
        r2 = ((scaled[:, None] - scaled[None]) ** 2).sum(-1)
        shape = KERNELS["matern52"](r2).value + (math.exp(theta[3]) + JITTER) * np.eye(12) + WIDE
        prior = sum(((t - m) / s) ** 2 / 2 for t, m, s in zip(
            theta,
            [hyperpriors.length(3)] * 3 + [hyperpriors.log_noise],
            [hyperpriors.log_length_std] * 3 + [hyperpriors.log_noise_std],
            strict=True,
        ))  # fmt: skip
        return -multivariate_t(np.zeros(12), shape, df=2 * hyperpriors.scale).logpdf(y) + prior

    one, two = evidence.start(), np.array([0.1, -0.5, 1.0, -3.0])
    difference = evidence.value_grad(one)[0] - evidence.value_grad(two)[0]
    assert difference == pytest.approx(exact(one) - exact(two), rel=1e-8)


def test_the_data_are_interpolated() -> None:
    x = draw(20)
    y = np.sin(5 * x[:, 0])
    model = GP().fit(data(REALS, x, y), KEY, Memo())
    assert isinstance(model, Differentiable) and isinstance(model, Joint) and isinstance(model, Conditionable)
    mean, variance = model.moments(x)
    np.testing.assert_allclose(mean, model.y, atol=0.1)
    assert (variance < model.moments(draw(20, seed=5)).variance.mean()).all()


def test_leave_one_out_equals_leaving_one_out() -> None:
    x = draw(9)
    y = np.sin(5 * x[:, 0]) + x[:, 1]
    theta = np.array([-0.5, 0.0, 0.5, -4.0])
    embedding = Embedding.of(REALS)
    full = gp_posterior(embedding, KERNELS["matern52"], theta, x, y, None)
    mean, variance = full.leave_one_out()
    for i in range(9):
        others = np.arange(9) != i
        part = gp_posterior(embedding, KERNELS["matern52"], theta, x[others], y[others], None)
        at = part.moments(x[i : i + 1])
        assert mean[i] == pytest.approx(at.mean[0], rel=1e-7, abs=1e-9)
        observed = (at.variance[0] / part.scale + math.exp(theta[-1]) + JITTER) * full.scale
        assert variance[i] == pytest.approx(observed, rel=1e-6)


def test_conditioning_on_its_own_means_changes_no_mean() -> None:
    x, pending, q = draw(15), draw(3, seed=2), draw(30, seed=3)
    model = GP().fit(data(REALS, x, x[:, 0] ** 2), KEY, Memo())
    conditioned = model.condition(pending)
    np.testing.assert_allclose(conditioned.moments(q).mean, model.moments(q).mean, atol=1e-3)
    assert (conditioned.moments(pending).variance < model.moments(pending).variance).all()


def test_samples_have_the_joint_moments() -> None:
    x, q = draw(6), draw(4, seed=7)
    model = GP().fit(data(REALS, x, x[:, 0]), KEY, Memo())
    drawn = model.sample(q, KEY.normal((20_000, 4)))
    np.testing.assert_allclose(drawn.mean(0), model.moments(q).mean, atol=0.05 * math.sqrt(model.scale))
    np.testing.assert_allclose(np.cov(drawn.T), model.covariance(q), atol=0.05 * model.scale)


def test_levels_of_a_category_are_exchangeable_and_inactive_differs_from_every_value() -> None:
    embedding = Embedding.of(MIXED)
    assert embedding.variables == 3
    x = np.array([[0.5, 1 / 6, np.nan], [0.5, 0.5, np.nan], [0.5, 5 / 6, np.nan], [0.5, 0.5, 0.5], [0.5, 0.5, 0.1]])
    e = embedding.embed(x)
    apart = ((e[:, None] - e[None]) ** 2).sum(-1)
    assert apart[0, 1] == pytest.approx(1) and apart[0, 2] == pytest.approx(1) and apart[1, 2] == pytest.approx(1)
    assert apart[1, 3] > 0.2 and apart[1, 4] > 0.2


def test_refits_are_a_fold_that_a_memo_does_not_change() -> None:
    x = draw(40, MIXED)
    y = np.sin(3 * x[:, 0]) + (x[:, 1] > 0.5)
    warm, q = Memo(), draw(9, MIXED, 4)
    for n in (1, 2, 5, 17, 30, 40):
        model = GP().fit(data(MIXED, x[:n], y[:n]), KEY, warm)
        cold = GP().fit(data(MIXED, x[:n], y[:n]), KEY, Memo(0))
        assert (model.moments(q).mean == cold.moments(q).mean).all()
        assert (model.moments(q).variance == cold.moments(q).variance).all()


def test_coverage_on_draws_from_its_own_prior() -> None:
    rng, inside, total = np.random.default_rng(3), 0, 0
    embedding = Embedding.of(REALS)
    for _ in range(40):
        x = rng.random((40, 3))
        r2 = ((x[:, None] - x[None]) ** 2).sum(-1) / 0.6**2
        truth = np.linalg.cholesky(KERNELS["matern52"](r2).value + 1e-9 * np.eye(40)) @ rng.standard_normal(40)
        theta = np.append(np.full(3, math.log(0.6)), -12.0)
        model = gp_posterior(embedding, KERNELS["matern52"], theta, x[:30], truth[:30], None)
        mean, variance = model.moments(x[30:])
        inside += int((np.abs(truth[30:] - mean) < 1.6449 * np.sqrt(variance)).sum())
        total += 10
    low, high = binom.ppf([0.0005, 0.9995], total, 0.9)
    assert low - 0.02 * total <= inside <= high + 0.02 * total  # the scale is estimated, which costs a little


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize(
    "loss",
    [
        np.zeros(8),
        np.array([1e300, -1e300, 0, 1, 2, 3, 4, 5.0]),
        np.full(8, 1e-300),
        np.arange(8.0),
        np.array([0, 0, 0, 0, 0, 0, 0, 1.0]),
    ],
    ids=["constant", "huge", "tiny", "plain", "one apart"],
)
def test_odd_losses_give_finite_posteriors(scaling: str, loss: np.ndarray) -> None:
    scaled = SCALINGS[scaling](loss)
    assert np.isfinite(scaled).all()
    order = np.argsort(loss, kind="stable")
    assert (np.diff(scaled[order]) >= -1e-12).all()
    x = draw(8)
    x[1] = x[0]  # the same point with two values
    moments = GP(scaling=scaling).fit(data(REALS, x, loss), KEY, Memo()).moments(draw(5, seed=9))
    assert np.isfinite(moments.mean).all() and (moments.variance > 0).all()


def test_one_trial() -> None:
    model = GP().fit(data(REALS, draw(1), np.array([3.0])), KEY, Memo())
    assert np.isfinite(model.moments_grad(draw(4)).mean_grad).all()


def test_known_noise_is_used() -> None:
    x = np.repeat(draw(6), 2, axis=0)
    y = x[:, 0] + np.tile([0.5, -0.5], 6)
    y[0] += 3.0
    trusted = GP().fit(data(REALS, x, y, np.full(12, 1e-6)), KEY, Memo()).moments(x[:1]).mean
    doubted = GP().fit(data(REALS, x, y, np.array([50.0, *[1e-6] * 11])), KEY, Memo()).moments(x[:1]).mean
    assert doubted < trusted


def test_many_losses_are_thinned() -> None:
    loss = np.arange(1000.0)[::-1]
    chosen = subset_of_data(loss, 100)
    assert len(chosen) == 100 == len(set(chosen)) and (np.diff(chosen) > 0).all()
    assert set(range(950, 1000)) <= set(chosen.tolist())
    assert checkpoints(10, 1.15) == [1, 2, 3, 4, 5, 6, 7, 9]


def test_hyperparameters_follow_results_beyond_the_largest_number() -> None:
    x = draw(60)
    # A quiet first half, and then losses that only the first number explains, roughly.
    y = np.where(np.arange(60) < 20, 0.01 * x[:, 1], np.sin(25 * x[:, 0]))
    surrogate, warm, q = GP(largest=20), Memo(), draw(9, seed=4)
    for n in (15, 30, 60):
        model = surrogate.fit(data(REALS, x[:n], y[:n]), KEY, warm)
        cold = surrogate.fit(data(REALS, x[:n], y[:n]), KEY, Memo(0))
        assert (model.moments(q).mean == cold.moments(q).mean).all() and len(model.y) == min(n, 20)
    first = surrogate.fit(data(REALS, x[:20], y[:20]), KEY, Memo())
    assert model.theta[0] < first.theta[0]


def test_orders_of_items_are_learnt_by_pairs_and_by_places() -> None:
    columns = tuple(Column("p", "rank", 6, place, 6, False) for place in range(6))
    embedding = Embedding.of(columns)
    assert embedding.variables == 2 and embedding.owners.tolist() == [0] * 6 + [1] * 15
    rng = np.random.default_rng(0)
    ranks = rng.permuted(np.tile(np.arange(6), (260, 1)), axis=1)
    e = embedding.embed((ranks + 0.5) / 6)
    pairs = [(i, j) for i in range(6) for j in range(i)]
    discordant = sum(((ranks[:1, i] < ranks[:1, j]) != (ranks[1:, i] < ranks[1:, j])).astype(float) for i, j in pairs)
    np.testing.assert_allclose(((e[1:, 6:] - e[0, 6:]) ** 2).sum(1), discordant * 4.0 / 30.0)
    weights = rng.random((6, 6))
    precedence = sum((ranks[:, i] < ranks[:, j]) * weights[i, j] for i in range(6) for j in range(6))
    place = ((ranks - np.arange(6)) ** 2 @ weights[0]).astype(float)
    for y, most in ((precedence, 0.05), (place, 0.1)):
        y = (y - y.mean()) / y.std()
        model = GP(scaling="given", growth=2.0).fit(data(columns, (ranks[:80] + 0.5) / 6, y[:80]), KEY, Memo())
        assert np.sqrt(np.mean((model.moments((ranks[80:] + 0.5) / 6).mean - y[80:]) ** 2)) < most


@pytest.mark.parametrize("setting", [{"kernel": "rbff"}, {"scaling": "log"}, {"growth": 1.0}, {"steps": 0}])
def test_senseless_settings_are_refused(setting) -> None:
    with pytest.raises(InvalidSetting, match="GP"):
        GP(**setting)
