"""Counts of a run for progress displays: trials that ended and failed, the best, rate and time left."""

from __future__ import annotations

import time
from collections.abc import Iterable

from luthier.analysis import Forecast
from luthier.history import is_feasible
from luthier.problem import Problem
from luthier.render import number, one_line, seconds
from luthier.run.progress.pace import Pace
from luthier.run.progress.spending_text import forecast_line, spent_text
from luthier.study import StudyReader, TrialResult


class Tally:
    """Count the trials that ended, and keep the best.

    Args:
        problem: names the objectives.
        trials: the number of trials that the study is to have, where that is known.
        time_s: the seconds that it may take, where that is known.
        cost: what it may cost, where that is known.
    """

    def __init__(self, problem: Problem, trials: int | None, time_s: float | None, cost: float | None = None) -> None:
        self._problem = problem
        self._spent: float | None = None
        self.cost = cost
        self.ahead = ""
        """What the next trials may bring, in words; empty before that is known."""
        self._goal = problem.objectives[0] if len(problem.objectives) == 1 else None
        self.trials = trials
        self.time_s = time_s
        self.ended = self.failed = self.new = self.paused = 0
        self.best: TrialResult | None = None
        self._pace = Pace()
        self._began_s = time.monotonic()

    def begin(self, number: int) -> None:
        """Note that a trial begins."""
        self._pace.begin(number)

    def add(self, trial: TrialResult, *, new: bool = True) -> bool:
        """Count a trial that ended; tell whether it is the best so far."""
        outcome = trial.trial.outcome
        if outcome is None:
            return False
        self.ended += 1
        self.new += new
        if new:
            self._pace.end(trial.number, outcome.duration_s)
        self.failed += outcome.reason.is_crash
        if self._goal is None or not trial.is_done or not is_feasible(outcome):
            return False
        if self.best is None or self._goal.loss(trial.value) < self._goal.loss(self.best.value):
            self.best = trial
            return True
        return False

    def follow(self, study: StudyReader) -> bool:
        """Take over what other processes have added, and the best of all; tell whether it is a new one.

        In a study with instances that is the incumbent, which may not have ended.
        """
        self.ended = max(self.ended, study.history.finished)
        self.paused = len(study.history.paused)
        if study.history.best is None or self._goal is None:
            return False
        known, best = self.best, study.best
        racing = self._problem.instances is not None
        if known is not None and not racing and self._goal.loss(best.value) >= self._goal.loss(known.value):
            return False
        self.best = best
        return known is None or known.number != best.number

    def spend(self, spent: float) -> None:
        """Note what the study has cost."""
        if self._problem.cost is not None or self.cost is not None:
            self._spent = spent

    def forecast(self, found: Forecast) -> None:
        """Note what the next trials may bring."""
        self.ahead = forecast_line(found)

    def elapsed_s(self) -> float:
        """Give the seconds since this run began."""
        return time.monotonic() - self._began_s

    def count(self) -> str:
        """Write the number that ended: ``23/60``."""
        return f"{self.ended}/{self.trials}" if self.trials is not None else f"{self.ended} trials"

    def pace(self, ended: bool = False) -> list[str]:
        """Write rate, time left (in the end: time taken), and how many are paused and have failed."""
        parts: list[str] = []
        passed_s = self.elapsed_s()
        if self.new and passed_s > 0:
            rate = self.new / passed_s
            parts.append(f"{rate:.2g}/s" if rate < 99.5 else f"{rate:.0f}/s")
        left_s = self._left_s(passed_s)
        if self._spent is not None:
            parts.append(spent_text(self._problem, self._spent, self.cost))
        if ended:
            parts.append(f"in {seconds(passed_s)}")
        elif left_s is not None:
            parts.append(f"eta {seconds(left_s)}")
        parts += [f"{count} {kind}" for count, kind in ((self.paused, "paused"), (self.failed, "failed")) if count]
        return parts

    def _left_s(self, passed_s: float) -> float | None:
        bounds = []
        if self.trials is not None and self.trials > self.ended + self.paused:
            left_s = self._pace.left_s(self.trials - self.ended - self.paused)
            bounds += [left_s] if left_s is not None else []
        if self.time_s is not None:
            bounds.append(max(0.0, self.time_s - passed_s))
        return min(bounds, default=None)

    def leader(self) -> str:
        """Write the best so far: ``accuracy 0.98 (trial 14)``; empty before the first value."""
        if self.best is None or self._goal is None:
            return ""
        return f"{one_line(self._goal.name, 40)} {number(self.best.value)} (trial {self.best.number})"


def tally_of(
    problem: Problem,
    trials: int | None,
    time_s: float | None,
    before: Iterable[TrialResult],
    cost: float | None = None,
) -> Tally:
    """Begin a tally with the trials that a study has already."""
    tally = Tally(problem, trials, time_s, cost)
    for trial in before:
        tally.add(trial, new=False)
    return tally
