"""Spaces with branches, drawn at random: python benchmarks/branches.py [--tasks 12] [--seeds 3] [--first 0] [--peers].

A task has 2 to 5 branches, as when a model is chosen first and then its own variables, with up to 4 variables each:
floats, some of them on a log scale, whole numbers, choices. In a branch the loss rises from a floor like a bowl and
flattens out: ``floor + 0.6 (1 - exp(-q))`` with q a sum of squares of very different weights. The branch with the
lowest floor is not often the one that is found most easily. Regret is relative to the median loss of random
configurations.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (one thread first)

TRIALS, AT = 100, (25, 50, 75, 100)
HEIGHT = 0.6
Config = Mapping[str, Any]


@dataclass(frozen=True)
class Term:
    """What one variable adds to a loss.

    Args:
        name: the variable.
        kind: ``log`` (1e-4 to 100), ``unit`` (0 to 1), ``whole`` (1 to 30) or ``choice`` (a, b or c).
        best: its best place in [0, 1]; the number of the best option.
        weight: of the square of the distance to it; of a choice, what any other option costs.
    """

    name: str
    kind: str
    best: float
    weight: float

    def cost(self, config: Config) -> float:
        """Give what it adds in a configuration."""
        value = config[self.name]
        if self.kind == "choice":
            return 0.0 if "abc".index(value) == self.best else self.weight
        place = {
            "log": lambda: (math.log10(value) + 4.0) / 6.0,
            "unit": lambda: value,
            "whole": lambda: (value - 1) / 29.0,
        }[self.kind]()
        return self.weight * (float(place) - self.best) ** 2

    @property
    def least(self) -> float:
        """The least that it adds."""
        if self.kind != "whole":
            return 0.0
        return min(self.weight * ((value - 1) / 29.0 - self.best) ** 2 for value in range(1, 31))


class Task:
    """An objective over a space with branches.

    Args:
        number: which.
    """

    def __init__(self, number: int) -> None:
        draw = np.random.default_rng(5000 + number)
        self.name = f"branches-{number}"
        floors = draw.uniform(0.0, 0.3, int(draw.integers(2, 6)))
        self.branches = {
            f"m{i}": (float(floor), [_term(f"m{i}_{j}", draw) for j in range(int(draw.integers(1, 5)))])
            for i, floor in enumerate(floors)
        }
        self.best = min(_loss(floor, sum(term.least for term in terms)) for floor, terms in self.branches.values())
        random = np.random.default_rng(0)
        self.median = float(np.median([self.loss(self._sample(random)) for _ in range(3000)]))

    def loss(self, config: Config) -> float:
        """Evaluate a configuration."""
        floor, terms = self.branches[config["model"]]
        return _loss(floor, sum(term.cost(config) for term in terms))

    def regret(self, loss: float) -> float:
        """Give the distance to the optimum, in units of that of a middling random configuration."""
        return (loss - self.best) / (self.median - self.best)

    def _sample(self, random: np.random.Generator) -> dict[str, Any]:
        model = f"m{random.integers(len(self.branches))}"
        made: dict[str, Any] = {"model": model}
        for term in self.branches[model][1]:
            u = random.random()
            made[term.name] = {
                "log": 10 ** (6 * u - 4),
                "unit": u,
                "whole": 1 + int(30 * u),
                "choice": "abc"[int(3 * u)],
            }[term.kind]
        return made


def _loss(floor: float, q: float) -> float:
    return floor + HEIGHT * (1.0 - math.exp(-q))


def _term(name: str, draw: np.random.Generator) -> Term:
    kind = ("log", "unit", "whole", "choice")[int(draw.integers(4))]
    if kind == "choice":
        return Term(name, kind, float(draw.integers(3)), float(draw.uniform(0.02, 0.2)))
    return Term(name, kind, float(draw.uniform(0.05, 0.95)), float(10 ** draw.uniform(-0.5, 1.2)))


def luthier(method: Any) -> Callable[[Task, int], list[float]]:
    """Make what gives the losses of a study of Luthier's."""
    import luthier as lt

    def variable(term: Term, model: str) -> Any:
        when = f"model == '{model}'"
        return {
            "log": lambda: lt.Float(1e-4, 1e2, log=True, when=when),
            "unit": lambda: lt.Float(0.0, 1.0, when=when),
            "whole": lambda: lt.Int(1, 30, when=when),
            "choice": lambda: lt.Choice("a", "b", "c", when=when),
        }[term.kind]()

    def losses(task: Task, seed: int) -> list[float]:
        variables = {"model": lt.Choice(*task.branches)}
        for model, (_, terms) in task.branches.items():
            variables |= {term.name: variable(term, model) for term in terms}
        study = lt.Study(task.name, lt.Space(variables), minimize="loss", method=method, seed=seed)
        found = []
        for _ in range(TRIALS):
            trial = study.ask()
            found.append(task.loss(trial.params))
            study.tell(trial, found[-1])
        return found

    return losses


