"""Order of losses in several objectives: by front, and within a front by the volume that each adds."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats, Integers
from luthier.numeric.pareto import crowding_distance, hypervolume, non_dominated_sort

_PICKED = 25
"""So many rows, the first ones, are picked with care; the others of their fronts follow by crowding distance."""
_MOST_VOLUMES = 3
_WORST = 1.1
"""The reference point, where the losses of a front are scaled from 0 to 1."""


def front_order(losses: Floats) -> Integers:
    """Order rows by front (non-dominated sorting), and the rows of a front so that the first few of them cover it.

    They are picked one by one, each the one that adds most to the hypervolume of those picked before: the first is a
    trade-off, where a crowding distance would begin with the ends. Of equals the first row comes first.

    Args:
        losses: (n, m) finite.

    Returns:
        (n,) row numbers. Cost O(m n²), and up to 25 f volumes for fronts of f rows. Of more than three objectives the
        crowding distance takes the place of the volume.

    Source: Deb, Pratap, Agarwal and Meyarivan (2002), NSGA-II, for the fronts; Guerreiro, Fonseca and Paquete (2016),
    Greedy hypervolume subset selection in low dimensions, for the order within one.
    """
    order = list[int]()
    numbers = non_dominated_sort(losses)
    for number in range(int(numbers.max(initial=-1)) + 1):
        rows = np.flatnonzero(numbers == number)
        front = losses[rows]
        count = _PICKED - len(order) if losses.shape[1] <= _MOST_VOLUMES else 0
        picked = greedy_volume(_scaled(front), list(range(len(rows))), np.full(losses.shape[1], _WORST), count)
        rest = np.setdiff1d(np.arange(len(rows)), picked)
        rest = rest[np.argsort(-crowding_distance(front)[rest], kind="stable")]
        order += rows[[*picked, *rest.tolist()]].tolist()
    return np.array(order, dtype=np.int64)


def greedy_volume(losses: Floats, rows: list[int], reference: Floats, count: int) -> list[int]:
    """Pick up to `count` of some rows of `losses`, each time the one that adds most to the volume of those before."""
    picked, waiting = list[int](), list(rows)
    bounds = dict.fromkeys(rows, np.inf)  # what a row adds never grows as others are picked
    while waiting and len(picked) < count:
        whole = hypervolume(losses[picked], reference) if picked else 0.0
        best, most = -1, -1.0
        for row in sorted(waiting, key=lambda one: (-bounds[one], one)):
            if bounds[row] <= most:
                break
            bounds[row] = hypervolume(losses[[*picked, row]], reference) - whole
            if bounds[row] > most:
                best, most = row, bounds[row]
        picked.append(best)
        waiting.remove(best)
    return picked


def _scaled(front: Floats) -> Floats:
    """Scale each objective from 0 to 1 over a front; quarters keep the width of ±1e308 finite."""
    low = front.min(axis=0) / 4.0
    width = front.max(axis=0) / 4.0 - low
    scaled: Floats = (front / 4.0 - low) / np.where(width > 0, width, 1.0)
    return scaled
