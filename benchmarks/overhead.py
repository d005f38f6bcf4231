"""The budgets of speed (the design), as ratios against peers in one run: benchmarks/overhead.py [NAME …].

Each row is measured in turns, Luthier and the peer one after the other, and the median of the ratios is given. Seconds
are those of the processor where a trial is in memory, and of the clock where it goes to a disk or a process is started.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

warnings.filterwarnings("ignore")

CHOICES = ("a", "b", "c")


class Row(NamedTuple):
    """One budget: how many times as fast as the peer Luthier must be."""

    name: str
    peer: str
    at_least: float
    ours: Callable[[], float]
    theirs: Callable[[], float]
    turns: int


def objective(config: Any) -> float:
    """Give a smooth loss over 10 mixed parameters (that of shared/bench/overhead.py)."""
    loss = sum((config[f"x{i}"] - 0.15 * (i + 1)) ** 2 for i in range(4))
    loss += sum((np.log10(config[f"l{i}"]) + 2) ** 2 / 10 for i in range(2))
    loss += sum((np.log2(config[f"n{i}"]) - 5) ** 2 / 20 for i in range(2))
    return float(loss + sum(0.1 * (config[f"c{i}"] != "b") for i in range(2)))


def our_study(method: Any, store: Any = None) -> Any:
    """Begin a study over 10 mixed parameters."""
    import luthier as lt

    variables: dict[str, Any] = {f"x{i}": lt.Float(0.0, 1.0) for i in range(4)}
    variables |= {f"l{i}": lt.Float(1e-5, 1e1, log=True) for i in range(2)}
    variables |= {f"n{i}": lt.Int(1, 256, log=True) for i in range(2)}
    variables |= {f"c{i}": lt.Choice(*CHOICES) for i in range(2)}
    return lt.Study("bench", lt.Space(variables), minimize="loss", method=method, store=store, seed=0)


def their_study(sampler: Any, storage: Any = None) -> Any:
    """Begin the same study of Optuna's."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(sampler=sampler, storage=storage)


def their_space() -> dict[str, Any]:
    """Describe the same 10 parameters as Optuna's distributions."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    space: dict[str, Any] = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(4)}
    space |= {f"l{i}": FloatDistribution(1e-5, 1e1, log=True) for i in range(2)}
    space |= {f"n{i}": IntDistribution(1, 256, log=True) for i in range(2)}
    return space | {f"c{i}": CategoricalDistribution(CHOICES) for i in range(2)}


def ours(method: Callable[[], Any], upto: int, last: int, clock: Callable[[], float], store: bool = False) -> float:
    """Give the median seconds of ask + tell over the `last` trials of `upto`."""
    with tempfile.TemporaryDirectory() as folder:
        study = our_study(method(), Path(folder) / "study.db" if store else None)
        spent = []
        for _ in range(upto):
            start = clock()
            trial = study.ask()
            asked = clock()
            loss = objective(trial.params)
            told = clock()
            study.tell(trial, loss)
            spent.append(asked - start + clock() - told)
        study.close()
    return statistics.median(spent[-last:])


def theirs(sampler: Callable[[], Any], upto: int, last: int, clock: Callable[[], float], store: bool = False) -> float:
    """Give the same of Optuna."""
    with tempfile.TemporaryDirectory() as folder:
        study = their_study(sampler(), f"sqlite:///{folder}/study.db" if store else None)
        space, spent = their_space(), []
        for _ in range(upto):
            start = clock()
            trial = study.ask(space)
            asked = clock()
            loss = objective(trial.params)
            told = clock()
            study.tell(trial, loss)
            spent.append(asked - start + clock() - told)
    return statistics.median(spent[-last:])


def skopt_forest(upto: int, last: int) -> float:
    """Give the median seconds of ask + tell of scikit-optimize's random forest over the `last` trials of `upto`."""
    from skopt import Optimizer
    from skopt.space import Categorical, Integer, Real

    space = [Real(0.0, 1.0, name=f"x{i}") for i in range(4)]
    space += [Real(1e-5, 1e1, "log-uniform", name=f"l{i}") for i in range(2)]
    space += [Integer(1, 256, "log-uniform", name=f"n{i}") for i in range(2)]
    space += [Categorical(CHOICES, name=f"c{i}") for i in range(2)]
    names, spent = [dimension.name for dimension in space], []
    optimizer = Optimizer(space, "RF", random_state=0)
    for _ in range(upto):
        start = time.process_time()
        point = optimizer.ask()
        asked = time.process_time()
        loss = objective(dict(zip(names, point, strict=True)))
        told = time.process_time()
        optimizer.tell(point, loss)
        spent.append(asked - start + time.process_time() - told)
    return statistics.median(spent[-last:])


