"""Seconds per ask and per tell of two trees, call by call in turns, as ratios of medians of processor time.

    python benchmarks/before_after.py OLD/src src [rounds]

Two processes, one a tree, make the same studies on the same core with one BLAS thread, and go on in turns: one trial
here, one trial there, so that whatever slows the machine slows both. Printed is the ratio of the medians over all calls
of all rounds, and the range of that ratio over the rounds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SHARED = Path("/dev/shm")
PROGRAM = """
import gc, json, sys, time
import luthier as lt
space = lt.Space({"kernel": lt.Choice("rbf", "poly", "linear"), "C": lt.Float(1e-3, 1e3, log=True),
    "gamma": lt.Float(1e-5, 1e1, log=True, when="kernel != 'linear'"), "degree": lt.Int(2, 5, when="kernel == 'poly'"),
    "a": lt.Float(0, 1), "b": lt.Int(1, 100)}, require=["kernel != 'poly' or C * gamma <= 10"])
for name, make, trials, store in (("auto", lt.Auto, 60, None), ("gp", lt.Bayes, 40, None),
        ("parzen", lambda: lt.Bayes(lt.Parzen(), lt.EI()), 300, None),
        ("random", lt.Random, 1000, None), ("random, SQLite", lt.Random, 150, sys.argv[1])):
    with lt.Study(name, space, minimize="y", method=make(), seed=0, store=store) as study:
        for _ in range(trials):
            sys.stdin.readline()
            t0 = time.process_time()
            trial = study.ask()
            t1 = time.process_time()
            loss = (trial["a"] - 0.3) ** 2 + abs(trial["b"] - 40) / 50 + (trial["kernel"] == "poly")
            t2 = time.process_time()
            study.tell(trial, loss)
            t3 = time.process_time()
            print(json.dumps([name, t1 - t0, t3 - t2]), flush=True)
print(json.dumps(None), flush=True)
"""
Seconds = dict[str, list[float]]


def measure(trees: tuple[str, str], swapped: bool) -> tuple[Seconds, Seconds]:
    """Make all studies in both trees, in turns; give the seconds of each call by what was called."""
    core = {min(os.sched_getaffinity(0))} if hasattr(os, "sched_getaffinity") else set()
    with tempfile.TemporaryDirectory(dir=SHARED if SHARED.is_dir() else None) as folder:
        workers = [_start(tree, f"{folder}/{place}.db", core) for place, tree in enumerate(trees)]
        taken: tuple[Seconds, Seconds] = ({}, {})
        order = (1, 0) if swapped else (0, 1)
        running = True
        while running:
            for place in order:
                worker = workers[place]
                assert worker.stdin is not None and worker.stdout is not None
                worker.stdin.write("\n")
                worker.stdin.flush()
                said = json.loads(worker.stdout.readline())
                if said is None:
                    running = False
                    continue
                name, ask, tell = said
                taken[place].setdefault(f"{name}: ask", []).append(ask)
                taken[place].setdefault(f"{name}: tell", []).append(tell)
        for worker in workers:
            worker.communicate()
    return taken


def _start(tree: str, store: str, core: set[int]) -> subprocess.Popen[str]:
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    worker = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, store],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **threads, "PYTHONPATH": str(Path(tree).resolve())},
    )
    if core:
        os.sched_setaffinity(worker.pid, core)
    return worker


def main() -> None:
    """Print the ratio of the medians, new to old, and the range over the rounds."""
    trees = (sys.argv[1], sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    taken = [measure(trees, swapped=bool(turn % 2)) for turn in range(rounds)]
    for what in taken[0][0]:
        before, after = ([seconds for one in taken for seconds in one[place][what]] for place in (0, 1))
        ratio = statistics.median(after) / statistics.median(before)
        rises = sorted(statistics.median(b[what]) / statistics.median(a[what]) for a, b in taken)
        print(
            f"{what:24}{statistics.median(before) * 1e6:11.1f} us -> {statistics.median(after) * 1e6:11.1f} us"
            f"   ratio {ratio:.3f}   rounds {rises[0]:.3f} .. {rises[-1]:.3f}"
        )


if __name__ == "__main__":
    main()
