"""Pseudo-random permutation of 0 … n - 1 with random access, for any n."""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b

from luthier.key import Key

_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class IndexPermutation:
    """A keyed permutation of 0 … `size` - 1: a Feistel network on a rectangle, with cycle walking.

    Args:
        size: n, at least 1.
        key: chooses the permutation.

    Source: Black and Rogaway (2002), Ciphers with arbitrary finite domains, section 5 (the generalized Feistel cipher).
    """

    size: int
    key: Key

    def __call__(self, place: int) -> int:
        """Give the number at a place (0 … `size` - 1). Cost O(1): eight hashes, rarely more."""
        secret = b"".join(word.to_bytes(8, "little") for word in self.key.words)
        width = math.isqrt(self.size - 1) + 1  # the smallest square with room for all, less its empty rows
        height = -(-self.size // width)
        number = place
        while True:
            left, right = divmod(number, width)
            for step in range(_ROUNDS):
                if step % 2:
                    right = (right + _hash(secret, step, left)) % width
                else:
                    left = (left + _hash(secret, step, right)) % height
            number = left * width + right
            if number < self.size:
                return number


def _hash(secret: bytes, step: int, half: int) -> int:
    length = half.bit_length() // 8 + 1
    # Eight bytes more than the half is wide, so that the remainder is uniform.
    digest = blake2b(half.to_bytes(length, "little"), digest_size=min(64, length + 8), key=secret, salt=bytes([step]))
    return int.from_bytes(digest.digest(), "little")
