"""Races over instances against whole evaluations and SMAC: benchmarks/instances.py [times svm] [--seeds 5] [--smac PY].

Each method has a budget of evaluations (one configuration on one instance with one seed). The table gives the true
quality (over all instances and seeds that nobody saw) of the incumbent after each of several budgets, as geometric
means over seeds of the value relative to the best that any run found; and the configurations that were tried. With
--smac, the Python of an environment with SMAC 2.4, its facades for algorithm configuration run on the same problems.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (one thread first)

import luthier as lt  # noqa: E402
from luthier.event import Reported  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from instance_problems import PROBLEMS  # noqa: E402

METHODS: dict[str, tuple[Any, Any, bool]] = {
    "random, all cases": (lt.Random(), None, False),
    "random, Intensify": (lt.Random(), lt.Intensify(), False),
    "random, ASHA": (lt.Random(), lt.ASHA(), False),
    "Auto, all cases": (lt.Auto(), None, False),
    "Auto, Intensify (the default)": (lt.Auto(), lt.Intensify(), True),
    "Auto, Intensify, no features": (lt.Auto(), lt.Intensify(), False),
}
SMAC = {"SMAC random, its intensifier": "random", "SMAC forest, its intensifier": "forest"}
BUDGETS = (50, 100, 200)


def space_of(problem: Any) -> lt.Space:
    """Give the space of a problem."""
    floats = {name: lt.Float(*bounds, log=name in problem.logs) for name, bounds in problem.floats.items()}
    return lt.Space({**floats, **{name: lt.Choice(*options) for name, options in problem.choices.items()}})


def race(problem: Any, name: str, seed: int, budgets: tuple[int, ...]) -> dict[str, Any]:
    """Run one method; gives its incumbents at the budgets."""
    method, rule, described = METHODS[name]
    features = problem.features if described else None
    instances = lt.Instances(problem.names, features, problem.seeds, problem.cutoff_s)
    study = lt.Study("race", space_of(problem), minimize="y", instances=instances, method=method, seed=seed, stop=rule)
    study.rule = rule
    begin_s, spent = time.process_time(), 0.0
    while study.history.evaluations < budgets[-1]:
        trial = study.ask()
        for case in trial.cases():
            seconds = problem.value(trial.params, case.instance, case.seed, case.cap_s)
            spent += seconds
            trial.report(seconds)
            if study.history.evaluations >= budgets[-1]:
                break
        else:
            study.tell(trial)
    thinking_s = time.process_time() - begin_s
    history = study.history
    ends = [place for place, event in enumerate(history.events, 1) if isinstance(event, Reported)]
    found = []
    for budget in budgets:
        best = history.upto(ends[budget - 1]).best
        found.append(None if best is None else problem.truth(study.trials[best].params))
    return {"truth": found, "configs": len(study), "spent": spent, "thinking_s": thinking_s}


def race_smac(python: str, key: str, name: str, seed: int, budgets: tuple[int, ...]) -> dict[str, Any]:
    """Run a facade of SMAC in its own environment."""
    script = str(Path(__file__).parent / "instances_smac.py")
    command = [python, script, key, SMAC[name], str(seed), *map(str, budgets)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"SMAC failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Run all, and print the tables; what was run before is read from --cache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--budgets", type=int, nargs="*", default=list(BUDGETS))
    parser.add_argument("--only", default="", help="methods whose name has this text")
    parser.add_argument("--smac", default="", help="the Python of an environment with SMAC")
    parser.add_argument("--cache", default="")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    cache = Path(given.cache) if given.cache else None
    known: dict[str, Any] = json.loads(cache.read_text()) if cache and cache.exists() else {}
    budgets = tuple(given.budgets)
    for key in given.problems or PROBLEMS:
        problem = PROBLEMS[key]()
        for seed in range(given.seeds):
            for name in [*METHODS, *(SMAC if given.smac else ())]:
                mark = f"{key}/{name}/{seed}/{budgets}"
                if given.only not in name or mark in known:
                    continue
                if name in SMAC:
                    known[mark] = race_smac(given.smac, key, name, seed, budgets)
                else:
                    known[mark] = race(problem, name, seed, budgets)
                if cache:
                    cache.write_text(json.dumps(known))
        table(key, problem.title, known, budgets)


def table(key: str, title: str, known: dict[str, Any], budgets: tuple[int, ...]) -> None:
    """Print what is known of a problem."""
    mine = {mark: run for mark, run in known.items() if mark.startswith(f"{key}/") and mark.endswith(f"/{budgets}")}
    best = min(value for run in mine.values() for value in run["truth"] if value is not None)
    print(f"\n## {title}\n\n| method | {' | '.join(map(str, budgets))} | configurations | seconds | runs |")
    print(f"| --- |{' --- |' * (len(budgets) + 3)}")
    for name in [*METHODS, *SMAC]:
        runs = [run for mark, run in mine.items() if mark.split("/")[1] == name]
        if runs:
            values = np.array([[np.nan if v is None else v for v in run["truth"]] for run in runs])
            cells = [f"{v:.3f}" for v in np.exp(np.nanmean(np.log(values / best), axis=0))]
            configs, seconds = (float(np.mean([run[name_] for run in runs])) for name_ in ("configs", "thinking_s"))
            print(f"| {name} | {' | '.join(cells)} | {configs:.0f} | {seconds:.1f} | {len(runs)} |")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
