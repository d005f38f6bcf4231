"""Kinds of pictures, and what each needs of a study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from luthier._foreign_words import PICTURES
from luthier._hints import did_you_mean
from luthier.analysis import check_span
from luthier.errors import InvalidSetting, LuthierError, NoResult
from luthier.event import Asked, Retried
from luthier.plot.subject import Subject

Refusal = LuthierError | None
"""Why a study has no picture of a kind: something is missing (`NoResult`), or it means nothing (`InvalidSetting`)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of picture.

    Args:
        summary: what it shows.
        refuse: says why a study has none; None where it has.
        modelled: whether it takes a model of the objective, and so the study's method.
    """

    summary: str
    refuse: Callable[[Subject], Refusal]
    modelled: bool = False


def _any(subject: Subject) -> Refusal:
    return None if len(subject.table) else NoResult("there are no trials yet")


def _valued(subject: Subject) -> Refusal:
    return _any(subject) or (None if subject.table.done.any() else NoResult("no trial has a value yet"))


def _axis(subject: Subject) -> Refusal:
    if not any(variable.kind != "constant" for variable in subject.table.problem.space.variables.values()):
        return InvalidSetting("the space has constants only")
    return _valued(subject)


def _pair(subject: Subject) -> Refusal:
    axes = [name for name, variable in subject.table.problem.space.variables.items() if variable.kind != "constant"]
    if len(axes) < 2:
        return InvalidSetting(f"it needs two variables; the space has {len(axes)}")
    return _valued(subject)


def _front(subject: Subject) -> Refusal:
    goals = subject.table.problem.objectives
    if len(goals) < 2:
        return InvalidSetting(f"it needs two objectives or more; the study has one, {goals[0].name!r}")
    return _valued(subject)


def _reports(subject: Subject) -> Refusal:
    if any(trial.reports for trial in subject.table.trials):
        return None
    return _any(subject) or NoResult("no trial reported an intermediate value (trial.report(value, step))")


def _timed(subject: Subject) -> Refusal:
    if any(isinstance(event, Asked | Retried) and event.owner for event in subject.reader.events):
        return None
    return _any(subject) or NoResult("no trial was run for this study: all results are from elsewhere")


def _cost(subject: Subject) -> Refusal:
    if np.isfinite(subject.table.durations_s).any():
        return None
    return _any(subject) or NoResult("no trial has a known duration")


def _failures(subject: Subject) -> Refusal:
    if any(trial.outcome is not None and trial.outcome.reason.is_crash for trial in subject.table.trials):
        return None
    return _any(subject) or NoResult("no trial failed")


def _modelled(subject: Subject) -> Refusal:
    table = subject.table
    learned = table.done & table.held
    count = int(learned.sum())
    if count < 3:
        outside = int(table.done.sum()) - count
        left_out = f", and {outside} outside the present space" if outside else ""
        return _axis(subject) or NoResult(f"a model needs 3 trials with values; there are {count}{left_out}")
    values = table.values[learned]
    if (values == values[0]).all():
        return _axis(subject) or NoResult("all values are equal: there is nothing to learn")
    if all(variable.count == 1 for variable in table.problem.space.variables.values()):
        return _axis(subject) or InvalidSetting("no variable of the space has more than one value")
    return _axis(subject) or _spanned(subject)


def _spanned(subject: Subject) -> Refusal:
    """Refuse values of which no objective can be modelled, as they lie too far apart."""
    table = subject.table
    values = table.values[table.done & table.held]
    try:
        check_span(table.problem.objectives[0].name, values[:, 0])
    except NoResult as error:
        return error
    return None


def _important(subject: Subject) -> Refusal:
    count = int((subject.table.done & subject.table.held).sum())
    return _modelled(subject) or (None if count > 7 else NoResult(f"it needs 8 trials with values; there are {count}"))


def _led(subject: Subject) -> Refusal:
    feasible = subject.table.eligible.any()
    return _modelled(subject) or (None if feasible else NoResult("no trial kept the outcome constraints"))


def _led_pair(subject: Subject) -> Refusal:
    return _pair(subject) or _led(subject)


def _acquiring(subject: Subject) -> Refusal:
    if not subject.acquires:
        return InvalidSetting("the method has no acquisition function")
    return _modelled(subject)


KINDS: dict[str, Kind] = {
    "history": Kind("the value of each trial, and the best so far", _any),
    "slice": Kind("the values over each variable by itself", _axis),
    "parallel": Kind("each trial as a line through its values", _axis),
    "rank": Kind("the ranks of the trials over pairs of variables", _pair),
    "edf": Kind("the distribution of the values", _valued),
    "importance": Kind("how much each variable matters, with intervals", _important, True),
    "dependence": Kind("the predicted objective along each variable", _led, True),
    "contour": Kind("the predicted objective over two variables", _led_pair, True),
    "front": Kind("the Pareto front of several objectives", _front),
    "hypervolume": Kind("the volume that the front dominates, trial by trial", _front),
    "reports": Kind("the intermediate values of the trials", _reports),
    "timeline": Kind("which worker ran which trial when", _timed),
    "cost": Kind("the best value over the seconds it took", _cost),
    "failures": Kind("failures by reason, and by region of each variable", _failures),
    "calibration": Kind("predictions against what was measured", _modelled, True),
    "forecast": Kind("what further trials may gain", _led, True),
    "ablation": Kind("the way from the defaults to the best, change by change", _led, True),
    "acquisition": Kind("the acquisition function of a moment", _acquiring, True),
}
"""By the name of the method of `StudyPlots` that draws it."""


def instead_of(name: str, subject: Subject) -> str:
    """Say which other kinds of pictures this study has: ``; of this study there are history, slice``."""
    others = [other for other in drawable(subject) if other != name]
    return f"; of this study there are {', '.join(others)}" if others else ""


def drawable(subject: Subject) -> tuple[str, ...]:
    """Give the kinds that this study has a picture of. Cost O(trials)."""
    return tuple(name for name, kind in KINDS.items() if kind.refuse(subject) is None)


def unknown_kind(name: str) -> str:
    """Say that there is no such kind of picture, and which was meant."""
    ours = PICTURES.get(name.removeprefix("plot_"))
    meant = f" (it is {ours!r} here)" if ours else did_you_mean(name, KINDS)
    return f"there is no picture {name!r}{meant}; there are {', '.join(KINDS)}"


def check_kind(name: str, subject: Subject) -> None:
    """Refuse a kind of picture that this study has none of, and say which it has.

    Raises:
        InvalidSetting: there is no such kind, or it means nothing for this study.
        NoResult: what it shows is not there yet.
    """
    if name not in KINDS:
        raise InvalidSetting(unknown_kind(name))
    refusal = KINDS[name].refuse(subject)
    if refusal is not None:
        raise type(refusal)(f"no {name} of study {subject.name!r}: {refusal}{instead_of(name, subject)}")
