"""What minding the cost is worth: benchmarks/costs.py [--seeds 6] [--spreads 3 10 30 100] [--exponent 1] [--auto].

    python benchmarks/costs.py --budget 20 [--seeds 6] [--spreads 30]

Two functions, each with durations that rise or fall along one variable, or go up and down along two, from 1 to `spread`
times the shortest. Printed are the seconds that `PerSecond(LogEI())` takes to a target, relative to `LogEI()` with the
same seed (geometric mean), how often it took fewer, and the median trials of both; with `--auto` those that `Auto()`
takes, which chooses between the two, relative to `Auto(per_second=False)`. Durations are told, not waited for.

With `--budget` a cost is declared, and each method spends what so many trials of random search cost. Printed is what is
left of the distance from the first trial to the optimum (geometric mean): without a look at the cost, and divided by
it, which is what `Auto()` does.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Mapping
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (one thread first)

from luthier import Auto, Bayes, Float, LogEI, PerSecond, Space, Study  # noqa: E402
from luthier.trial import Outcome, Reason  # noqa: E402

MOST = 60
Config = Mapping[str, Any]


def branin(config: Config) -> float:
    """Give Branin's function on the unit square; the minimum is 0.397887."""
    x, y = 15.0 * config["a"] - 5.0, 15.0 * config["b"]
    curve = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return float(curve * curve + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


_WIDTHS = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
_PEAKS = 1e-4 * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]])


def hartmann(config: Config) -> float:
    """Give Hartmann's function of three variables; the minimum is -3.86278."""
    x = np.array([config["a"], config["b"], config["c"]])
    return -float(np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-(_WIDTHS * (x - _PEAKS) ** 2).sum(axis=1)))


TASKS: dict[str, tuple[str, Callable[[Config], float], float]] = {
    "branin": ("ab", branin, 0.45),
    "hartmann": ("abc", hartmann, -3.8),
}
DURATIONS: dict[str, Callable[[Config], float]] = {
    "rises": lambda config: config["b"],
    "falls": lambda config: 1.0 - config["b"],
    "wavy": lambda config: 0.5 + 0.5 * math.sin(9 * config["a"] + 5 * config["b"]),
}


def spent(task: str, duration: str, spread: float, method: Any, seed: int) -> tuple[float, int]:
    """Give seconds and trials until the target is reached, or all of them where it is not."""
    names, loss, target = TASKS[task]
    space = Space({name: Float(0, 1) for name in names})
    total = 0.0
    with Study("costs", space, minimize="loss", method=method, seed=seed) as study:
        for number in range(1, MOST + 1):
            trial = study.ask()
            seconds, value = 10.0 * spread ** DURATIONS[duration](trial.params), loss(trial.params)
            study.finish(trial, Outcome(Reason.DONE, {"loss": value}, duration_s=seconds))
            total += seconds
            if value <= target:
                return total, number
    return total, MOST + 1


BEST = {"branin": 0.397887, "hartmann": -3.86278}
WAYS: dict[str, bool | None] = {"aside": False, "divided": None}
"""`Auto.per_second`, by name."""


def left_after(task: str, duration: str, spread: float, budget: float, way: str, seed: int) -> tuple[float, int]:
    """Give the regret that is left once a budget is spent, relative to that of the first trial, and the trials."""
    names, loss, _ = TASKS[task]
    points = np.random.default_rng(0).random((500, len(names)))
    costs = [spread ** DURATIONS[duration](dict(zip(names, point, strict=True))) for point in points]
    limit = budget * float(np.mean(costs))

    def train(trial: Any) -> dict[str, float]:
        return {"loss": loss(trial.params), "dollars": spread ** DURATIONS[duration](trial.params)}

    space = Space({name: Float(0, 1) for name in names})
    with Study("costs", space, minimize="loss", cost="dollars", method=Auto(per_second=WAYS[way]), seed=seed) as study:
        study.run(train, cost=limit)
        first = study.trial(0).value - BEST[task]
        return max((study.best_value - BEST[task]) / first, 1e-6), len(study)


def show_budgets(budget: float, seeds: int, spreads: list[float]) -> None:
    """Run all cases with a budget, and print a line for each spread."""
    for spread in spreads:
        cases = [(task, duration, seed) for task in TASKS for duration in DURATIONS for seed in range(seeds)]
        shown = []
        for way in WAYS:
            runs = np.array([left_after(task, how, spread, budget, way, seed) for task, how, seed in cases])
            shown.append(f"{way} {np.exp(np.log(runs[:, 0]).mean()):.2g} ({np.median(runs[:, 1]):g} trials)")
        print(f"x{spread:<5g} budget {budget:g}: left {', '.join(shown)}; {len(cases)} runs each", flush=True)


def main() -> None:
    """Run all cases and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--spreads", type=float, nargs="+", default=[3.0, 10.0, 30.0, 100.0])
    parser.add_argument("--exponent", type=float, default=1.0)
    parser.add_argument("--auto", action="store_true", help="Auto's choice")
    parser.add_argument("--budget", type=float, help="in trials of random search")
    given = parser.parse_args()
    if given.budget is not None:
        show_budgets(given.budget, given.seeds, given.spreads)
        return
    methods: list[Any] = [Bayes(acquisition=a) for a in (PerSecond(LogEI(), given.exponent), LogEI())]
    if given.auto:
        methods = [Auto(), Auto(per_second=False)]
    for spread in given.spreads:
        logs = []
        for task in TASKS:
            for duration in DURATIONS:
                pairs = [[spent(task, duration, spread, m, seed) for m in methods] for seed in range(given.seeds)]
                ratios = np.array([ours[0] / theirs[0] for ours, theirs in pairs])
                logs += np.log(ratios).tolist()
                ours, theirs = np.median([[a[1], b[1]] for a, b in pairs], axis=0)
                mean, fewer = np.exp(np.log(ratios).mean()), int((ratios < 1).sum())
                print(
                    f"{task:9} {duration:6} x{spread:<5g} seconds {mean:.2f}  fewer {fewer}/{given.seeds}"
                    f"  trials {ours:g} against {theirs:g}",
                    flush=True,
                )
        print(f"{'all':16} x{spread:<5g} seconds {math.exp(float(np.mean(logs))):.2f}", flush=True)


if __name__ == "__main__":
    main()
