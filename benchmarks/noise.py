"""True regret of the recommended configuration over trials, on tables with a training seed per call.

    python benchmarks/noise.py SHARED_BENCH [--seeds 5] [--only hpobench] [--out noise.json] [--stop]

Each call of the objective looks up another training seed of the table, so the lowest loss that was seen is partly luck.
Luthier (``noisy=True``) is judged every 10 trials by the median over all seeds at the configuration that it recommends
(`Study.expected_best`), Optuna's TPE by that of its best trial after 100. Regret is (true - best) / (random median -
best). Printed are, for each table, the mean regrets, the largest rise from one look to a later one with its standard
error (over seeds, paired) beside the noise of one measurement, and in the end the difference from Optuna with a
bootstrap interval over tables and seeds. Finished runs are kept in OUT and skipped. Needs optuna.

With `--stop` runs end by ``stop="not worth it"`` instead: printed are when and why, and the regret then and after 100
trials where OUT has that.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from adapter import space_of

import luthier as lt

TRIALS, EVERY = 100, 10
NAMES = (
    "hpobench_kc1",
    "hpobench_phoneme",
    "hpobench_vehicle",
    "hpobench_australian",
    "hpolib_protein_structure",
    "hpolib_naval_propulsion",
    "nasbench201_cifar10",
)


def regret(task: Any, config: dict[str, Any]) -> float:
    """Give the true regret of a configuration, as a part of that of the median one."""
    return float((task.true(config) - task.best) / (task.med - task.best))


def luthier_regrets(task: Any, seed: int) -> dict[str, list[float]]:
    """Give the true regrets of what is recommended, and of the luckiest trial, every 10 trials."""
    rng = np.random.default_rng(10_000 + seed)
    found: dict[str, list[float]] = {"recommended": [], "luckiest": []}
    with lt.Study("noise", space_of(task.space), minimize="loss", noisy=True, seed=seed) as study:
        for number in range(1, TRIALS + 1):
            trial = study.ask()
            study.tell(trial, float(task.loss(dict(trial.params), rng)))
            if number % EVERY == 0:
                found["recommended"].append(regret(task, study.expected_best().prediction.params))
                found["luckiest"].append(regret(task, study.best_params))
    return found


def optuna_regret(task: Any, seed: int) -> float:
    """Give the true regret of the best trial of Optuna's TPE after 100 trials."""
    import peers

    peer, rng = peers.PEERS["optuna-tpe"](task.space, seed, TRIALS), np.random.default_rng(10_000 + seed)
    seen = []
    for _ in range(TRIALS):
        config = peer.ask()
        loss = float(task.loss(config, rng))
        peer.tell(config, loss)
        seen.append((loss, regret(task, config)))
    return min(seen, key=lambda pair: pair[0])[1]


def show_stops(done: dict[str, Any], tasks: list[Any], seeds: int) -> None:
    """Run until more trials are not worth it, and print a line for each run."""
    for task in tasks:
        for seed in range(seeds):
            rng = np.random.default_rng(10_000 + seed)

            def measure(trial: lt.RunningTrial, task: Any = task, rng: Any = rng) -> float:
                return float(task.loss(dict(trial.params), rng))

            with lt.Study("noise", space_of(task.space), minimize="loss", noisy=True, seed=seed) as study:
                study.run(measure, trials=TRIALS, stop="not worth it")
                ended, found = study.history.ended, regret(task, study.expected_best().prediction.params)
                why = f"by {ended.by}" if ended else "by the number of trials"
                full = done.get(task.name, {}).get(str(seed))
                after = f", {full['recommended'][-1]:.4f} after {TRIALS}" if full else ""
                print(f"{task.name:28} seed {seed}: {len(study):3} trials {why}, regret {found:.4f}{after}", flush=True)


def largest_rise(regrets: np.ndarray) -> tuple[float, float]:
    """Give the largest mean rise from one look to a later one, and its standard error; `regrets` (seeds, looks)."""
    rises = [
        ((later := regrets[:, j] - regrets[:, i]).mean(), later.std(ddof=1) / np.sqrt(len(later)))
        for i in range(regrets.shape[1])
        for j in range(i + 1, regrets.shape[1])
    ]
    mean, error = max(rises)
    return float(mean), float(error)


def show(done: dict[str, Any], tasks: list[Any]) -> None:
    """Print the table of what is done."""
    draws, differences = np.random.default_rng(0), []
    titles = ("at 25", "at 50", "at 100", "lucky", "optuna")
    print(f"{'table':28} seeds {' '.join(f'{title:>6}' for title in titles)}  rise ± error      noise")
    for task in tasks:
        runs = list(done.get(task.name, {}).values())
        if len(runs) < 2:
            continue
        ours, lucky = np.array([run["recommended"] for run in runs]), np.array([run["luckiest"] for run in runs])
        theirs = np.array([run["optuna"] for run in runs])
        noise = float(np.nanmedian(np.nanstd(task.y, axis=1, ddof=1)) / (task.med - task.best))
        rise, error = largest_rise(ours)
        mean = ours.mean(axis=0)
        print(
            f"{task.name:28} {len(runs):5} {mean[1:3].mean():6.4f} {mean[4]:6.4f} {mean[9]:6.4f} "
            f"{lucky[:, 9].mean():6.4f} {theirs.mean():6.4f}  {rise:.4f} ± {error:.4f}  {noise:.4f}"
            f"{'  RISES' if rise > max(noise, 2 * error) else ''}"
        )
        differences.append(ours[:, 9] - theirs)
    means = []
    for _ in range(2000):
        chosen = [differences[i] for i in draws.integers(len(differences), size=len(differences))]
        means.append(np.mean([draws.choice(part, len(part)).mean() for part in chosen]))
    low, high = np.quantile(means, (0.025, 0.975))
    wins = sum(int((part < 0).sum()) for part in differences)
    total = sum(map(len, differences))
    mean = np.mean([part.mean() for part in differences])
    print(f"ours - Optuna's at 100: {mean:.4f} [{low:.4f}, {high:.4f}]; ahead in {wins} of {total} pairs")


def main() -> None:
    """Run what is not done yet, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("bench", help="the folder shared/bench")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=Path("noise.json"))
    parser.add_argument("--stop", action="store_true", help="end runs when more trials are not worth it")
    given = parser.parse_args()
    sys.path.insert(0, given.bench)
    tables = __import__("tasks").Table
    tasks = [tables(name, noisy=True) for name in NAMES if given.only in name]
    done = json.loads(given.out.read_text()) if given.out.exists() else {}
    if given.stop:
        show_stops(done, tasks, given.seeds)
        return
    for seed in range(given.seeds):
        for task in tasks:
            runs = done.setdefault(task.name, {})
            if str(seed) not in runs:
                runs[str(seed)] = {**luthier_regrets(task, seed), "optuna": optuna_regret(task, seed)}
                given.out.write_text(json.dumps(done))
    show(done, tasks)


if __name__ == "__main__":
    main()
