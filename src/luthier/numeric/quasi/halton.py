"""Halton sequences with randomly scrambled digits, so that large bases are not correlated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.key import Key

_BELOW_ONE = 1.0 - 2.0**-53


@dataclass(frozen=True, slots=True, eq=False)
class Halton:
    """A Halton sequence: coordinate j of point i is the radical inverse of i in the j-th prime base.

    Args:
        bases: (d,) the first d primes.
        factors: (d, k) the multiplier of the digit at each place; 1 without scrambling.
        shifts: (d, k) the number that is added then, modulo the base; 0 without scrambling.
    """

    bases: NDArray[np.int64]
    factors: NDArray[np.int64]
    shifts: NDArray[np.int64]

    @classmethod
    def of(cls, dimensions: int, key: Key | None = None) -> Halton:
        """Build the sequence; `key` scrambles it. Cost O(dimensions).

        Source: Halton (1960); scrambling by a random linear permutation of each digit: Matousek (1998), On the
        L2-discrepancy for anchored boxes, section 4; infinitely many digits are scrambled, leading zeros of the number
        too, as in Owen (2017), A randomized Halton algorithm in R.
        """
        bases = primes(dimensions)
        places = math.ceil(54 / math.log2(bases[0]))
        if key is None:
            return cls(bases, np.ones((dimensions, places), np.int64), np.zeros((dimensions, places), np.int64))
        draws = key.fold("halton").uniform((2, dimensions, places))
        factors = 1 + np.floor(draws[0] * (bases - 1)[:, None]).astype(np.int64)
        shifts = np.floor(draws[1] * bases[:, None]).astype(np.int64)
        return cls(bases, factors, shifts)

    def points(self, first: int, count: int) -> Floats:
        """Give points `first` … `first` + `count` - 1 (below 2**53), shape (count, d) in [0, 1). Cost O(count d)."""
        rest = np.repeat(np.arange(first, first + count, dtype=np.int64)[:, None], len(self.bases), axis=1)
        x = np.zeros(rest.shape)
        weight = np.ones(len(self.bases))
        scrambled = bool(self.shifts.any())
        for place in range(self.factors.shape[1]):
            columns = weight > 2.0**-54  # digits beyond would not change the float
            if not columns.any() or not (scrambled or rest.any()):
                break
            weight = weight / self.bases
            rest, digit = np.divmod(rest, self.bases)
            digit = (digit * self.factors[:, place] + self.shifts[:, place]) % self.bases
            x += np.where(columns, digit * weight, 0.0)
        return np.minimum(x, _BELOW_ONE)


def primes(count: int) -> NDArray[np.int64]:
    """Give the first `count` primes, by the sieve of Eratosthenes."""
    bound = 16 if count < 6 else int(count * (math.log(count) + math.log(math.log(count)))) + 1  # Rosser (1941)
    sieve = np.ones(bound + 1, dtype=bool)
    sieve[:2] = False
    for p in range(2, math.isqrt(bound) + 1):
        if sieve[p]:
            sieve[p * p :: p] = False
    found: NDArray[np.int64] = np.flatnonzero(sieve)[:count].astype(np.int64)
    return found
