"""Rank-1 lattice sequences in base 2 with a random shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats
from luthier.key import Key
from luthier.numeric.quasi.bits import Words, mix, reverse_bits, to_floats
from luthier.numeric.quasi.lattice_vector import VECTOR

_U = np.uint64


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """An extensible lattice: point i is the fractional part of phi(i) z + shift, phi the radical inverse in base 2.

    The first 2**m points are a shifted rank-1 lattice for every m; the vector was chosen for m = 4 to 16.

    Args:
        vector: (d,) the generating vector z, odd integers.
        shift: (d,) 64-bit fractions; zeros for the lattice that begins at the origin.

    Source: Hickernell, Hong, L'Ecuyer and Lemieux (2000), Extensible lattice sequences for quasi-Monte Carlo
    quadrature; shift: Cranley and Patterson (1976), Randomization of number theoretic methods for multiple integration.
    """

    vector: Words
    shift: Words

    @classmethod
    def of(cls, dimensions: int, key: Key | None = None) -> Lattice:
        """Build the sequence; `key` shifts it. Columns beyond the generating vector get pseudo-random odd numbers."""
        vector = np.array(VECTOR[:dimensions], dtype=np.uint64)
        beyond = np.arange(len(VECTOR), max(dimensions, len(VECTOR)), dtype=np.uint64)
        vector = np.concatenate([vector, mix(beyond) | _U(1)])
        shift = np.zeros(dimensions, dtype=np.uint64) if key is None else key.fold("lattice").raw(dimensions)
        return cls(vector, shift)

    def points(self, first: int, count: int) -> Floats:
        """Give points `first` … `first` + `count` - 1, shape (count, d) in [0, 1). Cost O(count d)."""
        phi = reverse_bits(np.arange(first, first + count, dtype=np.uint64))
        # Products and sums of 64-bit fractions wrap around: that is the fractional part, exactly.
        return to_floats((phi[:, None] * self.vector + self.shift) >> _U(10))


def search(dimensions: int, levels: tuple[int, int], tries: int, key: Key) -> tuple[int, ...]:
    """Search for a generating vector, component by component, for all lattices of 2**m points with m in `levels`.

    Each component is the best of `tries` random odd numbers by the mean over m of log P_2 of the lattice, where P_2 is
    the squared worst-case error in the Korobov space of smoothness 2 with product weights 1 / j.

    Source: Sloan and Reztsov (2002), Component-by-component construction of good lattice rules; Cools, Kuo and Nuyens
    (2006), Constructing embedded lattice rules for multivariate integration, who take the maximum over m instead.
    Cost O(dimensions tries 2**levels[1]).
    """
    size = 2 ** levels[1]
    phi = reverse_bits(np.arange(size, dtype=np.uint64))
    product = np.ones(size)
    vector: list[int] = []
    for j in range(1, dimensions + 1):
        drawn = 2 * key.fold("component", j).integers(size // 2, tries) + 1
        candidates = np.unique(drawn) if j > 1 else np.array([1])
        best, merit, kept = 1, np.inf, product
        for z in candidates:
            x = to_floats((phi * _U(z)) >> _U(10))
            grown = product * (1.0 + 2.0 * np.pi**2 * (x * (x - 1.0) + 1.0 / 6.0) / j)
            sums = np.cumsum(grown)
            errors = [sums[2**m - 1] / 2**m - 1.0 for m in range(levels[0], levels[1] + 1)]
            found = float(np.mean(np.log(errors)))
            if found < merit:
                best, merit, kept = int(z), found, grown
        vector.append(best)
        product = kept
    return tuple(vector)
