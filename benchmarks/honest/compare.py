"""Comparison of tools: regret of what each recommends, and ratios to one of them with bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.honest.reference import Reference, read
from benchmarks.honest.run import CHECKPOINTS, RESULTS, traces
from benchmarks.honest.task import Task

SMALLEST = 0.005  # is added to regrets before logarithms
RESAMPLES = 2000

Regrets = dict[str, dict[int, NDArray[np.float64]]]  # by task and seed, the regrets at the checkpoints


def recommended(true: Mapping[str, float], noisy: bool, how: str = "anywhere") -> float:
    """Choose the loss by which a tool is judged.

    Where an objective has noise: what its model recommends, in the whole space or among what was tried, if it has such
    a recommendation. Elsewhere: the incumbent, the lowest loss that was seen, which is then no luck.
    """
    order = {"anywhere": ("anywhere", "model"), "model": ("model",), "incumbent": ()}[how] if noisy else ()
    return next((true[one] for one in order if one in true), true["incumbent"])


def load(path: Path, tasks: Mapping[str, Task], table: Mapping[str, Reference], how: str) -> Regrets:
    """Read a tool's regrets, in [0, 1]; runs that broke count as random search's mean, 1.

    Checkpoints that a run was too short for are NaN.
    """
    found: Regrets = {}
    for trace in traces(path):
        name = trace["task"]
        if name not in tasks:
            continue
        if "error" in trace:
            regrets = [1.0] * len(CHECKPOINTS)
        else:
            found_at = [trace["true"].get(str(one)) for one in CHECKPOINTS]
            regrets = [
                math.nan if true is None else table[name].regret(recommended(true, tasks[name].noisy, how))
                for true in found_at
            ]
        found.setdefault(name, {})[trace["seed"]] = np.clip(regrets, 0.0, 1.0)
    return found


def lowered(table: Mapping[str, Reference], folder: Path, tasks: Mapping[str, Task]) -> dict[str, Reference]:
    """Lower the best loss of trainings to the lowest true loss of any trace; functions have a known one."""
    best = {name: one.best for name, one in table.items()}
    for path in sorted(folder.glob("*.jsonl")):
        for trace in traces(path):
            task = tasks.get(trace["task"])
            if task is not None and task.best is None and "true" in trace:
                lowest = min(min(found.values()) for found in trace["true"].values())
                best[task.name] = min(best[task.name], lowest)
    return {name: one._replace(best=best[name]) for name, one in table.items()}


def _at(runs: Mapping[int, NDArray[np.float64]], place: int) -> NDArray[np.float64]:
    """Give the regrets at one checkpoint of the runs that got there."""
    values: NDArray[np.float64] = np.array([one[place] for one in runs.values() if np.isfinite(one[place])])
    return values


def _there(regrets: Regrets, place: int) -> list[str]:
    return [name for name, runs in regrets.items() if len(_at(runs, place))]


def _mean(regrets: Regrets, place: int) -> str:
    names = _there(regrets, place)
    return f"{np.mean([_at(regrets[name], place).mean() for name in names]):.3f}" if names else ""


def ratios(
    ours: Regrets, theirs: Regrets, names: Sequence[str], place: int, resamples: int = RESAMPLES
) -> list[tuple[float, float, float]]:
    """Give the ratio of mean regrets, and the geometric mean over tasks of ratios, each with its interval of 95 %.

    The bootstrap is of two levels: tasks, then the seeds of each tool on each.
    """
    draws = np.random.default_rng(0)
    sides = [[_at(side[name], place) for name in names] for side in (ours, theirs)]

    def both(us: NDArray[np.float64], them: NDArray[np.float64]) -> tuple[float, float]:
        logs = np.log((us + SMALLEST) / (them + SMALLEST))
        return float((us.mean() + 1e-9) / (them.mean() + 1e-9)), float(np.exp(logs.mean()))

    middle = both(*(np.array([one.mean() for one in side]) for side in sides))
    sampled = []
    for _ in range(resamples):
        rows = draws.integers(len(names), size=len(names))
        means = [np.array([draws.choice(side[row], len(side[row])).mean() for row in rows]) for side in sides]
        sampled.append(both(*means))
    low, high = np.percentile(np.array(sampled), (2.5, 97.5), axis=0)
    return [(middle[k], float(low[k]), float(high[k])) for k in range(2)]


def table_text(tasks: Sequence[Task], us: str, folder: Path = RESULTS, how: str = "anywhere") -> str:
    """Write the tables in Markdown: mean regrets, ratios of `us` to the others, and the tasks one by one."""
    named = {task.name: task for task in tasks}
    table = lowered(read(), folder, named)
    tools = {path.stem: load(path, named, table, how) for path in sorted(folder.glob("*.jsonl"))}
    tools = {name: found for name, found in tools.items() if found}
    lines = [f"| tool | tasks, seeds | {' | '.join(f'at {one}' for one in CHECKPOINTS)} |", f"|---|---|{'---|' * 4}"]
    for name, found in tools.items():
        seeds = sum(map(len, found.values())) / len(found)
        means = " | ".join(_mean(found, place) for place in range(len(CHECKPOINTS)))
        lines.append(f"| {name} | {len(found)}, {seeds:.1f} | {means} |")
    if us in tools:
        lines += [
            "",
            f"| {us} relative to | at | ratio of mean regrets | geometric mean of ratios | tasks |",
            "|---|---|---|---|---|",
        ]
        for name, found in tools.items():
            for place, checkpoint in enumerate(CHECKPOINTS if name != us else ()):
                shared = sorted(set(_there(found, place)) & set(_there(tools[us], place)))
                if shared:
                    texts = [f"{a:.2f} [{b:.2f}, {c:.2f}]" for a, b, c in ratios(tools[us], found, shared, place)]
                    lines.append(f"| {name} | {checkpoint} | {' | '.join(texts)} | {len(shared)} |")
    for place, checkpoint in enumerate(CHECKPOINTS):
        lines += ["", f"| task, at {checkpoint} | {' | '.join(tools)} |", f"|---|{'---|' * len(tools)}"]
        for task in tasks:
            cells = [_cell(found.get(task.name, {}), place) for found in tools.values()]
            lines.append(f"| {task.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(runs: Mapping[int, NDArray[np.float64]], place: int) -> str:
    last = _at(runs, place)
    if not len(last):
        return ""
    error = f" ± {np.std(last, ddof=1) / np.sqrt(len(last)):.3f}" if len(last) > 1 else ""
    return f"{np.mean(last):.3f}{error}"
