"""When and from where hyperparameters are found again: a memo changes nothing but how often."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.step import fit_model, scalarize
from luthier.numeric.scaling import SCALINGS
from luthier.space import Column
from luthier.surrogate import GP, KERNELS, Embedding
from luthier.surrogate.checkpoints import checkpoints
from luthier.surrogate.gp.marginal_likelihood import HyperparameterPosterior, Hyperpriors, maximize_posterior
from luthier.surrogate.parzen.estimator import Parzen
from luthier.surrogate.subset_of_data import subset_of_data

COLUMNS = tuple(Column(name, "number", 0, 0, 1, False) for name in "abc")
KEY = Key.of(0)


def fit_scalarized(*arguments):
    return fit_model(*arguments).posterior


def make(n, objectives=1):
    x = np.random.default_rng(3).random((n, 3))
    losses = np.stack([np.sin(4 * x[:, 0]) + x[:, 1] ** 2, np.cos(5 * x[:, 1]) + x[:, 0], (x[:, 2] - 0.3) ** 2], axis=1)
    none = x[:0]
    return Data(COLUMNS, x, losses[:, :objectives], np.empty((n, 0)), None, np.full(n, np.nan), none, none)


@pytest.fixture
def refits(monkeypatch):
    """The sizes at which hyperparameters were found by themselves."""
    found = []

    def refit(self, embedding, data, size, previous, real=GP._refit):
        found.append(size)
        return real(self, embedding, data, size, previous)

    monkeypatch.setattr(GP, "_refit", refit)
    return found


def same(one, other, q):
    return all((a == b).all() for a, b in zip(one.moments(q), other.moments(q), strict=True))


@pytest.mark.parametrize("surrogate", [GP(), GP(warp=True), GP(scaling="evidence"), GP(samples=2, steps=3)])
def test_beyond_200_results_a_cold_start_finds_hyperparameters_once(surrogate, refits):
    data, q, warm = make(300), np.random.default_rng(4).random((5, 3)), Memo()
    part = make(190)
    if not surrogate.samples:
        surrogate.fit(part, KEY, warm)
    last = checkpoints(300, surrogate.growth)[-1]
    del refits[:]
    model = surrogate.fit(data, KEY, warm)
    assert set(refits) == {last}
    assert len(refits) == (3 if surrogate.scaling == "evidence" else 1)
    assert same(model, surrogate.fit(data, KEY, Memo(0)), q)
    del refits[:]
    assert same(model, surrogate.fit(data, KEY, warm), q)
    assert not refits


def test_up_to_200_results_every_earlier_size_counts(refits):
    GP(steps=2).fit(make(30), KEY, Memo())
    assert refits == checkpoints(30, 1.15)


def test_what_is_found_of_many_results_is_the_mode_of_their_density():
    data, surrogate = make(1000), GP()
    embedding, size = Embedding.of(COLUMNS), checkpoints(1000, 1.15)[-1]
    losses = data.loss[:size]
    rows = subset_of_data(losses, 300)
    y = SCALINGS["standard"](losses)[rows]
    density = HyperparameterPosterior(
        embedding, embedding.embed(data.x[rows]), y, None, KERNELS["matern52"], Hyperpriors()
    )
    found = surrogate.fit(data, KEY, Memo()).theta
    best = maximize_posterior(density, [density.start(), found], 200)
    assert density.value(found) < density.value(best) + 0.1


def test_a_mixture_of_objectives_takes_what_was_found_for_each_of_them(refits):
    surrogate, memo, q = GP(), Memo(), np.random.default_rng(4).random((5, 3))
    data, sizes = make(60, objectives=3), checkpoints(60, 1.15)
    models = []
    for trial in range(3):
        mixed = scalarize(data, KEY.fold(trial))
        del refits[:]
        models.append(fit_scalarized(surrogate, data, mixed, KEY, memo))
        assert refits == ([] if trial else 3 * sizes) + [60]
        assert same(models[-1], fit_scalarized(surrogate, data, mixed, KEY, Memo(0)), q)
    assert not same(models[0], models[1], q)
    del refits[:]
    many = make(250, objectives=2)
    fit_scalarized(surrogate, many, scalarize(many, KEY), KEY, memo)
    assert refits == [250]


@pytest.mark.parametrize("n", [5, 40, 250])
def test_the_hyperparameters_of_a_mixture_are_nearly_the_most_probable_ones(n):
    data, surrogate = make(n, objectives=2), GP()
    for trial in range(3):
        mixed = scalarize(data, KEY.fold(trial))
        found = fit_scalarized(surrogate, data, mixed, KEY, Memo()).theta
        density = surrogate._density(Embedding.of(COLUMNS), mixed, n, surrogate._most_for_refit)
        best = maximize_posterior(density, [density.start(), found], 200)
        assert density.value(found) < density.value(best) + 0.5


@pytest.mark.parametrize("surrogate", [GP(scaling="evidence", steps=4), GP(samples=2, steps=4), GP(warp=True, steps=4)])
def test_every_kind_of_process_fits_a_mixture(surrogate):
    data = make(12, objectives=2)
    mixed, q = scalarize(data, KEY), np.random.default_rng(4).random((5, 3))
    model = fit_scalarized(surrogate, data, mixed, KEY, Memo())
    assert all(np.isfinite(part).all() for part in model.moments(q))
    assert type(model) is type(surrogate.fit(mixed, KEY, Memo()))


def test_others_see_the_mixture_alone():
    data = make(30, objectives=2)
    mixed, q = scalarize(data, KEY), np.random.default_rng(4).random((5, 3))
    model, plain = fit_scalarized(Parzen(), data, mixed, KEY, Memo()), Parzen().fit(mixed, KEY, Memo())
    assert (model.log_ratio(q) == plain.log_ratio(q)).all()
    one = make(30)
    assert same(fit_scalarized(GP(), one, scalarize(one, KEY), KEY, Memo()), GP().fit(one, KEY, Memo()), q)
