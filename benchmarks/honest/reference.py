"""Reference of a task: the best loss that is known, and the mean of random configurations, kept in one table.

The best of a training is that of few random configurations here; `compare` lowers it to the best of all traces.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.honest.parameters import draw
from benchmarks.honest.task import Task

TABLE = Path(__file__).parent / "results" / "reference.json"
DRAWS = 100  # random configurations of each task
LUCKIEST = 10  # of them, whose true losses are compared: the lowest loss of all may be luck


class Reference(NamedTuple):
    """What a regret of 0 and of 1 is."""

    best: float
    random: float

    def regret(self, loss: float) -> float:
        """Give the share of the way from the best loss to that of random configurations."""
        return (loss - self.best) / (self.random - self.best)


def read(path: Path = TABLE) -> dict[str, Reference]:
    """Read the table."""
    return {name: Reference(*found) for name, found in json.loads(path.read_text()).items()} if path.exists() else {}


def ensure(tasks: list[Task], path: Path = TABLE) -> dict[str, Reference]:
    """Measure what the table lacks, write it after each task, and give it."""
    table = read(path)
    for task in tasks:
        if task.name not in table:
            table[task.name] = _measure(task)
            ordered = {name: [round(one, 6) for one in table[name]] for name in sorted(table)}
            path.write_text(json.dumps(ordered, indent=1) + "\n")
            print(f"{task.name}: best {table[task.name].best:.4g}, random {table[task.name].random:.4g}", flush=True)
    return table


def _measure(task: Task) -> Reference:
    """Measure each random configuration once: the mean of what is told is that of the truth."""
    random = np.random.default_rng(99)
    drawn = [draw(task.parameters, random) for _ in range(DRAWS)]
    if task.exact is not None and task.best is not None:
        return Reference(task.best, float(np.mean([task.true(config) for config in drawn])))
    losses = [task.told(config, 99, number) for number, config in enumerate(drawn)]
    luckiest = np.argsort(losses, kind="stable")[:LUCKIEST]
    return Reference(min(task.true(drawn[row]) for row in luckiest), float(np.mean(losses)))
