"""Asynchronous successive halving: rungs at which no trial waits for others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

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
from luthier.trial import Trial

_PROBES = 9
"""The first so many trials go on from the lowest rung whatever their loss, and one in so many of the others."""
_FEWEST = 5
"""Of fewer trials than this the order at two rungs says nothing."""
_AGREEMENT = 0.5
"""With a rank correlation below this the order at a rung says too little of that at the next one."""


@translating_settings
@dataclass(frozen=True, slots=True)
class ASHA(Rule):
    """Promote a trial as soon as it is among the best one in η of those that have reached its rung so far.

    A worker that is free takes the best such trial of the highest rung that has one, and begins a new trial where none
    has. No worker ever waits. Rungs are at η times the units of the one below, from the lowest fidelity on.

    Args:
        eta: η, one in how many trials is promoted, at least 2.
        probing: whether to see if the lowest rung says anything. The first nine trials, and every ninth one from the
            tenth on, go on from there whatever their loss is; where the rank correlation of their losses there and at
            the next rung is below a half, all trials go on, and the next rung is treated as the lowest one. The paper
            does none of this.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and Talwalkar (2020), A system for massively
    parallel hyperparameter tuning, MLSys, algorithm 2.
    """

    eta: int = 3
    probing: bool = False

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
        for place, best in reversed(list(enumerate(self._best(units, trials, rungs)))):
            for trial in best:
                if trial.until is not None and trial.until <= units[place] and may_go_on(history, trial):
                    yield Promotion(trial.number, units[place + 1])

    def _best(self, units: Sequence[int], trials: Sequence[Trial], rungs: RungLosses) -> list[list[Trial]]:
        """Give the trials that go on, or went on, from each rung below the full fidelity; of each the best first."""
        probes = [trial for place, trial in enumerate(trials) if place < _PROBES or place % _PROBES == 0]
        probing, extra = self.probing, set[int]()  # the probes that no rung chose: they are in no later count
        found: list[list[Trial]] = []
        for level, above in pairwise(units):
            ranked = rungs.best_first(trials, level)
            if probing and _disagree(rungs, probes, level, above):
                found.append(ranked)
                continue
            count = sum(one.number not in extra for one in ranked) + rungs.diverged(trials, level)  # the worst ones
            best = ranked[: count // self.eta]
            if probing:
                chosen = {trial.number for trial in best}
                best += [trial for trial in rungs.best_first(probes, level) if trial.number not in chosen]
                extra = {trial.number for trial in probes} - chosen
            probing = False
            found.append(best)
        return found


def _disagree(rungs: RungLosses, trials: Sequence[Trial], level: int, above: int) -> bool:
    """Tell whether the order of trials at a rung says too little of that at the next one, by Spearman's correlation."""
    known = {trial.number for trial in rungs.best_first(trials, above)}
    if len(known) < _FEWEST:
        return False
    places = [
        [trial.number for trial in rungs.best_first(trials, at) if trial.number in known] for at in (level, above)
    ]
    after = {number: place for place, number in enumerate(places[1])}
    squares = sum((place - after[number]) ** 2 for place, number in enumerate(places[0]))
    size = len(known)
    return 1.0 - 6.0 * squares / (size * (size**2 - 1)) < _AGREEMENT
