"""Best trials, fronts, counts and tables of a study, and its text and HTML."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.errors import InvalidSetting, MissingDependency, NoResult
from luthier.event import Transferred
from luthier.history import History, is_feasible
from luthier.numeric import non_dominated
from luthier.problem import Problem
from luthier.render import html_heading, html_table
from luthier.study.trial_result import TrialResult
from luthier.trial import State, Trial

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
    ended = [trial for trial in history.trials if trial.outcome is not None]
    trials = [trial for trial in ended if not trial.forgotten]
    reasons = sorted({str(trial.outcome.reason) for trial in trials if trial.outcome})
    paused = sum(trial.state is State.PAUSED for trial in history.trials)
    if not ended and paused:
        how = f"no trial has had a full evaluation yet, and {paused} paused below it: run more trials"
    elif not ended:
        how = "no trial has ended yet"
    elif not trials:
        how = f"its {len(ended)} finished trial{'s' * (len(ended) > 1)} are forgotten: see study.retry"
    elif any(trial.is_done for trial in trials):
        how = "no trial keeps the outcome constraints and lies in the present space"
    else:
        how = f"its {len(trials)} finished trial{'s' * (len(trials) > 1)} ended as {', '.join(reasons)}"
    raise NoResult(f"the study has no best trial: {how}")


def source_forms(sources: Iterable[Transferred]) -> list[dict[str, Any]]:
    """Give results of other tasks as plain values for JSON, without the results themselves."""
    return [
        {
            "name": source.source,
            "results": len(source.configs),
            "variables": list(source.variables),
            "objectives": list(source.values),
        }
        for source in sources
    ]


def front(history: History) -> tuple[Trial, ...]:
    """Give the trials that no other dominates (at least as good everywhere, better somewhere), in order of number.

    Of trials with the same values the earliest one stands for all.

    Cost O(n log n + n · front).
    """
    problem = history.problem()
    done = [
        (trial, problem.losses(trial.outcome.values))
        for trial in history.trials
        if trial.is_done
        and trial.outcome
        and is_feasible(trial.outcome)
        and history.is_held(trial.number)
        and not trial.forgotten
    ]
    losses = np.array([losses for _, losses in done], dtype=np.float64).reshape(len(done), len(problem.objectives))
    first = np.zeros(len(done), dtype=bool)
    first[np.unique(losses, axis=0, return_index=True)[1]] = True
    best = first & non_dominated(losses)
    return tuple(trial for (trial, _), kept in zip(done, best.tolist(), strict=True) if kept)


def own_name(table: Collection[str], name: str) -> str:
    """Name a column that every table has, such as ``"number"``: ``"trial.number"`` where an objective is called so."""
    return own if (own := f"trial.{name}") in table else name


def to_frame(table: Mapping[str, Sequence[Any]]) -> pandas.DataFrame:
    """Give `columns` as a pandas DataFrame."""
    try:
        import pandas
    except ImportError:
        raise MissingDependency("to_frame() needs pandas: pip install 'luthier[plot]'") from None
    note = own_name(table, "note")
    return pandas.DataFrame({**table, note: [one or None for one in table[note]]})  # Parquet has no empty mapping


def best_form(history: History, study: str, trial: TrialResult) -> dict[str, Any]:
    """Give a best trial as plain values for JSON, with the study's name, its number of trials, and why it is best."""
    form = trial.to_dict()
    shown = {"values": form["values"], "params": form["params"], "why": why_best(history, trial.number)}
    return {"study": study, "number": trial.number, "trials": len(history), **shown}


def why_best(history: History, number: int) -> dict[str, Any]:
    """Say why a trial is the best one, or on the front.

    Returns:
        Of one objective: the number of the ``next`` best trial and how much worse it is (``by``), both None where there
        is none; and ``excluded``, the trials with better values that break outcome constraints or are not in the
        present space. Of an incumbent that has had only some of the cases of its study, with which trials that had
        others cannot be compared: how many it had (``cases``) and how many there are (``of``). Of several: ``best_in``,
        the objectives in which no trial of the front is better.

    Cost O(trials).
    """
    goals = history.problem().objectives
    if len(goals) > 1:
        leading = [trial.outcome.values for trial in front(history) if trial.outcome]
        mine = history.trial(number).outcome
        values = {} if mine is None else mine.values
        best = {goal.name: min(goal.loss(one[goal.name]) for one in leading) for goal in goals}
        return {"best_in": [goal.name for goal in goals if goal.loss(values[goal.name]) == best[goal.name]]}
    (goal,) = goals
    incumbent = history.trial(number)
    if history.problem().instances is not None and not incumbent.is_done:
        return {"cases": len(incumbent.reports), "of": len(history.problem().instances or ())}
    numbers, losses, eligible = history.valued()
    least = goal.loss(incumbent.outcome.values[goal.name]) if incumbent.outcome else math.inf
    better: list[int] = numbers[~eligible & (losses[:, 0] < least)].tolist()
    rest = np.flatnonzero(eligible & (numbers != number))
    after = second = None
    if len(rest):
        place = rest[losses[rest, 0].argmin()]  # of equals the first
        after, second = float(losses[place, 0]), int(numbers[place])
    return {"next": second, "by": None if after is None else after - least, "excluded": better}


