"""Whether a search only polishes what it has found in one branch of a space."""

from __future__ import annotations

import numpy as np

from luthier.data import Data
from luthier.method.bayesian.outcomes import best_first
from luthier.problem import Problem

_BEST = 3
_FEWEST = 8
_NEAR = 1e-2
"""Of the range of each variable."""
_ALIKE = 1e-3
"""Of the distance from the best loss to the middling one."""


def is_stagnant(problem: Problem, data: Data) -> bool:
    """Tell whether the three best trials are all but the same point with all but the same loss, and there are branches.

    What can still be gained there is little, and a model that takes the rest of the space for smooth expects nothing
    of branches that it has seen a few bad points of. It is said of spaces with conditional variables only, and of one
    objective.

    Cost: O(n log n).
    """
    branched = any(column.conditional for column in data.columns)
    if not branched or len(problem.objectives) > 1 or len(data) < _FEWEST:
        return False
    best = best_first(data)[:_BEST]
    x = np.where(np.isnan(data.x[best]), -1.0, data.x[best])
    loss = data.loss[best]
    spread = float(np.median(data.loss)) - float(loss[0])
    return bool(np.abs(x - x[0]).max() < _NEAR and np.abs(loss - loss[0]).max() <= _ALIKE * spread)
