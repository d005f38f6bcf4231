"""Results of another task, recorded in the log as a source of knowledge."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from luthier import codec
from luthier._hints import suggest
from luthier._runtime.logger import silent_logger
from luthier.errors import InvalidConfig, StudyMismatch
from luthier.event import Told, Transferred
from luthier.history import History, read_partial
from luthier.problem import Objective, Problem
from luthier.space import Space
from luthier.study.transfer.other_study import OtherStudy
from luthier.surrogate import subset_of_data
from luthier.trial import Config

_logger = silent_logger(__name__)

FEWEST = 4
"""With fewer results a source says nothing."""
MOST = 200
"""The number of results of one source that are recorded: half of them the best, the rest spread over the others."""


def transferred(other: OtherStudy, objectives: Mapping[str, str], history: History) -> Transferred:
    """Give the event that records the results of another study.

    Args:
        other: the study that has them.
        objectives: what its objectives are called here.
        history: that of this study.

    Raises:
        StudyMismatch: variables or objectives do not fit, or too few of its results can be held.
    """
    reader, problem = other.reader, history.problem()
    origin = _origin(reader.history)
    if origin and origin == _origin(history):
        raise StudyMismatch(
            f"study {reader.name!r} is this study itself or a copy of it, whose trials it learns from anyway"
        )
    measured = _measured(other, objectives, problem)
    other.check_variables(problem.space, complete=False)
    had = other.variables(problem.space)
    if not had:
        raise StudyMismatch(
            f"study {reader.name!r} has no variable of this study: give names={{…}}, what its variables are called here"
        )
    configs, rows, why = [], [], ""
    done = other.done
    for row, trial in enumerate(done):
        try:
            configs.append(_config(other, problem.space, other.params(trial), had))
            rows.append(row)
        except InvalidConfig as error:
            why = why or f"trial {trial.number}: {error}"
    if len(configs) < FEWEST:
        raise StudyMismatch(
            f"study {reader.name!r} has {len(done)} results, of which this study can hold {len(configs)}; a source "
            f"needs at least {FEWEST}{f' ({why})' if why else ''}"
        )
    if why:
        _logger.warning("study %r: %d of %d results do not fit, %s", reader.name, len(done) - len(rows), len(done), why)
    first, (theirs, _) = next(iter(measured.items()))
    goal = next(objective for objective in problem.objectives if objective.name == first)
    losses = np.array([goal.loss(done[row].values[theirs]) for row in rows])
    kept = subset_of_data(losses, MOST).tolist()
    trials = [done[rows[place]] for place in kept]
    return Transferred(
        reader.name,
        origin,
        had,
        tuple(configs[place] for place in kept),
        {name: tuple(trial.values[theirs] for trial in trials) for name, (theirs, _) in measured.items()},
        tuple(place for place, trial in enumerate(trials) if any(v > 0 for v in trial.violations.values())),
    )


def _origin(history: History) -> str:
    """Name a study by how it begins, its first result included; empty where there is none."""
    told = next((event for event in history.events if isinstance(event, Told)), None)
    if told is None or history.created is None:
        return ""
    created = history.created
    begin = [created.name, created.seed, told.number, dict(history.trial(told.number).config), dict(told.values)]
    return hashlib.blake2b(codec.dumps(begin), digest_size=8).hexdigest()


def _measured(other: OtherStudy, objectives: Mapping[str, str], problem: Problem) -> dict[str, tuple[str, Objective]]:
    """Give the objectives of this study that another one measured, each with its name there.

    Raises:
        StudyMismatch: there is none, a name is that of no objective, or one maximises what the other minimises.
    """
    reader, ours = other.reader, {objective.name: objective for objective in problem.objectives}
    theirs = {objective.name: objective for objective in reader.problem.objectives}
    for name, called in objectives.items():
        if name not in theirs:
            raise StudyMismatch(
                f"objectives: study {reader.name!r} has no objective {name!r}{suggest(name, tuple(theirs))}"
            )
        if called not in ours:
            raise StudyMismatch(f"objectives: this study has no objective {called!r}{suggest(called, tuple(ours))}")
    found = {}
    for name, objective in theirs.items():
        called = objectives.get(name, name)
        if called not in ours:
            continue
        other.check_goal(objective, ours[called])
        found[called] = (name, objective)
    if not found:
        raise StudyMismatch(
            f"study {reader.name!r} measures {sorted(theirs)}, and this one {sorted(ours)}: say which is which by "
            f"objectives={{{next(iter(theirs))!r}: {next(iter(ours))!r}}}"
        )
    return found


def _config(other: OtherStudy, space: Space, params: Mapping[str, Any], had: tuple[str, ...]) -> Config:
    """Give the values of the variables that are known, in plain form; raises InvalidConfig where one does not fit."""
    plain = space.plain({**other.fill, **params})
    for name, value in plain.items():
        why = space.variables[name].fault(value)
        if why:
            raise InvalidConfig(f"{name} = {value!r} {why}")
    if read_partial(plain, space, frozenset(had)) is None:
        raise InvalidConfig("a variable that is active here was inactive there")
    return plain
