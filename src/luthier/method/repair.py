"""Repair of points: the nearest feasible configuration that was not tried yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from luthier._typing import Floats
from luthier.errors import Infeasible
from luthier.key import Key
from luthier.method.batch import ProposalBatch
from luthier.method.notes import Repaired, written
from luthier.space import Space

Draw = Callable[[int], tuple[Floats, Mapping[str, Any]]]
"""Gives the target point (d,) of the first, second, … try, and what to add to the note."""

_TRIES = 10
"""The number of targets that are drawn before one is moved."""
_PULLS = np.array([0.9, 0.75, 0.5, 0.25, 0.1, 0.03])
"""The shares of the way from the anchor to the target at which points are tried."""
_SCALES = (0.02, 0.1, 0.4)
"""The standard deviations of the steps from the anchor to its neighbours, in turn."""
_NEIGHBOURS = 8
"""The number of neighbours for each of these."""
_SCATTERED = 24
"""The number of points of the whole space that are tried at last."""


@dataclass(frozen=True, slots=True)
class Repair:
    """Put points into a batch, none of them infeasible or known.

    Args:
        space: the constraints.
        batch: collects the proposals.
        anchor: (d,) a feasible point, settled, towards which others are moved; None if no such point is known.
    """

    space: Space
    batch: ProposalBatch
    anchor: Floats | None

    def propose(self, draw: Draw, key: Key, note: Mapping[str, Any]) -> bool:
        """Propose a target that `draw` gives, or a point near it; tell whether anything was found.

        A target that breaks a constraint, or is known, is drawn again, up to ten times. After that the last one is
        moved towards the anchor until it is feasible; if no such point is new, the neighbours of the anchor are tried,
        and then points of the whole space, those nearest to the target first. The note then has `Repaired`: ``known``
        if a target was feasible, else ``infeasible``.
        """
        why: Literal["known", "infeasible"] = "infeasible"
        target, extra = np.empty(0), note
        for turn in range(_TRIES):
            drawn, more = draw(turn)
            extra = {**note, **more}
            (target,) = self.space.settle(drawn[None, :], drawn[None, :])
            if self.space.feasible(target[None, :])[0]:
                if self._offer(target, extra):
                    return True
                why = "known"
        return self._move(target, key, {**extra, **written(Repaired(why))})

    def scatter(self, points: Floats, key: Key, note: Mapping[str, Any]) -> bool:
        """Propose the first of feasible `points` (q, d) that is new, or else one drawn from the whole space."""
        return self._first(points, note) or self._first(self._scattered(key), note)

    def _move(self, target: Floats, key: Key, note: Mapping[str, Any]) -> bool:
        if self.anchor is not None:
            if self._first(self._pulled(target, self.anchor), note):
                return True
            for place, scale in enumerate(_SCALES):
                near = self.space.neighbours(self.anchor, key.fold("near", place), _NEIGHBOURS, scale)
                if self._first(_by_distance(near, target), note):
                    return True
        return self._first(_by_distance(self._scattered(key), target), note)

    def _pulled(self, target: Floats, anchor: Floats) -> Floats:
        start = np.where(np.isnan(anchor), target, anchor)
        goal = np.where(np.isnan(target), start, target)
        points = np.where(np.isnan(start), 0.5, start + _PULLS[:, None] * (goal - start))
        settled = self.space.settle(points, points)
        return settled[self.space.feasible(settled)]

    def _scattered(self, key: Key) -> Floats:
        try:
            return self.space.sample(key.fold("scattered"), _SCATTERED)
        except Infeasible:
            if self.anchor is None:
                raise
            return self.anchor[None, :]

    def _first(self, points: Floats, note: Mapping[str, Any]) -> bool:
        return any(self._offer(point, note) for point in points)

    def _offer(self, point: Floats, note: Mapping[str, Any]) -> bool:
        (config,) = self.space.decode(point[None, :])
        return self.batch.offer(config, self.space.identity(config), dict(note))


def _by_distance(points: Floats, target: Floats) -> Floats:
    """Order points by their distance from the target; an inactive column is far from an active one."""
    here, there = np.isnan(points), np.isnan(target)
    apart = np.where(here | there, np.where(here == there, 0.0, 1.0), np.abs(points - target))
    ordered: Floats = points[np.argsort((apart**2).sum(axis=1), kind="stable")]
    return ordered
