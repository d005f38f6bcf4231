"""Threshold rule: the worst value that a trial may report."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.problem import Problem
from luthier.setting_types import check_setting_types
from luthier.stop.rule import GO_ON, Decision, Rule
from luthier.trial import Ruling


@translating_settings
@dataclass(frozen=True, slots=True)
class Threshold(Rule):
    """Stop a trial that reports a value worse than a given one, or one that is not finite.

    Args:
        worst: the value, in the units of the objective: the largest one allowed where that is minimized, the smallest
            one where it is maximized.
        after: the first step at which a trial may be stopped.

    Raises:
        InvalidSetting: a setting outside its range.
    """

    compares_one: ClassVar[bool] = True

    worst: float
    after: int = 0

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.after < 0:
            raise InvalidSetting(f"{self!r}: give after from 0 on")

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `Rule.decide`. Cost O(1)."""
        report, objective = history.trial(number).reports[-1], problem.objectives[0]
        if report.step < self.after:
            return GO_ON
        passed = math.isfinite(report.value) and objective.loss(report.value) <= objective.loss(self.worst)
        return GO_ON if passed else Decision(Ruling.STOP, "Threshold")
