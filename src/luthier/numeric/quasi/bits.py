"""Coordinates in [0, 1) as 54-bit integers, and Owen scrambling of them.

A coordinate is a `uint64` below 2**54, its first binary digit at bit 53; the last of the 54 digits is dropped when
it becomes a float, so that no coordinate rounds up to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats

Words = NDArray[np.uint64]

BITS = 54
_GROUP = 6  # levels of the scrambling tree that share one hash: each of its 63 inner nodes takes a bit
_GROUPS = BITS // _GROUP
_U = np.uint64


def to_floats(x: Words) -> Floats:
    """Turn 54-bit coordinates into floats in [0, 1)."""
    return (x >> _U(1)).astype(np.float64) * 2.0**-53


def mix(x: Words) -> Words:
    """Hash 64-bit words one by one, bijectively.

    Source: the finalizer of SplitMix64, Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators;
    constants of Stafford's variant 13.
    """
    x = (x ^ (x >> _U(30))) * _U(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> _U(27))) * _U(0x94D049BB133111EB)
    mixed: Words = x ^ (x >> _U(31))
    return mixed


def nested_scramble(x: Words, seeds: Words) -> Words:
    """Scramble coordinates by Owen's nested uniform method: the flip of each binary digit depends on all before it.

    A net stays a net, each point becomes uniform on the cube, and distinct coordinates stay distinct.

    Args:
        x: (n, d) 54-bit coordinates.
        seeds: (d,) a 64-bit word for each column, which determines its scrambling.

    Returns:
        (n, d). Cost O(n d), about 60 operations on each coordinate.

    Source: Owen (1995), Randomly permuted (t,m,s)-nets and (t,s)-sequences; the flips are hashed from the tree's nodes
    as in Burley (2020), Practical hash-based Owen scrambling, with one hash for six levels of the tree.
    """
    group = np.arange(_GROUPS, dtype=np.uint64)
    below = _U(BITS - _GROUP) - _U(_GROUP) * group  # digits that follow the group
    chunk = (x[:, :, None] >> below) & _U(2**_GROUP - 1)
    before = x[:, :, None] >> (below + _U(_GROUP))
    node = mix(seeds[:, None] ^ mix((before << _U(4)) | group))
    flips = np.zeros_like(chunk)
    for level in range(_GROUP):
        inner = _U(1 << level) | (chunk >> _U(_GROUP - level))
        flips |= ((node >> inner) & _U(1)) << _U(_GROUP - 1 - level)
    scrambled: Words = x ^ np.bitwise_or.reduce(flips << below, axis=2)
    return scrambled


def reverse_bits(index: Words) -> Words:
    """Reverse the binary digits of 64-bit words: the radical inverse in base 2, as a 64-bit fraction."""
    x = index
    for shift, mask in _SWAPS:
        x = ((x >> shift) & mask) | ((x & mask) << shift)
    reversed_words: Words = (x >> _U(32)) | (x << _U(32))
    return reversed_words


_SWAPS = (
    (_U(1), _U(0x5555555555555555)),
    (_U(2), _U(0x3333333333333333)),
    (_U(4), _U(0x0F0F0F0F0F0F0F0F)),
    (_U(8), _U(0x00FF00FF00FF00FF)),
    (_U(16), _U(0x0000FFFF0000FFFF)),
)
