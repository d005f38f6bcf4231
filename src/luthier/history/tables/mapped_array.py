"""Large arrays in memory of their own, which goes back to the system as a whole."""

from __future__ import annotations

import math
import mmap
import sys
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)
_LEAST = 2**17
"""Bytes of an array that gets memory of its own."""
_FIRST = 32  # rows that are added at least
_GROWTH = 8  # arrays become larger by an eighth: what is free of them takes memory, too


def mapped_array(shape: tuple[int, ...], dtype: np.dtype[Number]) -> NDArray[Number]:
    """Make an array of zeros, whose pages take memory once they are written to.

    The C library keeps up to twice as much free memory as the largest array that it ever got back. So an array that
    grows, and is made anew each time, would cost three times what it holds. A fork of the process has its own copy.
    """
    size = math.prod(shape) * dtype.itemsize
    if size < _LEAST or sys.platform == "win32":
        return np.zeros(shape, dtype)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, dtype).reshape(shape)


def grown(column: NDArray[Number], fill: float) -> NDArray[Number]:
    """Give an array with an eighth more rows, of which the new ones hold `fill`."""
    rows = len(column) + max(_FIRST, len(column) // _GROWTH)
    larger = mapped_array((rows, *column.shape[1:]), column.dtype)
    larger[: len(column)] = column
    larger[len(column) :] = fill
    return larger
