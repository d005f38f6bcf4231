"""Wilcoxon rule: a trial against the best one, on the same folds or instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.numeric import signed_rank_p
from luthier.problem import Problem
from luthier.setting_types import check_setting_types
from luthier.stop.loss_curve import loss_curve
from luthier.stop.rule import GO_ON, Decision, Rule
from luthier.trial import Ruling


@translating_settings
@dataclass(frozen=True, slots=True)
class Wilcoxon(Rule):
    """Stop a trial that is worse than the best one on the same folds, instances or seeds, by a signed-rank test.

    The step of a report is the fold (instance, seed), and its value is that of this fold alone, not a running mean.

    Args:
        p: the probability of an error at which a trial is stopped, above 0 and below 1; at each look.
        pairs: the number of folds of both trials that there must be first, at least 2.

    Raises:
        InvalidSetting: a setting outside its range.

    Cost O(n³) for n pairs up to 50, O(n log n) for more.

    Source: Wilcoxon (1945), Individual comparisons by ranking methods; exact given ties and zeros (Pratt 1959).
    """

    compares_one: ClassVar[bool] = True

    p: float = 0.1
    pairs: int = 4

    def __post_init__(self) -> None:
        check_setting_types(self)
        if not 0.0 < self.p < 1.0 or self.pairs < 2:
            raise InvalidSetting(f"{self!r}: give p between 0 and 1, and at least 2 pairs")

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `Rule.decide`."""
        best = history.best
        if best is None or best == number:
            return GO_ON
        own = loss_curve(problem, history.trial(number), single=True)
        other = loss_curve(problem, history.trial(best), single=True)
        theirs = dict(zip(other.steps, other.losses, strict=True))
        pairs = [(loss, theirs[step]) for step, loss in zip(own.steps, own.losses, strict=True) if step in theirs]
        apart = np.array([mine - his for mine, his in pairs if np.isfinite(his)])
        if len(apart) < self.pairs or not apart.mean() > 0:
            return GO_ON
        return Decision(Ruling.STOP, "Wilcoxon") if signed_rank_p(apart) <= self.p else GO_ON
