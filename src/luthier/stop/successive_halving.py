"""Successive halving, Hyperband and the one-step baseline: brackets whose rungs are complete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, count

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.problem import Problem
from luthier.setting_types import check_setting_types
from luthier.stop.rule import GO_ON, Decision, Promotion, Rule
from luthier.stop.rungs import (
    Bracket,
    RungLosses,
    at_rung,
    decide_at_rung,
    fidelity_of,
    first_paused,
    levels,
    members,
    most_halvings,
)


@translating_settings
@dataclass(frozen=True, slots=True)
class SuccessiveHalving(Rule):
    """Give many trials little, and one in η of them η times as much, until few have all.

    A bracket has η^s trials at its lowest rung, which is the lowest fidelity; each rung waits for all of its trials,
    and workers that would wait begin the next bracket. The last bracket of a run is cut to the trials that the run has
    left (its `Problem.horizon`).

    Args:
        eta: η, one in how many trials is promoted, at least 2.
        trials: of a bracket; None: η^s.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Jamieson and Talwalkar (2016), Non-stochastic best arm identification and hyperparameter optimization.
    """

    eta: int = 3
    trials: int | None = None

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.eta < 2 or (self.trials is not None and self.trials < 2):
            raise InvalidSetting(f"{self!r}: give eta from 2 on, and at least 2 trials")

    def brackets(self, problem: Problem) -> tuple[Bracket, ...]:
        """Give the brackets that follow each other, over and over."""
        fidelity = fidelity_of(problem, "SuccessiveHalving")
        halvings = most_halvings(fidelity, self.eta)
        size = self.trials or max(2, self.eta**halvings)
        return (_halving(levels(fidelity, self.eta, halvings), size, self.eta),)

    def first(self, problem: Problem, place: int) -> int:
        """See `luthier.stop.Scheduler.first`."""
        return _first(self.brackets(problem), place)

    def promotion(self, problem: Problem, history: History) -> Promotion | None:
        """See `luthier.stop.Scheduler.promotion`."""
        return first_paused(history, _promotions(self.brackets(problem), problem, history))

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `luthier.stop.Rule.decide`."""
        return _decide(self.brackets(problem), problem, history, number, "SuccessiveHalving")


@translating_settings
@dataclass(frozen=True, slots=True)
class Hyperband(Rule):
    """Run brackets of successive halving that begin with ever fewer trials at ever higher rungs, over and over.

    With ``lt.Fidelity("epochs", 1, 81)`` and η = 3 these are 81 trials from 1 epoch on, 34 from 3, 15 from 9, 8 from 27
    and 5 with all 81. With ``method=lt.Bayes(lt.Parzen())`` it is BOHB.

    Args:
        eta: η, one in how many trials is promoted, at least 2.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar (2018), Hyperband, JMLR 18, algorithm 1; Falkner, Klein
    and Hutter (2018), BOHB, ICML. Here workers that would wait for a rung begin the next bracket, and the last bracket
    of a run is cut to the trials that it has left.
    """

    eta: int = 3

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.eta < 2:
            raise InvalidSetting(f"{self!r}: give eta from 2 on")

    def brackets(self, problem: Problem) -> tuple[Bracket, ...]:
        """Give the brackets s = s_max … 0, with n = ⌈(s_max + 1) η^s / (s + 1)⌉ trials at r = R η^-s."""
        fidelity = fidelity_of(problem, "Hyperband")
        most = most_halvings(fidelity, self.eta)
        return tuple(
            _halving(levels(fidelity, self.eta, s), -(-(most + 1) * self.eta**s // (s + 1)), self.eta)
            for s in range(most, -1, -1)
        )

    def first(self, problem: Problem, place: int) -> int:
        """See `luthier.stop.Scheduler.first`."""
        return _first(self.brackets(problem), place)

    def promotion(self, problem: Problem, history: History) -> Promotion | None:
        """See `luthier.stop.Scheduler.promotion`."""
        return first_paused(history, _promotions(self.brackets(problem), problem, history))

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `luthier.stop.Rule.decide`."""
        return _decide(self.brackets(problem), problem, history, number, "Hyperband")


@translating_settings
@dataclass(frozen=True, slots=True)
class OneStep(Rule):
    """Give all trials the lowest fidelity, and the best few of them all: the baseline that others must beat.

    Args:
        keep: how many trials are finished, at least 1.
        trials: of a round; None: all that the run is to have (``run(trials=…)``).

    Raises:
        InvalidSetting: a setting outside its range; or neither the rule nor the run says how many trials there are.

    Source: Egele, Guyon, Chang and Balaprakash (2023), Is one epoch all you need for multi-fidelity hyperparameter
    optimization?, ESANN.
    """

    keep: int = 3
    trials: int | None = None

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.keep < 1 or (self.trials is not None and self.trials <= self.keep):
            raise InvalidSetting(f"{self!r}: keep at least 1 trial, and fewer than a round has")

    def brackets(self, problem: Problem) -> tuple[Bracket, ...]:
        """Give the one bracket, with two rungs."""
        fidelity, size = fidelity_of(problem, "OneStep"), self.trials or problem.horizon
        if size is None:
            raise InvalidSetting(
                "OneStep() finishes the best of all trials, and nothing says how many there are: "
                "give run(trials=100), or OneStep(trials=100)"
            )
        return (Bracket((fidelity.low, fidelity.high), (size, min(self.keep, size))),)

    def first(self, problem: Problem, place: int) -> int:
        """See `luthier.stop.Scheduler.first`."""
        return fidelity_of(problem, "OneStep").low

    def promotion(self, problem: Problem, history: History) -> Promotion | None:
        """See `luthier.stop.Scheduler.promotion`."""
        return first_paused(history, _promotions(self.brackets(problem), problem, history))

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `luthier.stop.Rule.decide`."""
        return _decide(self.brackets(problem), problem, history, number, "OneStep")


def _halving(rungs: tuple[int, ...], size: int, eta: int) -> Bracket:
    """Give the bracket in which n_i = ⌊n η^-i⌋ trials reach rung i."""
    return Bracket(rungs, tuple(max(1, size // eta**rung) for rung in range(len(rungs))))


def _first(cycle: tuple[Bracket, ...], place: int) -> int:
    """Give the lowest rung of the bracket that the trial of a place belongs to."""
    ends = list(accumulate(bracket.sizes[0] for bracket in cycle))
    within = place % ends[-1]
    return next(bracket.levels[0] for bracket, end in zip(cycle, ends, strict=True) if within < end)


def _promotions(cycle: tuple[Bracket, ...], problem: Problem, history: History) -> Iterator[Promotion]:
    """Give the promotions of all brackets that have begun, the oldest bracket first."""
    trials, rungs = members(history), RungLosses(history)
    limit = len(trials) if problem.horizon is None else max(problem.horizon, len(trials))
    begin = 0
    for turn in count():
        if begin >= len(trials):
            return
        bracket = cycle[turn % len(cycle)]
        size = bracket.sizes[0]
        cut = bracket if problem.horizon is None else bracket.cut(limit - begin)
        yield from cut.promotions(rungs, trials[begin : begin + size])
        begin += size


def _decide(cycle: tuple[Bracket, ...], problem: Problem, history: History, number: int, name: str) -> Decision:
    if not at_rung(problem, history, number):
        return GO_ON
    return decide_at_rung(history, number, _promotions(cycle, problem, history), name)
