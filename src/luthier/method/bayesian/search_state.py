"""The state of a search, as its results tell it."""

from __future__ import annotations

import numpy as np

from luthier.data import Data
from luthier.problem import Problem

_UNEVEN = 15.0
"""The ratio of the 0.9 to the 0.1 quantile of durations from which on cost is taken into account.

It pays where costs differ much: the time to a target was 0.89 of that without it where the slowest trial takes 30 times
as long as the fastest (the quantiles then differ by a factor of about 15), and 0.79 of it at 100 times; at 10 times
`Bayes` saved nothing (`benchmarks/costs.py`, 36 pairs each)."""
_ENOUGH = 10
"""With fewer durations than this nothing is concluded from them."""
_LEAST_S = 0.1
"""Shorter durations count as this: making a proposal takes as long."""

_BEST = 3
"""The number of best trials that are compared to see whether the search stagnates."""
_FEWEST = 8
"""With fewer trials than this a search does not stagnate."""
_NEAR = 1e-2
"""Points are near each other if they differ by less than this share of the range of every variable."""
_ALIKE = 1e-3
"""Losses are alike if they differ by less than this share of the distance from the best loss to the median one."""


def is_stagnant(problem: Problem, data: Data) -> bool:
    """Tell whether the search only refines the optimum of one branch of the space.

    It does if the three best trials are all but the same point with all but the same loss. Little is left to gain
    there, and a model that takes the rest of the space to be smooth expects nothing of branches of which it has seen a
    few bad points. Only a search for one objective in a space with conditional variables is ever said to stagnate.

    Cost: O(n log n).
    """
    branched = any(column.conditional for column in data.columns)
    if not branched or len(problem.objectives) > 1 or len(data) < _FEWEST:
        return False
    best = data.best_first()[:_BEST]
    x = np.where(np.isnan(data.x[best]), -1.0, data.x[best])
    loss = data.loss[best]
    spread = float(np.median(data.loss)) - float(loss[0])
    return bool(np.abs(x - x[0]).max() < _NEAR and np.abs(loss - loss[0]).max() <= _ALIKE * spread)


def is_bound_by_time(problem: Problem, data: Data) -> bool:
    """Tell whether to save time rather than trials: there is no trial budget, and durations differ much."""
    costs = data.costs[np.isfinite(data.costs)]
    if problem.horizon is not None or problem.fidelity is not None or len(costs) < _ENOUGH:
        return False
    fast, slow = np.quantile(np.maximum(costs, _LEAST_S), (0.1, 0.9))
    return bool(slow >= _UNEVEN * fast)
