"""Importance by Luthier beside Optuna's, on the same trials: scores, and the time each takes.

Optuna is no dependency of this project: run with a Python that has it.

    python benchmarks/importance_vs_optuna.py [--trials 200 1000] [--out results/importance_vs_optuna.md]

The objectives are those of Optuna's own documents and tests, and a conditional one; the true shares are computed.
Optuna's scores sum to 1, so Luthier's are divided by their sum for the comparison. Three seeds of Optuna's fANOVA give
the spread of its scores, from which its forests' bias does not show.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

import luthier as lt
from luthier.analysis import ImportanceMethod
from luthier.key import Key
from luthier.space import Variable

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """An objective whose shares are known.

    Args:
        title: the formula, and where it is from.
        space: the variables.
        function: the objective.
        adaptive: whether `Auto` chooses the trials, and not chance.
    """

    title: str
    space: dict[str, Variable]
    function: Callable[[Params], float]
    adaptive: bool = False

    @property
    def names(self) -> list[str]:
        """The variables that are always active: Optuna scores no others."""
        return [name for name, variable in self.space.items() if variable.when is None]

    def true(self) -> dict[str, float]:
        """Give the variances of the means over all other variables, by a grid of each and a sample of the others."""
        space = lt.Space(self.space)
        others = Key.of(0).uniform((2000, space.dimensions))
        found = {}
        for place, column in enumerate(space.columns):
            if column.name in self.names:
                levels = getattr(self.space[column.name], "levels", 0) or 40
                means = []
                for step in range(levels if levels < 40 else 40):
                    points = others.copy()
                    points[:, place] = (step + 0.5) / (levels if levels < 40 else 40)
                    means.append(np.mean([self.function(one) for one in space.decode(space.settle(points))]))
                found[column.name] = float(np.var(means))
        return found


def _branches(p: Params) -> float:
    return p["x"] ** 2 + (1.0 + 3.0 * p["depth"] / 9 if p["model"] == "tree" else 0.5 + 2.0 * p["c"])


CASES = [
    Case(
        "x1 + x2 / 1000 (docstring of PED-ANOVA)",
        {"x1": lt.Float(-10, 10), "x2": lt.Float(-10, 10)},
        lambda p: p["x1"] + p["x2"] / 1000,
    ),
    Case(
        "x1 + x2 x3 (tests of importance)",
        {"x1": lt.Float(0.1, 3), "x2": lt.Float(0.1, 3, log=True), "x3": lt.Float(2, 4, log=True)},
        lambda p: p["x1"] + p["x2"] * p["x3"],
    ),
    Case("x² + y (quadratic tutorial)", {"x": lt.Float(-5, 5), "y": lt.Float(-5, 5)}, lambda p: p["x"] ** 2 + p["y"]),
    Case(
        "x² + y³ - z⁴, x whole (plot_param_importances)",
        {"x": lt.Int(0, 2), "y": lt.Float(-1, 1), "z": lt.Float(0, 1.5)},
        lambda p: p["x"] ** 2 + p["y"] ** 3 - p["z"] ** 4,
    ),
    Case(
        "x² / 1000 + y, y of -1, 0, 1 (plot_contour, scaled)",
        {"x": lt.Float(-100, 100), "y": lt.Choice(-1, 0, 1)},
        lambda p: p["x"] ** 2 / 1000 + p["y"],
    ),
    Case(
        "x² + 1 + depth / 3 of a tree, or 0.5 + 2 c of an svm (conditional; those always active)",
        {
            "x": lt.Float(-1, 1),
            "model": lt.Choice("tree", "svm"),
            "depth": lt.Int(1, 9, when="model == 'tree'"),
            "c": lt.Float(0, 1, when="model == 'svm'"),
        },
        _branches,
    ),
    Case(
        "x1 + x2 x3, trials of Auto",
        {"x1": lt.Float(0.1, 3), "x2": lt.Float(0.1, 3, log=True), "x3": lt.Float(2, 4, log=True)},
        lambda p: p["x1"] + p["x2"] * p["x3"],
        adaptive=True,
    ),
]


def _distribution(variable: Variable) -> optuna.distributions.BaseDistribution:
    if isinstance(variable, lt.Choice):
        return optuna.distributions.CategoricalDistribution(variable.options)
    if isinstance(variable, lt.Int):
        return optuna.distributions.IntDistribution(variable.low, variable.high)
    assert isinstance(variable, lt.Float)
    return optuna.distributions.FloatDistribution(variable.low, variable.high, log=variable.log)


def _studies(case: Case, trials: int, seed: int) -> tuple[lt.Study, optuna.Study]:
    """Make the same trials for both."""
    method = None if case.adaptive else lt.Random()
    ours = lt.Study("case", case.space, minimize="y", method=method, seed=seed)
    ours.run(lambda trial: float(case.function(trial.params)), trials=trials)
    theirs = optuna.create_study()
    by_name = {name: _distribution(variable) for name, variable in case.space.items()}
    theirs.add_trials(
        [
            optuna.create_trial(
                params=one.params, distributions={name: by_name[name] for name in one.params}, value=one.value
            )
            for one in ours.trials
        ]
    )
    return ours, theirs


def _normal(scores: dict[str, float], names: list[str]) -> dict[str, float]:
    total = sum(scores[name] for name in names) or 1.0
    return {name: scores[name] / total for name in names}


def _timed(call: Callable[[], dict[str, float]]) -> tuple[dict[str, float], float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = call()
    return found, time.perf_counter() - wall, time.process_time() - cpu


def _shown(scores: dict[str, float], names: list[str]) -> str:
    return ", ".join(f"{scores[name]:.3f}" for name in names)


def _theirs(
    study: optuna.Study, evaluator: optuna.importance.BaseImportanceEvaluator
) -> Callable[[], dict[str, float]]:
    return lambda: optuna.importance.get_param_importances(study, evaluator=evaluator)


def _ours(study: lt.Study, method: ImportanceMethod) -> Callable[[], dict[str, float]]:
    return lambda: study.importance(method=method).scores


def rows(trials: int, seed: int) -> list[str]:
    """Compare on every case; two rows of the table for each."""
    lines = []
    for case in CASES:
        if case.adaptive and trials > 200:
            continue
        names = case.names
        ours, theirs = _studies(case, trials, seed)
        _theirs(theirs, FanovaImportanceEvaluator(n_trees=2, seed=0))()  # imports
        by_seed = [_timed(_theirs(theirs, FanovaImportanceEvaluator(seed=number))) for number in range(3)]
        error = max(float(np.std([one[0][name] for one in by_seed], ddof=1)) for name in names)
        fanova = {name: float(np.mean([one[0][name] for one in by_seed])) for name in names}
        times = sorted(one[2] for one in by_seed)
        mine, wall, cpu = _timed(_ours(ours, "fanova"))
        _, their_wall, _ = by_seed[0]
        lines.append(
            f"| {case.title} | fANOVA | {trials} | {_shown(_normal(case.true(), names), names)} | "
            f"{_shown(_normal(mine, names), names)} | {_shown(fanova, names)} | {error:.3f} | {wall:.2f} ({cpu:.2f}) | "
            f"{their_wall:.2f} ({times[1]:.2f}) | {times[1] / cpu:.1f} |"
        )
        ped, their_wall, their_cpu = _timed(_theirs(theirs, PedAnovaImportanceEvaluator()))
        mine, wall, cpu = _timed(_ours(ours, "ped-anova"))
        lines.append(
            f"| {case.title} | PED-ANOVA | {trials} | | {_shown(_normal(mine, names), names)} | "
            f"{_shown(_normal(ped, names), names)} | | {wall:.2f} ({cpu:.2f}) | {their_wall:.2f} ({their_cpu:.2f}) | "
            f"{their_cpu / cpu:.1f} |"
        )
        print("\n".join(lines[-2:]), flush=True)
    return lines


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--trials", type=int, nargs="+", default=[200, 1000])
    given = parser.parse_args()
    out = given.out
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    head = [
        "# Importance beside Optuna's",
        "",
        f"Luthier {lt.__version__}, Optuna {optuna.__version__}, Python {platform.python_version()}, numpy "
        f"{np.__version__}, one thread. Scores divided by their sum, in the order of the variables in the formula; "
        "time in seconds, of the processor in brackets; the ratio is Optuna's processor time over Luthier's, which has "
        "intervals and totals in it (models of all trials and of 16 halves).",
        "",
        "| objective | method | trials | true | Luthier | Optuna | its spread | Luthier's s | Optuna's s | ratio |",
        "| --- | --- | ---: | --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    print("\n".join(head), flush=True)
    found = [row for seed, trials in enumerate(given.trials) for row in rows(trials, seed + 1)]
    text = "\n".join([*head, *found, ""])
    if out is not None:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
