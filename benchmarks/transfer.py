"""Transfer between tasks: benchmarks/transfer.py BENCH [--trials 50] [--seeds 2] [--only NAME] [--out FILE].

BENCH is a folder with tasks.py and its data. Each task is searched with results of three other tasks of the same space
as sources (50 random trials each), and without:

- good: the other tasks as they are;
- unrelated: the same, but every number counted from its other end and every category moved by one;
- negated: what is good there is said to be bad, and the other way round;
- mixed: one of each.

Printed is the mean of the regret, (value - best) / (median of random - best), at most 1, after 5, 10, 25 and 50 trials,
and the geometric mean of (regret + 0.01) relative to the search without sources, with its standard error over tasks and
seeds. With --out, what was run is kept there and not run again. RGPE (Feurer et al. 2018) is measured for comparison,
and the same Bayes without it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (one thread first)

import luthier as lt  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.adapter import space_of  # noqa: E402
from benchmarks.rgpe import RGPE  # noqa: E402

CHECKPOINTS = (3, 5, 10, 25, 50)
SOURCES, SOURCE_TRIALS = 3, 50
_DIVERGED = 10.0
"""The loss of a training that diverged, in the tables of TaskSet."""

Loss = Callable[[Mapping[str, Any]], float]


class Task(NamedTuple):
    """A task: its space, its loss, and the scale of its regret."""

    name: str
    space: lt.Space
    loss: Loss
    best: float
    median: float


class Family(NamedTuple):
    """Tasks of one space; the first `targets` of them are searched."""

    tasks: list[Task]
    targets: int


def taskset(folder: Path) -> Iterator[Task]:
    """Read tables of learning curves: a configuration has the last loss of the nearest one in the table."""
    for path in sorted((folder / "data" / "taskset").glob("*.npz")):
        table = np.load(path)
        parameters = json.loads(path.with_suffix("").with_suffix(".space.json").read_text())["params"]
        names = [parameter["name"] for parameter in parameters]
        low, high = (np.log([parameter[end] for parameter in parameters]) for end in ("lo", "hi"))
        points = (np.log(table["X"]) - low) / (high - low)
        losses = np.nan_to_num(table["valid_loss"][:, -1].astype(float), nan=_DIVERGED, posinf=_DIVERGED)
        losses = np.minimum(losses, _DIVERGED)

        def loss(params: Mapping[str, Any], read: Any = (names, low, high, points, losses)) -> float:
            names, low, high, points, losses = read
            at = (np.log([params[name] for name in names]) - low) / (high - low)
            return float(losses[np.square(points - at).sum(axis=1).argmin()])

        space = lt.Space({one["name"]: lt.Float(one["lo"], one["hi"], log=True) for one in parameters})
        name = path.stem.removeprefix("FixedTextRNNClassification_imdb_")
        yield Task(name, space, loss, float(losses.min()), float(np.median(losses)))


def families(folder: Path) -> dict[str, Callable[[], Family]]:
    """Give the families by name, each to be read when its turn comes."""
    sys.path.insert(0, str(folder))
    tasks: Any = importlib.import_module("tasks")

    def read(task: Any) -> Task:
        return Task(task.name, space_of(task.space), task.true, task.best, task.med)

    def yahpo(scenario: str, target: str, *instances: str) -> list[Task]:
        return [read(tasks.Yahpo(scenario, one, target, ref_n=4000)) for one in instances]

    tables = ("hpobench_kc1", "hpobench_phoneme", "hpobench_vehicle", "hpobench_australian")
    lcbench = ("167168", "189873", "189906", "126026", "167185", "168868")
    return {
        "hpobench": lambda: Family([read(tasks.Table(name)) for name in tables], 4),
        "taskset": lambda: Family(list(taskset(folder)), 4),
        "lcbench": lambda: Family(yahpo("lcbench", "val_accuracy", *lcbench), 3),
        "xgboost": lambda: Family(yahpo("rbv2_xgboost", "acc", "12", "1501", "16", "40499"), 2),
    }


def mirrored(space: lt.Space, loss: Loss) -> Loss:
    """Give a loss at the configurations on the other side of the space."""

    def elsewhere(params: Mapping[str, Any]) -> float:
        (point,) = space.encode([params])
        levels = np.array([column.levels if column.kind == "category" else 0 for column in space.columns])
        moved = np.where(levels > 0, (point + 1.0 / np.maximum(levels, 1)) % 1.0, 1.0 - point)
        return loss(space.decode(space.settle(moved[None]))[0])

    return elsewhere


def source(task: Task, kind: str, seed: int) -> lt.Study:
    """Give a study of 50 random trials of another task."""
    loss = mirrored(task.space, task.loss) if kind == "unrelated" else task.loss
    sign = -1.0 if kind == "negated" else 1.0
    study = lt.Study(f"{task.name} {kind}", task.space, minimize="loss", method=lt.Random(), seed=seed + 1000)
    for trial in study.ask(SOURCE_TRIALS):
        study.tell(trial, sign * loss(trial.params))
    return study


KINDS = {
    "none": (),
    "good": ("good",) * SOURCES,
    "unrelated": ("unrelated",) * SOURCES,
    "negated": ("negated",) * SOURCES,
    "mixed": ("good", "unrelated", "negated"),
}
METHODS: dict[str, Callable[[], Any]] = {"auto": lt.Auto, "bayes": lt.Bayes, "rgpe": lambda: lt.Bayes(RGPE())}
"""`Bayes` and RGPE are compared with each other: the surrogate apart, they are the same."""


def search(task: Task, others: list[Task], method: str, kind: str, seed: int, trials: int) -> dict[str, Any]:
    """Run one search; give the regrets, and the seconds of processor time that an ask took."""
    study = lt.Study("target", task.space, minimize="loss", method=METHODS[method](), seed=seed)
    for other, one in zip(others, KINDS[kind], strict=False):
        study.transfer_from(source(other, one, seed))
    best, regrets, spent, used = np.inf, {}, 0.0, 0
    for number in range(1, trials + 1):
        begun = time.process_time()
        trial = study.ask()
        spent += time.process_time() - begun
        used += bool(study.history.trial(trial.number).note.get("sources"))
        value = task.loss(trial.params)
        best = min(best, value)
        study.tell(trial, value)
        if number in CHECKPOINTS:
            regrets[str(number)] = min(max(float((best - task.best) / (task.median - task.best)), 0.0), 1.0)
    return {"regrets": regrets, "ask_s": spent / trials, "used": used}


def main() -> None:
    """Run what is asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", help="a family")
    parser.add_argument("--methods", nargs="+", default=["auto"], choices=list(METHODS))
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    lines = given.out.read_text().splitlines() if given.out and given.out.exists() else []
    known = {tuple(one["run"]): one for one in map(json.loads, lines)}
    for seed in range(given.first, given.first + given.seeds):
        for name, begin in families(given.folder).items():
            if given.only not in (None, name):
                continue
            family = begin()
            for place, task in enumerate(family.tasks[: family.targets]):
                others = [other for other in family.tasks if other is not task]
                others = [others[(place + turn) % len(others)] for turn in range(SOURCES)]
                for method in given.methods:
                    for kind in given.kinds:
                        run = (method, kind, task.name, seed, given.trials)
                        if run not in known:
                            known[run] = {"run": run, **search(task, others, method, kind, seed, given.trials)}
                            if given.out:
                                with given.out.open("a") as file:
                                    file.write(json.dumps(known[run]) + "\n")
    show(list(known.values()))


