"""Optimization problems: a space, one or more objectives, and a fidelity."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from luthier._hints import translating_settings
from luthier.errors import InvalidResult, InvalidSetting
from luthier.instances import Instances
from luthier.scalar import short, to_dict
from luthier.setting_types import check_setting_types
from luthier.space import Space

__all__ = [
    "SECONDS",
    "Fidelity",
    "Objective",
    "OutcomeConstraint",
    "Problem",
    "instances_as_fidelity",
    "parse_cost",
    "parse_outcome_constraints",
]

SECONDS = "seconds"
"""The cost of a trial that is its duration, unless the objective returns a number of this name."""


@dataclass(frozen=True, slots=True)
class Objective:
    """One quantity to minimise or maximise, by name."""

    name: str
    maximize: bool = False

    def loss(self, value: float) -> float:
        """Turn a value into a loss: inside Luthier everything is minimised."""
        return -value if self.maximize else value

    def value(self, loss: float) -> float:
        """Turn a loss into a value; the inverse of `loss`."""
        return -loss if self.maximize else loss


@translating_settings
@dataclass(frozen=True, slots=True)
class Fidelity:
    """How much of the full cost an evaluation may spend: epochs, boosting rounds, percent of the data.

    A trial's reports have the units that were spent as their steps: ``trial.report(loss, step=epoch)``, from 1 on.

    Several at once, as in ``lt.Study(…, fidelity=[lt.Fidelity("epochs", 1, 81), lt.Fidelity("share", 10, 100)])``, go
    up one ladder together. The first one leads: its units are what is reported, and what schedulers count. `units` says
    what the others are at each of its levels: as far between their bounds, by logarithms.

    Args:
        name: of the unit, such as "epochs".
        low: the fewest units after which a value says something, at least 1.
        high: the units of a full evaluation, more than `low`.
        beside: those that go up together with this one.

    Raises:
        InvalidSetting: the name is empty, or the bounds are no whole numbers in this order; or two have one name.

    Example:
        >>> import luthier as lt
        >>> lt.Fidelity("epochs", 1, 81)
        Fidelity(name='epochs', low=1, high=81)
        >>> lt.Fidelity("epochs", 1, 81, beside=(lt.Fidelity("share", 10, 100),)).units(9)
        {'epochs': 9, 'share': 32}
    """

    name: str
    low: int
    high: int
    beside: tuple[Fidelity, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        check_setting_types(self)
        if not self.name:
            raise InvalidSetting("Fidelity(''): name what is counted, such as 'epochs'")
        if not 1 <= self.low < self.high:
            raise InvalidSetting(f"{self!r}: give whole numbers with 1 <= low < high")
        names = [one.name for one in self.parts]
        if len(set(names)) < len(names) or any(one.beside for one in self.beside):
            raise InvalidSetting(f"fidelity={list(self.parts)!r}: give each fidelity a name of its own, in one list")

    @property
    def parts(self) -> tuple[Fidelity, ...]:
        """This one without those beside it, and then those."""
        return (replace(self, beside=()) if self.beside else self, *self.beside)

    def units(self, until: int) -> dict[str, int]:
        """Give the units of each fidelity, by name, where this one is at `until`; each rounded, and within its bounds.

        ``low · (high / low)^s`` with ``s = ln(until / low) / ln(high / low)`` of the leading one.
        """
        share = min(max(math.log(max(until, 1) / self.low) / math.log(self.high / self.low), 0.0), 1.0)
        return {self.name: until} | {one.name: round(one.low * (one.high / one.low) ** share) for one in self.beside}

    @classmethod
    def together(cls, given: object) -> Fidelity | None:
        """Read what a study was given: a fidelity, or several that go up together; None where it has none.

        Raises:
            InvalidSetting: it is something else.
        """
        if given is None or isinstance(given, Fidelity):
            return given
        several = [one for one in given if isinstance(one, Fidelity)] if isinstance(given, list | tuple) else []
        if not several or len(several) < len(given):  # type: ignore[arg-type]
            raise InvalidSetting(
                f"fidelity={short(given)}: give one such as lt.Fidelity('epochs', 1, 81), or a list of several"
            )
        return replace(several[0], beside=(*several[0].beside, *several[1:]))


@dataclass(frozen=True, slots=True)
class OutcomeConstraint:
    """A limit of a number that the objective returns, by name: ``memory_mb <= 512``."""

    name: str
    limit: float
    at_least: bool = False

    def violation(self, value: float) -> float:
        """Give by how much a value breaks the limit; at most 0 where it keeps it."""
        return self.limit - value if self.at_least else value - self.limit

    def __str__(self) -> str:
        return f"{self.name} {self.relation}"

    @property
    def relation(self) -> str:
        """The limit as people write it: ``<= 512``."""
        text = f"{self.limit:g}"
        return f"{'>=' if self.at_least else '<='} {text if float(text) == self.limit else repr(self.limit)}"


@dataclass(frozen=True, slots=True)
class Problem:
    """State an optimization problem: variables, constraints and objectives.

    Args:
        space: the variables and the constraints on them.
        objectives: at least one; names are distinct.
        noisy: whether the same configuration may give different values. Only then may a method repeat one.
        horizon: the trial budget of the study, if known; a method may adapt to it.
        fidelity: what a full evaluation spends, where less of it tells something, too.
        outcome_constraints: limits of numbers that the objective returns; one for each name.
        cost: the name of what a trial costs, a number that the objective returns, or ``seconds``; None where trials are
            not said to differ in it.
        cost_budget: what the study may cost in all, if known.
        instances: what a configuration is to be good on. The cases are then the units of the fidelity, and the loss at
            a number of cases is the mean over the first ones.
        first_units: the units of the fidelity that the trial which is proposed may spend first, where a scheduler says
            so. It is of one proposal, so it does not count when problems are compared.

    Raises:
        InvalidSetting: there is no objective, or two have the same name.
    """

    space: Space
    objectives: tuple[Objective, ...]
    noisy: bool = False
    horizon: int | None = None
    fidelity: Fidelity | None = None
    outcome_constraints: tuple[OutcomeConstraint, ...] = ()
    cost: str | None = None
    cost_budget: float | None = None
    instances: Instances | None = None
    first_units: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        names = [objective.name for objective in self.objectives]
        if not names:
            raise InvalidSetting("a problem needs an objective: minimize='loss' or maximize='accuracy'")
        if len(set(names)) < len(names):
            raise InvalidSetting(f"each objective needs a name of its own, not {names}")
        if self.instances is not None and len(names) > 1:
            raise InvalidSetting(f"a study with instances has one objective, the mean over them, not {names}")

    def losses(self, values: Mapping[str, float]) -> tuple[float, ...]:
        """Give the losses of a trial in the order of the objectives, from its values by name.

        Raises:
            InvalidResult: the value of an objective is missing.
        """
        try:
            return tuple(objective.loss(values[objective.name]) for objective in self.objectives)
        except KeyError as error:
            raise InvalidResult(f"the result lacks the objective {error}; it has {sorted(values)}") from None


def parse_cost(given: object) -> str | None:
    """Read the name of what a trial costs.

    Raises:
        InvalidSetting: it is no text, or empty.
    """
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip():
        raise InvalidSetting(
            f"cost={short(given)}: name the number that the objective returns, as in cost='dollars'; or cost='seconds'"
        )
    return str.__str__(given)


def instances_as_fidelity(instances: Instances) -> Fidelity:
    """Give the fidelity of which the units are cases: with few of them a trial says something, with all everything."""
    return Fidelity("instances", 1, len(instances))


_RELATION = re.compile(r"\s*(<=|>=)\s*(\S+)\s*")


def parse_outcome_constraints(given: object, word: str = "constraints") -> tuple[OutcomeConstraint, ...]:
    """Read limits by the names of what they limit, as in ``{"memory_mb": "<= 512"}``; messages call them `word`.

    Raises:
        InvalidSetting: they are not a mapping of names to ``<=`` or ``>=`` and a finite number.
    """
    if not isinstance(given, Mapping):
        raise InvalidSetting(
            f"{word}={short(given)}: limits of what the objective returns are a mapping, as in "
            f"{word}={{'memory_mb': '<= 512'}}; constraints on variables belong into the space, as in "
            "lt.Space({…}, require=['a + b <= 1'])"
        )
    return tuple(_parse_constraint(name, text, word) for name, text in to_dict(given, word, InvalidSetting).items())


def _parse_constraint(name: object, text: object, word: str) -> OutcomeConstraint:
    if not isinstance(name, str) or not name:
        raise InvalidSetting(f"{word}: {short(name)} is no name of a number that the objective returns")
    match = _RELATION.fullmatch(text) if isinstance(text, str) else None
    try:
        limit = float(match[2]) if match else math.nan
    except ValueError:
        limit = math.nan
    if match is None or not math.isfinite(limit):
        raise InvalidSetting(
            f"{word}={{{name!r}: {short(text)}}}: write a limit as '<= 512' or '>= 0.9', with a finite number"
        )
    return OutcomeConstraint(str.__str__(name), limit, match[1] == ">=")


def __dir__() -> list[str]:
    return sorted(__all__)