def start_up(code: str) -> float:
    """Give the seconds that an interpreter needs for some code, beyond those for none."""

    def seconds(text: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", text], check=True, capture_output=True)
        return time.perf_counter() - start

    return seconds(code) - seconds("pass")


def rows() -> list[Row]:
    """List the budgets."""
    import optuna

    import luthier as lt
    from luthier.method.bayesian.auto import Auto
    from luthier.method.bayesian.bayes import Bayes
    from luthier.surrogate.parzen.estimator import Parzen
    from luthier.surrogate.trees.forest import Forest

    cpu, wall = time.process_time, time.perf_counter
    samplers = optuna.samplers

    def row(name: str, peer: str, at_least: float, method: Any, sampler: Any, upto: int, turns: int) -> Row:
        return Row(
            name, peer, at_least, lambda: ours(method, upto, 20, cpu), lambda: theirs(sampler, upto, 20, cpu), turns
        )

    return [
        Row("import", "optuna", 2.0, lambda: start_up("import luthier"), lambda: start_up("import optuna"), 7),
        row("random, 500 trials", "RandomSampler", 4.0, lt.Random, samplers.RandomSampler, 500, 5),
        row("sobol, 500 trials", "RandomSampler", 4.0, lt.Quasi, samplers.RandomSampler, 500, 5),
        Row(
            "SQLite, durable",
            "RDBStorage",
            25.0,
            lambda: ours(lt.Random, 60, 60, wall, True),
            lambda: theirs(samplers.RandomSampler, 30, 30, wall, True),
            3,
        ),
        row("TPE, 1000 trials", "TPESampler", 15.0, lambda: Bayes(Parzen()), samplers.TPESampler, 1000, 2),
        Row(
            "forest, 100 trials",
            "scikit-optimize RF",
            8.0,
            lambda: ours(lambda: Bayes(Forest()), 100, 20, cpu),
            lambda: skopt_forest(100, 20),
            1,
        ),
        row("GP, 50 trials", "GPSampler", 20.0, Bayes, samplers.GPSampler, 50, 2),
        row("GP, 100 trials", "GPSampler", 20.0, Bayes, samplers.GPSampler, 100, 1),
        row("Auto, 100 trials", "GPSampler", 5.0, Auto, samplers.GPSampler, 100, 1),
    ]


def main() -> int:
    """Measure, print, and fail where a budget is not kept."""
    parser = argparse.ArgumentParser(description="Time Luthier against its peers.")
    parser.add_argument("names", nargs="*", help="beginnings of the rows to measure; all by default")
    names = parser.parse_args().names
    missed = 0
    print(f"{'what':24s} {'ours ms':>9s} {'theirs ms':>10s} {'times':>7s} {'budget':>7s}")
    for row in rows():
        if names and not any(row.name.lower().startswith(name.lower()) for name in names):
            continue
        pairs = [(row.ours(), row.theirs()) for _ in range(row.turns)]
        ratio = statistics.median(theirs / ours for ours, theirs in pairs)
        ours_ms, theirs_ms = (1e3 * statistics.median(side) for side in zip(*pairs, strict=True))
        missed += ratio < row.at_least
        verdict = "" if ratio >= row.at_least else "  MISSED"
        print(
            f"{row.name:24s} {ours_ms:9.3f} {theirs_ms:10.3f} {ratio:6.1f}x {row.at_least:6.1f}x{verdict}", flush=True
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
