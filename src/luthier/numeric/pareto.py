"""Pareto dominance: non-dominated sorting, crowding distance and hypervolume of losses.

Sources: Deb, Pratap, Agarwal and Meyarivan (2002), A fast and elitist multiobjective genetic algorithm (NSGA-II), IEEE
Transactions on Evolutionary Computation 6, sections III.A and III.B, for sorting and crowding; Deb (2000), An efficient
constraint handling method for genetic algorithms, for constraints; While, Bradstreet and Barone (2012), A fast way of
calculating exact hypervolumes (WFG), IEEE Transactions on Evolutionary Computation 16, for the hypervolume.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from luthier._typing import Bools, Floats, Integers


def dominates(losses: Floats, others: Floats) -> Bools:
    """Tell which rows dominate which others: at least as good in every objective, and better in one.

    Args:
        losses: (n, m).
        others: (k, m).

    Returns:
        (n, k). Cost O(m n k).
    """
    no_worse = np.ones((len(losses), len(others)), dtype=np.bool_)
    better = np.zeros_like(no_worse)
    for mine, theirs in zip(losses.T, others.T, strict=True):  # a short last axis would be slow to reduce
        no_worse &= mine[:, None] <= theirs
        better |= mine[:, None] < theirs
    return no_worse & better


def non_dominated(losses: Floats) -> Bools:
    """Tell which rows of `losses` (n, m) no other row dominates; (n,). Cost O(n log n + m n f), f of them found."""
    kept = np.zeros(len(losses), dtype=bool)
    front, size = np.empty_like(losses), 0
    for row in np.lexsort(losses.T[::-1]).tolist():  # a row dominates none of those before it in this order
        if not dominates(front[:size], losses[row : row + 1]).any():
            kept[row] = True
            front[size] = losses[row]
            size += 1
    return kept


def non_dominated_sort(losses: Floats) -> Integers:
    """Give the number of the non-dominated front of each row of `losses` (n, m), 0 for the best; (n,).

    Cost O(m n²).
    """
    dominating = dominates(losses, losses)
    dominators = dominating.sum(axis=0)
    front = np.full(len(losses), -1, dtype=np.int64)
    number = 0
    while (front < 0).any():
        now = (front < 0) & (dominators == 0)
        front[now] = number
        dominators = dominators - dominating[now].sum(axis=0)
        number += 1
    return front


def crowding_distance(losses: Floats) -> Floats:
    """Give the crowding distance of each row of one front, `losses` (n, m); (n,), inf at the ends."""
    count, objectives = losses.shape
    found = np.zeros(count)
    for column in losses.T:
        order = np.argsort(column, kind="stable")
        scaled = column[order] / 4.0  # keeps the width of a column of ±1e308 finite
        width = scaled[-1] - scaled[0]
        found[order[[0, -1]]] = np.inf
        if width > 0 and count > 2:
            found[order[1:-1]] += (scaled[2:] - scaled[:-2]) / width
    found /= objectives
    return found


def sorted_rows(losses: Floats, violations: Floats) -> Integers:
    """Order rows by violation, then by front, then by crowding distance, the best first; of equals, the first.

    Args:
        losses: (n, m).
        violations: (n,) by how much the outcome constraints are broken in all; 0 where they hold, inf for a crash.

    Returns:
        (n,) row numbers. Cost O(n log n), for several objectives O(m n²).
    """
    if losses.shape[1] == 1:
        return np.lexsort((losses[:, 0], violations))
    front = non_dominated_sort(losses)
    crowding = np.zeros(len(losses))
    for number in np.unique(front):
        rows = np.flatnonzero(front == number)
        crowding[rows] = crowding_distance(losses[rows])
    return np.lexsort((-crowding, front, violations))


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


def hypervolume(losses: Floats, reference: Floats) -> float:
    """Give the volume of what the rows of `losses` (n, m) dominate within the box below `reference` (m,).

    Rows that are not below the reference in every objective add nothing. Exact up to rounding.

    Args:
        losses: (n, m) finite; n may be 0.
        reference: (m,) a point that is worse than all that should count, finite.

    Returns:
        At least 0; the larger, the better the front. Cost O(n log n) for m = 2, and at most O(n^(m-1)) for more.

    Source: for two objectives a sweep; for more While, Bradstreet and Barone (2012): a front's volume is the sum of
    what each point adds to those after it, and sorted by the last objective these have one slice in common.

    Example:
        >>> hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), np.array([4.0, 4.0]))
        7.0
    """
    extents = reference - losses
    extents = extents[(extents > 0).all(axis=1)]
    return _volume(extents) if len(extents) else 0.0


def hypervolume_contributions(losses: Floats, reference: Floats) -> Floats:
    """Give the volume that each row of `losses` (n, m) alone dominates, below `reference` (m,); (n,).

    Of equal rows none adds anything. Cost: n + 1 hypervolumes.
    """
    whole = hypervolume(losses, reference)
    rest = [hypervolume(np.delete(losses, row, axis=0), reference) for row in range(len(losses))]
    return np.maximum(whole - np.array(rest, dtype=np.float64), 0.0)


class Boxes(NamedTuple):
    """Boxes that share no inner point, (b, m) each: their lower corners, which may be -inf, and their upper ones."""

    lows: Floats
    highs: Floats


def free_boxes(losses: Floats, reference: Floats) -> Boxes:
    """Divide what no row of `losses` dominates, below `reference`, into boxes.

    Args:
        losses: (n, m) for 2 or 3 objectives; n may be 0. Rows that are not below the reference do not count.
        reference: (m,) finite.

    Returns:
        n + 1 boxes of two objectives, fewer where rows are dominated; at most (n + 1)(n + 2) / 2 of three. Cost in
        proportion to their number.

    Source: Yang, Emmerich, Deutz and Bäck (2019), Efficient computation of expected hypervolume improvement using box
    decomposition algorithms, Journal of Global Optimization 75, sections 3 and 4: strips, and slices of strips.

    Example:
        >>> free_boxes(np.array([[1.0, 2.0]]), np.array([4.0, 4.0])).highs.tolist()
        [[1.0, 4.0], [4.0, 2.0]]
    """
    below = losses[(losses < reference).all(axis=1)]
    front = below[non_dominated(below)] if len(below) else below
    if len(reference) == 2:
        return _strips(front, reference)
    if len(reference) != 3:
        raise ValueError(f"boxes are made for 2 or 3 objectives, not {len(reference)}")
    front = front[np.argsort(front[:, 2], kind="stable")]
    bounds = np.concatenate([[-np.inf], front[:, 2], reference[2:]])
    lows, highs = [], []
    for count, (low, high) in enumerate(pairwise(bounds.tolist())):
        if high > low:  # rows with equal values leave no slice between them
            slice_lows, slice_highs = _strips(front[:count, :2], reference[:2])
            lows.append(np.column_stack([slice_lows, np.full(len(slice_lows), low)]))
            highs.append(np.column_stack([slice_highs, np.full(len(slice_highs), high)]))
    return Boxes(np.concatenate(lows), np.concatenate(highs))


def _strips(losses: Floats, reference: Floats) -> Boxes:
    front = losses[non_dominated(losses)] if len(losses) else losses
    front = np.unique(front, axis=0)  # by the first objective; the second one falls
    edges = np.concatenate([[-np.inf], front[:, 0], reference[:1]])
    tops = np.concatenate([reference[1:], front[:, 1]])
    lows = np.column_stack([edges[:-1], np.full(len(tops), -np.inf)])
    return Boxes(lows, np.column_stack([edges[1:], tops]))


def _volume(extents: Floats) -> float:
    """Give the volume of the union of boxes from 0 to each of `extents` (n, m), n at least 1."""
    if extents.shape[1] == 1:
        return float(extents.max())
    extents = extents[np.argsort(extents[:, -1], kind="stable")]
    if extents.shape[1] == 2:
        widths = np.maximum.accumulate(extents[::-1, 0])[::-1]
        return _sum((np.diff(extents[:, 1], prepend=0.0) * widths).tolist())
    front, total = extents[non_dominated(-extents)], []
    for row, point in enumerate(front):
        later = front[row + 1 :, :-1]
        shared = _volume(np.minimum(later, point[:-1])) if len(later) else 0.0
        total.append(float(point[-1]) * (float(np.prod(point[:-1])) - shared))
    return _sum(total)


def _sum(parts: list[float]) -> float:
    """Add up without rounding in between; infinite where no float holds the sum."""
    try:
        return math.fsum(parts)
    except OverflowError:
        return math.inf
