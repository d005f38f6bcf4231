"""Best trials, fronts, counts and tables of a study, and its text and HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.errors import InvalidSetting, MissingDependency, NoResult
from luthier.history import History, is_feasible
from luthier.numeric import non_dominated
from luthier.problem import Problem
from luthier.render import html_heading, html_table
from luthier.study.trial_result import TrialResult
from luthier.trial import Trial

if TYPE_CHECKING:
    import pandas


def best(history: History) -> Trial:
    """Give the trial with the best value of the one objective; of equals, the earliest. Cost O(1).

    Raises:
        InvalidSetting: there are several objectives.
        NoResult: no trial that the present space can hold has a value and keeps the outcome constraints.
    """
    if len(history.problem().objectives) > 1:
        raise InvalidSetting("a study of several objectives has no one best trial: read study.front")
    if history.best is not None:
        return history.trial(history.best)
    trials = [trial for trial in history.trials if trial.outcome is not None]
    reasons = sorted({str(trial.outcome.reason) for trial in trials if trial.outcome})
    if not trials:
        how = "no trial has ended yet"
    elif any(trial.is_done for trial in trials):
        how = "no trial keeps the outcome constraints and lies in the present space"
    else:
        how = f"its {len(trials)} finished trial{'s' * (len(trials) > 1)} ended as {', '.join(reasons)}"
    raise NoResult(f"the study has no best trial: {how}")


def front(history: History) -> tuple[Trial, ...]:
    """Give the trials that no other dominates (at least as good everywhere, better somewhere), in order of number.

    Cost O(n log n + n · front).
    """
    problem = history.problem()
    done = [
        (trial, problem.losses(trial.outcome.values))
        for trial in history.trials
        if trial.is_done and trial.outcome and is_feasible(trial.outcome) and history.config(trial.number) is not None
    ]
    losses = np.array([losses for _, losses in done], dtype=np.float64).reshape(len(done), len(problem.objectives))
    return tuple(trial for (trial, _), kept in zip(done, non_dominated(losses).tolist(), strict=True) if kept)


def rows(trials: Sequence[TrialResult], problem: Problem) -> list[dict[str, Any]]:
    """Give one mapping per trial: number, state, reason, objectives, variables, duration_s, origin and error.

    An inactive variable is None.
    """
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
    """Rename a variable that has the name of an objective or of another column."""
    return f"params.{name}" if name in row or name in ("duration_s", "origin", "error") else name


def to_frame(table: Sequence[Mapping[str, Any]]) -> pandas.DataFrame:
    """Give `rows` as a pandas DataFrame."""
    try:
        import pandas
    except ImportError:
        raise MissingDependency("to_frame() needs pandas: pip install 'luthier[plot]'") from None
    return pandas.DataFrame(table)


def best_form(study: str, total: int, trial: TrialResult) -> dict[str, Any]:
    """Give a best trial as plain values for JSON, with the study's name and its number of trials."""
    form = trial.to_dict()
    shown = {"values": form["values"], "params": form["params"]}
    return {"study": study, "number": trial.number, "trials": total, **shown}


def count_reasons(trials: Sequence[TrialResult]) -> dict[str, int]:
    """Count the trials by the reason why they ended; by their state where they have not."""
    found: dict[str, int] = {}
    for trial in trials:
        kind = str(trial.reason or trial.state)
        found[kind] = found.get(kind, 0) + 1
    return found


def counts(trials: Sequence[TrialResult]) -> str:
    """Write the number of trials of each kind: ``60 trials: 58 done, 2 failed``."""
    plural = "" if len(trials) == 1 else "s"
    kinds = ", ".join(f"{count} {kind}" for kind, count in count_reasons(trials).items())
    return f"{len(trials)} trial{plural}" + (f": {kinds}" if kinds else "")


def describe(name: str, trials: Sequence[TrialResult], leaders: Sequence[TrialResult], problem: Problem) -> str:
    """Describe a study in a few lines of text."""
    goals = ", ".join(f"{'maximize' if goal.maximize else 'minimize'} {goal.name}" for goal in problem.objectives)
    lines = [f"Study {name!r}: {goals}", f"  {counts(trials)}"]
    for trial in leaders[:5]:
        shown = ", ".join(f"{goal.name} = {trial.values[goal.name]:.6g}" for goal in problem.objectives)
        lines.append(f"  best: trial {trial.number}, {shown}")
        lines += [f"    {key} = {value!r}" for key, value in trial.params.items()]
    return "\n".join(lines)


def describe_html(name: str, trials: Sequence[TrialResult], leaders: Sequence[TrialResult], problem: Problem) -> str:
    """Describe a study as HTML for a notebook."""
    parts = [html_heading(f"Study {name}", counts(trials))]
    for trial in leaders[:5]:
        cells = {goal.name: trial.values[goal.name] for goal in problem.objectives}
        rows = [(str(key), repr(value)) for key, value in [*cells.items(), *trial.params.items()]]
        parts.append(html_table(f"best: trial {trial.number}", rows))
    return "".join(parts)


def leaders(history: History) -> tuple[Trial, ...]:
    """Give the best trial, or the front of several objectives; empty where no trial has a value."""
    if len(history.problem().objectives) > 1:
        return front(history)
    return () if history.best is None else (history.trial(history.best),)