def optuna(name: str) -> Callable[[Task, int], list[float]]:
    """Make what gives the losses of a study of Optuna's, its space defined as it runs."""
    import optuna as peer

    peer.logging.set_verbosity(peer.logging.ERROR)

    def value(trial: Any, term: Term) -> Any:
        return {
            "log": lambda: trial.suggest_float(term.name, 1e-4, 1e2, log=True),
            "unit": lambda: trial.suggest_float(term.name, 0.0, 1.0),
            "whole": lambda: trial.suggest_int(term.name, 1, 30),
            "choice": lambda: trial.suggest_categorical(term.name, ["a", "b", "c"]),
        }[term.kind]()

    def losses(task: Task, seed: int) -> list[float]:
        found: list[float] = []

        def objective(trial: Any) -> float:
            model = trial.suggest_categorical("model", list(task.branches))
            config = {"model": model} | {term.name: value(trial, term) for term in task.branches[model][1]}
            found.append(task.loss(config))
            return found[-1]

        peer.create_study(sampler=getattr(peer.samplers, name)(seed=seed)).optimize(objective, n_trials=TRIALS)
        return found

    return losses


def main() -> None:
    """Run all and print a table."""
    import luthier as lt

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the number of the first task")
    parser.add_argument("--peers", action="store_true", help="Optuna's TPE, too")
    options = parser.parse_args()
    runs = {
        "Auto": luthier(lt.Auto()),
        "Auto(exploring_models=())": luthier(lt.Auto(exploring_models=())),
        "random": luthier(lt.Random()),
    }
    if options.peers:
        runs["Optuna TPE"] = optuna("TPESampler")
    tasks = [Task(options.first + number) for number in range(options.tasks)]
    logs: dict[str, Any] = {}
    print(f"{len(tasks)} tasks, {options.seeds} seeds: mean regret, and regret of Auto / it [95 %], at {AT}")
    for name, losses in runs.items():
        best = np.array(
            [[np.minimum.accumulate(losses(task, seed)) for seed in range(options.seeds)] for task in tasks]
        )
        regret = np.array([task.regret(mean) for task, mean in zip(tasks, best.mean(axis=1), strict=True)])
        at = regret[:, [n - 1 for n in AT]]
        logs[name] = np.log10(at + 5e-3)
        change = logs["Auto"] - logs[name]
        error = 2.0 * change.std(axis=0) / math.sqrt(len(tasks))
        ratios = (
            f"{10**mean:.2f} [{10 ** (mean - e):.2f}, {10 ** (mean + e):.2f}]"
            for mean, e in zip(change.mean(axis=0), error, strict=True)
        )
        print(f"{name:18} {' '.join(f'{value:.4f}' for value in at.mean(axis=0))}  {'  '.join(ratios)}", flush=True)


if __name__ == "__main__":
    main()
