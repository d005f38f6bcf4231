"""Rules that decide of a running trial at each of its reports, their combinations, and schedulers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.problem import Problem
from luthier.scalar import short
from luthier.trial import Ruling


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule decides.

    Args:
        ruling: see `luthier.trial.Ruling`.
        by: the name of the rule; empty where the trial goes on.
        until: the units that a promoted trial may spend in all; None otherwise.
    """

    ruling: Ruling
    by: str = ""
    until: int | None = None


GO_ON = Decision(Ruling.GO_ON)


class Rule(ABC):
    """Decide of a running trial at its reports: a frozen dataclass of settings with one pure function. Abstract.

    ``a | b`` stops a trial where either rule does, ``a & b`` where both do.
    """

    __slots__ = ()

    compares_one: ClassVar[bool] = False
    """Whether it looks at one number of each report, so that it has no meaning for several objectives."""

    @abstractmethod
    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """Decide of a trial; pure in (settings, problem, history, number).

        Args:
            problem: what is optimized.
            history: everything up to the report that is decided upon, which is the trial's latest.
            number: of the trial, which runs.
        """

    def __or__(self, other: Rule) -> AnyOf:
        return AnyOf((self, other))

    def __and__(self, other: Rule) -> AllOf:
        return AllOf((self, other))


@dataclass(frozen=True, slots=True)
class Promotion:
    """A trial that is to go on, and the units that it may spend in all."""

    number: int
    until: int


@runtime_checkable
class Scheduler(Protocol):
    """A rule that gives trials a part of the fidelity first, and promotes some of them."""

    def first(self, problem: Problem, place: int) -> int:
        """Give the units that a new trial may spend before the scheduler decides of it.

        Args:
            problem: what is optimized; it has a fidelity.
            place: of the trial among those of the study, from 0; imported ones do not count.
        """
        ...

    def promotion(self, problem: Problem, history: History) -> Promotion | None:
        """Give the paused trial that goes on next; None where a new one is to begin."""
        ...


@runtime_checkable
class CapsRunTime(Protocol):
    """A scheduler that ends an evaluation early where the objective is run time, and the trial has lost meanwhile."""

    def bounds(self, problem: Problem, history: History, number: int) -> tuple[float, ...]:
        """Give the sums of run times at which a trial has lost, for 1, 2, … cases; empty: it may take any time.

        Args:
            problem: what is optimized; it has instances with a cutoff.
            history: everything that is known.
            number: of the trial, which is about to be run.
        """
        ...


_DRASTIC = (Ruling.STOP, Ruling.FINISH, Ruling.PAUSE, Ruling.PROMOTE)
"""Rulings in the order in which one prevails over another."""


@translating_settings
@dataclass(frozen=True, slots=True)
class AnyOf(Rule):
    """Stop a trial where any of several rules does; what is most drastic counts. One of them may be a scheduler.

    Args:
        rules: at least one.

    Raises:
        InvalidSetting: one of them is no rule, or several are schedulers.
    """

    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", _checked(self, self.rules))
        if len([rule for rule in self.rules if scheduler_of(rule) is not None]) > 1:
            raise InvalidSetting("AnyOf(rules=…): one scheduler decides what a trial may spend, and there are several")

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `Rule.decide`."""
        found = [rule.decide(problem, history, number) for rule in self.rules]
        return min(found, key=lambda one: _DRASTIC.index(one.ruling) if one.ruling in _DRASTIC else len(_DRASTIC))


@translating_settings
@dataclass(frozen=True, slots=True)
class AllOf(Rule):
    """Stop a trial where all of several rules do.

    Args:
        rules: at least one, and none of them a scheduler.

    Raises:
        InvalidSetting: one of them is no rule, or a scheduler.
    """

    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", _checked(self, self.rules))
        if any(scheduler_of(rule) is not None for rule in self.rules):
            raise InvalidSetting("AllOf(rules=…): a scheduler decides alone when a trial is paused: use | with it")

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `Rule.decide`."""
        found = [rule.decide(problem, history, number) for rule in self.rules]
        if any(one.ruling is Ruling.GO_ON for one in found):
            return GO_ON
        finished = all(one.ruling is Ruling.FINISH for one in found)
        return Decision(Ruling.FINISH if finished else Ruling.STOP, " & ".join(one.by for one in found))


def scheduler_of(rule: Rule | None) -> Scheduler | None:
    """Give the scheduler that a rule is, or has as a part; None where there is none."""
    if isinstance(rule, Scheduler):
        return rule
    parts = rule.rules if isinstance(rule, AnyOf) else ()
    return next((found for part in parts if (found := scheduler_of(part)) is not None), None)


def single_objective_part(rule: Rule) -> Rule | None:
    """Give the first part of a rule that compares one number of each report; None where it has none."""
    parts = rule.rules if isinstance(rule, AnyOf | AllOf) else ()
    found = (single_objective_part(part) for part in parts)
    return rule if rule.compares_one else next((part for part in found if part is not None), None)


def _checked(whole: Rule, parts: object) -> tuple[Rule, ...]:
    rules = tuple(parts) if isinstance(parts, tuple | list) else (parts,)
    for rule in rules:
        if not isinstance(rule, Rule):
            raise InvalidSetting(f"{type(whole).__name__}(rules=…): {short(rule)} is not a rule, such as lt.Median()")
    if not rules:
        raise InvalidSetting(f"{type(whole).__name__}(rules=()): give at least one rule")
    return rules
