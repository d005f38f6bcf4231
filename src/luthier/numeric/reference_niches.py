"""Reference directions of NSGA-III, and the choice of rows that are spread along them.

Source: Deb and Jain (2014), An evolutionary many-objective optimization algorithm using reference-point-based
nondominated sorting approach, part I, IEEE Transactions on Evolutionary Computation 18, sections IV.B to IV.E; the
directions are those of Das and Dennis (1998), Normal-boundary intersection.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from luthier._typing import Floats, Integers
from luthier.numeric.pareto import non_dominated, non_dominated_sort

_AXIS = 1e-6
"""The weight of the other objectives where the end of the front along one axis is sought."""
_LEAST = 1e-12


def reference_directions(objectives: int, most: int) -> Floats:
    """Give evenly spaced points on the unit simplex: all with coordinates that are multiples of 1/p.

    Args:
        objectives: m, at least 2.
        most: p is the largest number for which there are at most this many points, and at least 1.

    Returns:
        (h, m), non-negative, each row summing to 1.

    Example:
        >>> reference_directions(2, 4).tolist()
        [[0.0, 1.0], [0.3333333333333333, 0.6666666666666666], [0.6666666666666666, 0.3333333333333333], [1.0, 0.0]]
    """
    parts = 1
    while math.comb(parts + objectives, objectives - 1) <= most:
        parts += 1
    bars = np.array(list(combinations(range(parts + objectives - 1), objectives - 1)))
    edges = np.concatenate([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), parts + objectives - 1)], axis=1)
    found: Floats = (np.diff(edges, axis=1) - 1) / parts
    return found


def niched_rows(losses: Floats, count: int, directions: Floats, ideal: Floats, draws: Floats) -> Integers:
    """Choose `count` rows: the first fronts whole, and of the last one those in the emptiest niches.

    Args:
        losses: (n, m), n at least `count`.
        count: how many are chosen.
        directions: (h, m) of `reference_directions`.
        ideal: (m,) the best known loss of each objective.
        draws: (2 count,) from [0, 1), which break ties.

    Returns:
        (count,) row numbers. Cost O(m n² + n h m).
    """
    fronts = non_dominated_sort(losses)
    order = np.argsort(fronts, kind="stable")
    last = int(fronts[order[count - 1]])
    chosen = np.flatnonzero(fronts < last).tolist()
    waiting = np.flatnonzero(fronts == last).tolist()
    if len(chosen) + len(waiting) == count:
        return np.array(sorted([*chosen, *waiting]), dtype=np.int64)
    considered = np.array([*chosen, *waiting])
    niches, distances = _associate(_normalized(losses[considered], ideal), directions)
    niche, distance = dict(zip(considered.tolist(), niches, strict=True)), dict(
        zip(considered.tolist(), distances, strict=True)
    )  # fmt: skip
    counts = np.bincount([niche[row] for row in chosen], minlength=len(directions))
    open_niches = np.ones(len(directions), dtype=bool)
    turn = 0
    while len(chosen) < count:
        least = counts[open_niches].min()
        emptiest = np.flatnonzero(open_niches & (counts == least))
        here = emptiest[int(draws[turn % len(draws)] * len(emptiest))]
        members = [row for row in waiting if niche[row] == here]
        if not members:
            open_niches[here] = False
            continue
        drawn = members[int(draws[(turn + 1) % len(draws)] * len(members))]
        row = min(members, key=lambda one: (distance[one], one)) if least == 0 else drawn
        chosen.append(row)
        waiting.remove(row)
        counts[here] += 1
        turn += 2
    return np.array(sorted(chosen), dtype=np.int64)


def _normalized(losses: Floats, ideal: Floats) -> Floats:
    """Scale losses so that the plane through the ends of the front cuts every axis at 1 (section IV.C).

    They are scaled by the widths of the front before, so that the ends do not depend on the objectives' units.
    """
    moved: Floats = losses - ideal
    moved = moved / np.maximum(moved[non_dominated(moved)].max(axis=0), _LEAST)
    objectives = losses.shape[1]
    ends = np.empty((objectives, objectives))
    for place in range(objectives):
        weights = np.full(objectives, _AXIS)
        weights[place] = 1.0
        ends[place] = moved[np.argmin((moved / weights).max(axis=1))]
    try:
        plane = np.linalg.solve(ends, np.ones(objectives))
    except np.linalg.LinAlgError:  # the ends lie in a plane with the ideal point: the widths of the front serve
        return moved
    with np.errstate(divide="ignore"):
        cuts = 1.0 / plane
    return moved / cuts if np.isfinite(cuts).all() and (cuts > _LEAST).all() else moved


def _associate(scaled: Floats, directions: Floats) -> tuple[Integers, Floats]:
    """Give the nearest direction of each row, and the distance from its line (section IV.D)."""
    units = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    along = scaled @ units.T
    squares = (scaled * scaled).sum(axis=1)[:, None] - along**2
    nearest = squares.argmin(axis=1)
    return nearest, np.sqrt(np.maximum(squares[np.arange(len(scaled)), nearest], 0.0))
