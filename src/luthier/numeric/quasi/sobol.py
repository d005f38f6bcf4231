"""Sobol' sequences with the direction numbers of Joe and Kuo, scrambled by Owen's method."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np

from luthier._typing import Floats
from luthier.key import Key
from luthier.numeric.quasi.bits import BITS, Words, nested_scramble, to_floats

SOBOL_DIMENSIONS = 1024
"""The number of dimensions for which there are direction numbers."""

_U = np.uint64


@dataclass(frozen=True, slots=True, eq=False)
class Sobol:
    """A Sobol' sequence: every 2**m points from a multiple of 2**m on are a (t, m, d)-net in base 2.

    Args:
        directions: (d, 54) direction numbers, as 54-bit words.
        seeds: (d,) seeds of the scrambling, or None for the sequence of Sobol' (1967), which begins at the origin.
    """

    directions: Words
    seeds: Words | None

    @classmethod
    def of(cls, dimensions: int, key: Key | None = None) -> Sobol:
        """Build the sequence in 1 to 1,024 dimensions; `key` scrambles it. Cost O(dimensions)."""
        seeds = None if key is None else key.fold("sobol").raw(dimensions)
        return cls(direction_numbers(dimensions), seeds)

    def points(self, first: int, count: int) -> Floats:
        """Give points `first` … `first` + `count` - 1 (below 2**54), shape (count, d) in [0, 1). Cost O(count d).

        Points are in the order of the binary digits of their numbers (not of the Gray code), so that each can be
        computed without the others.
        """
        index = np.arange(first, first + count, dtype=np.uint64)
        x = np.zeros((count, len(self.directions)), dtype=np.uint64)
        for bit in range(int(first + count - 1).bit_length()):
            chosen = ((index >> _U(bit)) & _U(1)).astype(bool)
            x[chosen] ^= self.directions[:, bit]
        return to_floats(x if self.seeds is None else nested_scramble(x, self.seeds))


@lru_cache(maxsize=8)
def direction_numbers(dimensions: int) -> Words:
    """Give v_1, …, v_54 of each dimension as 54-bit words, shape (dimensions, 54).

    Source: Joe and Kuo (2008), Constructing Sobol sequences with better two-dimensional projections, equations 1 to 3
    (with s the degree): m_k = 2 a_1 m_(k-1) ^ … ^ 2^(s-1) a_(s-1) m_(k-s+1) ^ 2^s m_(k-s) ^ m_(k-s), and
    v_k = m_k / 2^k.
    """
    degrees, coefficients, m = _table(dimensions)
    for k in range(1, BITS):  # column k holds m_(k+1)
        grown = degrees <= k
        if not grown.any():
            continue
        s = degrees[grown].astype(np.int64)
        rows = np.flatnonzero(grown)
        oldest = m[rows, k - s]
        value = oldest ^ (oldest << degrees[grown])
        for back in range(1, int(s.max())):
            used = (back < s) & ((coefficients[rows] >> np.maximum(s - 1 - back, 0).astype(np.uint64)) & _U(1) == 1)
            value[used] ^= m[rows[used], k - back] << _U(back)
        m[rows, k] = value
    return m << (_U(BITS - 1) - np.arange(BITS, dtype=np.uint64))


def _table(dimensions: int) -> tuple[Words, Words, Words]:
    """Read the first rows: degrees (d,), inner coefficients (d,), and m (d, 54), the given ones filled in."""
    degrees = np.zeros(dimensions, dtype=np.uint64)
    coefficients = np.zeros(dimensions, dtype=np.uint64)
    m = np.zeros((dimensions, BITS), dtype=np.uint64)
    degrees[0], m[0] = BITS, 1  # the first dimension is van der Corput's sequence: every m is 1
    with (resources.files("luthier.numeric") / "joe_kuo.txt").open(encoding="ascii") as lines:
        rows = (line.split() for line in lines if not line.startswith("#"))
        for place, row in zip(range(1, dimensions), rows, strict=False):
            degrees[place], coefficients[place] = int(row[1]), int(row[2])
            m[place, : len(row) - 3] = [int(word) for word in row[3:]]
    return degrees, coefficients, m
