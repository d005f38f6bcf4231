"""Pending trials: fantasies, and the spread of a batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from luthier.acquisition.analytic import UCB, LogEI
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Bayes
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.method.bayesian.step import fantasize
from luthier.method.spec import from_plain, to_plain
from luthier.run import Study
from luthier.space import Float, Space
from luthier.surrogate.gp.model import GP
from luthier.surrogate.protocol import Moments
from luthier.surrogate.trees.forest import Forest
from luthier.testing.methods import Drive, assert_valid, replay, tuning_space

BRIEF = AcquisitionOptimizer(scattered=150, nearby=80, rounds=2)
FAST = GP(steps=6, growth=1.5)
SPACE = Space({"x": Float(0, 1), "y": Float(0, 1)})
STRATEGIES = ("believed", "best", "median", "worst", "ignored")
CONSTANTS = {"best": np.min, "median": np.median, "worst": np.max}


def some(n=9, p=2) -> Data:
    x = np.random.default_rng(0).random((n + p, 2))
    losses = np.sin(5 * x[:n, :1]) + x[:n, 1:]
    nothing = np.full((n, 1), -1.0)
    return Data(SPACE.columns, x[:n], losses, nothing, None, np.ones(n), np.empty((0, 2)), x[n:])


def process(data: Data):
    return GP().fit(data, Key.of(0), Memo())


class Fitted:
    """A model that cannot be conditioned: the mean of its losses everywhere, on a scale ten times theirs."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.best = 10.0 * float(data.loss.min())

    def moments(self, x):
        near = ((x[:, None] - self.data.x[None]) ** 2).sum(axis=2).argmin(axis=1)
        return Moments(10.0 * self.data.loss[near], np.ones(len(x)))


# --- what is said -------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", CONSTANTS)
def test_a_constant_liar(strategy) -> None:
    data = some()
    model = process(data)
    fantasy = fantasize(model, data, data.pending, strategy)
    expected = CONSTANTS[strategy](model.moments(data.x).mean)
    mean, variance = fantasy.moments(data.pending)
    before = model.moments(data.pending)  # one point is near the data, and the model allows for noise
    assert (np.abs(mean - expected) < 0.1 * np.abs(before.mean - expected)).all()
    assert variance[0] < 0.1 * before.variance[0]


def test_a_kriging_believer_keeps_the_means_and_shrinks_the_variance() -> None:
    data = some()
    model = process(data)
    fantasy = fantasize(model, data, data.pending, "believed")
    grid = np.random.default_rng(1).random((30, 2))
    np.testing.assert_allclose(fantasy.moments(grid).mean, model.moments(grid).mean, atol=1e-3)
    assert (fantasy.moments(grid).variance <= model.moments(grid).variance + 1e-9).all()
    assert (fantasy.moments(data.pending).variance < 0.1 * model.moments(data.pending).variance).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nothing_pending_or_ignored_changes_nothing(strategy) -> None:
    data = some()
    model = process(data)
    assert fantasize(model, data, data.pending[:0], strategy) is model
    assert (fantasize(model, data, data.pending, strategy) is model) == (strategy == "ignored")


@pytest.mark.parametrize("strategy", ["believed", *CONSTANTS])
def test_a_model_that_cannot_be_conditioned_is_fitted_again(strategy) -> None:
    data = replace(some(), noise=np.full(9, 0.1))
    model = Fitted(data)
    fantasy = fantasize(model, data, data.pending, strategy, Fitted)
    assert isinstance(fantasy, Fitted) and len(fantasy.data) == 11 and not len(fantasy.data.pending)
    assert fantasy.data.noise is not None and fantasy.data.noise[9:].tolist() == [0.0, 0.0]
    assert np.isnan(fantasy.data.violations[9:]).all() and np.isnan(fantasy.data.costs[9:]).all()
    np.testing.assert_array_equal(fantasy.data.x[9:], data.pending)
    if strategy == "believed":  # means of the model, on the scale of the losses
        np.testing.assert_allclose(fantasy.data.loss[9:], model.moments(data.pending).mean / 10.0)
    else:
        np.testing.assert_allclose(fantasy.data.loss[9:], CONSTANTS[strategy](data.loss))


