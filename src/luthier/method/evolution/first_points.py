"""First points of a population: Sobol' points of the space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.key import Key
from luthier.method.quasi import Quasi
from luthier.method.repair import Repair


def scatter(place: int, root: Key, repair: Repair, note: Mapping[str, Any]) -> bool:
    """Propose the Sobol' point of a place, or a random one where that is infeasible; tell whether anything was found.

    Args:
        place: of the proposal, from 0.
        root: the randomness that all places share.
        repair, note: see `Repair.scatter`.
    """
    space = repair.space
    uniform = Quasi().points(space.dimensions, place, 1, root)
    points = space.settle(space.warp(uniform), uniform)
    return repair.scatter(points[space.feasible(points)], root.fold("scatter", place), note)
