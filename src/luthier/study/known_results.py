"""Results that are known from elsewhere: from a person, from a table, or from another study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from luthier import codec
from luthier._hints import suggest
from luthier._runtime.logger import silent_logger
from luthier.errors import InvalidConfig, InvalidResult, InvalidSetting, StudyMismatch
from luthier.problem import Problem
from luthier.scalar import short
from luthier.space import Space
from luthier.study.decisions import KnownResult
from luthier.study.parse_result import parse_result
from luthier.study.reader import StudyReader
from luthier.study.trial_result import TrialResult
from luthier.trial import Config

_logger = silent_logger(__name__)


def checked_config(space: Space, params: Mapping[str, Any], fill: bool = False) -> Config:
    """Give the plain form of values that a person wrote.

    Args:
        space: must hold them.
        params: values by name; an inactive variable may be None or NaN, as in the row of a table.
        fill: missing values are the defaults, which may be the middles of ranges; else only declared defaults.

    Raises:
        InvalidConfig: the space cannot hold them.
    """
    config = space.complete(space.plain(params), declared=not fill)
    space.check(config)
    return config


def table_rows(space: Space, params: Any) -> Any:
    """Give the rows of a data frame, of the columns that `to_frame` names as variables; anything else as it is."""
    try:
        columns = getattr(params, "columns", None)
    except Exception:  # noqa: BLE001 - an attribute of a foreign object
        columns = None
    if columns is None or callable(columns):
        return params
    names = {f"params.{name}": name for name in space.names if f"params.{name}" in columns}
    names |= {name: name for name in space.names if name in columns and name not in names.values()}
    if not names:
        raise InvalidConfig(
            f"the data frame has no column of a variable; there are {', '.join(map(repr, space.names))}"
        )
    return params[[*names]].rename(columns=names).to_dict("records")


def check_ticket(ticket: object) -> None:
    """Raise InvalidSetting where a ticket is no text."""
    if ticket is not None and not isinstance(ticket, str):
        raise InvalidSetting(f"a ticket is a text, not {short(ticket)}")


def known_result(
    problem: Problem, params: Mapping[str, Any], value: object, duration_s: float | None, ticket: str | None
) -> KnownResult:
    """Check a result that is known from elsewhere; raises InvalidConfig, InvalidResult or InvalidSetting."""
    check_ticket(ticket)
    config = checked_config(problem.space, params)
    costless = problem.cost is not None and not (isinstance(value, Mapping) and problem.cost in value)
    outcome = parse_result(replace(problem, cost=None) if costless else problem, value, duration_s)
    if ticket is None and not problem.noisy:
        ticket = f"add:{problem.space.identity(config)}:{codec.dumps(dict(outcome.values)).decode()}"
    return KnownResult(config, outcome, ticket or "")


@dataclass(frozen=True, slots=True)
class Lesson:
    """The finished trials of another study, as results of this one. See `StudyEditor.learn_from`.

    Args:
        other: the study that has them.
        names: what its variables are called here.
        fill: the values of variables that it lacks.
        ignore: its variables that are left out.
    """

    other: StudyReader
    names: Mapping[str, str]
    fill: Mapping[str, Any]
    ignore: Sequence[str]

    def results(self, problem: Problem) -> list[KnownResult]:
        """Give the results that a problem can hold.

        Raises:
            StudyMismatch: the variables or objectives do not fit, or there are trials and none of them can be held.
        """
        self._check(problem)
        results, why, left = [], "", 0
        done = [trial for trial in self.other.trials if trial.is_done and not trial.forgotten]
        for trial in done:
            try:
                results.append(self._result(problem, trial))
            except (InvalidConfig, InvalidResult) as error:
                why, left = why or f"trial {trial.number}: {error}", left + 1
        if left and not results:
            raise StudyMismatch(f"none of the {left} trials of study {self.other.name!r} fits into this space: {why}")
        if left:
            _logger.warning("study %r: %d of %d trials do not fit, %s", self.other.name, left, len(done), why)
        return results

    def _result(self, problem: Problem, trial: TrialResult) -> KnownResult:
        params = {self.names.get(name, name): value for name, value in trial.params.items() if name not in self.ignore}
        params |= self._filled(problem.space, params)
        ticket = f"learnt:{self.other.name}:{self.other.seed}:{trial.number}"
        value = {**trial.values, **trial.extra, "violations": trial.violations}
        return known_result(problem, params, value, trial.duration_s, ticket)

    def _filled(self, space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
        """Give the values of `fill` for the variables that are active."""
        found = space.plain(params)
        filled = {}
        for part in space.structure.order:
            if part.name not in found and (part.when is None or part.when.holds(found)):
                if part.name in self.fill:
                    filled[part.name] = self.fill[part.name]
                    found[part.name] = part.variable.plain(self.fill[part.name])
                elif part.variable.has_default:
                    found[part.name] = part.variable.start
        return filled

    def _check(self, problem: Problem) -> None:
        """Refuse a study whose objectives or variables are not those of a problem."""
        theirs, ours = self.other.space, problem.space
        wanted = {objective.name for objective in problem.objectives}
        measured = {objective.name for objective in self.other.problem.objectives}
        if not wanted <= measured:
            raise StudyMismatch(
                f"study {self.other.name!r} measures {sorted(measured)}, and this one wants {sorted(wanted)}: "
                "to learn from it, add its trials one by one with study.add(params, value)"
            )
        self._check_names("names", self.names, theirs)
        self._check_names("ignore", self.ignore, theirs)
        self._check_names("fill", self.fill, ours)
        here = {self.names.get(name, name) for name in theirs.names if name not in self.ignore}
        reasons = [self._unknown(name, ours) for name in theirs.names if name not in self.ignore]
        reasons += [
            f"{part.name!r} is not among its variables: give it a default here, or fill={{{part.name!r}: …}}, "
            "the value that the trials had"
            for part in ours.structure.parts
            if part.name not in here and part.name not in self.fill and not part.variable.has_default
            if part.when is None
        ]
        if any(reasons):
            raise StudyMismatch(f"cannot learn from study {self.other.name!r}: {'; '.join(filter(None, reasons))}")

    def _check_names(self, word: str, given: Iterable[str], space: Space) -> None:
        for name in given:
            if name not in space.variables:
                whose = f"study {self.other.name!r}" if space is self.other.space else "this study"
                raise StudyMismatch(f"{word}: {whose} has no variable {name!r}{suggest(name, space.names)}")

    def _unknown(self, name: str, ours: Space) -> str:
        """Say that a variable of the other study is not one of this study; empty where it is."""
        called = self.names.get(name, name)
        if called in ours.variables:
            return ""
        return (
            f"its variable {called!r} is not one of this study: give names={{{name!r}: …}}, what it is called here, "
            f"or ignore=[{name!r}] if its value does not matter"
        )
