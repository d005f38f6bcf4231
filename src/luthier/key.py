"""Counter-based random numbers: a key names a stream instead of advancing one.

A key is a 128-bit Philox key. ``fold`` derives a new key from a path of names and numbers, so that the draws for one
purpose never depend on the number of draws for another. The same key always gives the same numbers, on any machine: the
words are raw Philox 4x64-10 output and the transforms to floats are our own.

Source: Salmon, Moraes, Dror and Shaw (2011), Parallel random numbers: as easy as 1, 2, 3; SC'11.
"""

from __future__ import annotations

import hashlib
import math
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.errors import InvalidSetting

Shape = int | tuple[int, ...]

_TO_UNIT = 2.0**-53


@dataclass(frozen=True, slots=True)
class Key:
    """Name a stream of random numbers.

    Args:
        words: the 128-bit Philox key as two integers in [0, 2**64).

    Example:
        >>> key = Key.of(0).fold("trial", 7)
        >>> bool((key.uniform(3) == key.uniform(3)).all())
        True
    """

    words: tuple[int, int]

    @staticmethod
    def of(seed: int) -> Key:
        """Make the root key of a study from its seed (any integer from 0 to 2**64 - 1)."""
        plain = type(seed) is int and 0 <= seed < 2**64
        return _root(seed if plain else checked_seed(seed))

    def fold(self, *path: int | str) -> Key:
        """Derive a key by a path of names and numbers; different paths give independent streams."""
        return Key(_folded(self.words, path))

    def of_trial(self, number: int) -> Key:
        """Derive the key of a trial from the root: ``fold("trial", number)``, remembered, as several ask for it."""
        return _of_trial(self.words, number)

    def raw(self, count: int) -> NDArray[np.uint64]:
        """Give the first `count` 64-bit words of the stream. Cost O(count)."""
        return _mine.stream.words(self.words, count)

    def uniform(self, shape: Shape = ()) -> Floats:
        """Draw from [0, 1), 53 bits each. Returns an array of `shape`."""
        words = self.raw(_size(shape))
        return ((words >> np.uint64(11)).astype(np.float64) * _TO_UNIT).reshape(shape)

    def normal(self, shape: Shape = ()) -> Floats:
        """Draw from the standard normal distribution by the method of Box and Muller (1958)."""
        count = _size(shape)
        pairs = (count + 1) // 2
        u = self.uniform((2, pairs))
        radius = np.sqrt(-2.0 * np.log1p(-u[0]))  # 1 - u is in (0, 1]
        angle = 2.0 * math.pi * u[1]
        both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
        return both[:count].reshape(shape)

    def integers(self, high: int, shape: Shape = ()) -> NDArray[np.int64]:
        """Draw integers from 0 to `high` - 1 (`high` at most 2**53), by scaling 53-bit uniforms."""
        if not 1 <= high <= 2**53:
            raise InvalidSetting(f"integers are drawn below a bound from 1 to 2**53, not {high}")
        drawn: NDArray[np.int64] = np.floor(self.uniform(shape) * high).astype(np.int64)
        return np.minimum(drawn, high - 1)

    def permutation(self, count: int) -> NDArray[np.int64]:
        """Draw an order of 0 … `count` - 1; shape (count,). Cost O(count log count)."""
        order: NDArray[np.int64] = np.argsort(self.raw(count), kind="stable").astype(np.int64)
        return order

    def seed(self) -> int:
        """Give a 31-bit seed for a library that takes one (scikit-learn's ``random_state``)."""
        return int(self.raw(1)[0] >> np.uint64(33))


def checked_seed(seed: object) -> int:
    """Return a seed as an int.

    Raises:
        InvalidSetting: it is no whole number, or outside 0 to 2**64 - 1.
    """
    found = seed.item() if isinstance(seed, np.integer) else seed
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= int.__int__(found) < 2**64:
        given = repr(found)[:80] if type(found) in (bool, float, str) else f"a {type(found).__name__}"
        raise InvalidSetting(f"a seed is an integer from 0 to 2**64 - 1, not {given}")
    return int.__int__(found)


class _Stream:
    """One generator that is set to one key after another: making a new one each time would take three times as long."""

    __slots__ = ("_generator", "_start")

    def __init__(self) -> None:
        self._generator = np.random.Philox(key=np.zeros(2, np.uint64))
        self._start: Any = self._generator.state

    def words(self, key: tuple[int, int], count: int) -> NDArray[np.uint64]:
        """Give the first `count` words of the stream of a key."""
        self._start["state"]["key"] = np.array(key, dtype=np.uint64)
        self._generator.state = self._start
        words: NDArray[np.uint64] = self._generator.random_raw(count)
        return words


class _Mine(threading.local):
    """The generator of a thread."""

    def __init__(self) -> None:
        self.stream = _Stream()


_mine = _Mine()


@lru_cache(maxsize=256)
def _root(seed: int) -> Key:
    """Give a root key: the same study asks for it with every proposal."""
    return Key(_digest(b"luthier.key", seed.to_bytes(8, "little")))


@lru_cache(maxsize=256)
def _of_trial(words: tuple[int, int], number: int) -> Key:
    return Key(_folded(words, ("trial", number)))


def _folded(words: tuple[int, int], path: tuple[int | str, ...]) -> tuple[int, int]:
    """Give the words of a derived key."""
    parts = [word.to_bytes(8, "little") for word in words]
    for step in path:
        # An integer and the text of it are different steps, and ("ab", "c") is not ("a", "bc").
        text = (b"i%d" % step) if isinstance(step, int) else b"s" + step.encode()
        parts.append(b"%d:" % len(text) + text)
    return _digest(*parts)


def _digest(*parts: bytes) -> tuple[int, int]:
    digest = hashlib.blake2b(b"".join(parts), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def _size(shape: Shape) -> int:
    return shape if isinstance(shape, int) else math.prod(shape)
