"""Acquisition function of one moment over one or two variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.acquisition import Criterion
from luthier.analysis.explanation import criterion_of, recall_trial
from luthier.analysis.response import AcquisitionSurface, ResponsePoint, gridded_axis
from luthier.data import Data
from luthier.errors import InvalidSetting, NoResult
from luthier.event import proposal_key
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, ModelBased, with_pending
from luthier.trial import Config

_WHAT = "study.explain(…) says of each trial how it was made, and study.dependence(…) what is predicted"


def acquisition_surface(
    history: History, names: Sequence[str], number: int | None, points: int, method: Method, key: Key, memo: Memo
) -> AcquisitionSurface:
    """Evaluate the acquisition function of a proposal over a grid; see `luthier.Study.acquisition_surface`.

    Raises:
        TrialNotFound: there is no such trial.
        InvalidSetting: there is no such variable, or the method has no acquisition function.
        NoResult: the trial was not proposed by a model, or there is nothing to model yet.
    """
    if not 1 <= len(names) <= 2 or len(set(names)) < len(names):
        raise InvalidSetting(f"an acquisition surface has one or two different variables, not {list(names)!r}")
    if number is None:
        name, criterion, config, view = _next(history, method, key, memo)
    else:
        name, criterion, config, view = _past(history, number, method, key, memo)
    problem = view.problem()
    space, data = problem.space, view.data(problem)
    axes = [gridded_axis(space, one, points, data.x[data.best_first()]) for one in names]
    places = np.stack(np.meshgrid(*[np.arange(len(one.grid)) for one in axes], indexing="ij"), -1).reshape(
        -1, len(axes)
    )
    grid = np.repeat(space.encode([config]), len(places), axis=0)
    for at, one in enumerate(axes):
        grid[:, one.block.begin : one.block.end] = one.grid[places[:, at]]
    x = space.settle(grid)
    there = space.feasible(x) & ~np.isnan(x[:, [one.block.begin for one in axes]]).any(axis=1)
    if not there.any():
        raise InvalidSetting(
            f"{' and '.join(map(repr, names))}: not active where the others are fixed: {dict(config)!r}"
        )
    values = np.full(len(x), np.nan)
    values[there] = criterion.value(x[there])
    return AcquisitionSurface(
        number,
        name,
        tuple(one.axis for one in axes),
        tuple(tuple(row) for row in values.reshape(len(axes[0].grid), -1).tolist()),
        config,
        _measured(view, names),
    )


def _past(
    history: History, number: int, method: Method, key: Key, memo: Memo
) -> tuple[str, Criterion, Config, History]:
    context = recall_trial(history, number, method, key, memo)
    _check_models(context.method)
    if context.step is None or not context.proposed or context.trial.note.get("by") in ("design", "rest"):
        why = "it was one of the first, or its values were given" if not context.failure else context.failure
        raise NoResult(f"trial {number} was not chosen by an acquisition function: {why}; {_WHAT}")
    name, criterion = criterion_of(context.step, context.trial.note)
    return name, criterion, context.trial.config, context.view


def _next(history: History, method: Method, key: Key, memo: Memo) -> tuple[str, Criterion, Config, History]:
    models = _check_models(method)
    problem = history.problem()
    data: Data = history.data(problem)
    if not len(data) or not data.columns:
        raise NoResult(f"there is no acquisition function before a trial has a value; {_WHAT}")
    first, _ = history.free_numbers(1)
    step = models.step(problem, with_pending(data, data.pending[:0]), proposal_key(key, first), 0, memo)
    name, criterion = criterion_of(step, step.note)
    best = history.measured()[int(data.best_first()[0])]
    return name, criterion, history.config(best) or {}, history


def _check_models(method: Method) -> ModelBased:
    if not isinstance(method, ModelBased):
        raise InvalidSetting(f"{type(method).__name__} has no acquisition function; {_WHAT}")
    return method


def _measured(view: History, names: Sequence[str]) -> tuple[ResponsePoint, ...]:
    """Give the trials that had values, with those of the first objective."""
    goal = view.problem().objectives[0].name
    found = []
    for number in view.measured():
        outcome = view.trial(number).outcome
        values: dict[str, Any] = dict(view.config(number) or {})
        value = outcome.values.get(goal, float("nan")) if outcome else float("nan")
        found.append(ResponsePoint(number, tuple(values.get(name) for name in names), value))
    return tuple(found)
