"""Latin hypercube designs of a fixed size, and a sequence that is one at every power of two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats
from luthier.key import Key
from luthier.numeric.quasi.bits import BITS, Words, to_floats

_U = np.uint64


@dataclass(frozen=True, slots=True)
class LatinHypercube:
    """Latin hypercube designs of `size` points, one after another, independent of each other.

    Args:
        dimensions: d, at least 1.
        size: n, at least 1: in each design, every column has one point in each of n equal intervals.
        key: the randomness.

    Source: McKay, Beckman and Conover (1979), A comparison of three methods for selecting values of input variables.
    """

    dimensions: int
    size: int
    key: Key

    def points(self, first: int, count: int) -> Floats:
        """Give points `first` … `first` + `count` - 1, shape (count, d) in [0, 1). Cost O((count + size) d)."""
        designs = range(first // self.size, (first + count - 1) // self.size + 1)
        skipped = first - designs.start * self.size
        return np.concatenate([self._design(number) for number in designs])[skipped : skipped + count]

    def _design(self, number: int) -> Floats:
        key = self.key.fold("latin", number)
        intervals = np.argsort(key.fold("cell").raw(self.size * self.dimensions).reshape(self.size, -1), axis=0)
        spread = (intervals + key.fold("within").uniform(intervals.shape)) / self.size
        return np.minimum(spread, 1.0 - 2.0**-53)


@dataclass(frozen=True, slots=True)
class NestedLatinHypercube:
    """A sequence whose first 2**m points are a Latin hypercube of that size, for every m.

    Args:
        dimensions: d, at least 1.
        key: the randomness.

    Each doubling puts one new point into the empty half of every interval, in a random order for each column.
    Source: Tong (2006), Refinement strategies for stratified sampling methods; Sallaberry, Helton and Hora (2008),
    Extension of Latin hypercube samples with correlated variables.
    """

    dimensions: int
    key: Key

    def points(self, first: int, count: int) -> Floats:
        """Give points `first` … `first` + `count` - 1, shape (count, d) in [0, 1). Cost O((first + count) d)."""
        return to_floats(self.words(first + count)[first:])

    def words(self, count: int) -> Words:
        """Give the first `count` points as 54-bit words."""
        x = self.key.fold("nested latin", -1).raw(self.dimensions)[None, :] >> _U(64 - BITS)
        for doubling in range((count - 1).bit_length()):
            x = np.concatenate([x, self._fill(x, doubling)])
        return x[:count]

    def _fill(self, x: Words, doubling: int) -> Words:
        """Give the 2**doubling points that complete the design `x`, of as many points, to one of twice the size."""
        shift = _U(BITS - 1 - doubling)
        empty = (x >> shift) ^ _U(1)
        draws = self.key.fold("nested latin", doubling).raw(2 * x.size).reshape(2, *x.shape)
        order = np.argsort(draws[0], axis=0)
        within = draws[1] & ((_U(1) << shift) - _U(1))
        filled: Words = (np.take_along_axis(empty, order, axis=0) << shift) | within
        return filled
