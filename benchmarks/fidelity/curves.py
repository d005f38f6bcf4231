"""Learning curves of the public benchmark: tables of TaskSet, surrogates of LCBench and rbv2_xgboost (YAHPO)."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Curve: TypeAlias = Callable[[int], float]
"""The loss of one configuration after so many units."""

_DIVERGED = 10.0
"""The loss of a training that diverged, in the tables."""
_NEAR_ONE = ("beta1", "beta2")
"""The variables of the tables that were drawn by the logarithm of what they lack of 1."""
_REFERENCES = 2000
"""Random configurations whose median is the regret 1, of a surrogate."""


class Curves(NamedTuple):
    """A task.

    Args:
        name: of the task; what comes before the first space is its suite.
        variables: as shared/bench describes them.
        low, high: the fewest units, and those of a full evaluation.
        goes_on: whether a promoted trial goes on where it was; otherwise it begins again.
        begin: gives, for a run, a function from a trial's params to its curve.
        best, median: the best loss of a full evaluation, and the median of random ones.
    """

    name: str
    variables: Sequence[Mapping[str, Any]]
    low: int
    high: int
    goes_on: bool
    begin: Callable[[], Callable[[dict[str, Any]], Curve]]
    best: float
    median: float

    def active(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out the variables that other ones switch off, for peers that know no conditions."""
        given = {one["name"]: one.get("if") for one in self.variables}
        return {
            name: value
            for name, value in params.items()
            if given[name] is None or params[given[name][0]] in given[name][1]
        }


def tasks(folder: Path, part: str = "") -> list[Curves]:
    """Read those whose name has a part in it; the surrogates need onnxruntime."""
    found = [task for task in taskset(folder) if part in task.name]
    if importlib.util.find_spec("onnxruntime"):
        sys.path.insert(0, str(folder))
        for suite, instances, *how in SURROGATES:
            titles = {f"{suite} {instance}": instance for instance in instances}
            found += [_surrogate(title, instance, *how) for title, instance in titles.items() if part in title]
    return found


def taskset(folder: Path) -> Iterator[Curves]:
    """Read the tables: each a thousand configurations, compared by the logarithms of their values.

    A decay rate near 1 was drawn by the logarithm of what it lacks of 1 (Metz et al. 2020, Using a thousand
    optimization tasks to learn hyperparameter search strategies, appendix), so that is the variable. The first column
    of losses is that of the network before it was trained: it costs nothing, and is left out.
    """
    for path in sorted((folder / "data" / "taskset").glob("*.npz")):
        table = np.load(path)
        described = json.loads(path.with_suffix("").with_suffix(".space.json").read_text())
        names = [one["name"] for one in described["params"]]
        values = table["X"].astype(float)
        for column, name in enumerate(names):
            if name in _NEAR_ONE:
                names[column], values[:, column] = f"one_minus_{name}", 1.0 - values[:, column]
        variables = [
            {"type": "float", "log": True, "name": name, "lo": float(column.min()), "hi": float(column.max())}
            for name, column in zip(names, values.T, strict=True)
        ]
        low, high = np.log(values.min(axis=0)), np.log(values.max(axis=0))
        points = (np.log(values) - low) / (high - low)
        losses = table_losses(path)

        def begin(given: Any = (names, low, high, points, losses)) -> Callable[[dict[str, Any]], Curve]:
            return _Table(*given).begin

        name = "taskset " + path.stem.removeprefix("FixedTextRNNClassification_imdb_")
        median = float(np.median(losses[:, -1]))
        yield Curves(name, variables, 1, losses.shape[1], True, begin, float(losses.min()), median)


def table_losses(path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give the losses of a table after each epoch, (n, epochs), at most that of a training that diverged."""
    losses = np.load(path)["valid_loss"].astype(float)[:, 1:]  # the first column is that of the untrained network
    return np.minimum(np.nan_to_num(losses, nan=_DIVERGED, posinf=_DIVERGED), _DIVERGED)


class _Table:
    """The curves of a table: a trial has that of the nearest configuration which no trial had before.

    Args:
        names: of the variables.
        low, high: the logarithms of their bounds.
        points: (n, d) of the configurations, from 0 to 1.
        losses: (n, epochs).
    """

    def __init__(self, names: list[str], low: Any, high: Any, points: Any, losses: Any) -> None:
        self.names, self.low, self.high, self.points, self.losses = names, low, high, points.copy(), losses

    def begin(self, params: dict[str, Any]) -> Curve:
        """Take a configuration."""
        at = (np.log([params[name] for name in self.names]) - self.low) / (self.high - self.low)
        row = int(np.square(self.points - at).sum(axis=1).argmin())
        self.points[row] = np.inf
        return lambda epoch: float(self.losses[row, epoch - 1])


SURROGATES = (
    ("lcbench", ("167168", "189873", "189906", "126026", "167185", "168868"), "lcbench", "val_accuracy", "epoch",
     (1, 52, 1), True),
    ("xgboost", ("12", "1501", "16", "40499"), "rbv2_xgboost", "acc", "trainsize", (3, 100, 100), False),
)  # fmt: skip
"""The suites of YAHPO's surrogates: accuracies of networks over 52 epochs, and of XGBoost on a percentage of the rows,
where more of them are a training from the beginning."""


def _surrogate(
    title: str, instance: str, scenario: str, target: str, name: str, units: tuple[int, int, int], goes_on: bool
) -> Curves:
    """Read a surrogate of YAHPO; `units` are the bounds, and how many of them are 1 of its own fidelity."""
    low, high, scale = units
    task = importlib.import_module("tasks").Yahpo(scenario, instance, target, ref_n=_REFERENCES)

    def begin(params: dict[str, Any]) -> Curve:
        def loss(units: int) -> float:
            task.fixed[name] = units / scale
            return float(task.true(params))

        return loss

    return Curves(title, task.space, low, high, goes_on, lambda: begin, task.best, task.med)
