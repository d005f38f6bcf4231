"""Model-based search reaches targets that chance does not, on most of some fixed seeds."""

from __future__ import annotations

import math

import pytest

from luthier.method import Auto, Bayes, Random
from luthier.space import Choice, Float, Int, Space
from luthier.surrogate.gp.model import GP
from luthier.surrogate.parzen.estimator import Parzen
from luthier.testing.methods import Drive


def branin(config):
    """Minimum 0.397887 (Branin 1972). Hyperopt's threshold is 0.7 within 200 trials."""
    x, y = config["x"], config["y"]
    curve = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return curve * curve + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def quadratic(config):
    """Minimum 0 at 3 (Hyperopt's quadratic1)."""
    return (config["x"] - 3.0) ** 2


def conditional(config):
    """Minimum 0 in the branch "net", at rate = 0.01 and layers = 3."""
    if config["model"] == "net":
        return abs(math.log10(config["rate"]) + 2.0) + 0.3 * abs(config["layers"] - 3)
    return 0.4 + 0.05 * abs(config["depth"] - 7)


BRANIN = Space({"x": Float(-5, 10), "y": Float(0, 15)})
QUADRATIC = Space({"x": Float(-5, 5)})
CONDITIONAL = Space(
    {
        "model": Choice("net", "tree"),
        "rate": Float(1e-6, 1.0, log=True, when="model == 'net'"),
        "layers": Int(1, 8, when="model == 'net'"),
        "depth": Int(1, 20, when="model == 'tree'"),
    }
)


def reached(space, method, loss, target, trials, seeds):
    """Count the seeds by which the method comes below the target."""
    drives = [Drive(space, method, seed=seed, loss=loss) for seed in range(seeds)]
    return sum(min(map(loss, drive.run(trials))) <= target for drive in drives)


def test_parzen_on_branin():
    assert reached(BRANIN, Bayes(Parzen()), branin, 0.7, 200, 4) >= 3


def test_parzen_on_a_quadratic():
    assert reached(QUADRATIC, Bayes(Parzen()), quadratic, 1e-3, 100, 4) >= 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", [Bayes(), Bayes(GP(kernel="matern32", scaling="half rank")), Auto()], ids=["gp", "half-rank", "auto"]
)
def test_processes_on_branin(method):
    assert reached(BRANIN, method, branin, 0.45, 40, 3) >= 2
    assert reached(BRANIN, Random(), branin, 0.45, 40, 3) == 0


def test_auto_on_a_quadratic():
    assert reached(QUADRATIC, Auto(), quadratic, 1e-4, 20, 3) >= 2


@pytest.mark.slow
def test_a_mixed_conditional_function():
    assert reached(CONDITIONAL, Auto(), conditional, 0.05, 60, 4) >= 3
    assert reached(CONDITIONAL, Bayes(), conditional, 0.05, 40, 4) >= 3
