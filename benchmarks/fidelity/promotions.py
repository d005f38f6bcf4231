"""Shares of promotions on tables, with random proposals: python -m benchmarks.fidelity.promotions FOLDER [--seeds 40].

One worker takes rows of a table of FOLDER (`benchmarks.fidelity.networks` writes such tables) in random order, under
asynchronous halving whose shares of promoted trials differ from rung to rung. A run takes hundredths of a second, so
that differences of a twentieth can be told; whether they hold for proposals that learn has to be seen in whole runs.
"""

from __future__ import annotations

import argparse
import bisect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from benchmarks.fidelity.clock import BUDGETS
from benchmarks.fidelity.curves import table_losses
from benchmarks.fidelity.results import regrets

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
LEVELS = (1, 3, 9, 27, 50)
SHARES = {
    "one in three": (3, 3, 3, 3),
    "one in two": (2, 2, 2, 2),
    "one in four": (4, 4, 4, 4),
    "one in five of the lowest": (5, 3, 3, 3),
    "one in nine of the lowest": (9, 3, 3, 3),
    "one in two of the lowest": (2, 3, 3, 3),
    "one in two of the last": (3, 3, 3, 2),
    "one in four of the last": (3, 3, 3, 4),
}


def halve(losses: Floats, order: Iterable[int], one_in: Sequence[int], budget: int) -> list[tuple[int, float]]:
    """Run asynchronous halving: give the units that were spent at each improvement, and the best loss so far.

    Args:
        losses: (n, units) of each row after each unit.
        order: in which rows are begun.
        one_in: one in how many trials is promoted from each rung but the last.
        budget: the units that may be spent.
    """
    rungs: list[list[tuple[float, int]]] = [[] for _ in LEVELS]
    promoted: set[tuple[int, int]] = set()
    spent, best, trace, rows = 0, np.inf, [], iter(order)
    while spent < budget:
        place, row = _promotion(rungs, one_in, promoted) or (-1, next(rows, -1))
        if row < 0:
            return trace
        promoted.add((place, row))
        had, until = (LEVELS[place] if place >= 0 else 0), LEVELS[place + 1]
        spent += until - had
        if (lowest := float(losses[row, had:until].min())) < best:
            best = lowest
            trace.append((spent, best))
        bisect.insort(rungs[place + 1], (float(losses[row, until - 1]), row))
    return trace


def _promotion(
    rungs: Sequence[Sequence[tuple[float, int]]], one_in: Sequence[int], promoted: set[tuple[int, int]]
) -> tuple[int, int] | None:
    """Give the rung and the row of the best trial of the highest rung that may be promoted."""
    for place in range(len(rungs) - 2, -1, -1):
        for _, row in rungs[place][: len(rungs[place]) // one_in[place]]:
            if (place, row) not in promoted:
                return place, row
    return None


def _logs(losses: Floats, one_in: Sequence[int], seeds: int) -> Floats:
    """Give the logarithms of the regrets at all budgets, (seeds, budgets)."""
    best, median = losses.min(), np.median(losses[:, -1])
    found = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(losses)).tolist()
        trace = halve(losses, order, one_in, BUDGETS[-1] * LEVELS[-1])
        row = {"high": LEVELS[-1], "trace": [(at, (loss - best) / (median - best)) for at, loss in trace]}
        found.append(np.log(regrets(row, BUDGETS)))
    return np.array(found)


def main() -> None:
    """Print the regrets, and their ratios to those of one in three with standard errors over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=40)
    given = parser.parse_args()
    tables = [table_losses(path) for path in sorted((given.folder / "data" / "taskset").glob("*.npz"))]
    first: Floats | None = None
    for name, one_in in SHARES.items():
        logs = np.mean([_logs(table, one_in, given.seeds) for table in tables], axis=0)
        first = logs if first is None else first
        ratios, errors = np.exp((logs - first).mean(axis=0)), (logs - first).std(axis=0) / np.sqrt(given.seeds - 1)
        cells = [f"{ratio:.2f} ± {error:.2f}" for ratio, error in zip(ratios, errors, strict=True)]
        print(f"| {name} | {' | '.join(f'{mean:.4f}' for mean in np.exp(logs.mean(axis=0)))} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
