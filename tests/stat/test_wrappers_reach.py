"""What costs and beliefs are good for: fewer seconds, and fewer trials, on most of some fixed seeds."""

from __future__ import annotations

import math

import pytest

from luthier.acquisition.analytic import PI, UCB, LogEI
from luthier.acquisition.hedge import Hedge
from luthier.acquisition.mace import MACE
from luthier.acquisition.scheduled_ucb import ScheduledUCB
from luthier.acquisition.weighting.cost import PerSecond
from luthier.event import Told
from luthier.method import Bayes
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer
from luthier.method.bayesian.user_prior import Prior
from luthier.space import Float, Normal, Space
from luthier.surrogate.gp.model import GP
from luthier.testing.methods import Drive

SEARCH = AcquisitionOptimizer(scattered=300, nearby=150, rounds=4)
SPACE = Space({"size": Float(0, 1), "rate": Float(0, 1)})


def seconds(config) -> float:
    """Give from 1 to 100 seconds, by the size."""
    return float(100.0 ** config["size"])


def valley(config) -> float:
    """Give a loss of which the minimum, 0, is at size 0.3; large sizes are nearly as good elsewhere."""
    size, rate = config["size"], config["rate"]
    return (
        (size - 0.3) ** 2 + 2.0 * (rate - 0.2 - 0.5 * size) ** 2 + 0.05 * (1 - math.cos(10 * (rate - 0.2 - 0.5 * size)))
    )


class Timed(Drive):
    """A study whose trials take as long as `seconds` says."""

    def tell(self, number, reason="done") -> None:
        trial = self.history.trial(number)
        told = Told(
            number, trial.lease.token, "done", {"loss": self.loss(trial.config)}, duration_s=seconds(trial.config)
        )
        self.history = self.history.apply(told)


def spent(acquisition, seed, target, most=60) -> float:
    """Give the seconds until the loss is at most `target`; of a study that does not get there, those of all trials."""
    drive, total = Timed(SPACE, Bayes(acquisition=acquisition, search=SEARCH), seed=seed, loss=valley), 0.0
    for trial in range(1, most + 1):
        config = drive.run(trial)[-1]
        total += seconds(config)
        if valley(config) <= target:
            break
    return total


@pytest.mark.slow
def test_per_second_reaches_a_target_in_fewer_seconds() -> None:
    pairs = [(spent(PerSecond(LogEI()), seed, 1e-3), spent(LogEI(), seed, 1e-3)) for seed in range(8)]
    assert sum(ours < theirs for ours, theirs in pairs) >= 6, pairs


def trials(method, seed, loss, target, most=60) -> int:
    """Count the trials until the loss is at most `target`."""
    drive = Drive(SPACE, method, seed=seed, loss=loss)
    for trial in range(1, most + 1):
        if loss(drive.run(trial)[-1]) <= target:
            return trial
    return most + 1


def branin(config) -> float:
    """Give Branin's function on the unit square: three minima of 0.397887, one at (0.543, 0.152)."""
    x, y = 15.0 * config["size"] - 5.0, 15.0 * config["rate"]
    curve = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return curve * curve + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


RIGHT = Prior({"size": Normal(0.5, 0.1), "rate": Normal(0.2, 0.1)})
WRONG = Prior({"size": Normal(0.9, 0.1), "rate": Normal(0.9, 0.1)})


@pytest.mark.slow
def test_a_right_belief_is_faster_and_a_wrong_one_arrives() -> None:
    right, none, wrong = (
        [trials(Bayes(search=SEARCH, prior=prior), seed, branin, 0.45) for seed in range(8)]
        for prior in (RIGHT, None, WRONG)
    )
    assert sum(ours < theirs for ours, theirs in zip(right, none, strict=True)) >= 6, (right, none)
    assert sum(one <= 60 for one in wrong) >= 6, wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    "acquisition",
    [ScheduledUCB(), Hedge((LogEI(), PI(0.01), UCB())), MACE((LogEI(), PI(0.01), UCB()))],
    ids=["scheduled", "hedge", "pareto"],
)
def test_the_valley_is_found(acquisition) -> None:
    method = Bayes(GP(), acquisition, search=SEARCH)
    found = [trials(method, seed, valley, 3e-3, 40) for seed in range(4)]
    assert sum(one <= 40 for one in found) >= 3, found
