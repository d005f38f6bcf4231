"""Functions with a known optimum: noise, heavy tails, steps, islands in plateaus, edges, one to three variables.

Noise is given in units of the range near the optimum: that of the function within 5 % of each
variable's width on either side of its best point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from benchmarks.honest.parameters import Config, Parameters, real, unit
from benchmarks.honest.task import Task

Function = Callable[[Mapping[str, float]], float]

NEAR = 0.05  # of a variable's width, on either side of the best point


def function(
    name: str,
    parameters: Parameters,
    exact: Function,
    at: Mapping[str, float],
    *,
    noise: float = 0.0,
    heavy: bool = False,
    batch: int = 1,
) -> Task:
    """Make a task of a function whose best point is `at`.

    Args:
        name, parameters, batch: see `Task`.
        exact: the function.
        at: a best point.
        noise: the noise's scale in units of the range near the optimum.
        heavy: whether the noise is of Student's t distribution with 2 degrees of freedom, which has no variance.
    """
    scale = noise * _range_near(parameters, exact, at) if noise else 0.0

    def measure(config: Config, seed: int) -> float:
        random = np.random.default_rng(seed)
        error = random.standard_t(2) if heavy else random.normal()
        return float(exact(config)) + scale * float(error)

    return Task(name, parameters, measure, exact, noise > 0, batch, float(exact(at)))


def _range_near(parameters: Parameters, exact: Function, at: Mapping[str, float]) -> float:
    random = np.random.default_rng(7)
    values = []
    for _ in range(2000):
        point = {}
        for one in parameters:
            reach = NEAR * (one["hi"] - one["lo"])
            low, high = at[one["name"]] - reach, at[one["name"]] + reach
            point[one["name"]] = float(np.clip(random.uniform(low, high), one["lo"], one["hi"]))
        values.append(exact(point))
    return float(np.ptp(values))


def bowl(centre: Mapping[str, float], c: Mapping[str, float]) -> float:
    """Give the squared distance to `centre`; variables that it lacks do not matter."""
    return sum((c[name] - value) ** 2 for name, value in centre.items())


def wedge(c: Mapping[str, float]) -> float:
    """Give the distance to 0.37."""
    return abs(c["x"] - 0.37)


def waves(c: Mapping[str, float]) -> float:
    """Give sin(5x)(1 - tanh x²), scikit-optimize's first example."""
    return float(np.sin(5 * c["x"]) * (1 - np.tanh(c["x"] ** 2)))


def ripples(c: Mapping[str, float]) -> float:
    """Give the function of Gramacy and Lee (2012): sin(10πx)/(2x) + (x - 1)⁴."""
    return float(np.sin(10 * np.pi * c["x"]) / (2 * c["x"]) + (c["x"] - 1) ** 4)


def branin(c: Mapping[str, float]) -> float:
    """Give Branin's function, with three best points."""
    x, y = c["x"], c["y"]
    first = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return float(first**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10)


def valley(c: Mapping[str, float]) -> float:
    """Give the logarithm of 1 and Rosenbrock's function."""
    x, y = c["x"], c["y"]
    return float(np.log1p(100 * (y - x * x) ** 2 + (1 - x) ** 2))


def hartmann(c: Mapping[str, float]) -> float:
    """Give Hartmann's function of three variables."""
    a = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
    p = np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]) * 1e-4
    x = np.array([c["a"], c["b"], c["c"]])
    return float(-np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-(a * (x - p) ** 2).sum(axis=1)))


def stairs(steps: int, centre: Mapping[str, float], c: Mapping[str, float]) -> float:
    """Give the distance to `centre` in whole steps, `steps` for each unit."""
    return float(np.floor(steps * np.sqrt(bowl(centre, c)))) / steps


def terraces(c: Mapping[str, float]) -> float:
    """Give a sum of steps in each of three variables, the highest gain at one end of each."""
    return 1.0 - (np.floor(6 * c["a"] * 0.999) + np.floor(4 * (1 - c["b"]) * 0.999) + (0.3 < c["c"] < 0.5)) / 9


def island(c: Mapping[str, float]) -> float:
    """Give two plateaus, and on the better one an island of 3 % of the space that is better still."""
    near = abs(c["x"] - 0.22) < 0.087 and abs(c["y"] - 0.71) < 0.087
    return 1.0 - 0.5 * (c["y"] > 0.45) - 0.4 * near


def archipelago(c: Mapping[str, float]) -> float:
    """Give a plateau with three islands of unequal height in three variables."""
    islands = [((0.2, 0.3, 0.7), 0.20, 0.3), ((0.75, 0.7, 0.3), 0.18, 0.5), ((0.7, 0.25, 0.8), 0.12, 1.0)]
    x = (c["a"], c["b"], c["c"])
    return 1.0 - max(
        (
            height
            for middle, reach, height in islands
            if max(abs(u - v) for u, v in zip(x, middle, strict=True)) < reach
        ),
        default=0.0,
    )


def edge_pays(c: Mapping[str, float]) -> float:
    """Give a function whose best point is at the ends of three variables; the fourth has a best value inside."""
    return float((1 - c["a"]) ** 1.5 + 0.6 * c["b"] + 0.3 * (1 - c["c"]) + (c["d"] - 0.35) ** 2)


def edge_does_not(c: Mapping[str, float]) -> float:
    """Give a function of two variables out of five, in steps, so that nothing is gained at any end."""
    return float(np.round(200 * ((c["a"] - 0.4) ** 2 + 0.5 * (c["b"] - 0.6) ** 2)) / 200)


def pairs() -> list[tuple[Task, Task]]:
    """List the functions in pairs of one kind."""
    f = function
    x, two = [real("x", -2.0, 2.0)], [real("x", -5.0, 10.0), real("y", 0.0, 15.0)]
    square = [real("x", -1.5, 1.5), real("y", -0.5, 1.5)]
    middle, slow = {"a": 0.2, "b": 0.7, "c": 0.45}, {"a": 0.8, "b": 0.35}
    return [
        (
            f("noise-wedge", [real("x", 0.0, 1.0)], wedge, {"x": 0.37}, noise=2.0),
            f("noise-waves", x, waves, {"x": -0.28922}, noise=0.5),
        ),
        (f("ripples", [real("x", 0.5, 2.5)], ripples, {"x": 0.54856}), f("waves", x, waves, {"x": -0.28922})),
        (
            f("noise-branin", two, branin, {"x": np.pi, "y": 2.275}, noise=1.0),
            f("noise-valley", square, valley, {"x": 1.0, "y": 1.0}, noise=0.5),
        ),
        (
            f("tails-bowl", unit("abc"), partial(bowl, middle), middle, noise=2.0, heavy=True, batch=8),
            f(
                "tails-hartmann",
                unit("abc"),
                hartmann,
                {"a": 0.1146, "b": 0.5556, "c": 0.8525},
                noise=0.5,
                heavy=True,
                batch=8,
            ),
        ),
        (
            f("stairs", unit("ab"), partial(stairs, 25, slow), slow),
            f("terraces", unit("abc"), terraces, {"a": 1.0, "b": 0.0, "c": 0.4}),
        ),
        (
            f("island", unit("xy"), island, {"x": 0.22, "y": 0.71}, batch=8),
            f("archipelago", unit("abc"), archipelago, {"a": 0.7, "b": 0.25, "c": 0.8}, batch=8),
        ),
        (
            f("edge-pays", unit("abcd"), edge_pays, {"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.35}),
            f("edge-does-not", unit("abcde"), edge_does_not, {"a": 0.4, "b": 0.6, "c": 0.5, "d": 0.5, "e": 0.5}),
        ),
    ]
