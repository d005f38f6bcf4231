"""From a point that a method would like to try to a configuration that may be tried."""

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
"""Give the point (d,) that is wished for at the first, second, … try, and what is to be noted of it."""

_TRIES = 10
_PULLS = np.array([0.9, 0.75, 0.5, 0.25, 0.1, 0.03])
_SCALES = (0.02, 0.1, 0.4)
_NEIGHBOURS = 8
_SCATTERED = 24


@dataclass(frozen=True, slots=True)
class Repair:
    """Put points into a batch, none of them infeasible or known.

    Args:
        space: what is feasible.
        batch: what is collected.
        anchor: (d,) a feasible point, settled, that others are pulled to; None where there is none.
    """

    space: Space
    batch: ProposalBatch
    anchor: Floats | None

    def land(self, draw: Draw, key: Key, note: Mapping[str, Any]) -> bool:
        """Propose what `draw` wishes for, or something as near as can be; tell whether anything was found.

        A wish that breaks a constraint, or is known, is drawn again, up to ten times. After that the last one is pulled
        towards the anchor until it is feasible; if that brings nothing new, the neighbours of the anchor are tried, and
        then points of the whole space, those nearest to the wish first. The note says so: ``moved`` is ``known`` or
        ``infeasible``, by what was wrong with the last wish that was feasible, or with all.
        """
        why: Literal["known", "infeasible"] = "infeasible"
        wish, extra = np.empty(0), note
        for turn in range(_TRIES):
            drawn, more = draw(turn)
            extra = {**note, **more}
            (wish,) = self.space.settle(drawn[None, :], drawn[None, :])
            if self.space.feasible(wish[None, :])[0]:
                if self._offer(wish, extra):
                    return True
                why = "known"
        return self._move(wish, key, {**extra, **written(Repaired(why))})

    def scatter(self, points: Floats, key: Key, note: Mapping[str, Any]) -> bool:
        """Propose the first new one of feasible points, or one drawn from the whole space."""
        return self._first(points, note) or self._first(self._scattered(key), note)

    def _move(self, wish: Floats, key: Key, note: Mapping[str, Any]) -> bool:
        if self.anchor is not None:
            if self._first(self._pulled(wish, self.anchor), note):
                return True
            for place, scale in enumerate(_SCALES):
                near = self.space.neighbours(self.anchor, key.fold("near", place), _NEIGHBOURS, scale)
                if self._first(_by_distance(near, wish), note):
                    return True
        return self._first(_by_distance(self._scattered(key), wish), note)

    def _pulled(self, wish: Floats, anchor: Floats) -> Floats:
        start = np.where(np.isnan(anchor), wish, anchor)
        goal = np.where(np.isnan(wish), start, wish)
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


def _by_distance(points: Floats, wish: Floats) -> Floats:
    """Order points by their distance from the wish; an inactive column is far from an active one."""
    here, there = np.isnan(points), np.isnan(wish)
    apart = np.where(here | there, np.where(here == there, 0.0, 1.0), np.abs(points - wish))
    ordered: Floats = points[np.argsort((apart**2).sum(axis=1), kind="stable")]
    return ordered