def test_without_a_way_to_fit_again_it_is_left_as_it_is() -> None:
    data = some()
    model = Fitted(data)
    assert fantasize(model, data, data.pending, "best") is model


def test_of_several_objectives_the_scalarized_one_is_fantasized() -> None:
    data = replace(some(), losses=np.column_stack([some().loss, np.arange(9.0)]))
    fantasy = fantasize(Fitted(data), data, data.pending, "worst", Fitted)
    assert fantasy.data.losses.shape == (11, 1)
    np.testing.assert_array_equal(fantasy.data.loss[:9], data.losses[:, 0])


def test_an_unknown_lie_is_refused() -> None:
    with pytest.raises(InvalidSetting, match=r"'beleived'.*'believed', 'best', 'median', 'worst', 'ignored'"):
        Bayes(pending="beleived")


# --- batches ------------------------------------------------------------------------------------------


def bowl(config) -> float:
    return (config["x"] - 0.3) ** 2 + (config["y"] - 0.6) ** 2


def batch(method, seed=0):
    """Run 6 trials, leave one pending, and ask for 8 at once; give all 9 points."""
    drive = Drive(SPACE, method, seed=seed, loss=bowl)
    drive.run(6)
    drive.ask()
    drive.ask(8)
    assert_valid(drive)
    return drive, drive.history.space.encode(drive.configs[6:])


def gaps(points):
    """Give the distance of each point from the nearest other one."""
    distances = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    return np.where(np.eye(len(points), dtype=bool), np.inf, distances).min(axis=1)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("surrogate", [FAST, Forest(trees=6)], ids=["gp", "forest"])
def test_a_batch_is_distinct_and_made_again(surrogate, strategy) -> None:
    method = Bayes(surrogate, LogEI(), initial=4, search=BRIEF, pending=strategy)
    assert from_plain(to_plain(method)) == method
    drive, points = batch(method)
    assert gaps(points).min() > 0
    replay(drive)


@pytest.mark.parametrize("acquisition", [LogEI(), UCB()], ids=repr)
@pytest.mark.parametrize("strategy", ["believed", "best", "median", "worst"])
def test_a_batch_of_a_process_is_well_spread(strategy, acquisition) -> None:
    """The median point keeps a distance from all others that those of an ignorant method do not."""
    fantasy, ignorant = (
        np.median(
            [
                np.median(gaps(batch(Bayes(FAST, acquisition, initial=4, search=BRIEF, pending=how), seed)[1]))
                for seed in range(3)
            ]
        )
        for how in (strategy, "ignored")
    )
    assert fantasy > max(0.02, 2.0 * ignorant)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("surrogate", [FAST, Forest(trees=6)], ids=["gp", "forest"])
def test_crashes_and_violations_beside_pending_trials(surrogate, strategy) -> None:
    method = Bayes(surrogate, LogEI(), initial=3, search=BRIEF, pending=strategy)
    with Study("batch", SPACE, minimize="loss", method=method, seed=1) as study:
        for turn in range(3):
            trials = study.ask(4)
            for place, trial in enumerate(trials[: 4 - turn]):
                if place == 1:
                    study.tell(trial, failed="it broke")
                else:
                    study.tell(trial, {"loss": bowl(trial.params), "violations": {"load": trial["x"] - 0.5}})
        last = study.ask(8)
        assert len({SPACE.identity(trial.config) for trial in study.history.trials}) == 20
        assert len(last) == 8 and study.verify().ok


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_asynchronous_studies_on_a_conditional_space(strategy) -> None:
    drive = Drive(tuning_space(), Bayes(FAST, LogEI(), initial=3, search=BRIEF, pending=strategy))
    drive.scatter(10, Key.of(4))
    assert_valid(drive)
    replay(drive)
