"""Table of the trials that count: values, outcomes and configurations, as arrays in order of number."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from luthier import codec
from luthier._hints import did_you_mean
from luthier._typing import Bools, Floats, Integers
from luthier.errors import InvalidSetting
from luthier.history import History, is_feasible
from luthier.problem import Objective, Problem
from luthier.trial import Config, Trial


@dataclass(frozen=True, slots=True, eq=False)
class TrialTable:
    """The trials of a study that count (n of them; m objectives); forgotten ones are left out.

    Args:
        problem: what is optimized.
        trials: in order of number.
        configs: as the present space reads them; None where it cannot hold one.
        numbers: (n,) of the trials.
        values: (n, m) in the user's units and directions; NaN where a trial is not done. In a study with instances the
            mean over the cases that a trial has had, whether it is done or not.
        eligible: (n,) whether a trial can be the best: it has values, is feasible, and in the present space.
        outcomes: the reason why each trial ended, or its state.
        durations_s: (n,) seconds; NaN where unknown.
        forgotten: how many trials were left out.
        reigns: the incumbents of a race over instances; see `luthier.history.History.reigns`.
    """

    problem: Problem
    trials: tuple[Trial, ...]
    configs: tuple[Config | None, ...]
    numbers: Integers
    values: Floats
    eligible: Bools
    outcomes: tuple[str, ...]
    durations_s: Floats
    forgotten: int
    reigns: tuple[tuple[int, int], ...] = ()

    @property
    def is_race(self) -> bool:
        """Whether trials race over instances, so that their values are means over the cases that each has had."""
        return self.problem.instances is not None

    def best_so_far(self, objective: str | None, rows: Integers) -> Floats:
        """Give the best value of the eligible trials up to each of these rows; NaN until there is one.

        In a race it is the value of the trial that was the incumbent then, and so may become worse.
        """
        goal, column = self.of(objective)
        if self.is_race:
            return self._of_incumbents(column, rows)
        worst = -np.inf if goal.maximize else np.inf
        running = np.maximum if goal.maximize else np.minimum
        best: Floats = np.asarray(running.accumulate(np.where(self.eligible[rows], column[rows], worst)), np.float64)
        return np.where(np.isinf(best), np.nan, best)

    def _of_incumbents(self, column: Floats, rows: Integers) -> Floats:
        latest = np.maximum.accumulate(np.array([latest for latest, _ in self.reigns], dtype=np.int64))
        value = dict(zip(self.numbers.tolist(), column.tolist(), strict=True))
        ruled = np.array([np.nan, *(value.get(number, np.nan) for _, number in self.reigns)])
        found: Floats = ruled[np.searchsorted(latest, self.numbers[rows], side="right")]
        found[-1:] = ruled[-1]  # also where the latest trial, which has no value, brought it about
        return found

    @property
    def done(self) -> Bools:
        """The trials that have values, (n,)."""
        found: Bools = np.logical_not(np.isnan(self.values).any(axis=1))
        return found

    @property
    def held(self) -> Bools:
        """The trials that the present space can hold, (n,)."""
        return np.array([config is not None for config in self.configs], dtype=bool)

    def of(self, objective: str | None) -> tuple[Objective, Floats]:
        """Give an objective by its name, by default the first one, and its values (n,).

        Raises:
            InvalidSetting: there is no such objective.
        """
        goals = self.problem.objectives
        place = next((place for place, goal in enumerate(goals) if objective in (None, goal.name)), None)
        if place is None:
            names = [goal.name for goal in goals]
            raise InvalidSetting(
                f"there is no objective {objective!r}{did_you_mean(str(objective), names)}; "
                f"there {'are' if len(names) > 1 else 'is'} {', '.join(map(repr, names))}"
            )
        return goals[place], self.values[:, place]

    def __len__(self) -> int:
        return len(self.trials)


def trial_table(history: History) -> TrialTable:
    """Read the trials that count of a history. Cost O(trials)."""
    problem = history.problem()
    counted = tuple(trial for trial in history.trials if not trial.forgotten)
    configs = tuple(history.config(trial.number) for trial in counted)
    names = [goal.name for goal in problem.objectives]
    count = len(counted)
    values, durations = np.full((count, len(names)), np.nan), np.full(count, np.nan)
    eligible = np.zeros(count, dtype=bool)
    outcomes = []
    for row, trial in enumerate(counted):
        outcome = trial.outcome
        outcomes.append(outcome.reason.value if outcome else trial.state.value)
        if trial.mean is not None and math.isfinite(trial.mean) and not (outcome and outcome.reason.is_crash):
            values[row] = trial.mean
            eligible[row] = configs[row] is not None
        if outcome is None:
            continue
        if outcome.duration_s is not None:
            durations[row] = outcome.duration_s
        if trial.is_done and all(name in outcome.values for name in names):
            values[row] = [outcome.values[name] for name in names]
            eligible[row] = configs[row] is not None and is_feasible(outcome)
    numbers = np.array([trial.number for trial in counted], dtype=np.int64)
    left_out = len(history.trials) - count
    found = (problem, counted, configs, numbers, values, eligible, tuple(outcomes), durations, left_out)
    return TrialTable(*found, tuple(history.reigns))


def plain_form(result: Any) -> Any:
    """Give a result of dataclasses, arrays and plain values as plain values for JSON (see `luthier.codec`)."""
    if isinstance(result, np.ndarray):
        return codec.to_plain(result.tolist())
    if is_dataclass(result):
        return {one.name: plain_form(getattr(result, one.name)) for one in fields(result)}
    if isinstance(result, dict):
        return {str(key): plain_form(value) for key, value in result.items()}
    if isinstance(result, tuple | list):
        return [plain_form(value) for value in result]
    return codec.to_plain(result)


def counted(count: int, noun: str, plural: str = "") -> str:
    """Write a number of things: ``1 trial``, ``2,000 trials``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
