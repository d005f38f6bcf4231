"""Schedulers by a simulated clock: benchmarks/fidelity.py BENCH [--seeds 3] [--workers 4] [--only NAME] [--out FILE].

BENCH is a folder with the tables of TaskSet (data/taskset), and with tasks.py, which reads YAHPO's surrogates of
LCBench (needs onnxruntime). A unit of time is an epoch of one worker; a trial that is promoted goes on where it was.
After 2, 5, 10 and 20 full evaluations (in epochs, of all workers together) the regret is that of the best value that
was seen at any epoch, (value - best) / (median of random in full - best), at most 2. Optuna is measured where it is
installed.
"""

from __future__ import annotations

import argparse
import heapq
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (one thread first)

import luthier as lt  # noqa: E402

_DIVERGED = 10.0
"""The loss of a training that diverged, in the tables."""
BUDGETS = (2, 5, 10, 20)
"""Full evaluations after which regrets are taken."""


class Curves(NamedTuple):
    """A task: `begin()` gives, for a run, a function of a trial's params whose result is its curve, by the epoch."""

    name: str
    space: dict[str, Any]
    epochs: int
    begin: Callable[[], Callable[[dict[str, Any]], Callable[[int], float]]]
    best: float
    median: float


class Table:
    """The curves of a table: a trial has that of the nearest configuration which no trial had before.

    Args:
        names: of the variables.
        low, high: the logarithms of their bounds.
        points: (n, d) of the configurations, from 0 to 1.
        losses: (n, epochs).
    """

    def __init__(self, names: list[str], low: Any, high: Any, points: Any, losses: Any) -> None:
        self.names, self.low, self.high, self.points, self.losses = names, low, high, points.copy(), losses

    def begin(self, params: dict[str, Any]) -> Callable[[int], float]:
        """Take a configuration."""
        at = (np.log([params[name] for name in self.names]) - self.low) / (self.high - self.low)
        row = int(np.square(self.points - at).sum(axis=1).argmin())
        self.points[row] = np.inf
        return lambda epoch: float(self.losses[row, epoch - 1])


def taskset(folder: Path) -> Iterator[Curves]:
    """Read the tables: each a thousand configurations, compared by the logarithms of their values."""
    for path in sorted((folder / "data" / "taskset").glob("*.npz")):
        table = np.load(path)
        parameters = json.loads(path.with_suffix("").with_suffix(".space.json").read_text())["params"]
        names = [parameter["name"] for parameter in parameters]
        low, high = (np.log([parameter[end] for parameter in parameters]) for end in ("lo", "hi"))
        points = (np.log(table["X"]) - low) / (high - low)
        losses = np.nan_to_num(table["valid_loss"].astype(float), nan=_DIVERGED, posinf=_DIVERGED)
        losses = np.minimum(losses, _DIVERGED)

        space = {one["name"]: lt.Float(one["lo"], one["hi"], log=True) for one in parameters}
        name = path.stem.removeprefix("FixedTextRNNClassification_imdb_")

        def begin_run(table: Any = (names, low, high, points, losses)) -> Callable[[dict[str, Any]], Any]:
            return Table(*table).begin

        yield Curves(name, space, losses.shape[1], begin_run, losses.min(), float(np.median(losses[:, -1])))


def lcbench(folder: Path) -> Iterator[Curves]:
    """Read surrogates of LCBench: accuracies of networks over 52 epochs."""
    sys.path.insert(0, str(folder))
    tasks: Any = importlib.import_module("tasks")
    for instance in ("167168", "189873", "189906", "126026", "167185", "168868"):
        task = tasks.Yahpo("lcbench", instance, "val_accuracy")

        def begin(params: dict[str, Any], task: Any = task) -> Callable[[int], float]:
            def loss(epoch: int) -> float:
                task.fixed["epoch"] = epoch
                return float(task.true(params))

            return loss

        space = {
            one["name"]: (lt.Int if one["type"] == "int" else lt.Float)(one["lo"], one["hi"], log=one["log"])
            for one in task.space
        }
        yield Curves(f"lcbench {instance}", space, 52, lambda begin=begin: begin, task.best, task.med)


class Clock:
    """Counts the epochs of all workers, and keeps the best value so far."""

    def __init__(self, task: Curves) -> None:
        self.task = task
        self.spent = 0
        self.best = np.inf
        self.regrets: dict[int, float] = {}

    def spend(self, epochs: int, loss: float) -> bool:
        """Spend epochs that ended with a loss; tell whether there is any budget left."""
        self.spent += epochs
        for budget in BUDGETS:
            if self.spent > budget * self.task.epochs and budget not in self.regrets:
                regret = (self.best - self.task.best) / (self.task.median - self.task.best)
                self.regrets[budget] = min(max(float(regret), 1e-6), 2.0)
        self.best = min(self.best, loss)
        return len(self.regrets) < len(BUDGETS)


def run_luthier(task: Curves, seed: int, workers: int, method: Any, rule: Any) -> Clock:
    """Simulate workers that ask and tell; each run of a trial ends at a rung."""
    fidelity = lt.Fidelity("epochs", 1, task.epochs)
    study = lt.Study("sim", task.space, minimize="loss", method=method, seed=seed, fidelity=fidelity, stop=rule)
    clock, trained, curves = Clock(task), dict[int, int](), dict[int, Callable[[int], float]]()
    curve_of = task.begin()
    queue: list[tuple[int, int, Any]] = []

    def begin(now: int) -> None:
        trial = study.ask()
        if trial.number not in curves:
            curves[trial.number] = curve_of(trial.params)
        heapq.heappush(queue, (now + trial.until - trained.get(trial.number, 0), trial.number, trial))

    for _ in range(workers):
        begin(0)
    while True:
        now, number, trial = heapq.heappop(queue)
        until = study.history.trial(number).until or task.epochs
        value = curves[number](until)
        if not clock.spend(until - trained.get(number, 0), value):
            return clock
        trained[number] = until
        trial.report(value, until)
        if not trial.should_stop() and until < task.epochs:
            further = study.history.trial(number).until or task.epochs
            heapq.heappush(queue, (now + further - until, number, trial))
            continue
        study.tell(trial, value)
        begin(now)


