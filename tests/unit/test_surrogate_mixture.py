"""The mixture of Gaussian processes over drawn hyperparameters, against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.acquisition.analytic import EI, UCB, LogEI
from luthier.acquisition.criterion import AnalyticCriterion, bind_acquisition
from luthier.acquisition.protocol import AcquisitionContext
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.space import Column
from luthier.surrogate import KERNELS, Embedding, gp_posterior
from luthier.surrogate.gp.model import GP
from luthier.surrogate.mixture import MixturePosterior
from luthier.surrogate.protocol import IsMixture

COLUMNS = (
    Column("a", "number", 0, 0, 1, False),
    Column("k", "category", 3, 0, 1, False),
    Column("g", "number", 0, 0, 1, True),
)
KEY = Key.of(0)


def draw(n: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).random((n, 3))
    x[:, 1] = (np.floor(x[:, 1] * 3) + 0.5) / 3
    x[x[:, 1] < 0.4, 2] = np.nan
    return x


def data(x, loss, noise=None) -> Data:
    n, none = len(x), x[:0]
    return Data(COLUMNS, x, loss.reshape(n, 1), np.empty((n, 0)), noise, np.full(n, np.nan), none, none)


def mixture() -> MixturePosterior:
    x = draw(12)
    thetas = np.random.default_rng(5).normal([-0.5, 0.0, 0.3, -4.0], 0.7, (3, 4))
    y = np.sin(4 * x[:, 0]) + (x[:, 1] > 0.5)
    members = [gp_posterior(Embedding.of(COLUMNS), KERNELS["matern52"], theta, x, y, None) for theta in thetas]
    return MixturePosterior(members, np.full(3, 1 / 3), GP(samples=3).abilities)


def test_draws_have_the_moments_and_covariances() -> None:
    model, q = mixture(), draw(4, 1)
    mean, variance = model.moments(q)
    covariance = model.cross_covariance(q, q)
    np.testing.assert_allclose(np.diag(covariance), variance, rtol=1e-6, atol=1e-8)
    functions = model.paths(KEY, 3000)(q)
    for drawn in (model.sample(q, KEY.normal((40_000, 4))), functions):
        few = len(drawn) < 10_000
        np.testing.assert_allclose(drawn.mean(0), mean, atol=0.08 if few else 0.03)
        np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.1 if few else 0.04)
    assert model.sample(q[:0], KEY.normal((5, 0))).shape == (5, 0)


def test_each_member_is_conditioned_and_left_out_by_itself() -> None:
    model, pending = mixture(), draw(2, 7)
    conditioned = model.condition(pending, np.array([1.0, 2.0]))
    for member, before in zip(conditioned.members, model.members, strict=True):
        alone = before.condition(pending, np.array([1.0, 2.0]))
        assert (member.moments(pending).mean == alone.moments(pending).mean).all()
    assert model.condition(pending).best <= model.best
    mean, variance = model.leave_one_out()
    parts = [member.leave_one_out() for member in model.members]
    np.testing.assert_allclose(mean, np.mean([part[0] for part in parts], axis=0))
    second = np.mean([part[1] + part[0] ** 2 for part in parts], axis=0)
    np.testing.assert_allclose(variance, second - mean**2)
    assert model.noise_variance == pytest.approx(np.mean([member.noise_variance for member in model.members]))


def test_draws_without_noise_agree_with_the_data() -> None:
    model, q = mixture(), draw(3, 9)
    mean, variance = model.noiseless_draws(KEY, 24, q[:0]).moments(q)
    assert mean.shape == variance.shape == (24, 3)
    parts = [
        member.noiseless_draws(KEY.fold("denoised", number), 8, q[:0]).moments(q)
        for number, member in enumerate(model.members)
    ]
    for part in parts:
        rows = [row for row in range(24) if np.allclose(variance[row], part.variance)]
        np.testing.assert_allclose(mean[rows], part.mean)
    assert model.noiseless_draws(KEY, 2, q).moments(q).mean.shape == (2, 3)


@pytest.mark.parametrize("acquisition", [EI(), LogEI(), UCB(1.0)], ids=repr)
def test_acquisitions_are_averaged_over_the_members(acquisition) -> None:
    model, q = mixture(), draw(5, 2)
    context = AcquisitionContext(data(draw(2), np.zeros(2)), model.best, q, q[:0], KEY, Memo())
    values = np.stack([AnalyticCriterion(acquisition, member, model.best).value(q) for member in model.members])
    expected = np.log(np.exp(values).mean(0)) if acquisition.scale == "log" else values.mean(0)
    np.testing.assert_allclose(bind_acquisition(acquisition, model, context).value(q), expected, rtol=1e-10)


@pytest.mark.parametrize(
    "settings", [{}, {"warp": True}, {"scaling": "evidence"}, {"scaling": "evidence", "samples": 0}]
)
def test_samples_are_a_fold_that_a_memo_does_not_change(settings) -> None:
    surrogate = GP(**({"samples": 2} | settings))
    x = draw(20)
    y, noise = np.exp(np.sin(3 * x[:, 0])) + (x[:, 1] > 0.5), np.linspace(0.0, 0.1, 20)
    warm, q = Memo(), draw(9, 4)
    for n in (1, 3, 8):
        model = surrogate.fit(data(x[:n], y[:n], noise[:n]), KEY, warm)
        cold = surrogate.fit(data(x[:n], y[:n], noise[:n]), KEY.fold("another"), Memo(0))
        assert isinstance(model, IsMixture) == (surrogate.samples > 0) == (IsMixture in surrogate.abilities)
        assert (model.moments(q).mean == cold.moments(q).mean).all()
        assert (model.moments(q).variance == cold.moments(q).variance).all()


def test_the_scaling_is_chosen_by_evidence() -> None:
    x = draw(40)
    smooth = np.sin(3 * x[:, 0]) + (x[:, 1] > 0.5)
    q = draw(50, 3)
    for loss, expected in ((smooth, "standard"), (np.exp(4.0 * smooth), "not standard")):
        given = data(x, loss)
        chosen = GP(scaling="evidence").fit(given, KEY, Memo()).moments(q).mean
        plain = GP().fit(given, KEY, Memo()).moments(q).mean
        assert (chosen == plain).all() == (expected == "standard")


@pytest.mark.parametrize("setting", [{"samples": -1}, {"scaling": "evidences"}])
def test_senseless_settings_are_refused(setting) -> None:
    with pytest.raises(InvalidSetting, match="GP"):
        GP(**setting)
