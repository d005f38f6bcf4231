"""Another study whose results are taken over: its names, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from luthier._hints import suggest
from luthier._runtime.logger import silent_logger
from luthier.errors import InvalidConfig, InvalidResult, InvalidSetting, StudyMismatch
from luthier.problem import Objective, Problem
from luthier.scalar import attribute, short, to_dict
from luthier.space import Space
from luthier.study.decisions import KnownResult
from luthier.study.known_results import known_result
from luthier.study.reader import StudyReader
from luthier.study.trial_result import TrialResult

_logger = silent_logger(__name__)


@dataclass(frozen=True, slots=True)
class OtherStudy:
    """Another study, as a person relates it to this one. See `StudyEditor.learn_from`.

    Args:
        reader: of the other study.
        names: what its variables are called here.
        fill: the values of variables that it lacks.
        ignore: its variables that are left out.
    """

    reader: StudyReader
    names: Mapping[str, str]
    fill: Mapping[str, Any]
    ignore: Sequence[str]

    @property
    def done(self) -> tuple[TrialResult, ...]:
        """The trials that have values."""
        return tuple(trial for trial in self.reader.trials if trial.is_done and not trial.forgotten)

    def params(self, trial: TrialResult) -> dict[str, Any]:
        """Give the values of a trial under the names that they have here, without those that are ignored."""
        return {self.names.get(name, name): value for name, value in trial.params.items() if name not in self.ignore}

    def fill_in(self, space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
        """Add the values of `fill`, and declared defaults, for the variables that are active."""
        return {**params, **self._filled(space, params)}

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

    def check_variables(self, ours: Space, complete: bool) -> None:
        """Refuse names that are not those of variables; and another study with a variable that this one lacks.

        Args:
            ours: the space of this study.
            complete: whether the other study must have all variables of this one, but for those with a default.
        """
        theirs = self.reader.space
        self._check_names("names", self.names, theirs)
        self._check_names("ignore", self.ignore, theirs)
        self._check_names("fill", self.fill, ours)
        reasons = [self._unknown(name, ours) for name in theirs.names if name not in self.ignore]
        here = self.variables(ours)
        reasons += [
            f"{part.name!r} is not among its variables: give it a default here, or fill={{{part.name!r}: …}}, "
            "the value that the trials had"
            for part in ours.structure.parts
            if complete and part.name not in here and not part.variable.has_default and part.when is None
        ]
        if any(reasons):
            raise StudyMismatch(f"cannot learn from study {self.reader.name!r}: {'; '.join(filter(None, reasons))}")

    def check_goal(self, theirs: Objective, ours: Objective) -> None:
        """Refuse results of an objective that is minimised there and maximised here, or the other way round."""
        if theirs.maximize != ours.maximize:
            raise StudyMismatch(
                f"study {self.reader.name!r} {_goal(theirs)} {theirs.name!r}, and this one {_goal(ours)} "
                f"{ours.name!r}: what is good there is bad here. If the two measure opposite things, record the "
                "results with the sign changed, by add_many, in a study of this goal"
            )

    def variables(self, ours: Space) -> tuple[str, ...]:
        """Give the variables of this study that the other one has, or that are filled in."""
        called = {self.names.get(name, name) for name in self.reader.space.names if name not in self.ignore}
        return tuple(name for name in ours.names if name in called or name in self.fill)

    def _check_names(self, word: str, given: Iterable[str], space: Space) -> None:
        for name in given:
            if name not in space.variables:
                whose = f"study {self.reader.name!r}" if space is self.reader.space else "this study"
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


class HasReader(Protocol):
    """An open study."""

    @property
    def reader(self) -> StudyReader:
        """The study, to be read."""
        ...


def other_study(
    method: str,
    other: object,
    names: Mapping[str, str] | None,
    fill: Mapping[str, Any] | None,
    ignore: Sequence[str],
) -> OtherStudy:
    """Read what a person gave to a method of the editor; raises InvalidSetting."""
    reader = other if isinstance(other, StudyReader) else attribute(other, "reader")
    if not isinstance(reader, StudyReader):
        raise InvalidSetting(
            f"{method} takes a study, or a StudyReader, not {short(other)}: open it first, as in "
            "lt.Study('its name', store='other.db')"
        )
    called = names_by_name("names", names)
    filled = {} if fill is None else to_dict(fill, "fill is a mapping of names to values", InvalidSetting)
    if not all(isinstance(name, str) for name in (*filled, *_names(ignore))):
        raise InvalidSetting(f"{method}: names, fill and ignore hold names of variables, which are texts")
    return OtherStudy(reader, called, filled, _names(ignore))


def names_by_name(word: str, given: Mapping[str, str] | None) -> dict[str, str]:
    """Read a mapping of names to names; raises InvalidSetting."""
    found = {} if given is None else to_dict(given, f"{word} is a mapping of names to names", InvalidSetting)
    if not all(isinstance(name, str) for name in (*found, *found.values())):
        raise InvalidSetting(f"{word} is a mapping of names to names, which are texts, not {short(given)}")
    return found


def lessons(other: OtherStudy, problem: Problem) -> list[KnownResult]:
    """Give the finished trials of another study, as results of this one, that a problem can hold.

    Raises:
        StudyMismatch: the variables, objectives or goals do not fit, or there are trials and none can be held.
    """
    wanted = {objective.name for objective in problem.objectives}
    theirs = {objective.name: objective for objective in other.reader.problem.objectives}
    if not wanted <= set(theirs):
        raise StudyMismatch(
            f"study {other.reader.name!r} measures {sorted(theirs)}, and this one wants {sorted(wanted)}: "
            "to learn from it, add its trials one by one with study.add(params, value)"
        )
    for objective in problem.objectives:
        other.check_goal(theirs[objective.name], objective)
    other.check_variables(problem.space, complete=True)
    results, why, left = [], "", 0
    for trial in other.done:
        try:
            results.append(_lesson(other, problem, trial))
        except (InvalidConfig, InvalidResult) as error:
            why, left = why or f"trial {trial.number}: {error}", left + 1
    if left and not results:
        raise StudyMismatch(f"none of the {left} trials of study {other.reader.name!r} fits into this space: {why}")
    if left:
        total = left + len(results)
        _logger.warning("study %r: %d of %d trials do not fit, %s", other.reader.name, left, total, why)
    return results


def _lesson(other: OtherStudy, problem: Problem, trial: TrialResult) -> KnownResult:
    params = other.fill_in(problem.space, other.params(trial))
    ticket = f"learnt:{other.reader.name}:{other.reader.seed}:{trial.number}"
    value = {**trial.values, **trial.extra, "violations": trial.violations}
    return known_result(problem, params, value, trial.duration_s, ticket)


def _goal(objective: Objective) -> str:
    return "maximizes" if objective.maximize else "minimizes"


def _names(given: Any) -> tuple[Any, ...]:
    """Give the names of variables that are to be ignored."""
    if isinstance(given, list | tuple | set | frozenset):
        return tuple(given)
    raise InvalidSetting(f"ignore={short(given)}: give a list of names of variables")
