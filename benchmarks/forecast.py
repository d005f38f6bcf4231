"""Coverage of forecasts: whether what the next trials bring lies in the interval that was forecast.

    python benchmarks/forecast.py SHARED_BENCH [--seeds 2] [--at 15 20 30 40 60 80] [--ahead 20]

On every second public task (the others were used to choose the shares that are kept) a study runs to a number of
trials and forecasts the gain of the next ones; then these are run. Printed are the share of gains within their interval
of 90 %, and how large forecasts are relative to gains.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
from adapter import space_of

import luthier as lt


def run_to(study: lt.Study, task: Any, trials: int, rng: np.random.Generator) -> None:
    """Ask and tell until the study has so many trials."""
    while len(study) < trials:
        trial = study.ask()
        study.tell(trial, float(task.loss(dict(trial.params), rng)))


def main() -> None:
    """Print the coverage."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bench", help="the folder shared/bench")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--at", type=int, nargs="+", default=[15, 20, 30, 40, 60, 80])
    parser.add_argument("--ahead", type=int, default=20)
    args = parser.parse_args()
    sys.path.insert(0, args.bench)
    tasks = __import__("tasks").public()[1::2]
    held, below, forecast, gained = [], [], [], []
    for seed in range(args.seeds):
        for task in tasks:
            rng = np.random.default_rng(10_000 + seed)
            study = lt.Study("bench", space_of(task.space), minimize="loss", seed=seed)
            for at in args.at:
                run_to(study, task, at, rng)
                now = study.best_value
                expected = study.forecast(args.ahead).expected
                run_to(study, task, at + args.ahead, rng)
                gain = now - study.best_value
                scale = task.med - task.best
                held.append(expected.low - 1e-9 * scale <= gain <= expected.high + 1e-9 * scale)
                below.append(gain < expected.low)
                forecast.append(expected.value / scale)
                gained.append(gain / scale)
                print(
                    f"{task.name:32} seed {seed} at {at:3}: forecast {expected.value / scale:.4f}"
                    f" [{expected.low / scale:.4f}, {expected.high / scale:.4f}], gain {gain / scale:.4f}"
                    f"{'' if held[-1] else '  outside'}",
                    flush=True,
                )
    print(f"within the interval: {sum(held)} of {len(held)}; below it {sum(below)}")
    print(f"mean forecast {np.mean(forecast):.4f}, mean gain {np.mean(gained):.4f} of the distance from median to best")


if __name__ == "__main__":
    main()
