"""Several objectives, and outcome constraints: better than chance, valid, and proved. The seeds are fixed."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from luthier.acquisition.analytic import EI, UCB, LogEI
from luthier.acquisition.weighting.feasibility import Feasible
from luthier.data import Data
from luthier.key import Key
from luthier.method import Auto, Bayes, Random
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.method.bayesian.step import ranked, scalarize
from luthier.run import Study
from luthier.space import Float, Space
from luthier.surrogate.gp.model import GP
from luthier.surrogate.parzen.estimator import Parzen
from luthier.surrogate.protocol import Moments

BRIEF = AcquisitionOptimizer(scattered=150, nearby=100, rounds=2)
METHODS = {
    "gp": Bayes(GP(steps=10, growth=1.6), search=BRIEF),
    "gp-ei": Bayes(GP(steps=10, growth=1.6), EI(), search=BRIEF),
    "gp-ucb": Bayes(GP(steps=10, growth=1.6), UCB(), search=BRIEF),
    "parzen": Bayes(Parzen(), LogEI(), search=BRIEF),
    "auto": Auto(committee=(GP(steps=10, growth=1.6), GP("matern52", "half rank", steps=10, growth=1.6)), search=BRIEF),
}
SPACE = Space({"x": Float(0, 1), "y": Float(0, 1), "z": Float(0, 1)})


def data(losses, violations):
    losses, violations = np.array(losses, dtype=float), np.array(violations, dtype=float)
    n = len(losses)
    x, nothing = np.linspace(0, 1, 3 * n).reshape(n, 3), np.empty((0, 3))
    return Data(SPACE.columns, x, losses, violations, None, np.full(n, np.nan), nothing, nothing)


def zdt1(trial):
    """Give the two objectives of ZDT1 (Zitzler, Deb and Thiele 2000) in 3 variables."""
    g = 1.0 + 4.5 * (trial["y"] + trial["z"])
    return {"cost": trial["x"], "error": g * (1.0 - math.sqrt(trial["x"] / g))}


def volume(points, corner=(1.1, 6.0)):
    """Give the area that a front dominates below a corner."""
    total, height = 0.0, corner[1]
    for a, b in sorted(points):
        if a < corner[0] and b < height:
            total += (corner[0] - a) * (height - b)
            height = b
    return total


def front(method, seed, trials=30):
    with Study("front", SPACE, minimize=["cost", "error"], method=method, seed=seed) as study:
        study.run(zdt1, trials=trials)
        if seed == 0:
            assert study.verify().ok
        return volume([(t.outcome.values["cost"], t.outcome.values["error"]) for t in study.history.trials])


@pytest.mark.parametrize("name", ["gp", "parzen", pytest.param("auto", marks=pytest.mark.slow)])
def test_the_front_of_two_objectives_is_nearer_than_by_chance(name):
    pairs = [(front(METHODS[name], seed), front(Random(), seed)) for seed in range(4)]
    assert sum(ours > theirs for ours, theirs in pairs) >= 3, pairs


def disc(trial):
    """Give a loss whose minimum is outside the allowed part: the best that is allowed is 0.5 at x = 0.7, y = z = 0."""
    return {"loss": 1.2 - trial["x"] + trial["y"] + trial["z"], "violations": {"load": 100.0 * (trial["x"] - 0.7)}}


def lowest(method, seed, trials=25):
    with Study("disc", SPACE, minimize="loss", method=method, seed=seed) as study:
        study.run(disc, trials=trials)
        if seed == 0:
            assert study.verify().ok
        return study.best.values["loss"]


@pytest.mark.parametrize("name", METHODS)
def test_the_best_that_keeps_a_constraint_is_nearer_than_by_chance(name):
    pairs = [(lowest(METHODS[name], seed), lowest(Random(), seed)) for seed in range(3)]
    assert sum(ours < theirs for ours, theirs in pairs) >= 2, pairs


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("violation", [math.inf, 1e300, 1e-300, 0.0, -math.inf])
def test_violations_of_any_size(name, violation):
    def objective(trial):
        sizes = {"a": violation, "b": -violation if trial["x"] < 0.5 else 1.0}
        return {"loss": 1e300 * trial["y"], "violations": sizes if trial.number % 3 else {"a": violation}}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Study("sizes", SPACE, minimize="loss", method=METHODS[name], seed=1) as study:
            study.run(objective, trials=14)
            assert len({SPACE.identity(trial.config) for trial in study.history.trials}) == 14


def test_the_order_of_rows():
    some = data([[1], [2], [0], [-1]], [[0.0, np.nan], [-1, -1], [0.5, 2.0], [0.5, 1.0]])
    assert some.feasible.tolist() == [True, True, False, False]
    assert some.best_first().tolist() == [0, 1, 3, 2]
    assert ranked(some).loss.tolist() == [0, 1, 3, 2]
    fine = data([[3], [2], [2]], np.empty((3, 0)))
    assert ranked(fine) is fine and fine.best_first().tolist() == [1, 2, 0]


def test_one_loss_of_several():
    assert scalarize(alone := data([[1], [2]], np.empty((2, 0))), Key.of(0)) is alone
    some = data([[0, 1], [1, 0], [0, 0], [1, 1], [0.4, 0.4]], np.empty((5, 0)))
    first = set()
    for seed in range(20):
        loss = scalarize(some, Key.of(seed)).loss
        assert loss[2] == 0.0 < loss[4] < loss[3] == loss.max()  # it keeps the order of dominance
        first.add(bool(loss[0] < loss[1]))
    assert first == {True, False}
    huge = data([[1e300, 5.0], [-1e300, 5.0]], np.empty((2, 0)))
    assert np.isfinite(scalarize(huge, Key.of(1)).loss).all()


def test_an_acquisition_is_weighed_by_the_probability():
    class Known:
        best = 0.0

        def moments(self, x):
            return Moments(x[:, 0], np.ones(len(x)))

    class Flat:
        def value(self, x):
            return np.full(len(x), 3.0)

    x = np.array([[0.0], [-40.0], [50.0]])
    assert Feasible(Flat(), "positive", [Known()]).value(x) == pytest.approx([1.5, 3.0, 0.0])
    assert Feasible(Flat(), "log", [Known()] * 2).value(x)[0] == pytest.approx(3 + 2 * math.log(0.5))
    alone = Feasible(None, "log", [Known()]).value(x)
    assert alone[1] == 0.0 and -1300 < alone[2] < -1200  # far out it still says which way to go


@pytest.mark.slow
def test_what_crashes_is_learnt():
    """A bowl whose bottom is near where everything crashes: 3 of 4 seeds get there, with few crashes."""

    def objective(trial):
        x = np.array([trial[name] for name in "abcd"])
        if x.sum() > 1.9:
            raise MemoryError("too large")
        return float(((x - 0.45) ** 2).sum())

    crashes, values = [], []
    for seed in range(4):
        study = Study("crashing", {name: Float(0, 1) for name in "abcd"}, minimize="loss", method=Auto(), seed=seed)
        study.run(objective, trials=60, give_up_after=None)
        crashes.append(sum(not trial.values for trial in study.trials))
        values.append(study.best.value)
    assert sum(value < 0.02 for value in values) >= 3, values
    assert np.mean(crashes) <= 14, crashes  # of 16 seeds 9.75 in the mean; random search crashes 33 times
