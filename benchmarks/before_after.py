"""Seconds per ask and per tell of two trees, taken in turns, as ratios of processor time.

    python benchmarks/before_after.py OLD/src src [rounds]

Each round runs each tree once, in a process of its own, with one BLAS thread; the order changes from round to round.
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
import json, sys, time
import luthier as lt
space = lt.Space({"kernel": lt.Choice("rbf", "poly", "linear"), "C": lt.Float(1e-3, 1e3, log=True),
    "gamma": lt.Float(1e-5, 1e1, log=True, when="kernel != 'linear'"), "degree": lt.Int(2, 5, when="kernel == 'poly'"),
    "a": lt.Float(0, 1), "b": lt.Int(1, 100)}, require=["kernel != 'poly' or C * gamma <= 10"])
found = {}
for name, make, trials, store in (("auto", lt.Auto, 60, None), ("gp", lt.Bayes, 40, None), 
        ("parzen", lambda: lt.Bayes(lt.Parzen(), lt.EI()), 300, None),
        ("random", lt.Random, 1500, None), ("random, SQLite", lt.Random, 150, sys.argv[1])):
    with lt.Study(name, space, minimize="y", method=make(), seed=0, store=store) as study:
        asks = tells = 0.0
        for _ in range(trials):
            t0 = time.process_time()
            trial = study.ask()
            t1 = time.process_time()
            study.tell(trial, (trial["a"] - 0.3) ** 2 + abs(trial["b"] - 40) / 50 + (trial["kernel"] == "poly"))
            t2 = time.process_time()
            asks += t1 - t0
            tells += t2 - t1
    found[name + ": ask"], found[name + ": tell"] = asks / trials, tells / trials
print(json.dumps(found))
"""


def run(tree: str) -> dict[str, float]:
    """Run the program on a tree."""
    with tempfile.TemporaryDirectory(dir=SHARED if SHARED.is_dir() else None) as folder:
        threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, f"{folder}/s.db"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **threads, "PYTHONPATH": str(Path(tree).resolve())},
        )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print the ratio of the medians, new to old, and the range over the rounds."""
    old, new = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    taken: dict[str, list[dict[str, float]]] = {old: [], new: []}
    for turn in range(rounds):
        for tree in (old, new) if turn % 2 == 0 else (new, old):
            taken[tree].append(run(tree))
    for what in taken[old][0]:
        before, after = ([one[what] for one in taken[tree]] for tree in (old, new))
        pairs = sorted(b / a for a, b in zip(before, after, strict=True))
        ratio = statistics.median(after) / statistics.median(before)
        print(
            f"{what:24}{statistics.median(before) * 1e3:9.3f} ms -> {statistics.median(after) * 1e3:9.3f} ms"
            f"   ratio {ratio:.3f}   pairs {pairs[0]:.2f} .. {pairs[-1]:.2f}"
        )


if __name__ == "__main__":
    main()
