"""Sample efficiency on the public suite: python benchmarks/quality.py BENCH [--methods luthier-auto,…] [--seeds 10].

BENCH is the folder shared/bench. Traces go to OUT/public/NAME.json beside copies of the peers' stored ones, in the form
of BENCH/run.py; BENCH/compare.py then prints the table. Finished (task, seed) pairs are skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")


def methods() -> dict[str, Any]:
    """Name what can be measured."""
    from adapter import peer

    import luthier as lt
    from luthier.acquisition import UCB
    from luthier.method.bayesian.auto import Auto
    from luthier.method.bayesian.bayes import Bayes
    from luthier.surrogate import GP
    from luthier.surrogate.parzen.estimator import Parzen

    return {
        "luthier-auto": peer(Auto),
        "luthier-auto-batch8": peer(Auto, 8),
        "luthier-gp": peer(Bayes),
        "luthier-gp-rank": peer(lambda: Bayes(GP(scaling="half rank"))),
        "luthier-gp-ucb": peer(lambda: Bayes(acquisition=UCB(2.0))),
        "luthier-parzen": peer(lambda: Bayes(Parzen())),
        "luthier-random": peer(lt.Random),
        "luthier-sobol": peer(lt.Quasi),
    }


def _suite(bench: Path) -> list[Any]:
    sys.path.insert(0, str(bench))
    import tasks

    return tasks.public()


def _run(bench: Path, out: Path, name: str, seed: int, trials: int) -> None:
    """Run one method with one seed over the suite."""
    suite = _suite(bench)
    import run

    part = out / f"{name}.{seed}.part"
    done = json.loads(part.read_text()) if part.exists() else {}
    for task in suite:
        if task.name not in done:
            done[task.name] = run.trace(task, methods()[name], trials, seed)
            part.write_text(json.dumps(done))


def main() -> None:
    """Measure, collect and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("--methods", default="luthier-auto")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("out/quality"))
    options = parser.parse_args()
    out = options.out / "public"
    out.mkdir(parents=True, exist_ok=True)
    names = options.methods.split(",")
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting = [
            pool.submit(_run, options.bench.resolve(), out, name, seed, options.trials)
            for seed in range(options.seeds)
            for name in names
        ]
        for future in waiting:
            future.result()
    for name in names:
        traces: dict[str, dict[str, Any]] = {}
        for seed in range(options.seeds):
            for task, trace in json.loads((out / f"{name}.{seed}.part").read_text()).items():
                traces.setdefault(task, {})[str(seed)] = trace
        (out / f"{name}.json").write_text(json.dumps(traces))
    for stored in (options.bench / "results" / "public").glob("*.json"):
        (out / stored.name).write_bytes(stored.read_bytes())
    subprocess.run([sys.executable, options.bench / "compare.py", out, "--us", names[0]], check=True)


if __name__ == "__main__":
    main()
