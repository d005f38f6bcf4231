"""Problems of several objectives, and problems with outcome constraints, for `benchmarks/fronts.py`.

ZDT: Zitzler, Deb and Thiele (2000), Comparison of multiobjective evolutionary algorithms: empirical results. DTLZ: Deb,
Thiele, Laumanns and Zitzler (2005), Scalable test problems for evolutionary multiobjective optimization. Tables:
`shared/bench/data/tables` (accuracy, and logarithms of seconds, latency and size). bbob-biobj and bbob-constrained: the
package coco-experiment.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class FrontProblem:
    """Objectives to minimise.

    Args:
        name: of the problem; what stands before "/" is its family.
        parameters: in the neutral description of shared/bench/peers.py.
        losses: gives the m losses of a configuration.
        objectives: m.
        front: (n, m) the best front; None where it is not known.
    """

    name: str
    parameters: list[dict[str, Any]]
    losses: Callable[[dict[str, Any]], list[float]]
    objectives: int = 2
    front: Any = None


def _box(dimensions: int, low: float = 0.0, high: float = 1.0) -> list[dict[str, Any]]:
    return [{"name": f"x{i}", "type": "float", "lo": low, "hi": high} for i in range(dimensions)]


def _point(config: dict[str, Any]) -> Any:
    return np.array([config[f"x{i}"] for i in range(len(config))])


# --- ZDT and DTLZ -------------------------------------------------------------------------------------


def _zdt(which: int, x: Any) -> list[float]:
    first, rest = float(x[0]), x[1:]
    g = 1.0 + 9.0 * float(rest.mean())
    if which == 4:
        rest = 10.0 * rest - 5.0
        g = 1.0 + 10.0 * len(rest) + float((rest**2 - 10.0 * np.cos(4.0 * np.pi * rest)).sum())
    if which == 6:
        first = 1.0 - float(np.exp(-4.0 * first) * np.sin(6.0 * np.pi * first) ** 6)
        g = 1.0 + 9.0 * float(x[1:].mean()) ** 0.25
    share = first / g
    shape = {1: 1 - share**0.5, 2: 1 - share**2, 4: 1 - share**0.5, 6: 1 - share**2}.get(which)
    if shape is None:
        shape = 1 - share**0.5 - share * float(np.sin(10.0 * np.pi * first))
    return [first, g * shape]


def _dtlz(which: int, objectives: int, x: Any) -> list[float]:
    free, rest = x[: objectives - 1], x[objectives - 1 :]
    if which == 7:
        g = 1.0 + 9.0 * float(rest.mean())
        last = objectives - float((free / (1.0 + g) * (1.0 + np.sin(3.0 * np.pi * free))).sum())
        return [*free.tolist(), (1.0 + g) * last]
    g = float(((rest - 0.5) ** 2).sum())
    if which == 1:
        waves = (rest - 0.5) ** 2 - np.cos(20.0 * np.pi * (rest - 0.5))
        g = 100.0 * (len(rest) + float(waves.sum()))
    losses = []
    for place in range(objectives):
        if which == 1:
            value = 0.5 * (1 + g) * float(np.prod(free[: objectives - 1 - place]))
            losses.append(value * (1.0 - float(free[objectives - 1 - place])) if place else value)
        else:
            angles = free * np.pi / 2.0
            value = (1 + g) * float(np.prod(np.cos(angles[: objectives - 1 - place])))
            losses.append(value * float(np.sin(angles[objectives - 1 - place])) if place else value)
    return losses


def _analytic(name: str, dimensions: int, objectives: int, function: Callable[[Any], list[float]]) -> FrontProblem:
    """Make a problem whose front is that of a fine grid of the first variables, the others at their best values."""
    best = 0.5 if name.startswith("dtlz") and not name.startswith("dtlz7") else 0.0
    best = 0.5 if name == "zdt4" else best
    count = {2: 2000, 3: 60, 4: 16}[objectives]
    free = np.array(list(product(np.linspace(0, 1, count), repeat=objectives - 1)))
    rest = np.full((len(free), dimensions - objectives + 1), best)
    losses = np.array([function(row) for row in np.concatenate([free, rest], axis=1)])
    return FrontProblem(
        f"{name[:3] if name.startswith('zdt') else 'dtlz'}/{name}",
        _box(dimensions),
        lambda config: function(_point(config)),
        objectives,
        losses[_kept(losses)],
    )


def analytic() -> list[FrontProblem]:
    """List ZDT with five variables, and DTLZ with six and two to four objectives."""
    found = [_analytic(f"zdt{which}", 5, 2, lambda x, w=which: _zdt(w, x)) for which in (1, 2, 3, 4, 6)]
    for which, objectives in ((2, 2), (7, 2), (1, 3), (2, 3), (7, 3), (2, 4)):
        found.append(
            _analytic(f"dtlz{which}-{objectives}", 6, objectives, lambda x, w=which, m=objectives: _dtlz(w, m, x))
        )
    return found


def _kept(losses: Any) -> Any:
    from luthier.numeric import non_dominated

    return non_dominated(losses)


# --- tables -------------------------------------------------------------------------------------------

_TABLES = (
    ("hpobench_vehicle", ("val_acc", "train_time")),
    ("hpobench_phoneme", ("val_acc", "train_time")),
    ("hpolib_protein_structure", ("val_loss", "model_size")),
    ("hpolib_naval_propulsion", ("val_loss", "train_time")),
    ("nasbench201_cifar10", ("val_acc", "latency")),
    ("nasbench201_cifar10", ("val_acc", "latency", "model_size")),
    ("hpolib_naval_propulsion", ("val_loss", "train_time", "model_size")),
)


def _loss(column: str, values: Any) -> Any:
    """Turn accuracies round, and take the logarithm of what spans decades: seconds, sizes, squared errors."""
    return -values if column == "val_acc" else np.log10(values)


def _table(folder: Path, name: str, columns: tuple[str, ...]) -> FrontProblem:
    data = np.load(folder / f"{name}.npz")
    spec = json.loads((folder / f"{name}.space.json").read_text())
    values = np.column_stack([_loss(c, np.nanmedian(data[c].astype(float), axis=1)) for c in columns])
    sizes = [len(parameter["choices"]) for parameter in spec["params"]]
    rows = np.full(int(np.prod(sizes)), -1)
    rows[np.ravel_multi_index(data["idx"].T.astype(int), sizes)] = np.arange(len(data["idx"]))
    text = [parameter["type"] == "str" for parameter in spec["params"]]
    parameters = [
        {"name": p["name"], "type": "cat", "choices": list(p["choices"])}
        if is_text
        else {"name": p["name"], "type": "int", "lo": 0, "hi": len(p["choices"]) - 1}
        for p, is_text in zip(spec["params"], text, strict=True)
    ]

    def losses(config: dict[str, Any]) -> list[float]:
        index = [
            p["choices"].index(config[p["name"]]) if is_text else int(config[p["name"]])
            for p, is_text in zip(parameters, text, strict=True)
        ]
        found: list[float] = values[rows[np.ravel_multi_index(index, sizes)]].tolist()
        return found

    whole = values[~np.isnan(values).any(axis=1)]
    short = "-".join(c.removeprefix("val_") for c in columns)
    return FrontProblem(f"tables/{name}-{short}", parameters, losses, len(columns), whole[_kept(whole)])


def tables(bench: Path) -> list[FrontProblem]:
    """List the tables of accuracy, seconds, latency and size."""
    return [_table(bench / "data" / "tables", name, columns) for name, columns in _TABLES]


# --- COCO ---------------------------------------------------------------------------------------------

_BIOBJ = (1, 4, 11, 20, 28, 34, 41, 46, 50, 53)
"""Functions of bbob-biobj: pairs within and across the groups of bbob."""


@cache
def _suite(name: str, dimensions: int) -> Any:
    import cocoex

    return cocoex.Suite(name, "instances: 1", f"dimensions: {dimensions}")


def biobjective() -> list[FrontProblem]:
    """List functions of bbob-biobj with five variables; their best fronts are not known."""

    def make(function: int) -> FrontProblem:
        problem = _suite("bbob-biobj", 5).get_problem_by_function_dimension_instance(function, 5, 1)
        low, high = float(problem.lower_bounds[0]), float(problem.upper_bounds[0])
        return FrontProblem(
            f"biobj/f{function:02d}", _box(5, low, high), lambda config: [float(v) for v in problem(_point(config))]
        )

    return [make(function) for function in _BIOBJ]


@dataclass(frozen=True)
class ConstrainedProblem:
    """One loss to minimise, and violations that are to be at most 0."""

    name: str
    parameters: list[dict[str, Any]]
    evaluate: Callable[[dict[str, Any]], tuple[float, list[float]]]
    best: float


def constrained() -> Iterator[ConstrainedProblem]:
    """List functions of bbob-constrained with five variables: ten, with one to eighteen constraints."""
    functions = (2, 4, 9, 15, 20, 27, 32, 39, 46, 52)
    for function in functions:
        problem = _suite("bbob-constrained", 5).get_problem_by_function_dimension_instance(function, 5, 1)
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            problem._best_parameter("print")
            best = float(problem(np.loadtxt("._bbob_problem_best_parameter.txt")))

        def evaluate(config: dict[str, Any], problem: Any = problem) -> tuple[float, list[float]]:
            x = _point(config)
            return float(problem(x)), [float(v) for v in problem.constraint(x)]

        low, high = float(problem.lower_bounds[0]), float(problem.upper_bounds[0])
        yield ConstrainedProblem(f"constrained/f{function:02d}", _box(5, low, high), evaluate, best)
