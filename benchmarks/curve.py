"""Seconds of one core an ask + tell, from 10 to 5,000 trials, for every surrogate and Auto: curve.py [NAME …].

The history is of random trials over a mixed space (numbers, some of them on a log scale, integers, choices). `cold` is
the dearest of the first 7 asks of a process that has just opened the study (models that take turns are fitted for the
first time), `warm` the mean of those after them. A method's curve ends where an ask took more than `--stop` seconds.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

SIZES = (10, 30, 100, 300, 1000, 2000, 5000)
DIMENSIONS = (5, 10, 30)
FIRST = 7  # after so many asks each of the models that take turns was fitted once
BUDGET_S = 1.0  # of an ask at 5,000 trials


def space(dimensions: int) -> Any:
    """Make a mixed space."""
    import luthier as lt

    kinds = [
        lambda: lt.Float(0.0, 1.0),
        lambda: lt.Float(1e-5, 1e1, log=True),
        lambda: lt.Int(1, 256, log=True),
        lambda: lt.Choice("a", "b", "c"),
        lambda: lt.Float(-5.0, 5.0),
    ]
    return lt.Space({f"x{i}": kinds[i % len(kinds)]() for i in range(dimensions)})


def loss(params: Any) -> float:
    """Give a smooth loss."""
    import math

    total = 0.0
    for i, value in enumerate(params.values()):
        if isinstance(value, str):
            total += 0.1 * (value != "b")
        else:
            number = math.log10(value) if i % 5 in (1, 2) else value
            total += (number - 0.15 * (i % 5 + 1)) ** 2 / (1 + i % 5)
    return total


def events(dimensions: int, trials: int) -> list[Any]:
    """Make the log of a study of random trials."""
    import luthier as lt
    from luthier.store import Memory

    store = Memory()
    with lt.Study("curve", space(dimensions), minimize="loss", method=lt.Random(), store=store, seed=0) as study:
        for _ in range(trials):
            trial = study.ask()
            study.tell(trial, loss(trial.params))
    return [record.event for record in store.read("curve")]


def upto(log: Sequence[Any], trials: int) -> list[Any]:
    """Give the beginning of a log, with so many trials."""
    from luthier.event import Told

    told = 0
    for place, event in enumerate(log):
        told += isinstance(event, Told)
        if told == trials:
            return list(log[: place + 1])
    return list(log)


def measure(method: Any, log: Sequence[Any], asks: int) -> tuple[float, float]:
    """Give the seconds of the dearest of the first asks + tells, and the mean of the `asks` after them."""
    import luthier as lt
    from luthier.store import Memory

    store, spent = Memory(), []
    store.append("curve", log, 0)
    with lt.Study("curve", method=method, store=store) as study:
        for _ in range(FIRST + asks):
            start = time.process_time()
            trial = study.ask()
            study.tell(trial, loss(trial.params))
            spent.append(time.process_time() - start)
    return max(spent[:FIRST]), sum(spent[FIRST:]) / asks


def methods() -> dict[str, Any]:
    """Make the methods that are measured."""
    from parts import surrogates

    import luthier as lt

    table: dict[str, Any] = {"Auto": lt.Auto()}
    for name, surrogate in surrogates().items():
        table[name] = lt.Bayes(surrogate=surrogate)
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="Auto, GP, Forest, …; all by default")
    parser.add_argument("--dimensions", default=",".join(map(str, DIMENSIONS)))
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--asks", type=int, default=6)
    parser.add_argument("--stop", type=float, default=30.0)
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    print("| method | variables | ask | " + " | ".join(f"{size:,}" for size in sizes) + " |")
    print("|---" * (len(sizes) + 3) + "|")
    for dimensions in map(int, options.dimensions.split(",")):
        log = events(dimensions, max(sizes))
        for name, method in methods().items():
            if options.names and name not in options.names:
                continue
            rows: list[tuple[float, float]] = []
            for size in sizes:
                rows.append(measure(method, upto(log, size), options.asks))
                if rows[-1][0] > options.stop:
                    break
            for place, kind in enumerate(("cold", "warm")):
                cells = [f"**{row[place]:.3g}**" if row[place] > BUDGET_S else f"{row[place]:.3g}" for row in rows]
                cells += [""] * (len(sizes) - len(rows))
                print(f"| {name} | {dimensions} | {kind} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
