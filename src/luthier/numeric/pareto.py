"""The order of results for methods that only compare them: constraints first, then domination, then crowding.

Source: Deb (2000), An efficient constraint handling method for genetic algorithms, for the constraints; Deb, Pratap,
Agarwal and Meyarivan (2002), A fast and elitist multiobjective genetic algorithm (NSGA-II), IEEE Transactions on
Evolutionary Computation 6, sections III.A and III.B, for several objectives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats

Places = NDArray[np.int64]


def sorted_rows(losses: Floats, violations: Floats) -> Places:
    """Order the rows, the best first; of equals, the one that stands first.

    Args:
        losses: (n, m), minimised.
        violations: (n,) by how much the outcome constraints are broken in all; 0 where they hold, inf for a crash.

    Returns:
        (n,) row numbers. Cost O(n log n), for several objectives O(m n²).
    """
    if losses.shape[1] == 1:
        return np.lexsort((losses[:, 0], violations))
    front = non_dominated_sort(losses)
    crowd = np.zeros(len(losses))
    for number in np.unique(front):
        rows = np.flatnonzero(front == number)
        crowd[rows] = crowding_distance(losses[rows])
    return np.lexsort((-crowd, front, violations))


def non_dominated_sort(losses: Floats) -> Places:
    """Give the number of each row's nondominated front, 0 for the best; (n,). Cost O(m n²)."""
    below: NDArray[np.bool_] = np.all(losses[:, None, :] <= losses[None, :, :], axis=2)
    dominates: NDArray[np.bool_] = below & ~below.T
    beaten_by = dominates.sum(axis=0)
    front = np.full(len(losses), -1, dtype=np.int64)
    number = 0
    while (front < 0).any():
        now = (front < 0) & (beaten_by == 0)
        front[now] = number
        beaten_by = beaten_by - dominates[now].sum(axis=0)
        number += 1
    return front


def crowding_distance(losses: Floats) -> Floats:
    """Give the crowding distance of each row of one front; (n,), inf at the ends."""
    count, objectives = losses.shape
    found = np.zeros(count)
    for column in losses.T:
        order = np.argsort(column, kind="stable")
        scaled = column[order] / 4.0  # the width of a column of ±1e308 has no name otherwise
        width = scaled[-1] - scaled[0]
        found[order[[0, -1]]] = np.inf
        if width > 0 and count > 2:
            found[order[1:-1]] += (scaled[2:] - scaled[:-2]) / width
    found /= objectives
    return found


def no_worse(losses: Floats, violation: float, other: Floats, other_violation: float) -> bool | None:
    """Tell whether one result is at least as good as another; None where neither dominates.

    Args:
        losses: (m,) of the one.
        violation: of the one.
        other: (m,) losses of the other.
        other_violation: of the other.
    """
    if violation != other_violation:
        return violation < other_violation
    if violation > 0 and np.isinf(violation):
        return False
    if (losses <= other).all():
        return True
    return False if (other <= losses).all() else None
