"""Percentile and median rules: a trial against those that have finished, at the same step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

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
class Percentile(Rule):
    """Stop a trial whose best value so far is not among the best percent of the finished trials' at the same step.

    Finished trials that reported nothing at the step are left out. A report that is not finite counts as worse than
    everything.

    Args:
        keep: the percentage of trials that may go on, from 1 to below 100.
        trials: the number of finished trials with a report at the step that there must be first, at least 1.
        after: the first step at which a trial may be stopped.
        every: only steps that are `after` and multiples of this many later are looked at, at least 1.

    Raises:
        InvalidSetting: a setting outside its range.

    Cost O(reports), small.

    Source: Golovin et al. (2017), Google Vizier: a service for black-box optimization, section 3.2.2, with the values
    at the step in place of their running means, and any percentage.
    """

    compares_one: ClassVar[bool] = True

    keep: float = 25.0
    trials: int = 5
    after: int = 0
    every: int = 1

    def __post_init__(self) -> None:
        check_setting_types(self)
        if 0.0 < self.keep < 1.0:
            raise InvalidSetting(f"{self!r}: keep is a percentage, so write keep={100.0 * self.keep:g} for that share")
        _check(self, self.keep, self.trials, self.after, self.every)

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `Rule.decide`."""
        return _decide(self, self.keep, self.trials, self.after, self.every, problem, history, number)


@translating_settings
@dataclass(frozen=True, slots=True)
class Median(Rule):
    """Stop a trial whose best value so far is worse than the median of the finished trials' at the same step.

    See `Percentile`: this is the one of 50 percent.

    Args:
        trials: the number of finished trials with a report at the step that there must be first, at least 1.
        after: the first step at which a trial may be stopped.
        every: only steps that are `after` and multiples of this many later are looked at, at least 1.

    Raises:
        InvalidSetting: a setting outside its range.
    """

    compares_one: ClassVar[bool] = True

    trials: int = 5
    after: int = 0
    every: int = 1

    def __post_init__(self) -> None:
        check_setting_types(self)
        _check(self, 50.0, self.trials, self.after, self.every)

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `Rule.decide`."""
        return _decide(self, 50.0, self.trials, self.after, self.every, problem, history, number)


def _check(rule: Rule, keep: float, trials: int, after: int, every: int) -> None:
    if not 0.0 < keep < 100.0 or trials < 1 or after < 0 or every < 1:
        raise InvalidSetting(f"{rule!r}: give keep between 0 and 100, trials and every from 1 on, after from 0 on")


def _decide(
    rule: Rule, keep: float, trials: int, after: int, every: int, problem: Problem, history: History, number: int
) -> Decision:
    curve = loss_curve(problem, history.trial(number))
    if curve.step < after or (curve.step - after) % every:
        return GO_ON
    _, others = history.losses_at(curve.step, finished=True)
    if len(others) < trials:
        return GO_ON
    best = min(curve.losses) if np.isfinite(curve.losses[-1]) else np.inf
    return Decision(Ruling.STOP, type(rule).__name__) if best > np.percentile(others, keep) else GO_ON
