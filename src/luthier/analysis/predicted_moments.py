"""Mean and standard deviation of predictions, in the units of the objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from luthier._typing import Floats
from luthier.analysis.predict import Predictions
from luthier.history import History
from luthier.trial import Config

_NODES = 15
_LEAST = 1e-300
_AT_ONCE = 5000
"""Configurations that are predicted at once, so that memory stays small where there are many."""


class PredictedMoments(NamedTuple):
    """Mean and standard deviation of one objective at several configurations, (q,) each, in its own units."""

    mean: Floats
    std: Floats


def predicted_moments(predictions: Predictions, configs: Sequence[Config]) -> dict[str, PredictedMoments]:
    """Give mean and standard deviation of the objectives themselves (noise not included), by name.

    With Q the quantile function of the prediction and z standard normal, Q(Φ(z)) has its distribution. So
    ``mean = E[Q(Φ(z))]`` and ``std² = E[Q(Φ(z))²] - mean²``, by Gauss-Hermite quadrature: exact where the prediction is
    normal, and close where a monotone scale bends it.

    Args:
        predictions: of one moment.
        configs: that the space can hold; q of them.

    Cost O(q n²) for n trials with values.

    Source: Abramowitz and Stegun (1964), equation 25.4.46.
    """
    from scipy.special import ndtr

    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = (weights / weights.sum())[:, None]
    space, objectives = predictions.problem.space, predictions.problem.objectives
    found: dict[str, list[tuple[Floats, Floats]]] = {goal.name: [] for goal in objectives}
    for start in range(0, len(configs), _AT_ONCE):
        x = space.encode(configs[start : start + _AT_ONCE])
        for goal, distribution in zip(objectives, predictions.distributions, strict=True):
            losses = distribution.quantiles(x, ndtr(nodes).tolist())
            mean = (weights * losses).sum(axis=0)
            apart = losses - mean
            size = np.maximum(np.abs(apart).max(axis=0), _LEAST)  # squares of the values themselves may be too large
            std = size * np.sqrt((weights * np.square(apart / size)).sum(axis=0))
            found[goal.name].append((-mean if goal.maximize else mean, std))
    empty = np.empty(0)
    return {
        name: PredictedMoments(
            np.concatenate([empty, *(mean for mean, _ in parts)]), np.concatenate([empty, *(std for _, std in parts)])
        )
        for name, parts in found.items()
    }


def predicted_columns(predictions: Predictions, history: History) -> dict[str, list[float | None]]:
    """Give mean and standard deviation of each objective at every trial of a history, in order of number.

    Returns:
        The columns ``predicted.NAME`` and ``predicted_std.NAME``; None where the present space cannot hold a trial.
    """
    configs = [history.config(trial.number) for trial in history.trials]
    found = predicted_moments(predictions, [config for config in configs if config is not None])
    columns: dict[str, list[float | None]] = {}
    for name, moments in found.items():
        for prefix, values in (("predicted", moments.mean), ("predicted_std", moments.std)):
            known = iter(values.tolist())
            columns[f"{prefix}.{name}"] = [None if config is None else next(known) for config in configs]
    return columns
