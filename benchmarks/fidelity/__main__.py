"""Schedulers by a simulated clock: python -m benchmarks.fidelity BENCH [--seeds 10] [--only NAME] [--out FILE].

BENCH is a folder with the tables of TaskSet (data/taskset), and with tasks.py, which reads YAHPO's surrogates of
LCBench and rbv2_xgboost (needs onnxruntime). A unit is an epoch (LCBench, TaskSet) or a percentage of the rows
(XGBoost) of one worker. A trial that is promoted goes on where it was, but for XGBoost, where it begins again. After 2,
5, 10 and 20 full evaluations (in units, of all workers together) the regret is that of the best value that was seen at
any fidelity, (value - best) / (median of random in full - best), at most 2. What is installed is measured: Luthier
itself, Optuna, SMAC, DEHB, Syne Tune and neural-pipeline-search, which need venvs of their own, one FILE for all.

With --table nothing is measured: the tables of FILE are printed, or without --out those of the runs that the
repository has, in benchmarks/results/fidelity; BENCH is not needed. With --keep, the runs of FILE are put there: of
each trace the points at which the regret fell by a hundredth or more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from benchmarks.fidelity import ours, peers  # noqa: E402 (one thread first)
from benchmarks.fidelity.clock import simulate  # noqa: E402
from benchmarks.fidelity.curves import tasks  # noqa: E402
from benchmarks.fidelity.results import table  # noqa: E402
from benchmarks.fidelity.traces import keep, read  # noqa: E402


def main() -> None:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--only", default="", help="only optimizers whose name has this in it; several by |")
    parser.add_argument("--tasks", default="", help="only those whose name has this in it")
    parser.add_argument("--out", type=Path, default=None, help="a file of JSON lines, which is gone on with")
    parser.add_argument("--table", action="store_true", help="print tables only")
    parser.add_argument("--keep", action="store_true", help="put the runs of --out into the repository only")
    given = parser.parse_args()
    known = [json.loads(line) for line in given.out.open()] if given.out and given.out.exists() else []
    done = {(row["name"], row["task"], row["seed"]): row for row in known}
    if given.keep:
        keep(known)
        return
    if given.table:
        print(table(known if given.out else read()))
        return
    if given.bench is None:
        parser.error("give BENCH, the folder of the tables")
    found = {
        name: runner
        for name, runner in (ours.runners() | peers.runners()).items()
        if any(part in name for part in given.only.split("|"))
    }
    chosen = tasks(given.bench, given.tasks)
    for seed in range(given.first, given.first + given.seeds):
        for task in chosen:
            for name, runner in found.items():
                if (name, task.name, seed) in done:
                    continue
                begin = time.process_time()
                trace = simulate(task, runner(task, seed), given.workers).trace
                seconds = round(time.process_time() - begin, 2)
                row = {"name": name, "task": task.name, "seed": seed, "high": task.high, "trace": trace}
                done[name, task.name, seed] = row = {**row, "seconds": seconds}
                if given.out:
                    with given.out.open("a") as file:
                        file.write(json.dumps(row) + "\n")
                print(name, task.name, seed, trace[-1], seconds, file=sys.stderr, flush=True)
    print(table(list(done.values())))


if __name__ == "__main__":
    main()
