"""Posteriors of forests and boosted trees, against brute force."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import norm

from luthier.errors import InvalidSetting, MissingDependency
from luthier.key import Key
from luthier.memo import Memo
from luthier.space import Choice, Float, Space
from luthier.surrogate.cross_validation import held_out, moments_of_others
from luthier.surrogate.protocol import Joint, Moments, SupportsCovariance
from luthier.surrogate.trees.boosting import Boosted, _features, _rows_left_out
from luthier.surrogate.trees.forest import Forest
from luthier.surrogate.trees.partition_ensemble import MemberMoments, out_of_bag
from luthier.testing.surrogates import data_of, sampled


def fit(surrogate, data, seed=0):
    return surrogate.fit(data, Key.of(seed), Memo())


@pytest.fixture(params=[Forest(trees=9), Forest(trees=5, extra=True, leaf=3), Boosted(models=3, rounds=5)], ids=repr)
def model(request):
    return fit(request.param, sampled(30))


def test_covariances_are_those_of_the_mixture(model):
    x, z = sampled(6, 1).x, sampled(4, 2).x
    at_x, at_z = model.member_moments(x), model.member_moments(z)
    for i in range(6):
        for j in range(4):
            # E[f g] over models: the product of the means, and in a shared cell that of the deviations.
            together = np.mean(
                [
                    at_x.mean[t, i] * at_z.mean[t, j]
                    + (at_x.leaf[t, i] == at_z.leaf[t, j]) * np.sqrt(at_x.variance[t, i] * at_z.variance[t, j])
                    for t in range(len(model.leaves))
                ]
            )
            expected = together - at_x.mean[:, i].mean() * at_z.mean[:, j].mean()
            assert model.cross_covariance(x, z)[i, j] == pytest.approx(expected, abs=1e-12)


def test_a_joint_draw_is_one_models_means_and_one_number_a_cell(model):
    x = np.repeat(sampled(5, 1).x, 2, axis=0)
    base = Key.of(3).normal((50, len(x)))
    moments, drawn = model.member_moments(x), model.sample(x, base)
    models = len(model.leaves)
    for row in range(50):
        share = norm.cdf(base[row, 0]) * models
        number = int(share)
        first = norm.ppf(share - number)
        for j in range(len(x)):
            at = int(np.flatnonzero(moments.leaf[number] == moments.leaf[number, j])[0])
            z = first if at == 0 else base[row, at]
            assert drawn[row, j] == pytest.approx(moments.mean[number, j] + np.sqrt(moments.variance[number, j]) * z)
    assert (drawn[:, ::2] == drawn[:, 1::2]).all()  # equal points, equal values


def test_a_path_is_one_models_means_and_one_number_a_cell(model):
    x = sampled(40, 1).x
    moments, values = model.member_moments(x), model.paths(Key.of(3), 20)(x)
    for drawn in values:
        fitting = []
        for number in range(len(model.leaves)):
            z = (drawn - moments.mean[number]) / np.sqrt(moments.variance[number])
            spread = [np.ptp(z[moments.leaf[number] == leaf]) for leaf in set(moments.leaf[number].tolist())]
            fitting.append(max(spread) < 1e-6)
        assert any(fitting)


def test_out_of_bag_by_hand():
    rng = np.random.default_rng(0)
    mean, variance = rng.normal(size=(7, 9)), rng.random((7, 9))
    out, losses = rng.random((7, 9)) < 0.4, rng.normal(size=9)
    out[:, 0], out[:, 1] = False, [True] + [False] * 6
    found_mean, found_variance = out_of_bag(MemberMoments(mean, variance, np.zeros((7, 9), int)), out, losses)
    for i in range(9):
        if out[:, i].sum() < 2:
            rest = np.delete(losses, i)
            expected = rest.mean(), max(rest.var(), 0.1 * losses.var())
        else:
            seen = mean[out[:, i], i]
            expected = seen.mean(), variance[out[:, i], i].mean() + seen.var()
        assert (found_mean[i], found_variance[i]) == pytest.approx(expected)


def test_what_is_left_out_of_one_and_of_equal_losses():
    assert moments_of_others(np.array([3.0])) == (np.array([3.0]), np.array([1.0]))
    mean, variance = moments_of_others(np.full(4, 2.0))
    assert (mean == 2.0).all() and (variance == 1.0).all()


def test_out_of_bag_of_a_forest_uses_the_trees_that_did_not_see_a_loss():
    data = sampled(25)
    model = fit(Forest(trees=40), data)
    moments = model.member_moments(data.x)
    mean, variance = model.leave_one_out()
    for i in range(25):
        out = np.array([i not in sample for sample in model.samples])
        assert mean[i] == pytest.approx(moments.mean[out, i].mean())
        assert variance[i] == pytest.approx(moments.variance[out, i].mean() + moments.mean[out, i].var())
    # An honest error is larger than that at data that were seen, and no larger than what is promised.
    error = np.mean((mean - model.y) ** 2)
    assert error > np.mean((moments.mean.mean(axis=0) - model.y) ** 2)
    assert error < 3.0 * variance.mean()


def test_extra_trees_are_refitted_for_predictions_of_what_they_have_not_seen():
    data = sampled(20)
    model = fit(Forest(trees=8, extra=True), data)
    assert np.abs(model.moments(data.x).mean - model.y).max() < 1e-9  # they have seen everything
    mean, _ = model.leave_one_out()
    assert np.mean((mean - model.y) ** 2) > 0.02


def test_folds_predict_each_loss_once_from_others():
    seen = []

    def predict(train, test, key):
        seen.append((train, test))
        return Moments(test * 1.0, np.ones(len(test)))

    mean, variance = held_out(predict, np.zeros(13), Key.of(0))
    assert (mean == np.arange(13)).all() and (variance == 1.0).all()
    assert len(seen) == 5
    for train, test in seen:
        assert sorted([*train, *test]) == list(range(13))
    assert sorted(np.concatenate([test for _, test in seen])) == list(range(13))


def test_large_forests_see_samples():
    data = sampled(60)
    for extra in (False, True):
        model = fit(Forest(trees=6, largest=20, extra=extra), data)
        assert all(len(sample) == 20 for sample in model.samples)
        assert len({tuple(sample) for sample in model.samples}) == 6
        if extra:
            assert all(len(set(sample.tolist())) == 20 for sample in model.samples)
        assert model.leave_one_out()[0].shape == (60,)


def test_every_datum_is_left_out_by_two_fifths_of_the_boosted_models():
    out = _rows_left_out(Key.of(1), 5, 23)
    assert (out.sum(axis=0) == 2).all()
    assert (out.sum(axis=1) <= 10).all() and (out.sum(axis=1) >= 8).all()
    assert not _rows_left_out(Key.of(1), 5, 1).all(axis=1).any()
    assert (_rows_left_out(Key.of(1), 2, 9).sum(axis=0) == 1).all()


def test_boosted_moments_and_residuals_by_hand():
    data = sampled(40)
    settings = Boosted(models=5, rounds=8)
    model = fit(settings, data)
    x = sampled(7, 1).x
    means = np.stack([each.predict(_features(x, data.columns)) for each in model.models])
    assert model.moments(x).mean == pytest.approx(means.mean(axis=0))
    assert model.moments(x).variance == pytest.approx(means.var(axis=0) + model.floor)
    assert model.floor == pytest.approx(1e-3)
    out = _rows_left_out(Key.of(0).fold("samples"), 5, 40)
    seen = np.stack([each.predict(_features(data.x, data.columns)) for each in model.models])
    mean, variance = model.leave_one_out()
    between = np.empty(40)
    for i in range(40):
        assert mean[i] == pytest.approx(seen[out[:, i], i].mean())
        between[i] = seen[out[:, i], i].var() + model.floor
    assert model.noise_variance == pytest.approx(max(np.mean((model.y - mean) ** 2 - between), model.floor))
    assert variance == pytest.approx(between + model.noise_variance)


def test_quantiles_tell_noise_that_differs_from_place_to_place():
    space = Space({"x": Float(0, 1)})
    x = np.linspace(0, 1, 400)[:, None]
    noise = Key.of(1).normal(400) * np.where(x[:, 0] < 0.5, 0.1, 1.0)
    model = fit(Boosted(spread="quantile", leaf=20, scaling="given"), data_of(space.columns, x, 3.0 * x[:, 0] + noise))
    mean, variance = model.moments(np.array([[0.25], [0.75]]))
    assert mean == pytest.approx([0.75, 2.25], abs=0.4)
    assert np.sqrt(variance) == pytest.approx([0.1, 1.0], rel=0.8)
    low, _, high = (each.predict(x) for each in model.models)
    inside = np.mean((noise + 3.0 * x[:, 0] > low) & (noise + 3.0 * x[:, 0] < high))
    assert inside == pytest.approx(0.68, abs=0.08)
    assert not isinstance(model, Joint) and not isinstance(model, SupportsCovariance)


@pytest.mark.parametrize("spread", ["ensemble", "quantile"])
def test_levels_of_a_category_are_told_apart_with_few_data(spread):
    space = Space({"c": Choice(*"abcdef"), "x": Float(0, 1)})
    x = space.sample(Key.of(2), 30)
    level = np.floor(x[:, 0] * 6).astype(int)
    loss = np.array([0.0, 5.0, 0.0, 5.0, 5.0, 0.0])[level]
    mean, _ = fit(Boosted(spread=spread, leaf=2), data_of(space.columns, x, loss)).moments(x)
    assert mean[loss == 0].max() < mean[loss == 5].min()


def test_categories_of_more_levels_than_there_are_bins():
    space = Space({"c": Choice(*range(400)), "x": Float(0, 1)})
    mean, variance = fit(Boosted(rounds=4), sampled(30, 0, space)).moments(sampled(5, 1, space).x)
    assert np.isfinite(mean).all() and (variance > 0).all()


@pytest.mark.slow
def test_threads_change_no_bits():
    code = (
        "from luthier.surrogate.trees.boosting import Boosted\n"
        "from luthier.surrogate.sklearn.regressor import Regressor\n"
        "from luthier.testing.surrogates import digest, sampled\n"
        "for one in Boosted(rounds=5), Regressor('sklearn.gaussian_process:GaussianProcessRegressor'):\n"
        "    print(digest(one, sampled(300), sampled(50, 1).x))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    "setting",
    [
        {"spread": "wide"},
        {"models": 1},
        {"rounds": 0},
        {"leaves": 1},
        {"leaf": 0},
        {"rate": 0.0},
        {"floor": 1.0},
        {"scaling": "logs"},
    ],
)
def test_senseless_settings_of_boosted_trees_are_refused(setting):
    with pytest.raises(InvalidSetting, match="Boosted"):
        Boosted(**setting)


@pytest.mark.parametrize("surrogate", [Forest(), Boosted(), Boosted(spread="quantile")], ids=repr)
def test_without_scikit_learn_the_command_that_installs_it_is_named(surrogate, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.tree", None)
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(MissingDependency, match=r"pip install 'luthier\[sklearn\]'"):
        fit(surrogate, sampled(10))
