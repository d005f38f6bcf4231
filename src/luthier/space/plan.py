"""Choose how a group of variables that constraints tie together is sampled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from luthier.errors import Infeasible
from luthier.key import Key
from luthier.space.domain import Bools, Constraint, Floats
from luthier.space.layout import Layout

#: A rejection sampler that keeps fewer points than this share is not used.
LEAST_SHARE = 1 / 256
_PILOT = 4096


class Plan(Protocol):
    """A way to sample a group."""

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points (count, width of the group)."""


class Group:
    """Variables that constraints tie together, as a layout of their own.

    Args:
        layout: the whole space.
        members: which of its domains, ascending; with each also those its condition reads.
        constraints: those that read them.
    """

    def __init__(self, layout: Layout, members: Sequence[int], constraints: Sequence[Constraint]) -> None:
        self.columns = np.concatenate([np.arange(layout.slices[i].start, layout.slices[i].stop) for i in members])
        self.layout = Layout([layout.domains[i] for i in members])
        self.constraints = tuple(constraints)

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.layout.width

    @property
    def key(self) -> Key:
        """The stream for what is worked out once about the group: the same in every process."""
        return Key.of(0).fold("sampling", *(constraint.text for constraint in self.constraints))

    def keeps(self, uniforms: Floats) -> Bools:
        """Say for each row whether the constraints are kept."""
        return self.layout.kept(self.constraints, uniforms)


class Rejection:
    """Draw from the whole cube until enough points are feasible.

    Args:
        group: what is sampled.
        share: about how many points of the proposal are feasible.
    """

    def __init__(self, group: Group, share: float) -> None:
        self.group = group
        self.share = share

    def propose(self, key: Key, count: int) -> Floats:
        """Draw from the proposal; shape (count, width)."""
        return key.uniform((count, self.group.width))

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points; expected cost O(count / share)."""
        found = np.empty((0, self.group.width))
        attempt = 0
        while len(found) < count:
            wanted = min(int((count - len(found)) / self.share * 1.1) + 16, 1 << 18)
            points = self.propose(key.fold("attempt", attempt), wanted)
            found = np.concatenate([found, points[self.group.keeps(points)]])
            attempt += 1
        return found[:count]


def make_plan(group: Group) -> Plan:
    """Find the first plan that is good enough.

    Raises:
        Infeasible: naming the constraints.
    """
    kept = group.keeps(group.key.fold("pilot").uniform((_PILOT, group.width)))
    share = float(kept.mean())
    if share >= LEAST_SHARE:
        return Rejection(group, share)
    raise Infeasible("; ".join(constraint.text for constraint in group.constraints))
