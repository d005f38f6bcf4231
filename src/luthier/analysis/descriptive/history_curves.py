"""Optimization history: the values of the trials, the best so far, and the regret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.analysis.descriptive.trial_table import TrialTable, counted, plain_form
from luthier.render import ResultForm, number


@dataclass(frozen=True, slots=True, eq=False)
class OptimizationHistory(ResultForm):
    """The values of one objective in order of trial number, and the best so far (n trials, k of them without value).

    Args:
        objective: its name.
        maximize: whether more is better.
        numbers: (n,) of the trials with values.
        values: (n,) in the user's units.
        eligible: (n,) whether a trial can be the best: it keeps the outcome constraints, in the present space.
        best: (n,) the best value of the eligible trials up to each one; NaN until there is one. In a race over
            instances that of the trial that was the incumbent then.
        improvements: the numbers of the trials that were better than all before them, in order; in a race the
            incumbents, the present one last.
        without: (k,) the numbers of the trials without values.
        outcomes: why they have none: the reason why each ended, or its state.
    """

    objective: str
    maximize: bool
    numbers: Integers
    values: Floats
    eligible: Bools
    best: Floats
    improvements: tuple[int, ...]
    without: Integers
    outcomes: tuple[str, ...]

    def regret(self, optimum: float) -> Floats:
        """Give how far the best so far is from a known optimum, (n,): at least 0 where that is one; NaN before."""
        return self.best * 0 + np.abs(optimum - self.best)

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        if not self.improvements:
            return f"{self.objective}: no best value yet in {counted(len(self.values), 'value')}"
        return (
            f"{self.objective}: best {number(float(self.best[-1]))} of {counted(len(self.values), 'value')}, "
            f"in trial {self.improvements[-1]}"
        )

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        found = dict(zip(self.numbers.tolist(), self.values.tolist(), strict=True))
        return [(f"trial {one}", number(found[one])) for one in self.improvements]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form: dict[str, Any] = plain_form(self)
        return form


def optimization_history(table: TrialTable, objective: str | None = None) -> OptimizationHistory:
    """Give the values and the best so far of an objective, by default the first.

    Args:
        table: the trials.
        objective: its name.

    Raises:
        InvalidSetting: there is no such objective.

    Cost O(n).
    """
    goal, column = table.of(objective)
    rows = np.flatnonzero(table.done)
    values, eligible = column[rows], table.eligible[rows]
    best = table.best_so_far(objective, rows)
    missing = np.flatnonzero(~table.done)
    return OptimizationHistory(
        goal.name,
        goal.maximize,
        table.numbers[rows],
        values,
        eligible,
        best,
        _improvements(table, rows, best),
        table.numbers[missing],
        tuple(table.outcomes[row] for row in missing),
    )


def _improvements(table: TrialTable, rows: Integers, best: Floats) -> tuple[int, ...]:
    """Give the numbers of the trials that were the best, one after the other."""
    if not table.is_race:
        before = np.concatenate([[np.nan], best[:-1]]) if len(best) else best
        return tuple(table.numbers[rows[~np.isnan(best) & (best != before)]].tolist())
    known = set(table.numbers[rows].tolist())
    ruled = [number for _, number in table.reigns if number in known]
    return tuple(number for place, number in enumerate(ruled) if ruled[place + 1 : place + 2] != [number])


@dataclass(frozen=True, slots=True, eq=False)
class EmpiricalDistribution(ResultForm):
    """The empirical distribution function of the values of an objective (n of them).

    Args:
        objective: its name.
        maximize: whether more is better.
        values: (n,) ascending.
        shares: (n,) the share of the trials that are at least as good as each value: at most it where less is better,
            at least it where more is better.
    """

    objective: str
    maximize: bool
    values: Floats
    shares: Floats

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        return f"{self.objective}: distribution of {counted(len(self.values), 'value')}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        if not len(self.values):
            return []
        levels = (0.0, 0.25, 0.5, 0.75, 1.0)
        names = ("least", "lower quartile", "median", "upper quartile", "largest")
        return [(name, number(float(np.quantile(self.values, at)))) for name, at in zip(names, levels, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form: dict[str, Any] = plain_form(self)
        return form


def empirical_distribution(table: TrialTable, objective: str | None = None) -> EmpiricalDistribution:
    """Give the empirical distribution of an objective's values, by default the first's; infeasible ones are left out.

    Raises:
        InvalidSetting: there is no such objective.

    Cost O(n log n).
    """
    goal, column = table.of(objective)
    values = np.sort(column[table.eligible])
    count = len(values)
    if goal.maximize:
        shares = 1.0 - np.searchsorted(values, values, side="left") / max(1, count)
    else:
        shares = np.searchsorted(values, values, side="right") / max(1, count)
    return EmpiricalDistribution(goal.name, goal.maximize, values, shares)
