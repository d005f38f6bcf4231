"""Rejection sampling of a group from a proposal of constant density: exact."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from luthier._typing import Bools, Floats
from luthier.key import Key
from luthier.space.sampling.branch_and_prune import Paving
from luthier.space.sampling.equalities import Solver
from luthier.space.sampling.group import Group
from luthier.space.sampling.transforms import ConstantDensityTransform

_PILOT = 4096
_MOST_AT_ONCE = 1 << 17


class ProposalDistribution(Protocol):
    """A distribution that is uniform over a part of the cube that holds the feasible set."""

    extra: ClassVar[int]
    """How many uniforms it takes for a point beyond one for each column."""

    def propose(self, uniforms: Floats) -> tuple[Floats, Bools]:
        """Return points (n, width) of uniforms (n, width + extra), and which of them may be feasible."""


class CubeProposal:
    """The whole cube."""

    extra: ClassVar[int] = 0

    def propose(self, uniforms: Floats) -> tuple[Floats, Bools]:
        """See `ProposalDistribution.propose`."""
        return uniforms, np.ones(len(uniforms), dtype=bool)


class TransformedProposal:
    """The image of the cube under a transform of constant density."""

    extra: ClassVar[int] = 0

    def __init__(self, transform: ConstantDensityTransform) -> None:
        self.transform = transform

    def propose(self, uniforms: Floats) -> tuple[Floats, Bools]:
        """See `ProposalDistribution.propose`."""
        points, excess = self.transform.apply(uniforms)
        return points, excess == 0


class PavedProposal:
    """The boxes of a paving, with equalities solved."""

    extra: ClassVar[int] = 1

    def __init__(self, paving: Paving, solver: Solver) -> None:
        self.paving = paving
        self.solver = solver

    def propose(self, uniforms: Floats) -> tuple[Floats, Bools]:
        """See `ProposalDistribution.propose`."""
        points = self.solver.apply(self.paving.place(uniforms))
        return points, np.ones(len(points), dtype=bool)


class RejectionPlan:
    """Draw from a proposal until enough points are feasible: exactly uniform over the feasible part of it.

    Args:
        group: what is sampled.
        proposal: where points are proposed.
        share: about how many of the proposed points are feasible.
    """

    def __init__(self, group: Group, proposal: ProposalDistribution, share: float = 1.0) -> None:
        self.group = group
        self.proposal = proposal
        self.share = share

    def attempt(self, key: Key, count: int) -> Floats:
        """Propose `count` points and return those that are feasible."""
        points, hopeful = self.proposal.propose(key.uniform((count, self.group.width + self.proposal.extra)))
        points = points[hopeful]
        return points[self.group.keeps(points)]

    def draw(self, key: Key, count: int) -> Floats:
        """Draw feasible points (count, width); expected cost O(count / share)."""
        found: list[Floats] = []
        total = turn = 0
        while total < count:
            wanted = min(int((count - total) / self.share * 1.1) + 8, _MOST_AT_ONCE)
            found.append(self.attempt(key.fold("attempt", turn), wanted))
            total, turn = total + len(found[-1]), turn + 1
        return np.concatenate(found)[:count] if found else np.empty((0, self.group.width))

    def measured(self, key: Key) -> float:
        """Estimate the share of feasible points from a few thousand, and keep it."""
        self.share = len(self.attempt(key, _PILOT)) / _PILOT
        return self.share
