"""Asynchronous successive halving: rungs at which no trial waits for others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.problem import Problem
from luthier.setting_types import check_setting_types
from luthier.stop.rule import GO_ON, Decision, Promotion, Rule
from luthier.stop.rungs import (
    RungLosses,
    at_rung,
    decide_at_rung,
    fidelity_of,
    first_paused,
    levels_from_lowest,
    may_go_on,
    members,
)


@translating_settings
@dataclass(frozen=True, slots=True)
class ASHA(Rule):
    """Promote a trial as soon as it is among the best one in η of those that have reached its rung so far.

    A worker that is free takes the best such trial of the highest rung that has one, and begins a new trial where none
    has. No worker ever waits. Rungs are at η times the units of the one below, from the lowest fidelity on.

    Args:
        eta: η, one in how many trials is promoted, at least 2.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and Talwalkar (2020), A system for massively
    parallel hyperparameter tuning, MLSys, algorithm 2.
    """

    eta: int = 3

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.eta < 2:
            raise InvalidSetting(f"{self!r}: give eta from 2 on")

    def first(self, problem: Problem, place: int) -> int:
        """See `luthier.stop.Scheduler.first`."""
        return self._levels(problem)[0]

    def promotion(self, problem: Problem, history: History) -> Promotion | None:
        """See `luthier.stop.Scheduler.promotion`."""
        return first_paused(history, self._promotions(problem, history))

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `luthier.stop.Rule.decide`."""
        if not at_rung(problem, history, number):
            return GO_ON
        return decide_at_rung(history, number, self._promotions(problem, history), "ASHA")

    def _levels(self, problem: Problem) -> tuple[int, ...]:
        return levels_from_lowest(fidelity_of(problem, "ASHA"), self.eta)

    def _promotions(self, problem: Problem, history: History) -> Iterator[Promotion]:
        """Give the trials that may be promoted, the best of the highest rung first."""
        units, trials, rungs = self._levels(problem), members(history), RungLosses(history)
        for place in range(len(units) - 2, -1, -1):
            ranked = rungs.best_first(trials, units[place])
            count = len(ranked) + rungs.diverged(trials, units[place])  # the worst ones
            for trial in ranked[: count // self.eta]:
                if trial.until is not None and trial.until <= units[place] and may_go_on(history, trial):
                    yield Promotion(trial.number, units[place + 1])
