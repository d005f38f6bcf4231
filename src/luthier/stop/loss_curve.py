"""The losses that a trial has reported."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

from luthier.problem import Problem
from luthier.trial import Trial


@dataclass(frozen=True, slots=True)
class LossCurve:
    """The reports of one trial of all its attempts, by step; a value that is not finite is an infinite loss.

    Args:
        steps: ascending.
        losses: one a step, minimised.
    """

    steps: tuple[int, ...]
    losses: tuple[float, ...]

    @property
    def step(self) -> int:
        """The last step; -1 before the first report."""
        return self.steps[-1] if self.steps else -1


def loss_curve(problem: Problem, trial: Trial, *, single: bool = False) -> LossCurve:
    """Read the reports of a trial up to the step of its latest one. Cost O(reports).

    In a study with instances the loss at a number of cases is the mean over the first ones; `single`: that of the case.
    """
    if not trial.reports:
        return LossCurve((), ())
    last, loss = trial.reports[-1].step, problem.objectives[0].loss
    curve = [report for report in trial.curve if report.step <= last]
    losses = (loss(report.value) for report in curve)
    found = tuple(one if math.isfinite(one) else math.inf for one in losses)
    if problem.instances is not None and not single:
        found = tuple(total / count for count, total in enumerate(accumulate(found), 1))
    return LossCurve(tuple(report.step for report in curve), found)