def why_text(why: Mapping[str, Any]) -> str:
    """Write `why_best`: ``ahead of trial 7 by 0.01``, ``best in error``."""
    if "best_in" in why:
        return f"best in {' and '.join(why['best_in'])}" if why["best_in"] else "no trial dominates it"
    if "cases" in why:
        return f"the incumbent of the race, on {why['cases']} of {why['of']} cases"
    said = [] if why["next"] is None else [f"ahead of trial {why['next']} by {why['by']:.3g}"]
    if why["excluded"]:
        many = len(why["excluded"])
        said.append(f"{many} better trial{'s' * (many > 1)} break{'s' * (many == 1)} a constraint or left the space")
    return "; ".join(said)


def count_reasons(trials: Sequence[Trial], dead: Collection[int] = ()) -> dict[str, int]:
    """Count the trials by the reason why they ended; by their state where they have not."""
    found: dict[str, int] = {}
    for trial in trials:
        waits = trial.number in dead
        kind = (State.WAITING if waits else trial.outcome.reason if trial.outcome else trial.state).value
        found[kind] = found.get(kind, 0) + 1
    return found


def count_forgotten(trials: Sequence[Trial]) -> int:
    """Count the trials that are forgotten."""
    return sum(trial.forgotten for trial in trials)


def counts(found: Mapping[str, int], forgotten: int = 0) -> str:
    """Write the number of trials of each kind: ``60 trials: 58 done, 2 failed``; and the forgotten ones."""
    total = sum(found.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in found.items())
    kinds += f" ({forgotten} of them forgotten)" if forgotten else ""
    return f"{total} trial{'' if total == 1 else 's'}" + (f": {kinds}" if kinds else "")


def describe(
    name: str, trials: Sequence[Trial], leaders: Sequence[TrialResult], problem: Problem, label: str = ""
) -> str:
    """Describe a study in a few lines of text; `label` has its tags and notes."""
    goals = ", ".join(f"{'maximize' if goal.maximize else 'minimize'} {goal.name}" for goal in problem.objectives)
    lines = [f"Study {name!r}: {goals}", f"  {counts(count_reasons(trials), count_forgotten(trials))}"]
    lines += [f"  {line}" for line in label.splitlines()]
    title = "front" if len(problem.objectives) > 1 else "best"
    for trial in leaders[:5]:
        shown = ", ".join(f"{goal.name} = {trial.values[goal.name]:.6g}" for goal in problem.objectives)
        if problem.instances is not None:
            shown += f" on {len(trial.reports)} of {len(problem.instances)} cases"
        lines.append(f"  {title}: trial {trial.number}, {shown}")
        lines += [f"    {key} = {value!r}" for key, value in trial.params.items()]
    if len(leaders) > 5:
        lines.append(f"  … study.front has {len(leaders)} trials")
    return "\n".join(lines)


def describe_html(
    name: str, trials: Sequence[Trial], leaders: Sequence[TrialResult], problem: Problem, label: str = ""
) -> str:
    """Describe a study as HTML for a notebook."""
    parts = [
        html_heading(f"Study {name}", f"{counts(count_reasons(trials), count_forgotten(trials))}\n{label}".strip())
    ]
    for trial in leaders[:5]:
        cells = {goal.name: trial.values[goal.name] for goal in problem.objectives}
        rows = [(str(key), repr(value)) for key, value in [*cells.items(), *trial.params.items()]]
        title = "front" if len(problem.objectives) > 1 else "best"
        parts.append(html_table(f"{title}: trial {trial.number}", rows))
    return "".join(parts)


def leaders(history: History) -> tuple[Trial, ...]:
    """Give the best trial, or the front of several objectives; empty where no trial has a value."""
    if len(history.problem().objectives) > 1:
        return front(history)
    return () if history.best is None else (history.trial(history.best),)