def show(found: list[dict[str, Any]]) -> None:
    """Print regrets by method and kind of source, and their ratios to the searches without sources."""
    without = {(method, *rest): one for one in found for method, kind, *rest in [one["run"]] if kind == "none"}
    names = {(one["run"][0], one["run"][1]): None for one in found}
    print("| method | sources | runs | s an ask | believed |", " | ".join(f"{n} trials" for n in CHECKPOINTS), "|")
    print("| --- | --- | --- | --- | --- |", " | ".join("---" for _ in CHECKPOINTS), "|")
    for method, kind in names:
        runs = [one for one in found if tuple(one["run"][:2]) == (method, kind)]
        seconds = np.mean([one["ask_s"] for one in runs])
        used = np.mean([one["used"] / one["run"][4] for one in runs])
        cells = []
        for at in map(str, CHECKPOINTS):
            pairs = [
                (one["regrets"][at], without[key]["regrets"][at])
                for one in runs
                if at in one["regrets"] and (key := (method, *one["run"][2:])) in without
            ]
            if not pairs:
                cells.append("")
                continue
            here, before = np.array(pairs).T
            logs = np.log(here + 0.01) - np.log(before + 0.01)
            error = logs.std() / np.sqrt(len(logs))
            cells.append(f"{here.mean():.3f} ({np.exp(logs.mean()):.2f} ± {error:.2f})")
        print(f"| {method} | {kind} | {len(runs)} | {seconds:.3f} | {used:.2f} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
