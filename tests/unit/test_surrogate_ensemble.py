"""Stacking against a general optimiser; mixtures of posteriors against their parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

import luthier as lt
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.spec import from_plain, to_plain
from luthier.numeric import log_normal_density, stacking_weights
from luthier.surrogate import supports
from luthier.surrogate.checkpoints import checkpoints
from luthier.surrogate.gp.model import GP
from luthier.surrogate.mixture import MixturePosterior
from luthier.surrogate.parzen.estimator import Parzen
from luthier.surrogate.protocol import (
    Conditionable,
    Differentiable,
    IsMixture,
    Joint,
    Moments,
    Pathwise,
    Posterior,
    SupportsCovariance,
    SupportsLeaveOneOut,
    SupportsNoiselessDraws,
)
from luthier.surrogate.sklearn.regressor import Regressor
from luthier.surrogate.stacked import Ensemble
from luthier.surrogate.trees.forest import Forest
from luthier.testing.surrogates import data_of, sampled

FAST = GP(steps=4)
RIDGE = Regressor("sklearn.linear_model:BayesianRidge")


def densities(seed, members=4, n=30):
    rng = np.random.default_rng(seed)
    return rng.normal(-1.0, 1.0, (members, n)) + rng.normal(0.0, 0.7, (members, 1))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("prior", [0.0, 0.3, 2.0])
def test_stacking_finds_the_weights_that_an_optimiser_finds(seed, prior):
    logs = densities(seed)

    def loss(free):
        weights = np.exp(free - free.max()) / np.exp(free - free.max()).sum()
        gain = np.log(weights @ np.exp(logs)).sum() + (prior * np.log(weights).sum() if prior else 0.0)
        return -gain

    best = min((minimize(loss, start, method="BFGS") for start in np.eye(4) * 2), key=lambda found: found.fun)
    weights = stacking_weights(logs, prior, tolerance=1e-12, steps=50000)
    assert weights.sum() == pytest.approx(1.0) and (weights >= 0).all()
    assert loss(np.log(np.maximum(weights, 1e-300))) <= best.fun + 1e-4
    expected = np.exp(best.x - best.x.max()) / np.exp(best.x - best.x.max()).sum()
    assert weights == pytest.approx(expected, abs=2e-3 if prior else 2e-2)  # without one the top may be flat


def test_stacking_in_plain_cases():
    assert stacking_weights(np.zeros((3, 0))) == pytest.approx(np.full(3, 1 / 3))
    assert stacking_weights(np.zeros((3, 5))) == pytest.approx(np.full(3, 1 / 3))
    assert stacking_weights(np.array([[0.0] * 9, [-800.0] * 9])) == pytest.approx([1.0, 0.0])
    assert stacking_weights(np.array([[0.0] * 9, [-np.inf] * 9]), prior=0.5) == pytest.approx([0.95, 0.05])
    assert stacking_weights(np.array([[-np.inf] * 3, [-np.inf] * 3])) == pytest.approx([0.5, 0.5])  # no member knows
    assert stacking_weights(np.array([[-5000.0, -9000.0], [-5001.0, -9001.0]])).argmax() == 0
    # Members that each know half of the data share the weight.
    assert stacking_weights(np.array([[0.0, 0.0, -50.0, -50.0], [-50.0, -50.0, 0.0, 0.0]])) == pytest.approx([0.5, 0.5])


def test_densities_are_normal():
    y, mean, variance = np.array([0.0, 1.0]), np.array([0.3, -2.0]), np.array([0.5, 4.0])
    assert log_normal_density(y, mean, variance) == pytest.approx(norm.logpdf(y, mean, np.sqrt(variance)))


def test_the_weights_are_those_of_the_members_unseen_predictions():
    data = sampled(20)
    ensemble = Ensemble((FAST, Forest(trees=12, scaling="standard")), growth=1.0001)
    model = ensemble.fit(data, Key.of(0), Memo())
    # The forest's predictions by the ensemble's own key; the Gaussian process has no randomness.
    key = _key_of(ensemble, data)
    logs = []
    for place, member in enumerate(ensemble.members):
        fitted = member.fit(data, key.fold(place), Memo())
        mean, variance = fitted.leave_one_out()
        logs.append(norm.logpdf(fitted.y, mean, np.sqrt(variance)))
    assert model.weights == pytest.approx(stacking_weights(np.stack(logs), 1.0))
    assert model.weights.sum() == pytest.approx(1.0)


def _key_of(ensemble, data):
    import hashlib

    digest = hashlib.blake2b(data.x.tobytes() + data.loss.tobytes(), digest_size=16)
    return Key.of(0).fold("ensemble", digest.hexdigest())


def test_a_member_without_predictions_of_its_own_is_refitted():
    data = sampled(25)
    ensemble = Ensemble((FAST, Unchecked()))
    assert SupportsLeaveOneOut not in ensemble.abilities
    weights = ensemble.fit(data, Key.of(0), Memo()).weights
    assert weights[0] > 0.8  # it knows nothing but the mean


@dataclass(frozen=True)
class Unchecked:
    """A surrogate that predicts the mean and variance of the losses everywhere."""

    scaling: str = "standard"
    abilities = (Posterior,)

    def fit(self, data, key, memo):
        from luthier.numeric.scaling import SCALINGS

        return Level(SCALINGS[self.scaling](data.loss))


class Level:
    def __init__(self, y):
        self.y, self.best = y, float(y.min())

    def moments(self, x):
        return Moments(np.full(len(x), self.y.mean()), np.full(len(x), self.y.var() + 1e-6))


def test_the_better_model_gets_the_weight():
    space = lt.Space({"x": lt.Float(0, 1), "y": lt.Float(0, 1)})
    x = space.sample(Key.of(1), 40)
    slope = data_of(space.columns, x, x[:, 0] - 0.5 * x[:, 1] + 0.05 * Key.of(2).normal(40))
    stairs = data_of(space.columns, x, np.floor(x[:, 0] * 3) % 2 + 0.02 * Key.of(2).normal(40))
    ensemble = Ensemble((RIDGE, Forest()))
    assert ensemble.fit(slope, Key.of(0), Memo()).weights[0] > 0.8
    assert ensemble.fit(stairs, Key.of(0), Memo()).weights[1] > 0.8


def test_weights_are_equal_with_few_losses_and_kept_between_sizes():
    ensemble = Ensemble((FAST, RIDGE, Unchecked()), least=6)
    assert ensemble.fit(sampled(5), Key.of(0), Memo()).weights == pytest.approx(np.full(3, 1 / 3))
    data = sampled(40)
    grown = [data_of(data.columns, data.x[:n], data.loss[:n]) for n in range(30, 36)]
    found = [ensemble.fit(part, Key.of(n), Memo()).weights for n, part in enumerate(grown)]
    sizes = [checkpoints(n, 1.15, 6)[-1] for n in range(30, 36)]
    for n in range(5):
        assert ((found[n] == found[n + 1]).all()) == (sizes[n] == sizes[n + 1])


def test_checkpoints_grow_geometrically():
    assert checkpoints(100, 1.5, 6) == [6, 9, 14, 21, 32, 48, 72]
    assert [checkpoints(n, 1.5, 6)[-1:] for n in (0, 5, 6, 8, 9, 13)] == [[], [], [6], [6], [9], [9]]
    assert checkpoints(50, 1.0001, 6) == list(range(6, 51))
    assert checkpoints(10, 1.5) == [1, 2, 3, 5, 8]


def test_constant_losses_and_ties():
    data = sampled(20)
    for losses in (np.zeros(20), np.repeat([0.0, 1.0], 10)):
        model = Ensemble((FAST, RIDGE, Forest(trees=4))).fit(data_of(data.columns, data.x, losses), Key.of(0), Memo())
        assert np.isfinite(model.weights).all() and (model.weights > 0).all()
        assert np.isfinite(model.moments(data.x).mean).all()


def test_abilities_are_those_of_all_members():
    together = {
        Posterior,
        IsMixture,
        Differentiable,
        Joint,
        Pathwise,
        SupportsCovariance,
        Conditionable,
        SupportsNoiselessDraws,
        SupportsLeaveOneOut,
    }
    assert set(Ensemble((FAST, GP(kernel="rbf"))).abilities) == together
    assert set(Ensemble((FAST, Forest())).abilities) == {
        Posterior,
        IsMixture,
        Joint,
        Pathwise,
        SupportsCovariance,
        SupportsLeaveOneOut,
    }
    assert set(Ensemble((FAST, RIDGE)).abilities) == {Posterior, IsMixture, SupportsLeaveOneOut}
    nested = Ensemble((Ensemble((FAST, Forest(trees=3))), RIDGE))
    assert set(nested.abilities) == {Posterior, IsMixture, SupportsLeaveOneOut}
    model = nested.fit(sampled(9), Key.of(0), Memo())
    assert supports(model.members[0], IsMixture)


@pytest.fixture
def pair():
    data = sampled(15)
    members = [GP(kernel=kernel, steps=4).fit(data, Key.of(0), Memo()) for kernel in ("matern52", "rbf")]
    return MixturePosterior(members, np.array([0.3, 0.7]), Ensemble((FAST, FAST)).abilities)


def test_gradients_are_those_of_the_moments(pair):
    x = np.nan_to_num(sampled(4, 1).x, nan=0.4)
    step = 1e-6
    said = pair.moments_grad(x)
    number = [j for j, column in enumerate(sampled(4).columns) if column.kind == "number"]
    for j in number:
        move = np.zeros(x.shape[1])
        move[j] = step
        above, below = pair.moments(x + move), pair.moments(x - move)
        assert said.mean_grad[:, j] == pytest.approx((above.mean - below.mean) / (2 * step), abs=1e-5)
        assert said.variance_grad[:, j] == pytest.approx((above.variance - below.variance) / (2 * step), abs=1e-5)


def test_covariances_are_those_of_the_mixture(pair):
    x, z = sampled(4, 1).x, sampled(3, 2).x
    means = [(member.moments(x).mean, member.moments(z).mean) for member in pair.members]
    second = sum(
        w * (member.cross_covariance(x, z) + np.outer(a, b))
        for w, member, (a, b) in zip(pair.weights, pair.members, means, strict=True)
    )
    centre_x, centre_z = pair.moments(x).mean, pair.moments(z).mean
    assert pair.cross_covariance(x, z) == pytest.approx(second - np.outer(centre_x, centre_z), abs=1e-10)
    assert pair.noise_variance == pytest.approx(
        0.3 * pair.members[0].noise_variance + 0.7 * pair.members[1].noise_variance
    )


def test_a_joint_draw_is_one_members(pair):
    x, base = sampled(3, 1).x, Key.of(1).normal((60, 3))
    drawn = pair.sample(x, base)
    uniform = norm.cdf(base[:, 0])
    first = uniform < 0.3
    within = np.where(first, uniform / 0.3, (uniform - 0.3) / 0.7)
    normal = np.column_stack([norm.ppf(within), base[:, 1:]])
    assert drawn[first] == pytest.approx(pair.members[0].sample(x, normal[first]))
    assert drawn[~first] == pytest.approx(pair.members[1].sample(x, normal[~first]))


def test_functions_are_those_of_the_members_in_proportion_to_their_weights(pair):
    x = sampled(3, 1).x
    drawn = pair._allocate(Key.of(2), 2000)
    assert [len(rows) for _, rows in drawn] == pytest.approx([600, 1400], abs=1)
    singles = [pair._allocate(Key.of(seed), 1)[0][0] for seed in range(400)]
    assert np.mean(singles) == pytest.approx(0.7, abs=0.07)
    assert np.corrcoef(np.arange(2000), np.isin(np.arange(2000), drawn[0][1]))[0, 1] == pytest.approx(0, abs=0.08)
    values = pair.paths(Key.of(2), 2000)(x)
    denoised = pair.noiseless_draws(Key.of(2), 2000, x[:1]).moments(x)
    for place, rows in drawn:
        member = pair.members[place]
        assert (values[rows] == member.paths(Key.of(2).fold("paths", place), len(rows))(x)).all()
        own = member.noiseless_draws(Key.of(2).fold("denoised", place), len(rows), x[:1]).moments(x)
        assert (denoised.mean[rows] == own.mean).all()


def test_every_member_is_conditioned(pair):
    x = sampled(2, 1).x
    conditioned = pair.condition(x, np.array([0.1, -0.2]))
    for before, after in zip(pair.members, conditioned.members, strict=True):
        assert after.moments(x).mean == pytest.approx(before.condition(x, np.array([0.1, -0.2])).moments(x).mean)
    assert (conditioned.weights == pair.weights).all() and type(conditioned) is type(pair)


def test_residuals_are_mixed_of_the_members_that_saw_all(pair):
    mean, variance = pair.leave_one_out()
    parts = [member.leave_one_out() for member in pair.members]
    centre = 0.3 * parts[0][0] + 0.7 * parts[1][0]
    assert mean == pytest.approx(centre)
    expected = sum(w * (v + m * m) for w, (m, v) in zip((0.3, 0.7), parts, strict=True)) - centre**2
    assert variance == pytest.approx(expected)
    data = sampled(30)
    narrow, wide = GP(steps=3, largest=12), Forest(trees=9)
    model = Ensemble((narrow, wide)).fit(data, Key.of(0), Memo())
    assert (model.leave_one_out()[0] == model.members[1].leave_one_out()[0]).all()


def test_members_are_on_one_scale_also_where_some_leave_out_losses():
    data = sampled(50)
    data = replace(data, losses=np.exp(3.0 * data.losses))
    model = Ensemble((GP(steps=3, largest=15, scaling="rank"), Forest(trees=5)), scaling="half rank").fit(
        data, Key.of(0), Memo()
    )
    assert model.members[0].best == pytest.approx(model.members[1].best)
    assert np.isin(np.round(model.members[0].y, 9), np.round(model.members[1].y, 9)).all()


@pytest.mark.slow
def test_it_searches_and_is_proved():
    space = lt.Space({"k": lt.Choice(*"abc"), "x": lt.Float(0, 1), "n": lt.Int(1, 9, when="k != 'a'")})
    method = lt.Bayes(Ensemble((GP(steps=6), Forest(trees=8))), lt.EI())
    assert from_plain(to_plain(method)) == method
    study = lt.Study("f", space, minimize="y", method=method, seed=0)
    study.run(lambda t: "bca".index(t["k"]) + abs(t["x"] - 0.7) + t.params.get("n", 9) / 9, trials=25)
    study.ask(3)
    assert study.best.value < 0.3
    assert study.verify().ok


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"members": ()}, "two or more"),
        ({"members": (FAST,)}, "two or more"),
        ({"members": (FAST, Parzen())}, "does not predict means"),
        ({"members": (FAST, GP)}, r"GP is a class: give an instance of it, such as GP\(\)"),
        ({"members": (FAST, None)}, "None is not a surrogate"),
        ({"members": (FAST, RIDGE), "scaling": "logs"}, "scaling"),
        ({"members": (FAST, RIDGE), "prior": 0.0}, "prior"),
        ({"members": (FAST, RIDGE), "growth": 1.0}, "growth"),
        ({"members": (FAST, RIDGE), "least": 1}, "least"),
        ({"members": (FAST, RIDGE), "largest": 3}, "largest"),
    ],
)
def test_senseless_settings_are_refused(settings, why):
    with pytest.raises(InvalidSetting, match=why):
        Ensemble(**settings)


def test_a_member_whose_scale_is_its_own_affair_is_refused():
    @dataclass(frozen=True)
    class Own:
        abilities = (Posterior,)

        def fit(self, data, key, memo):
            return Level(data.loss)

    with pytest.raises(InvalidSetting, match="no setting 'scaling'"):
        Ensemble((FAST, Own()))
