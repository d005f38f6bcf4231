"""Orders of a rung's front, by crowding distance and by volume: hypervolume of the trials that a scheduler finishes.

    python benchmarks/front_rungs.py --seeds 8

Random search under a scheduler on ZDT and DTLZ, whose losses fall with 1 / epochs by amounts that differ from trial to
trial. For decision 0041.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from front_problems import FrontProblem, analytic

import luthier as lt
import luthier.stop.rungs
from luthier.numeric import front_order, hypervolume, sorted_rows

PROBLEMS = ("zdt/zdt1", "zdt/zdt2", "dtlz/dtlz2-2", "dtlz/dtlz2-3")
ORDERS: dict[str, Callable[[Any], Any]] = {
    "crowding": lambda losses: sorted_rows(losses, np.zeros(len(losses))),
    "volume": front_order,
}


def finished(problem: FrontProblem, rule: Any, trials: int, seed: int) -> Any:
    """Give the losses of the trials that reach the full fidelity."""
    goals = [f"f{place}" for place in range(problem.objectives)]
    waves = np.random.default_rng(7).normal(size=(problem.objectives, len(problem.parameters)))

    def objective(trial: lt.RunningTrial) -> list[float]:
        assert trial.until is not None
        point = np.array([trial[one["name"]] for one in problem.parameters])
        early = (1.0 + 0.5 * np.sin(3.0 * waves @ point)) / trial.until
        losses: list[float] = (np.array(problem.losses(dict(trial.params))) + early).tolist()
        return losses

    space = {one["name"]: lt.Float(one["lo"], one["hi"]) for one in problem.parameters}
    given: dict[str, Any] = {"method": lt.Random(), "seed": seed, "stop": rule}
    study = lt.Study("rungs", space, minimize=goals, fidelity=lt.Fidelity("epochs", 1, 27), **given)
    study.run(objective, trials=trials)
    return np.array([[trial.values[goal] for goal in goals] for trial in study.trials if trial.is_done])


def main() -> None:
    """Print a row of Markdown for each scheduler and problem."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--trials", type=int, default=54)
    options = parser.parse_args()
    known = {problem.name: problem for problem in analytic()}
    print("| scheduler, problem | crowding distance | by volume | difference |\n|---|---|---|---|")
    for rule in (lt.SuccessiveHalving(), lt.ASHA()):
        for name in PROBLEMS:
            found = {}
            for order, function in ORDERS.items():
                luthier.stop.rungs.front_order = function  # type: ignore[assignment]
                found[order] = [finished(known[name], rule, options.trials, seed) for seed in range(options.seeds)]
            every = np.concatenate([losses for runs in found.values() for losses in runs if len(losses)])
            low, width = every.min(axis=0), np.ptp(every, axis=0)
            at = np.full(known[name].objectives, 1.1)
            shares = {
                order: np.array([hypervolume((losses - low) / width, at) if len(losses) else 0.0 for losses in runs])
                for order, runs in found.items()
            }
            gain = shares["volume"] - shares["crowding"]
            error = gain.std(ddof=1) / len(gain) ** 0.5
            means = " | ".join(f"{share.mean():.3f}" for share in shares.values())
            print(f"| {type(rule).__name__}, {name} | {means} | {gain.mean():+.3f} ± {error:.3f} |", flush=True)


if __name__ == "__main__":
    main()
