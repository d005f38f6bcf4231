"""Paving of the feasible set with boxes, by branch and prune.

Boxes of the unit cube that interval arithmetic shows to be infeasible are thrown away, undecided ones are split again.
A point drawn uniformly from what is left, and drawn again until it is feasible, is exactly uniform over the feasible
set, whatever its shape and however small its share. Source: Jaulin, Kieffer, Didrit and Walter (2001), Applied Interval
Analysis, chapter 3 (set inversion).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.space.constraint import Constraint
from luthier.space.sampling.boxes import boxes_of_uniforms, judge_boxes
from luthier.space.sampling.group import Group
from luthier.space.variables.base import Options
from luthier.space.variables.number import Number

_BATCH = 192
_NARROW = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Paving:
    """Boxes that together hold every feasible point.

    Args:
        low: lower corners in the unit cube, shape (n, width).
        high: upper corners.
        inside: which boxes hold feasible points only; (n,).
    """

    low: Floats
    high: Floats
    inside: Bools

    @property
    def volumes(self) -> Floats:
        """Volume of each box; (n,)."""
        result: Floats = np.prod(self.high - self.low, axis=1)
        return result

    def place(self, uniforms: Floats) -> Floats:
        """Return points (n, width), uniform over the boxes, of uniforms (n, width + 1)."""
        volumes = self.volumes
        edges = np.cumsum(volumes)
        box = np.searchsorted(edges, uniforms[:, -1] * edges[-1], side="right")
        box = np.minimum(box, len(edges) - 1)
        low, high = self.low[box], self.high[box]
        points: Floats = np.minimum(low + (high - low) * uniforms[:, :-1], np.nextafter(high, 0.0))
        return points


def pave(
    group: Group, rules: Sequence[Constraint], whole: frozenset[int], most: int, start: Paving | None = None
) -> Paving:
    """Split the unit cube until it is decided or there are enough boxes.

    Args:
        group: the variables.
        rules: what feasible points keep: all of the group's constraints, or some.
        whole: columns that are never split.
        most: stop at this many boxes.
        start: a paving to continue from, instead of the whole cube.

    Returns:
        a paving; without any box where nothing is feasible. Cost O(most · width · size of the constraints).
    """
    paver = _Paver(group, rules, whole)
    paving = start or Paving(np.zeros((1, group.width)), np.ones((1, group.width)), np.zeros(1, dtype=bool))
    if start is None:
        dead, inside = paver.judge(paving.low, paving.high)
        paving = Paving(paving.low[~dead], paving.high[~dead], inside[~dead])
    while 0 < len(paving.low) < most:
        open_boxes = np.flatnonzero(~paving.inside & paver.divisible(paving.low, paving.high).any(axis=1))
        if len(open_boxes) == 0:
            break
        room = min(_BATCH, most - len(paving.low), max(1, len(open_boxes) // 2))
        order = np.argsort(-paving.volumes[open_boxes], kind="stable")
        paving = paver.refine(paving, open_boxes[order[:room]])
    return paving


class _Paver:
    def __init__(self, group: Group, rules: Sequence[Constraint], whole: frozenset[int]) -> None:
        self.group = group
        self.rules = rules
        self.cutters: list[tuple[int, Number | Options]] = [
            (group.column(part.name), part.variable)
            for part in group.flat.parts
            if isinstance(part.variable, Number | Options) and group.column(part.name) not in whole
        ]

    def judge(self, low: Floats, high: Floats) -> tuple[Bools, Bools]:
        """Return which boxes are dead, and which hold feasible points only."""
        return judge_boxes(self.rules, boxes_of_uniforms(self.group, low, high), len(low))

    def divisible(self, low: Floats, high: Floats) -> Bools:
        """Return which columns of which boxes can be split; (n, number of cutters)."""
        cuts = self.cuts(low, high)
        columns = [column for column, _ in self.cutters]
        return (cuts > low[:, columns] + _NARROW) & (cuts < high[:, columns] - _NARROW)

    def cuts(self, low: Floats, high: Floats) -> Floats:
        """Return where each column of each box would be split; outside the box, or NaN, where it is one level."""
        result = np.full((len(low), len(self.cutters)), np.nan)
        for j, (column, variable) in enumerate(self.cutters):
            a, b = low[:, column], high[:, column]
            middle = 0.5 * (a + b)
            if isinstance(variable, Options):
                above = variable.edges.searchsorted(middle)
                found, below = variable.edges[above], variable.edges[above - 1]
                result[:, j] = np.where(found < b - _NARROW, found, below)
            elif variable.is_even:
                result[:, j] = np.rint(middle * variable.levels) / variable.levels
            else:
                single = variable.quantile(a) == variable.quantile(np.nextafter(b, 0.0))
                result[:, j] = np.where(single, np.nan, middle)
        return result

    def refine(self, paving: Paving, chosen: Integers) -> Paving:
        """Split the chosen boxes, each along the column that decides most of it."""
        low, high = paving.low[chosen], paving.high[chosen]
        cuts, divisible = self.cuts(low, high), self.divisible(low, high)
        row, cutter = np.nonzero(divisible)
        column = np.array([column for column, _ in self.cutters])[cutter]
        children_low, children_high = np.repeat(low[row], 2, axis=0), np.repeat(high[row], 2, axis=0)
        first = np.arange(0, 2 * len(row), 2)
        children_high[first, column] = children_low[first + 1, column] = cuts[row, cutter]
        dead, inside = self.judge(children_low, children_high)
        spans = children_high[:, :] - children_low
        share = spans[np.arange(len(spans)), np.repeat(column, 2)] / (high - low)[row, column].repeat(2)
        decided = ((dead | inside) * share).reshape(-1, 2).sum(axis=1)
        # Where nothing is decided yet, the widest column first.
        scores = np.full(divisible.shape, -1.0)
        scores[row, cutter] = decided + 0.01 * (high - low)[row, column]
        best = scores.argmax(axis=1)
        place = np.full(divisible.shape, -1)
        place[row, cutter] = np.arange(len(row))
        pair = place[np.arange(len(chosen)), best]
        take = np.concatenate([2 * pair, 2 * pair + 1])
        take = take[~dead[take]]
        keep = np.ones(len(paving.low), dtype=bool)
        keep[chosen] = False
        return Paving(
            np.concatenate([paving.low[keep], children_low[take]]),
            np.concatenate([paving.high[keep], children_high[take]]),
            np.concatenate([paving.inside[keep], inside[take]]),
        )