def run_optuna(task: Curves, seed: int, workers: int, sampler: str, pruner: str) -> Clock:
    """Simulate workers that report each epoch, and stop where Optuna prunes."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers = {
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed),
        "gp": lambda: optuna.samplers.GPSampler(seed=seed),
    }
    pruners = {
        "hyperband": lambda: optuna.pruners.HyperbandPruner(1, task.epochs, 3),
        "halving": lambda: optuna.pruners.SuccessiveHalvingPruner(1, 3),
    }
    study = optuna.create_study(sampler=samplers[sampler](), pruner=pruners[pruner](), study_name=f"s{seed}")
    clock = Clock(task)
    curve_of = task.begin()
    queue: list[tuple[int, int, int, Any, Callable[[int], float]]] = []

    def begin(now: int) -> None:
        trial = study.ask()
        params = {
            name: (trial.suggest_int if isinstance(variable, lt.Int) else trial.suggest_float)(
                name, variable.low, variable.high, log=variable.log
            )
            for name, variable in task.space.items()
        }
        heapq.heappush(queue, (now + 1, trial.number, 1, trial, curve_of(params)))

    for _ in range(workers):
        begin(0)
    while True:
        now, number, epoch, trial, curve = heapq.heappop(queue)
        value = curve(epoch)
        if not clock.spend(1, value):
            return clock
        trial.report(value, epoch)
        if epoch == task.epochs:
            study.tell(trial, value)
        elif trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            heapq.heappush(queue, (now + 1, number, epoch + 1, trial, curve))
            continue
        begin(now)


def runners() -> dict[str, Callable[[Curves, int, int], Clock]]:
    """Name what is compared."""

    def ours(method: Any, rule: Any) -> Callable[[Curves, int, int], Clock]:
        return lambda task, seed, workers: run_luthier(task, seed, workers, method, rule)

    parzen = lt.Bayes(lt.Parzen(), lt.EI())
    found = {
        "Auto, ASHA (the default)": ours(lt.Auto(), lt.ASHA()),
        "Auto, Hyperband": ours(lt.Auto(), lt.Hyperband()),
        "BOHB (Parzen, Hyperband)": ours(parzen, lt.Hyperband()),
        "Parzen, ASHA": ours(parzen, lt.ASHA()),
        "random, ASHA": ours(lt.Random(), lt.ASHA()),
        "random, Hyperband": ours(lt.Random(), lt.Hyperband()),
        "random, one step of 100": ours(lt.Random(), lt.OneStep(keep=3, trials=100)),
        "Auto, in full": ours(lt.Auto(), lt.Threshold(1e30)),
    }
    if importlib.util.find_spec("optuna"):
        for sampler, pruner in (("tpe", "hyperband"), ("tpe", "halving")):
            found[f"Optuna {sampler}, {pruner}"] = lambda task, seed, workers, sampler=sampler, pruner=pruner: (
                run_optuna(task, seed, workers, sampler, pruner)
            )
    return found


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--only", default="")
    parser.add_argument("--tasks", default="", help="only those whose name has this in it")
    parser.add_argument("--out", type=Path, default=None, help="a file of JSON lines, which is gone on with")
    given = parser.parse_args()
    tasks = list(taskset(given.bench))
    if importlib.util.find_spec("onnxruntime"):
        tasks += lcbench(given.bench)
    known = [json.loads(line) for line in given.out.open()] if given.out and given.out.exists() else []
    done = {(row["name"], row["task"], row["seed"]): row for row in known}
    for seed in range(given.seeds):
        for task in (task for task in tasks if given.tasks in task.name):
            for name, runner in runners().items():
                if given.only not in name or (name, task.name, seed) in done:
                    continue
                begin = time.process_time()
                regrets = runner(task, seed, given.workers).regrets
                row = {
                    "name": name,
                    "task": task.name,
                    "seed": seed,
                    "regrets": [regrets[budget] for budget in BUDGETS],
                    "seconds": round(time.process_time() - begin, 2),
                }
                done[name, task.name, seed] = row
                if given.out:
                    with given.out.open("a") as file:
                        file.write(json.dumps(row) + "\n")
                print(row, file=sys.stderr, flush=True)
    table(list(done.values()))


def table(rows: list[dict[str, Any]]) -> None:
    """Print the geometric mean of the regrets (at least 0.001) for TaskSet and LCBench, with the seconds of a run."""
    for suite in ("taskset", "lcbench"):
        chosen = [row for row in rows if row["task"].startswith("lcbench") == (suite == "lcbench")]
        if not chosen:
            continue
        print(
            f"\n| {suite} | {' | '.join(map(str, BUDGETS))} | runs | seconds |\n| --- |{' --- |' * (len(BUDGETS) + 2)}"
        )
        for name in dict.fromkeys(row["name"] for row in chosen):
            own = [row for row in chosen if row["name"] == name]
            means = np.exp(np.log(np.maximum([row["regrets"] for row in own], 1e-3)).mean(axis=0))
            seconds = np.mean([row["seconds"] for row in own])
            print(f"| {name} | {' | '.join(f'{mean:.4f}' for mean in means)} | {len(own)} | {seconds:.1f} |")


if __name__ == "__main__":
    main()
