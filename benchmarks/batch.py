"""What batches cost on the public suite: python benchmarks/batch.py BENCH [--methods …] [--seeds 3] [--minutes 30].

BENCH is the folder shared/bench. Each method runs 128 trials one by one and in 16 batches of 8 (ask for 8, then tell
8). The loss from batching is the ratio of the regrets (plus 0.005, as in BENCH/compare.py) after 128 trials. Traces go
to OUT/NAME.json; what is there is not run again. All methods run on a task before the next one, so that a stop leaves a
table of the same tasks for all.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (one thread first)

TRIALS, BATCH = 128, 8
METHODS = ("luthier-auto", "random", "optuna-tpe", "optuna-gp")


class Optuna:
    """A peer of BENCH/peers.py asked for a batch; it knows by itself which trials run (constant liar)."""

    def __init__(self, peer: Any, batch: int) -> None:
        self.peer, self.batch = peer, batch
        self._asked: list[tuple[Any, dict[str, Any]]] = []
        self._results: list[tuple[Any, float]] = []
        self._running: Any = None

    def ask(self) -> dict[str, Any]:
        """Give the next configuration."""
        if not self._asked:
            for _ in range(self.batch):
                config = self.peer.ask()
                self._asked.append((self.peer.trial, config))
        self._running, config = self._asked.pop(0)
        return config

    def tell(self, config: Mapping[str, Any], loss: float) -> None:
        """Take the loss of what was asked for last; the batch is told when all of it is known."""
        self._results.append((self._running, loss))
        if not self._asked:
            for trial, value in self._results:
                self.peer.study.tell(trial, value)
            self._results = []


def maker(name: str, batch: int) -> Callable[..., Any]:
    """Make an entry of BENCH's table of peers."""
    import peers
    from adapter import peer

    import luthier as lt

    if name == "luthier-auto":
        return peer(lt.Auto, batch)
    if name == "random":
        return peers.PEERS["random"]
    sampler = name.removeprefix("optuna-")
    return lambda space, seed, trials=None: Optuna(peers.Optuna(space, seed, trials, sampler), batch)


def measure(out: Path, names: Sequence[str], seeds: int, minutes: float) -> None:
    """Run what is missing, until the time is up."""
    import tasks
    from run import trace

    out.mkdir(parents=True, exist_ok=True)
    suite, end = tasks.public(), time.monotonic() + 60 * minutes
    for seed in range(seeds):
        for task in suite:
            for name in names:
                for batch in (1, BATCH):
                    path = out / f"{name}.{batch}.json"
                    done = json.loads(path.read_text()) if path.exists() else {}
                    if f"{task.name}/{seed}" in done:
                        continue
                    if time.monotonic() > end:
                        return
                    made = trace(task, maker(name, batch), TRIALS, seed)
                    done[f"{task.name}/{seed}"] = [round(made["regret"][n - 1], 5) for n in (32, 64, 128)]
                    path.write_text(json.dumps(done) + "\n")
                    print(task.name, seed, name, batch, done[f"{task.name}/{seed}"], made["overhead_s"], flush=True)


def show(out: Path, names: Sequence[str]) -> None:
    """Print the regrets on the runs that all have, and what was lost."""
    found = {
        (name, batch): json.loads((out / f"{name}.{batch}.json").read_text()) for name in names for batch in (1, BATCH)
    }
    runs = sorted(set.intersection(*(set(traces) for traces in found.values())))
    if not runs:
        print("no run that all have")
        return
    tasks = sorted({key.rsplit("/", 1)[0] for key in runs})
    print(f"{len(tasks)} tasks, {len(runs)} runs, {TRIALS} trials\n")
    print(f"| method | regret, one by one | in batches of {BATCH} | loss from batching | {names[0]} / it, in batches |")
    print("|---|---|---|---|---|")

    def logs(name: str, batch: int) -> np.ndarray:
        """Give the logarithm of each task's mean regret."""
        regrets = found[name, batch]
        here = [[min(max(regrets[key][-1], 0.0), 1.0) for key in runs if key.startswith(f"{task}/")] for task in tasks]
        return np.array([np.log10(np.mean(values) + 5e-3) for values in here])

    from coco import interval

    for name in names:
        one, many = logs(name, 1), logs(name, BATCH)
        means = [np.mean(10.0**values) - 5e-3 for values in (one, many)]
        against = "" if name == names[0] else str(interval(logs(names[0], BATCH) - many))
        print(f"| {name} | {means[0]:.4f} | {means[1]:.4f} | {interval(many - one)} | {against} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no run after so many")
    parser.add_argument("--out", type=Path, default=Path("out/batch"))
    options = parser.parse_args()
    sys.path.insert(1, str(options.bench.resolve()))
    names = options.methods.split(",")
    measure(options.out, names, options.seeds, options.minutes)
    show(options.out, names)


if __name__ == "__main__":
    main()
