"""Cost of a study over time: seconds of evaluation, and what they bought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._typing import Floats, Integers
from luthier.analysis.descriptive.trial_table import TrialTable, plain_form
from luthier.errors import NoResult
from luthier.render import ResultForm, number, seconds


@dataclass(frozen=True, slots=True, eq=False)
class CostCurve(ResultForm):
    """The seconds that trials took, added up in order of number, and the best value for them (n trials with a time).

    Args:
        objective: the name of the objective.
        maximize: whether more is better.
        numbers: (n,) of the trials whose time is known.
        durations_s: (n,) seconds of each.
        spent_s: (n,) seconds up to and including each.
        best: (n,) the best value of the trials up to each; NaN before there is one.
        outcomes: (n,) the reasons why they ended.
        by_outcome: the seconds of each reason, the most expensive first.
    """

    objective: str
    maximize: bool
    numbers: Integers
    durations_s: Floats
    spent_s: Floats
    best: Floats
    outcomes: tuple[str, ...]
    by_outcome: dict[str, float]

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        total = float(self.spent_s[-1])
        last = f", best {self.objective} {number(float(self.best[-1]))}" if np.isfinite(self.best[-1]) else ""
        return f"{seconds(total)} of evaluation in {len(self.numbers):,} trials{last}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        return [(outcome, seconds(spent)) for outcome, spent in self.by_outcome.items()]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form: dict[str, Any] = plain_form(self)
        return form


def cost_curve(table: TrialTable, objective: str | None = None) -> CostCurve:
    """Add up the seconds of the trials, and follow the best value of an objective, by default the first's.

    Raises:
        InvalidSetting: there is no such objective.
        NoResult: no trial has a known duration.

    Cost O(n).
    """
    goal, _ = table.of(objective)
    rows = np.flatnonzero(np.isfinite(table.durations_s))
    if not len(rows):
        raise NoResult("no trial has a known duration: give it with tell(trial, value, duration_s=…), or use study.run")
    outcomes = tuple(table.outcomes[row] for row in rows)
    spent: dict[str, float] = {}
    for outcome, duration in zip(outcomes, table.durations_s[rows].tolist(), strict=True):
        spent[outcome] = spent.get(outcome, 0.0) + duration
    return CostCurve(
        goal.name,
        goal.maximize,
        table.numbers[rows],
        table.durations_s[rows],
        np.cumsum(table.durations_s[rows]),
        table.best_so_far(objective, rows),
        outcomes,
        dict(sorted(spent.items(), key=lambda item: -item[1])),
    )
