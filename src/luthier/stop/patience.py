"""Patience rule: a trial without improvement has its final value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.problem import Problem
from luthier.setting_types import check_setting_types
from luthier.stop.loss_curve import loss_curve
from luthier.stop.rule import GO_ON, Decision, Rule
from luthier.trial import Ruling


@translating_settings
@dataclass(frozen=True, slots=True)
class Patience(Rule):
    """Finish a trial that has not improved for some reports: the value that it returns then counts.

    Args:
        reports: the number of reports in a row that may bring no improvement, at least 1.
        least: what an improvement is more than, in the units of the objective; 0 or more.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Prechelt (1998), Early stopping, but when?, criterion UP.
    """

    compares_one: ClassVar[bool] = True

    reports: int = 10
    least: float = 0.0

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.reports < 1 or self.least < 0:
            raise InvalidSetting(f"{self!r}: give at least 1 report, and a least improvement of 0 or more")

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `Rule.decide`. Cost O(reports of the trial)."""
        losses = loss_curve(problem, history.trial(number)).losses
        if len(losses) <= self.reports:
            return GO_ON
        before, latest = min(losses[: -self.reports]), min(losses[-self.reports :])
        improved = latest < before - self.least
        return GO_ON if improved else Decision(Ruling.FINISH, "Patience")
