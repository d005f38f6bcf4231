"""The best trial so far, kept up to date while the log is folded."""

from __future__ import annotations

import math
from collections.abc import Iterable

from luthier.problem import Objective
from luthier.trial import Outcome, Reason, Trial


class Incumbent:
    """Follow the best feasible trial of one objective; of equals, the one with the lowest number.

    Args:
        objective: what is measured; None of several objectives, which have no one best trial.
    """

    __slots__ = ("_loss", "_objective", "number", "since")

    def __init__(self, objective: Objective | None) -> None:
        self._objective = objective
        self._loss = math.inf
        self.number: int | None = None
        self.since = 0
        """How many trials ended after the best one."""

    def end(self, number: int, outcome: Outcome, counts: bool = True) -> None:
        """Take in the outcome of a trial, which `counts` for the trials without improvement."""
        if self.number is not None and counts:
            self.since += 1
        if self._objective is None or outcome.reason is not Reason.DONE or not is_feasible(outcome):
            return
        loss = self._objective.loss(outcome.values[self._objective.name])
        if self.number is None or (loss, number) < (self._loss, self.number):
            if loss < self._loss:
                self.since = 0
            self._loss, self.number = loss, number

    def copy(self) -> Incumbent:
        """Give an independent copy."""
        twin = Incumbent(self._objective)
        twin._loss, twin.number, twin.since = self._loss, self.number, self.since
        return twin

    def restart(self, trials: Iterable[Trial]) -> None:
        """Look at these trials only; none of them counts as a trial without improvement."""
        self._loss, self.number, self.since = math.inf, None, 0
        for trial in trials:
            if trial.outcome is not None:
                self.end(trial.number, trial.outcome, counts=False)
        self.since = 0


def is_feasible(outcome: Outcome) -> bool:
    """Tell whether every outcome constraint is kept."""
    return not outcome.violations or all(violation <= 0 for violation in outcome.violations.values())
