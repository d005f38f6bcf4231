"""Gradient ascent on a criterion, from candidates, along the variables that take any value of a range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from luthier.acquisition.protocol import SmoothCriterion
from luthier.space import Space

Floats = NDArray[np.float64]

_STEPS = 12  # the candidates of a climb are near the top


def ascend(space: Space, criterion: SmoothCriterion, points: Floats) -> Floats:
    """Climb by L-BFGS-B from each of `points` (k, d), settled; shape (m, d) with m at most k.

    What cannot move by small steps (categories, whole numbers, inactive variables) stays as it is. A point with
    nothing that could move is left out. Constraints are not looked at: that is left to the caller.

    Cost: up to 24 k values with gradients. Source: Byrd, Lu, Nocedal and Zhu (1995).
    """
    continuous = np.array([column.kind == "number" and column.levels == 0 for column in space.columns], dtype=bool)
    climbed = [
        _ascend(criterion, point, free)
        for point in points
        if len(free := np.flatnonzero(continuous & ~np.isnan(point)))
    ]
    if not climbed:
        return points[:0]
    found = np.stack(climbed)
    return space.settle(found, np.where(np.isnan(found), 0.5, found))


def _ascend(criterion: SmoothCriterion, point: Floats, free: NDArray[np.int64]) -> Floats:
    from scipy.optimize import fmin_l_bfgs_b

    def loss(part: Floats) -> tuple[float, Floats]:
        row = point.copy()
        row[free] = part
        value, gradient = criterion.value_grad(row[None])
        return -float(value[0]), -gradient[0, free]

    found = point.copy()
    found[free], _, _ = fmin_l_bfgs_b(
        loss, point[free], bounds=[(0.0, 1.0)] * len(free), maxiter=_STEPS, maxfun=2 * _STEPS
    )
    return found
