"""Reading a study: best trials, fronts, tables and descriptions."""

from __future__ import annotations

import heapq
import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from luthier.errors import InvalidSetting, MissingDependency, NoResult
from luthier.event import Asked, Freed, Retried, Told
from luthier.history import History
from luthier.problem import Problem
from luthier.study.result import Result

if TYPE_CHECKING:
    import pandas


def best(trials: Sequence[Result], problem: Problem) -> Result:
    """Give the trial with the best value of the one objective; of equals, the earliest."""
    if len(problem.objectives) > 1:
        raise InvalidSetting("a study of several objectives has no one best trial: read study.front")
    objective = problem.objectives[0]
    done = [trial for trial in trials if trial.is_done]
    feasible = [trial for trial in done if _holds(trial)]
    if not feasible:
        reasons = sorted({str(trial.reason) for trial in trials if trial.reason})
        how = f"its {len(trials)} trials ended as {', '.join(reasons)}" if reasons else "no trial has ended yet"
        raise NoResult(f"the study has no best trial: {'none keeps the outcome constraints' if done else how}")
    return min(feasible, key=lambda trial: (objective.loss(trial.value), trial.number))


def front(trials: Sequence[Result], problem: Problem) -> tuple[Result, ...]:
    """Give the trials that no other dominates (at least as good everywhere, better somewhere). Cost O(n²)."""
    done = [(problem.losses(trial.values), trial) for trial in trials if trial.is_done and _holds(trial)]
    return tuple(trial for losses, trial in done if not any(_dominates(other, losses) for other, _ in done))


def _dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


def _holds(trial: Result) -> bool:
    outcome = trial.trial.outcome
    return outcome is None or all(violation <= 0 for violation in outcome.violations.values())


def rows(trials: Sequence[Result], problem: Problem) -> list[dict[str, Any]]:
    """Give one mapping a trial: number, state, reason, objectives, variables (None where inactive), seconds, error."""
    table = []
    for trial in trials:
        row: dict[str, Any] = {"number": trial.number, "state": str(trial.state)}
        row["reason"] = str(trial.reason) if trial.reason else None
        row |= {objective.name: trial.values.get(objective.name) for objective in problem.objectives}
        params = trial.params
        row |= {_free(name, row): params.get(name) for name in problem.space.names}
        row |= {"duration_s": trial.duration_s, "origin": trial.trial.origin, "error": trial.error}
        table.append(row)
    return table


def _free(name: str, row: dict[str, Any]) -> str:
    """Keep a variable that is called like an objective or a column of ours apart from it."""
    return f"params.{name}" if name in row or name in ("duration_s", "origin", "error") else name


def to_frame(trials: Sequence[Result], problem: Problem) -> pandas.DataFrame:
    """Give `rows` as a pandas DataFrame."""
    try:
        import pandas
    except ImportError:
        raise MissingDependency("to_frame() needs pandas: pip install 'luthier[plot]'") from None
    return pandas.DataFrame(rows(trials, problem))


def busy_s(history: History, stamps: Sequence[float]) -> float:
    """Measure the union of the intervals during which trials ran, from the stamps of their events. Cost O(n log n)."""
    opened: dict[int, float] = {}
    spans: list[tuple[float, float]] = []
    for at, event in zip(stamps, history.events, strict=False):
        if isinstance(event, Asked | Retried):
            opened[event.number] = at
        elif isinstance(event, Told | Freed) and event.number in opened:
            spans.append((opened.pop(event.number), at))
    total, end = 0.0, -math.inf
    heapq.heapify(spans)
    while spans:
        start, stop = heapq.heappop(spans)
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


def counts(trials: Sequence[Result]) -> str:
    """Say how many trials ended how: ``60 trials: 58 done, 2 failed``."""
    kinds: dict[str, int] = {}
    for trial in trials:
        kind = str(trial.reason or trial.state)
        kinds[kind] = kinds.get(kind, 0) + 1
    plural = "" if len(trials) == 1 else "s"
    return f"{len(trials)} trial{plural}" + (
        f": {', '.join(f'{n} {kind}' for kind, n in kinds.items())}" if kinds else ""
    )


def describe(name: str, trials: Sequence[Result], problem: Problem) -> str:
    """Describe a study in a few lines of text."""
    goals = ", ".join(f"{'maximize' if goal.maximize else 'minimize'} {goal.name}" for goal in problem.objectives)
    lines = [f"Study {name!r}: {goals}", f"  {counts(trials)}"]
    for trial in _leaders(trials, problem):
        shown = ", ".join(f"{goal.name} = {trial.values[goal.name]:.6g}" for goal in problem.objectives)
        lines.append(f"  best: trial {trial.number}, {shown}")
        lines += [f"    {key} = {value!r}" for key, value in trial.params.items()]
    return "\n".join(lines)


def describe_html(name: str, trials: Sequence[Result], problem: Problem) -> str:
    """Describe a study as HTML for a notebook; every text in it is escaped."""
    lines = [f"<h4>Study {html.escape(name)}</h4><p>{html.escape(counts(trials))}</p>"]
    for trial in _leaders(trials, problem):
        cells = [(goal.name, trial.values[goal.name]) for goal in problem.objectives]
        body = "".join(
            f"<tr><th>{html.escape(str(key))}</th><td>{html.escape(repr(value))}</td></tr>"
            for key, value in [*cells, *trial.params.items()]
        )
        lines.append(f"<table><caption>best: trial {trial.number}</caption>{body}</table>")
    return "".join(lines)


def _leaders(trials: Sequence[Result], problem: Problem) -> tuple[Result, ...]:
    if len(problem.objectives) > 1:
        return front(trials, problem)[:5]
    try:
        return (best(trials, problem),)
    except NoResult:
        return ()
