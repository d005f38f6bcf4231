"""Reversion of a tree's leaves to the prior away from their data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats, Integers
from luthier.space import Column
from luthier.surrogate.trees.partition_ensemble import MemberMoments

Singles = NDArray[np.float32]

_NEXT_LEVEL = 1e-3
"""A length in columns of categories: another level than those of a leaf's data is as far as can be."""


class TrainingBoxes(NamedTuple):
    """The smallest box around the data in each leaf of a tree: lower and upper corners, (nodes, d) each."""

    low: Singles
    high: Singles

    @classmethod
    def around(cls, x: Singles, leaf: Integers, nodes: int) -> TrainingBoxes:
        """Give the boxes around points `x` (n, d), of which `leaf` (n,) gives the node."""
        order = np.argsort(leaf, kind="stable")
        used, first = np.unique(leaf[order], return_index=True)
        boxes = cls(*np.zeros((2, nodes, x.shape[1]), dtype=np.float32))
        boxes.low[used] = np.minimum.reduceat(x[order], first)
        boxes.high[used] = np.maximum.reduceat(x[order], first)
        return boxes

    def distance(self, x: Singles, leaf: Integers) -> Singles:
        """Give the distance of points (q, d) to the box of their leaf (q,), in each column; (q, d)."""
        below = self.low.take(leaf, axis=0)
        np.subtract(below, x, out=below)
        above = self.high.take(leaf, axis=0)
        np.subtract(x, above, out=above)
        np.maximum(below, above, out=below)
        return np.maximum(below, 0.0, out=below)


@dataclass(frozen=True, slots=True, eq=False)
class Reversion:
    """A prior that takes over from a leaf as the distance to its data grows.

    With probability ``w = sum over columns j of importance_j · min(1, distance_j / length_j)²`` a point has left its
    leaf, and its value is one of the prior: so a leaf of one datum that reaches far is not believed far from it.

    Args:
        mean: of the prior.
        variance: of the prior.
        importance: (d,) of the columns, with sum 1: what a column does to the losses, it does between the data, too.

    Source: after Lakshminarayanan, Roy and Teh (2016), Mondrian forests for large-scale regression when uncertainty
    matters, section 4.2. There the probability is exponential in the distance; here it vanishes with its square, as the
    error of a smooth function does, so that a search can come close to an optimum.
    """

    mean: float
    variance: float
    importance: Singles

    @classmethod
    def of(cls, y: Floats, importance: Floats) -> Reversion:
        """Make the prior of the scaled losses `y` (n,); where no split told anything, every column counts the same."""
        d, total = len(importance), float(importance.sum())
        shares = importance / total if total > 0 else np.full(d, 1.0 / max(d, 1))
        return cls(float(y.mean()), float(y.var()) or 1.0, shares.astype(np.float32))

    def mix(self, moments: MemberMoments, distance: Singles) -> MemberMoments:
        """Mix the moments of leaves with the prior's, at points whose distance (q, d) is in units of the lengths."""
        share = np.minimum(distance, 1.0, out=distance)
        left = (np.square(share, out=share) @ self.importance).astype(np.float64)
        stayed = 1.0 - left
        apart = moments.mean - self.mean
        return MemberMoments(
            self.mean + stayed * apart,
            stayed * moments.variance + left * (self.variance + stayed * apart * apart),
            moments.leaf,
        )


def lengths_of(columns: Sequence[Column], length: float) -> Singles:
    """Give the distances at which nothing of a leaf is believed, (d,), in units of the encoding.

    Args:
        columns: of the space; in those of categories another level is at the full distance.
        length: in one of d columns, times the square root of d.
    """
    wide = length * math.sqrt(len(columns))
    return np.array([_NEXT_LEVEL if column.kind == "category" else wide for column in columns], dtype=np.float32)
