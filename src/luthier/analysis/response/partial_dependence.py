"""Partial dependence of an objective on one or two variables, with intervals, and single lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier._typing import Floats
from luthier.analysis.latent_sampling import draw_latents
from luthier.analysis.predictive_distribution import PredictiveDistribution
from luthier.analysis.response.axes import GriddedAxis, gridded_axis
from luthier.analysis.response.response_results import Dependence, DependenceSurface, ResponsePoint
from luthier.analysis.single_objective import SingleObjective
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.surrogate import Pathwise

_AVERAGED = 64
_AVERAGED_PAIR = 24
_DRAWS = 64
_CANDIDATES = 4096
_BLOCK = 512
"""Points at which functions are evaluated at once: each takes memory for all trials."""
_BEYOND = 0.5
"""Drawn losses are kept within the range of the measured ones and half as much on each side: one that a model draws far
beyond them would decide an average alone."""


def partial_dependence(
    of: SingleObjective, name: str, points: int, lines: int, level: float, key: Key, memo: Memo
) -> Dependence:
    """Average the predictions over the other variables at each value of one; see `luthier.Study.dependence`.

    Raises:
        InvalidSetting: there is no such variable.
    """
    if lines < 0:
        raise InvalidSetting(f"lines={lines!r}: give a number of configurations, 0 for none")
    order = of.data.best_first()
    one = gridded_axis(of.problem.space, name, points, of.data.x[order])
    mean, low, high, kept, active = _average(of, [one], _AVERAGED, level, key, memo)
    one = _only(one, kept)
    numbers, drawn = _lines(of, one, lines)
    best = of.config(of.best_row)
    return Dependence(
        of.goal.name,
        of.goal.maximize,
        one.axis,
        tuple(mean[kept].tolist()),
        tuple(low[kept].tolist()),
        tuple(high[kept].tolist()),
        drawn,
        numbers,
        measured_points(of, [name]),
        best.get(name),
        active,
        level,
        of.by,
    )


def dependence_surface(
    of: SingleObjective, names: Sequence[str], points: int, level: float, key: Key, memo: Memo
) -> DependenceSurface:
    """Average the predictions over the other variables at each pair of values of two variables.

    Raises:
        InvalidSetting: there is no such variable, both are one, or they are never active together.
    """
    first, second = names
    if first == second:
        raise InvalidSetting(f"a surface needs two variables; {first!r} is given twice: study.dependence({first!r})")
    tried = of.data.x[of.data.best_first()]
    axes = [gridded_axis(of.problem.space, name, points, tried) for name in names]
    mean, low, high, _, _ = _average(of, axes, _AVERAGED_PAIR, level, key, memo)
    shape = (len(axes[0].grid), len(axes[1].grid))
    best = of.config(of.best_row)
    return DependenceSurface(
        of.goal.name,
        of.goal.maximize,
        (axes[0].axis, axes[1].axis),
        _nested(mean.reshape(shape)),
        _nested(low.reshape(shape)),
        _nested(high.reshape(shape)),
        measured_points(of, names),
        (best.get(first), best.get(second)),
        level,
        of.by,
    )


def measured_points(of: SingleObjective, names: Sequence[str]) -> tuple[ResponsePoint, ...]:
    """Give the values of some variables and of the objective in each trial that has a value."""
    return tuple(
        ResponsePoint(number, _values(of, row, names), of.goal.value(float(of.data.loss[row])))
        for row, number in enumerate(of.numbers)
    )


def _values(of: SingleObjective, row: int, names: Sequence[str]) -> tuple[Any, ...]:
    config = of.config(row)
    return tuple(config.get(name) for name in names)


def _average(
    of: SingleObjective, axes: Sequence[GriddedAxis], averaged: int, level: float, key: Key, memo: Memo
) -> tuple[Floats, Floats, Floats, np.ndarray, float]:
    """Give means and intervals (combinations,), NaN where no configuration is; which are known; the share active."""
    space = of.problem.space
    latents = draw_latents(space, key.fold("others"), _CANDIDATES)
    settled = space.settle(latents)
    active = np.logical_and.reduce([~np.isnan(settled[:, one.block.begin]) for one in axes])
    if not active.any():
        raise InvalidSetting(f"{' and '.join(repr(one.axis.name) for one in axes)} are never active together")
    others = latents[active][:averaged]
    places = np.stack(np.meshgrid(*[np.arange(len(one.grid)) for one in axes], indexing="ij"), -1).reshape(
        -1, len(axes)
    )
    grid = np.repeat(others[None], len(places), axis=0)
    for at, one in enumerate(axes):
        grid[:, :, one.block.begin : one.block.end] = one.grid[places[:, at]][:, None, :]
    x = space.settle(grid.reshape(-1, grid.shape[2]))
    there = space.feasible(x) & ~np.isnan(x[:, [one.block.begin for one in axes]]).any(axis=1)
    feasible = there.reshape(len(places), len(others))
    distribution, _ = of.having(Pathwise, key, memo)
    drawn = _drawn(distribution, x, key.fold("draws")).reshape(-1, len(places), len(others))
    count = feasible.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        averages = np.where(feasible, drawn, 0.0).sum(axis=2) / count
    values = 0.0 - averages if of.goal.maximize else averages
    low, high = np.quantile(values, (0.5 - 0.5 * level, 0.5 + 0.5 * level), axis=0)
    return values.mean(axis=0), low, high, np.flatnonzero(count > 0), float(active.mean())


def _drawn(distribution: PredictiveDistribution, x: Floats, key: Key) -> Floats:
    """Draw functions of the losses at `x` (q, d) from all components, each as often as its weight says; (s, q)."""
    losses = distribution.data.loss
    spread = float(np.ptp(losses))
    parts = []
    for number, one in enumerate(distribution.components):
        count = max(1, round(_DRAWS * one.weight))
        assert isinstance(one.posterior, Pathwise)  # see `SingleObjective.having`
        paths = one.posterior.paths(key.fold(number), count)
        parts.append(
            one.unscaling.to_losses(
                np.concatenate([paths(x[at : at + _BLOCK]) for at in range(0, len(x), _BLOCK)], axis=1)
            )
        )
    drawn: Floats = np.clip(np.concatenate(parts), losses.min() - _BEYOND * spread, losses.max() + _BEYOND * spread)
    return drawn


def _only(one: GriddedAxis, kept: np.ndarray) -> GriddedAxis:
    if len(kept) == len(one.grid):
        return one
    axis = one.axis
    chosen = kept.tolist()
    values, labels = tuple(axis.values[i] for i in chosen), tuple(axis.labels[i] for i in chosen)
    return GriddedAxis(type(axis)(axis.name, axis.kind, axis.log, values, labels), one.block, one.grid[kept])


def _lines(of: SingleObjective, one: GriddedAxis, count: int) -> tuple[tuple[int, ...], tuple[tuple[float, ...], ...]]:
    """Predict along one variable for the best trial, and for others in which it is active, spread over their values."""
    order = of.data.best_first()
    order = order[~np.isnan(of.data.x[order, one.block.begin])]
    if not count or not len(order):
        return (), ()
    best = of.best_row
    rows = order[np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).astype(np.int64))].tolist()
    if best in order:
        rows = [best, *[row for row in rows if row != best]][:count]
    grid = np.repeat(of.data.x[rows][:, None], len(one.grid), axis=1)
    grid[:, :, one.block.begin : one.block.end] = one.grid[None]
    medians = of.medians(of.problem.space.settle(grid.reshape(-1, grid.shape[2]))).reshape(len(rows), len(one.grid))
    values = 0.0 - medians if of.goal.maximize else medians
    return tuple(of.numbers[row] for row in rows), _nested(values)


def _nested(grid: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in grid.tolist())
