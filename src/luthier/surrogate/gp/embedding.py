"""Coordinates of the columns of a space, in which a kernel takes distances.

Distances between coordinates are Euclidean, so every kernel of them is positive definite (Schoenberg 1938).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from luthier._typing import Floats, Integers
from luthier.space import Column
from luthier.surrogate.gp.input_warping import Warp

_APART = math.sqrt(0.5)  # so that two different levels of a category are at distance 1
_INACTIVE = 0.5  # the distance of an inactive variable from an active one in the middle of its range
FIDELITY = "fidelity"
"""The kind of the column that a model adds for the share of the fidelity at which a loss was measured."""
_MOST_RANKED = 20  # items of an order whose pairs have coordinates; more pairs cost more than they are worth


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Coordinates for the columns of a space.

    - A number is its own coordinate.
    - Each level of a category has a coordinate: all levels are equally far from one another (exchangeable).
    - Each item of a subset has one: the squared distance counts the items that only one of two subsets has (Hamming).
    - A permutation counts as two variables, with a length-scale each. One consists of the ranks of its items (the
      squared distance is that of Spearman); the other has a coordinate for each pair of items, the sign of their order
      (the squared distance is that of Kendall, and the kernel ``rbf`` of it that of Mallows). Either alone is much
      worse for some objectives: pairs are good for precedences, ranks for positions.
    - A share is its own coordinate: square roots (Hellinger) were better for logarithms of shares, worse for
      polynomials.
    - A variable that can be inactive has one more coordinate, which indicates that: so its inactive state differs from
      all of its values, by the same length-scale, in every branch.

    Source: Jiao and Vert (2015), The Kendall and Mallows kernels for permutations; Deshwal, Belakaria, Doppa and Kim
    (2022), Bayesian optimization over permutation spaces.

    Args:
        columns: of the space.
        owners: (e,) the variable of each coordinate, an index from 0.
        sources: (e,) the column that a coordinate is a copy of, or -1.
        variables: their number; a permutation counts as two.
        warp: applied to some columns first; None: no warping.
    """

    columns: tuple[Column, ...]
    owners: Integers
    sources: Integers
    variables: int
    warp: Warp | None = None

    @classmethod
    def of(cls, columns: Sequence[Column]) -> Embedding:
        """Make the embedding of a space's columns."""
        owners: list[int] = []
        sources: list[int] = []
        variable = -1
        for j, column in enumerate(columns):
            variable += column.place == 0
            width = column.levels if column.kind == "category" else 1
            extra = int(column.conditional and column.place == 0)
            owners += [variable] * (width + extra)
            sources += ([-1] * width if column.kind == "category" else [j]) + [-1] * extra
            if column.place == column.width - 1 and (pairs := _pairs(column)):
                variable += 1
                owners += [variable] * pairs
                sources += [-1] * pairs
        return cls(tuple(columns), np.array(owners, np.int64), np.array(sources, np.int64), variable + 1)

    def warped(self, warp: Warp) -> Embedding:
        """Give the same embedding of warped columns."""
        return replace(self, warp=warp)

    @property
    def has_fidelity(self) -> bool:
        """Whether the last column is the share of a fidelity."""
        return bool(self.columns) and self.columns[-1].kind == FIDELITY

    def complete(self, x: Floats) -> Floats:
        """Give points with the share of the fidelity, which is the full one where they say none; (n, d)."""
        if self.has_fidelity and x.shape[1] < len(self.columns):
            return np.column_stack([x, np.ones(len(x))])
        return x

    def embed(self, x: Floats) -> Floats:
        """Give the coordinates of `x` (n, d), at the full fidelity where it says none; shape (n, e)."""
        x = self.complete(x)
        if self.warp is not None:
            x = self.warp.apply(x)
        coordinates = np.zeros((len(x), len(self.owners)))
        at = 0
        for j, column in enumerate(self.columns):
            u = x[:, j]
            inactive = np.isnan(u) if column.conditional else np.zeros(len(x), dtype=bool)
            if column.kind == "category":
                rows = np.flatnonzero(~inactive)
                levels = np.minimum((u[rows] * column.levels).astype(np.int64), column.levels - 1)
                coordinates[rows, at + levels] = _APART
                at += column.levels
            else:
                coordinates[:, at] = np.where(inactive, 0.5, u)
                at += 1
            if column.conditional and column.place == 0:
                coordinates[:, at] = np.where(inactive, _INACTIVE, 0.0)
                at += 1
            if column.place == column.width - 1 and (pairs := _pairs(column)):
                first, second = np.triu_indices(column.width, 1)
                ranks = np.where(inactive[:, None], 0.0, x[:, j + 1 - column.width : j + 1])
                coordinates[:, at : at + pairs] = np.sign(ranks[:, first] - ranks[:, second]) / math.sqrt(
                    6 * column.width - 6
                )
                at += pairs
        return coordinates

    def pull(self, gradient: Floats, x: Floats) -> Floats:
        """Turn gradients by coordinates (q, e) at `x` (q, d) into gradients by columns (q, d), 0 where inactive."""
        if self.has_fidelity and x.shape[1] < len(self.columns):
            return self.pull(gradient, self.complete(x))[:, :-1]
        pulled = np.zeros_like(x)
        copied = self.sources >= 0
        pulled[:, self.sources[copied]] = gradient[:, copied]
        if self.warp is not None:
            pulled[:, self.warp.places] *= self.warp.partials(x).by_u
        return np.where(np.isnan(x), 0.0, pulled)


def _pairs(column: Column) -> int:
    """Give the number of pairs of items that the variable of a column has coordinates for."""
    return column.width * (column.width - 1) // 2 if column.kind == "rank" and 3 <= column.width <= _MOST_RANKED else 0
