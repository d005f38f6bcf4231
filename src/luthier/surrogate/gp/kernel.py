"""Stationary kernels as functions of the squared scaled distance, and the coordinates in which distances are taken.

A kernel is ``k(r²)`` with ``k(0) = 1``; ``r² = Σ_v |e_v(x) - e_v(x')|² / ℓ_v²`` sums over variables v, each of which
has coordinates e_v and one length-scale ℓ_v (automatic relevance determination).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from luthier._typing import Floats, Integers
from luthier.space import Column
from luthier.surrogate.gp.input_warping import Warp


class Radial(NamedTuple):
    """A kernel and its derivative with respect to r², each of the shape of r²."""

    value: Floats
    slope: Floats


def matern52(r2: Floats) -> Radial:
    """Give the Matérn kernel of smoothness 5/2. Source: Rasmussen and Williams (2006), eq. 4.17."""
    a = np.sqrt(5.0 * r2)
    e = np.exp(-a)
    return Radial((1.0 + a + a * a / 3.0) * e, (-5.0 / 6.0) * (1.0 + a) * e)


def matern32(r2: Floats) -> Radial:
    """Give the Matérn kernel of smoothness 3/2. Source: Rasmussen and Williams (2006), eq. 4.17."""
    a = np.sqrt(3.0 * r2)
    e = np.exp(-a)
    return Radial((1.0 + a) * e, -1.5 * e)


def rbf(r2: Floats) -> Radial:
    """Give the squared exponential kernel. Source: Rasmussen and Williams (2006), eq. 4.9."""
    e = np.exp(-0.5 * r2)
    return Radial(e, -0.5 * e)


def squares(a: Floats, b: Floats) -> Floats:
    """Give squared distances between rows of `a` (q, e) and `b` (n, e); shape (q, n)."""
    found: Floats = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2.0 * (a @ b.T)
    return np.maximum(found, 0.0)


KERNELS: dict[str, Callable[[Floats], Radial]] = {"matern52": matern52, "matern32": matern32, "rbf": rbf}

_APART = math.sqrt(0.5)  # so that two different levels of a category are at distance 1
_INACTIVE = 0.5  # how far an inactive variable is from an active one of a middling value
_MOST_RANKED = 20  # items of an order whose pairs have coordinates; more pairs would cost more than they tell


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Coordinates for the columns of a space.

    Distances between coordinates are Euclidean, so every kernel of them is positive definite (Schoenberg 1938).

    - A number is its own coordinate.
    - Each level of a category has a coordinate: all levels are equally far from one another (exchangeable).
    - Each item of a subset has one: the squared distance counts the items that only one of two subsets has (Hamming).
    - An order counts as two variables, with a length-scale each. One is the ranks of its items (the squared distance is
      that of Spearman); the other has a coordinate for each pair of items, which tells the one that comes first (the
      squared distance is that of Kendall, and the kernel ``rbf`` of it that of Mallows). Either alone is much worse for
      some objectives: pairs for precedences, ranks for places.
    - A share is its own coordinate: square roots (Hellinger) were better for logarithms of shares, worse for
      polynomials.
    - A variable that can be inactive has one coordinate more, which tells whether it is: so an inactive one differs
      from every value of it, by the same length-scale, in whatever branch.

    Source: Jiao and Vert (2015), The Kendall and Mallows kernels for permutations; Deshwal, Belakaria, Doppa and Kim
    (2022), Bayesian optimization over permutation spaces.

    Args:
        columns: of the space.
        owners: (e,) the variable of each coordinate, an index from 0.
        sources: (e,) the column that a coordinate copies, or -1 where it copies none.
        variables: their number; an order is two.
        warp: of some columns, before anything else; None: none.
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
        """Give the same coordinates of warped columns."""
        return replace(self, warp=warp)

    def embed(self, x: Floats) -> Floats:
        """Give the coordinates of `x` (n, d); shape (n, e)."""
        if self.warp is not None:
            x = self.warp.apply(x)
        made = np.zeros((len(x), len(self.owners)))
        at = 0
        for j, column in enumerate(self.columns):
            u = x[:, j]
            inactive = np.isnan(u) if column.conditional else np.zeros(len(x), dtype=bool)
            if column.kind == "category":
                rows = np.flatnonzero(~inactive)
                levels = np.minimum((u[rows] * column.levels).astype(np.int64), column.levels - 1)
                made[rows, at + levels] = _APART
                at += column.levels
            else:
                made[:, at] = np.where(inactive, 0.5, u)
                at += 1
            if column.conditional and column.place == 0:
                made[:, at] = np.where(inactive, _INACTIVE, 0.0)
                at += 1
            if column.place == column.width - 1 and (pairs := _pairs(column)):
                first, second = np.triu_indices(column.width, 1)
                ranks = np.where(inactive[:, None], 0.0, x[:, j + 1 - column.width : j + 1])
                made[:, at : at + pairs] = np.sign(ranks[:, first] - ranks[:, second]) / math.sqrt(6 * column.width - 6)
                at += pairs
        return made

    def pull(self, gradient: Floats, x: Floats) -> Floats:
        """Turn gradients by coordinates (q, e) at `x` (q, d) into such by columns (q, d), 0 where there is none."""
        pulled = np.zeros_like(x)
        copied = self.sources >= 0
        pulled[:, self.sources[copied]] = gradient[:, copied]
        if self.warp is not None:
            pulled[:, self.warp.places] *= self.warp.partials(x).by_u
        return np.where(np.isnan(x), 0.0, pulled)


def _pairs(column: Column) -> int:
    """Give how many pairs of items the variable of a column has coordinates for."""
    return column.width * (column.width - 1) // 2 if column.kind == "rank" and 3 <= column.width <= _MOST_RANKED else 0
