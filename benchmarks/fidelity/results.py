"""Tables of regrets by budget, and of the times to a target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from benchmarks.fidelity.clock import BUDGETS, MOST

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
LEAST = 1e-3
"""Regrets count as at least this."""
_OURS = "Auto, ASHA (the default)"
_GRID = np.arange(1, 2001) / 100
"""Full evaluations at which mean regrets are compared."""


def regrets(row: Mapping[str, Any], budgets: Iterable[float]) -> Floats:
    """Give the regret of a run at budgets, in full evaluations; it has spent less or as much by then."""
    spent = np.array([0.0, *(at / row["high"] for at, _ in row["trace"])])
    values = np.array([MOST, *(max(regret, LEAST) for _, regret in row["trace"])])
    return values[np.searchsorted(spent, np.asarray(list(budgets)) + 1e-9, side="right") - 1]


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Give a table a suite: geometric means of regrets, and when each reaches the best peer's final mean."""
    lines: list[str] = []
    for suite in dict.fromkeys(row["task"].split(" ")[0] for row in rows):
        lines += _suite(suite, [row for row in rows if row["task"].split(" ")[0] == suite])
    return "\n".join(lines)


def _suite(suite: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = sorted(dict.fromkeys(row["name"] for row in rows), key=lambda name: name != _OURS)
    own = {name: [row for row in rows if row["name"] == name] for name in names}
    title = " | ".join(map(str, BUDGETS))
    lines = [f"\n| {suite} | {title} | ± | tasks | runs | seconds |", f"| --- |{' --- |' * (len(BUDGETS) + 4)}"]
    means = {name: _mean(own[name], BUDGETS, _tasks(own[name])) for name in names}
    for name in sorted(names, key=lambda name: (-len(_tasks(own[name])), float(means[name][-1]))):
        seconds = np.mean([row["seconds"] for row in own[name]])
        cells = [f"{mean:.4f}" for mean in means[name]] + [_error(own[name]), str(len(_tasks(own[name])))]
        lines.append(f"| {name} | {' | '.join(cells)} | {len(own[name])} | {seconds:.1f} |")
    lines += [
        "",
        "Full evaluations (10 at most is the aim) after which, on common tasks,",
        f"{names[0]} is at the mean that another one has after 20:",
        "",
    ]
    for name in names[1:]:
        common = _tasks(own[names[0]]) & _tasks(own[name])
        if not common:
            continue
        reached = np.flatnonzero(
            _mean(own[names[0]], _GRID, common) <= _mean(own[name], _GRID[-1:], common) * (1 + 1e-9)
        )
        when = f"{_GRID[reached[0]]:.1f}" if len(reached) else "not in 20"
        lines.append(f"- {name} ({len(common)} tasks): {when}")
    return lines


def _tasks(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    return {row["task"] for row in rows}


def _mean(rows: Sequence[Mapping[str, Any]], budgets: Iterable[float], tasks: set[str]) -> Floats:
    """Give the geometric mean over tasks of that over the runs of each, so that tasks with more runs weigh no more."""
    at = list(budgets)
    logs = [np.mean([np.log(regrets(row, at)) for row in rows if row["task"] == task], axis=0) for task in tasks]
    mean: Floats = np.exp(np.mean(logs, axis=0))
    return mean


def _error(rows: Sequence[Mapping[str, Any]]) -> str:
    """Give the standard error of the last mean that comes from the seeds, in percent; of one seed it is not known.

    Runs of one seed are not independent: on tasks of one space, random configurations are the same ones.
    """
    tasks, of_seed = _tasks(rows), dict[int, float]()
    for task in tasks:
        own = [row for row in rows if row["task"] == task]
        if len(own) < 2:
            return "one seed"
        logs = np.array([np.log(regrets(row, BUDGETS[-1:]))[0] for row in own])
        for row, off in zip(own, logs - logs.mean(), strict=True):
            of_seed[row["seed"]] = of_seed.get(row["seed"], 0.0) + float(off) / len(own) / len(tasks)
    count = len(of_seed)
    squares = sum(off * off for off in of_seed.values())
    return f"{100 * np.sqrt(squares * count / (count - 1)):.0f} %"
