"""Gradient ascent on a criterion, from candidates, along the variables that take any value of a range."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats
from luthier.acquisition import SmoothCriterion
from luthier.space import Space

_STEPS = 10  # the candidates of a climb are near the top


def ascend(space: Space, criterion: SmoothCriterion, points: Floats) -> Floats:
    """Climb by L-BFGS-B from each of `points` (k, d), settled, with finite values; shape (m, d) with m at most k.

    What cannot move by small steps (categories, whole numbers, inactive variables) stays as it is. A point with
    nothing that could move is left out. Constraints are not looked at: that is left to the caller.

    All points climb at once, on the sum of their values, of which each part has a point of its own: k values together
    cost little more than one, and the steps are as many as for one.

    Cost: up to 20 values with gradients, of k points each. Source: Byrd, Lu, Nocedal and Zhu (1995).
    """
    from scipy.optimize import fmin_l_bfgs_b

    free = np.zeros(points.shape, dtype=bool)
    free[:, space.continuous] = ~np.isnan(points[:, space.continuous])
    movable = free.any(axis=1)
    found, free = points[movable], free[movable]
    if not len(found):
        return found

    def loss(part: Floats) -> tuple[float, Floats]:
        rows = found.copy()
        rows[free] = part
        values, gradients = criterion.value_grad(rows)
        return -float(values.sum()), -gradients[free]

    bounds = [(0.0, 1.0)] * int(free.sum())
    found[free], _, _ = fmin_l_bfgs_b(loss, found[free], bounds=bounds, maxiter=_STEPS, maxfun=2 * _STEPS)
    return space.settle(found, np.where(np.isnan(found), 0.5, found))
