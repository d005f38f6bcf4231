"""Intermediate reports of trials, as curves over their steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from luthier.analysis.descriptive.trial_table import TrialTable, counted, plain_form
from luthier.errors import NoResult
from luthier.render import ResultForm, number


@dataclass(frozen=True, slots=True)
class ReportCurve:
    """The intermediate values of one trial.

    Args:
        number: of the trial.
        steps: ascending.
        values: one a step, that of the latest attempt, in the user's units.
        outcome: the reason why the trial ended, or its state.
        value: what the trial had in the end; NaN where it has none.
    """

    number: int
    steps: tuple[int, ...]
    values: tuple[float, ...]
    outcome: str
    value: float


@dataclass(frozen=True, slots=True)
class ReportCurves(ResultForm):
    """The intermediate values of all trials that reported any.

    Args:
        objective: the name of the one that the values are of.
        maximize: whether more is better.
        curves: in order of trial number.
    """

    objective: str
    maximize: bool
    curves: tuple[ReportCurve, ...]

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        reports = sum(len(curve.steps) for curve in self.curves)
        return f"{self.objective}: {counted(reports, 'report')} of {counted(len(self.curves), 'trial')}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        return [
            (f"trial {curve.number}", f"{number(curve.values[-1])} at step {curve.steps[-1]}, {curve.outcome}")
            for curve in self.curves
        ]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form: dict[str, Any] = plain_form(self)
        return form


def report_curves(table: TrialTable, objective: str | None = None) -> ReportCurves:
    """Give the intermediate values of each trial by step. Cost O(reports log reports).

    Args:
        table: the trials.
        objective: its name; None: the first.

    Raises:
        NoResult: no trial reported anything of the objective.
        InvalidSetting: there is no such objective.
    """
    goal, column = table.of(objective)
    place = table.problem.objectives.index(goal)
    found = []
    for row, trial in enumerate(table.trials):
        curve = [(report.step, report.values[place]) for report in trial.curve if len(report.values) > place]
        if curve:
            steps, values = zip(*curve, strict=True)
            found.append(ReportCurve(trial.number, steps, values, table.outcomes[row], float(column[row])))
    if not found:
        of = f" of {goal.name}" if place else ""
        raise NoResult(f"no trial reported an intermediate value{of}: see trial.report(value, step) in the objective")
    return ReportCurves(goal.name, goal.maximize, tuple(found))
