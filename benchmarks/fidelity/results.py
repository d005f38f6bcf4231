"""Tables of regrets by budget, and of the times to a target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.fidelity.clock import BUDGETS, MOST

_LEAST = 1e-3
"""Regrets count as at least this."""
_OURS = "Auto, ASHA (the default)"
_GRID = np.arange(1, 2001) / 100
"""Full evaluations at which mean regrets are compared."""


def regrets(row: Mapping[str, Any], budgets: Iterable[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give the regret of a run at budgets, in full evaluations; it has spent less or as much by then."""
    spent = np.array([0.0, *(at / row["high"] for at, _ in row["trace"])])
    values = np.array([MOST, *(max(regret, _LEAST) for _, regret in row["trace"])])
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
    curves = {name: np.exp(np.mean([np.log(regrets(row, _GRID)) for row in own[name]], axis=0)) for name in names}
    title = " | ".join(map(str, BUDGETS))
    lines = [f"\n| {suite} | {title} | ± | runs | seconds |", f"| --- |{' --- |' * (len(BUDGETS) + 3)}"]
    for name in sorted(names, key=lambda name: float(curves[name][-1])):
        logs = np.array([np.log(regrets(row, BUDGETS)) for row in own[name]])
        error = np.mean(logs.std(axis=0)) / np.sqrt(len(logs))
        means = " | ".join(f"{mean:.4f}" for mean in np.exp(logs.mean(axis=0)))
        seconds = np.mean([row["seconds"] for row in own[name]])
        lines.append(f"| {name} | {means} | {100 * error:.0f} % | {len(logs)} | {seconds:.1f} |")
    lines += ["", f"Full evaluations after which the mean of {names[0]} is at that of another one after 20:", ""]
    for name in names[1:]:
        reached = np.flatnonzero(curves[names[0]] <= curves[name][-1] * (1 + 1e-9))
        lines.append(f"- {name}: {f'{_GRID[reached[0]]:.1f}' if len(reached) else 'not in 20'}")
    return lines
