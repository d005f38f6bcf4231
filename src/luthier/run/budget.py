"""The budget of a study: trials, evaluations, seconds, cost, a target, a plateau."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from numbers import Real

from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.scalar import short, to_float, to_whole


class End(StrEnum):
    """Why a run ended."""

    TRIALS = "trials"
    """The study has as many trials as were wanted."""
    EVALUATIONS = "evaluations"
    """The study with instances has as many evaluations as were wanted, or is about to."""
    COST = "cost"
    """The study has cost what it may, or is about to."""
    NOT_WORTH_IT = "not worth it"
    """A rule says that more trials are not worth it."""
    TIME = "time"
    """The study ran as long as was wanted."""
    TARGET = "target"
    """The best value is as good as was wanted."""
    PLATEAU = "plateau"
    """The best value has not improved for as many trials as were allowed."""
    EXHAUSTED = "exhausted"
    """Everything was tried."""
    STOPPED = "stopped"
    """`Study.stop` was called."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of a study; None is no limit. All of them count the work of earlier runs and other processes, too.

    Args:
        trials: the number of trials that the study has in the end, failed ones included, imported ones not.
        time_s: seconds that the study runs; the trials that run then are finished.
        target: a value of the objective that is good enough.
        plateau: the number of trials in a row that may end without a better value than the best.
        cost: what the study's trials may cost in all, in the unit of its cost, or else in seconds of trials.
        evaluations: the number of cases that all trials of a study with instances have had in the end.

    Raises:
        InvalidSetting: a limit makes no sense.
    """

    trials: int | None = None
    time_s: float | None = None
    target: float | None = None
    plateau: int | None = None
    cost: float | None = None
    evaluations: int | None = None

    def __post_init__(self) -> None:
        for name in ("trials", "plateau", "evaluations"):
            given = getattr(self, name)
            count = to_whole(given)
            if given is not None and (count is None or count < 1):
                raise InvalidSetting(f"{name}={short(given)}: give a whole number from 1 on, or None for no limit")
            object.__setattr__(self, name, count)
        for name in ("time_s", "target", "cost"):
            limit = getattr(self, name)
            if limit is not None and (not isinstance(limit, Real) or to_float(limit) is None):
                raise InvalidSetting(f"{name}={short(limit)}: give a number, or None for no limit")
            object.__setattr__(self, name, to_float(limit))
        if self.time_s is not None and not 0 < self.time_s < math.inf:
            raise InvalidSetting(f"time_s={self.time_s!r}: give a positive number of seconds, or None for no limit")
        if self.cost is not None and not 0 < self.cost < math.inf:
            raise InvalidSetting(f"cost={self.cost!r}: give a positive number, or None for no limit")
        if self.target is not None and math.isnan(self.target):
            raise InvalidSetting("target=nan: give the value that is good enough, or None for no limit")

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no limit at all."""
        limits = (self.trials, self.time_s, self.target, self.plateau, self.cost, self.evaluations)
        return all(limit is None for limit in limits)

    def check_problem(self, history: History) -> None:
        """Raise InvalidSetting where a limit needs instances, or one best value, and the study has none."""
        if self.evaluations is not None and history.problem().instances is None:
            raise InvalidSetting(
                f"evaluations={self.evaluations}: these are the cases of a study with instances, and this one has none "
                f"(instances=lt.Instances(…)): use trials={self.evaluations}"
            )
        if len(history.problem().objectives) > 1:
            for name in ("target", "plateau"):
                if getattr(self, name) is not None:
                    raise InvalidSetting(
                        f"{name}=… needs one objective, and this study has several: use trials or time_s"
                    )

    def spent(self, history: History, elapsed_s: float) -> End | None:
        """Give the reason why no new trial is to be begun, if there is one. `trials` is left to the log to decide.

        Args:
            history: everything that is known.
            elapsed_s: seconds that the study has run.

        Cost O(1).
        """
        if self.time_s is not None and elapsed_s >= self.time_s:
            return End.TIME
        if self.is_paid_out(history):
            return End.COST
        if self.is_evaluated(history):
            return End.EVALUATIONS
        best = history.best
        if best is None or (self.target is None and self.plateau is None):
            return None
        if self.target is not None and self._reached(history, best):
            return End.TARGET
        if self.plateau is not None and history.since_best >= self.plateau:
            return End.PLATEAU
        return None

    def is_paid_out(self, history: History) -> bool:
        """Tell whether the study has cost what it may, what the running trials are expected to cost included."""
        return self.cost is not None and history.committed >= self.cost

    def is_evaluated(self, history: History) -> bool:
        """Tell whether the study has its evaluations, those that the running trials may still have included."""
        return self.evaluations is not None and history.committed_evaluations >= self.evaluations

    def _reached(self, history: History, best: int) -> bool:
        objective = history.problem().objectives[0]
        outcome = history.trial(best).outcome
        assert self.target is not None
        return outcome is not None and objective.loss(outcome.values[objective.name]) <= objective.loss(self.target)
