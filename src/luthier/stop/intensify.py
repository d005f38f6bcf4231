"""Intensification: challengers race against the incumbent over instances and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.instances import Instances
from luthier.numeric import signed_rank_p
from luthier.problem import Problem
from luthier.setting_types import check_setting_types
from luthier.stop.rule import GO_ON, Decision, Promotion, Rule
from luthier.stop.rungs import may_go_on
from luthier.trial import Ruling

_TIMER_S = 0.1
"""Seconds that a challenger may always take more than the incumbent: the start of a program is not what is tuned."""
_ROUNDING = 1e-9


@translating_settings
@dataclass(frozen=True, slots=True)
class Intensify(Rule):
    """Give each challenger the incumbent's cases, in the same order, until it is worse on the cases that both have.

    A new trial has `first_cases` cases, then twice as many, and so on, as long as its mean is no higher than that of
    the incumbent on the same ones. One that has all of the incumbent's cases and a lower mean is the incumbent
    (``study.best``). With every few new trials the incumbent gets one more case, until it has all. An elite is never
    dropped before it was beaten on its whole set; one that was, and is ahead of the present incumbent on the cases that
    both have, goes on.

    Where the objective is run time (``lt.Instances(cutoff_s=…)``), a challenger may take `slack` times as long as the
    incumbent on the cases of its rung together, and then has lost (adaptive capping).

    Args:
        first_cases: the cases that a new trial has before it is compared, at least 1.
        p: None: a challenger that is worse in the mean is stopped. Or the p-value of a signed-rank test on the cases of
            both at which it is stopped, above 0 and below 1; only on all of the incumbent's cases the mean decides.
        challengers: so many new trials bring the incumbent one more case, at least 1 (as in SMAC).
        slack: how many times as long as the incumbent a challenger may take, at least 1.

    Raises:
        InvalidSetting: a setting outside its range; or a study without instances.

    Cost O(1) a decision, O(paused trials) a promotion; with `p` that of `Wilcoxon`.

    Source: Hutter, Hoos and Leyton-Brown (2011), Sequential model-based optimization for general algorithm
    configuration, procedure 2 (here the incumbent's cases come in one order for all, so that no case is drawn);
    López-Ibáñez, Dubois-Lacoste, Pérez Cáceres, Birattari and Stützle (2016), The irace package, for elites;
    Hutter, Hoos, Leyton-Brown and Stützle (2009), ParamILS, section 4, for capping,
    with their bound multiplier of 2.
    """

    first_cases: int = 1
    p: float | None = None
    challengers: int = 2
    slack: float = 2.0

    def __post_init__(self) -> None:
        check_setting_types(self)
        if min(self.first_cases, self.challengers, self.slack) < 1 or (self.p is not None and not 0.0 < self.p < 1.0):
            raise InvalidSetting(f"{self!r}: give first_cases, challengers and slack from 1 on, and p between 0 and 1")

    def first(self, problem: Problem, place: int) -> int:
        """See `luthier.stop.Scheduler.first`."""
        return min(self.first_cases, len(instances_of(problem)))

    def promotion(self, problem: Problem, history: History) -> Promotion | None:
        """See `luthier.stop.Scheduler.promotion`."""
        best = history.best
        if best is None:
            return None
        theirs = history.loss_sums(best)
        for number in sorted(history.paused, key=lambda number: number != best):
            trial, ours = history.trial(number), history.loss_sums(number)
            if not may_go_on(history, trial):
                continue
            if number == best:
                due = self._due(problem, history)
                if due > len(ours):
                    return Promotion(number, due)
            elif len(ours) < len(theirs) and ours[-1] < theirs[len(ours) - 1]:
                return Promotion(number, min(2 * len(ours), len(theirs)))
        return None

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `luthier.stop.Rule.decide`."""
        total, best = len(instances_of(problem)), history.best
        ours, until = history.loss_sums(number), history.trial(number).until or total
        if best is None or len(ours) >= total:
            return GO_ON
        if best == number:
            if len(ours) < until:
                return GO_ON
            due = self._due(problem, history)
            return (
                Decision(Ruling.PROMOTE, "Intensify", due) if due > len(ours) else Decision(Ruling.PAUSE, "Intensify")
            )
        bounds = self.bounds(problem, history, number)
        if len(ours) <= len(bounds) and ours[-1] >= bounds[len(ours) - 1] * (1.0 - _ROUNDING):
            return Decision(Ruling.STOP, "Intensify")
        if len(ours) < until:
            return GO_ON
        theirs = history.loss_sums(best)
        if len(ours) >= len(theirs) or self._is_worse(ours, theirs):
            return Decision(Ruling.STOP, "Intensify")
        return Decision(Ruling.PROMOTE, "Intensify", min(2 * len(ours), len(theirs)))

    def bounds(self, problem: Problem, history: History, number: int) -> tuple[float, ...]:
        """Give the sums of run times at which a challenger has lost, for 1, 2, … cases; see `CapsRunTime.bounds`."""
        best = history.best
        if instances_of(problem).cutoff_s is None or best is None or best == number:
            return ()
        theirs = history.loss_sums(best)
        found: list[float] = []
        level = history.trial(number).until or len(theirs)
        for step in range(1, len(theirs) + 1):
            if step > level:
                level *= 2
            found.append(self.slack * theirs[min(level, len(theirs)) - 1] + _TIMER_S)
        return tuple(found)

    def _due(self, problem: Problem, history: History) -> int:
        """Give the number of cases that the incumbent is to have by now."""
        return min(len(instances_of(problem)), self.first_cases + (history.asked - 1) // self.challengers)

    def _is_worse(self, ours: Sequence[float], theirs: Sequence[float]) -> bool:
        """Tell whether a challenger is stopped, which has fewer cases than the incumbent."""
        count = len(ours)
        if not ours[-1] > theirs[count - 1]:
            return False
        if self.p is None or not np.isfinite(ours[-1]):
            return True
        apart = np.diff(ours, prepend=0.0) - np.diff(theirs[:count], prepend=0.0)
        return signed_rank_p(apart) <= self.p


def instances_of(problem: Problem) -> Instances:
    """Give the instances of a problem; raises InvalidSetting where it has none."""
    if problem.instances is None:
        raise InvalidSetting(
            "Intensify races over instances, and this study has none: declare them with "
            "instances=lt.Instances(['a', 'b', 'c'])"
        )
    return problem.instances
