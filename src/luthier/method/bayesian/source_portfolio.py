"""The best configurations of other tasks (sources), such that each task is served by one of them."""

from __future__ import annotations

import numpy as np

from luthier._typing import Bools, Floats
from luthier.data import SourceData
from luthier.memo import Memo
from luthier.space import Space
from luthier.surrogate import KERNELS, source_models

_TOP = 20
"""The number of configurations of each source and objective among which is chosen."""
_APART = 0.15
"""Configurations are apart that differ by this share of the range in some variable."""
_SPREAD = 0.1
"""The weight of the mean over the tasks, beside that of the best of the chosen ones for each task."""


def best_of_sources(space: Space, sources: tuple[SourceData, ...], count: int, memo: Memo) -> Floats:
    """Choose configurations, the most useful first, that are predicted to be good for every source.

    The loss of each configuration in each source is predicted by a model of that source. The first one is the best on
    average; each further one is that with which the best of the chosen ones is, on average over the sources, the
    lowest, among those that are apart from the chosen ones.

    Args:
        space: all of them are feasible in it; variables that a source had not are at the middle of their range.
        sources: results of other tasks.
        count: the number that is wanted.
        memo: keeps the models.

    Returns:
        (q, d) with q at most `count`.

    Source: Wistuba, Schilling and Schmidt-Thieme (2015), Sequential model-free hyperparameter tuning, eq. 6, with
    predicted losses.
    """
    points = _candidates(space, sources)
    objectives = sources[0].losses.shape[1]
    models = [
        model
        for place in range(objectives)
        for model in source_models(
            [one.of_objective(place) for one in sources], space.columns, KERNELS["matern52"], "half rank", memo
        )
    ]
    if not len(points) or not models:
        return points[:0]
    predicted = np.stack([model.value(points) for model in models], axis=1)
    mean = predicted.mean(axis=1)
    chosen: list[int] = []
    while len(chosen) < min(count, len(points)):
        covered = np.minimum(predicted, predicted[chosen].min(axis=0)) if chosen else predicted
        worth = covered.mean(axis=1) + _SPREAD * mean
        free = _far(points, points[chosen], _APART) if chosen else np.ones(len(points), dtype=bool)
        if not free.any():
            free = ~np.isin(np.arange(len(points)), chosen)
        chosen.append(int(np.flatnonzero(free)[np.argmin(worth[free])]))
    return points[chosen]


def rank_agreement(space: Space, sources: tuple[SourceData, ...], x: Floats, losses: Floats, memo: Memo) -> int:
    """Count by how many pairs of results more the sources predict the right order than the wrong one.

    The numerator of Kendall's τ between the losses and what the models of the sources predict on average; of several
    objectives the sum. 0 where nothing can be compared.

    Args:
        space: has the columns of the points.
        sources: results of other tasks.
        x: (n, d) the points of the results.
        losses: (n, m) of them.
        memo: keeps the models.

    Cost O(n²).
    """
    total = 0
    for place, column in enumerate(losses.T):
        measured = [source.of_objective(place) for source in sources]
        models = source_models(measured, space.columns, KERNELS["matern52"], "half rank", memo)
        if models:
            predicted = np.mean([model.value(x) for model in models], axis=0)
            orders = [np.sign(np.subtract.outer(one, one)) for one in (predicted, column)]
            total += int((orders[0] * orders[1]).sum()) // 2
    return total


def _candidates(space: Space, sources: tuple[SourceData, ...]) -> Floats:
    """Give the best feasible configurations of each source, by each objective, once each."""
    best = [
        source.x[rows[np.argsort(source.losses[rows, place], kind="stable")[:_TOP]]]
        for source in sources
        for place in range(source.losses.shape[1])
        if len(rows := np.flatnonzero(np.isfinite(source.losses[:, place]) & source.feasible))
    ]
    points = space.settle(np.concatenate(best)) if best else np.empty((0, space.dimensions))
    points = points[space.feasible(points)]
    return points[np.sort(np.unique(points, axis=0, return_index=True)[1])]


def _far(points: Floats, chosen: Floats, least: float) -> Bools:
    """Tell which points are apart from all chosen ones, where inactive variables are far from active ones."""
    full, others = (np.where(np.isnan(one), -1.0, one) for one in (points, chosen))
    apart: Bools = np.abs(full[:, None] - others[None]).max(axis=2).min(axis=1) >= least
    return apart
