"""Each acquisition function that needs more than moments finds the minimum of Branin's function; chance does not."""

from __future__ import annotations

import math

import pytest

from luthier.acquisition.knowledge_gradient import KnowledgeGradient
from luthier.acquisition.max_value_entropy import MaxValueEntropy
from luthier.acquisition.noisy_ei import NoisyEI
from luthier.acquisition.qei import QEI
from luthier.acquisition.thompson import Thompson
from luthier.method import Bayes, Random
from luthier.space import Float, Space
from luthier.testing.methods import Drive

SPACE = Space({"x": Float(-5, 10), "y": Float(0, 15)})
TARGET, TRIALS, SEEDS = 0.45, 32, 4  # the minimum is 0.397887
EACH = pytest.mark.parametrize(
    "acquisition", [Thompson(), MaxValueEntropy(), KnowledgeGradient(), QEI(), NoisyEI()], ids=repr
)


def branin(config) -> float:
    """Source: Branin (1972)."""
    x, y = config["x"], config["y"]
    curve = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return curve * curve + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def lowest(drive: Drive) -> float:
    return min(map(branin, drive.configs))


@pytest.mark.slow
@EACH
def test_one_after_the_other(acquisition) -> None:
    drives = [Drive(SPACE, Bayes(acquisition=acquisition), seed=seed, loss=branin) for seed in range(SEEDS)]
    for drive in drives:
        drive.run(TRIALS)
    assert sum(lowest(drive) <= TARGET for drive in drives) >= 3


@pytest.mark.slow
@EACH
def test_in_batches(acquisition) -> None:
    """Eight batches of five."""
    drives = [Drive(SPACE, Bayes(acquisition=acquisition), seed=seed, loss=branin) for seed in range(SEEDS)]
    for drive in drives:
        drive.run(40, count=5)
    assert sum(lowest(drive) <= TARGET for drive in drives) >= 3


@pytest.mark.slow
def test_chance_does_not() -> None:
    drives = [Drive(SPACE, Random(), seed=seed, loss=branin) for seed in range(SEEDS)]
    for drive in drives:
        drive.run(40)
    assert sum(lowest(drive) <= TARGET for drive in drives) == 0
