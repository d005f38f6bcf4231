"""Slice sampling: draw from a density that is known up to a factor, without steps to tune.

Source: Neal (2003), Slice sampling, Annals of Statistics 31, figures 3 (stepping out) and 5 (shrinkage).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from luthier._typing import Floats
from luthier.key import Key

_BLOCK = 1024
_MOST_STEPS = 16  # outwards, to each side; a box of any size is reached in a few steps of a sensible width


def slice_samples(
    log_density: Callable[[Floats], float],
    start: Floats,
    low: Floats,
    high: Floats,
    width: Floats,
    sweeps: int,
    key: Key,
) -> Iterator[Floats]:
    """Walk a Markov chain whose stationary distribution is the given one, one coordinate after the other.

    Args:
        log_density: the logarithm of the density, up to a constant, of a point (p,); never NaN.
        start: (p,) within the box.
        low: (p,) lower bounds of the box.
        high: (p,) upper bounds.
        width: (p,) first guesses of the size of the slices, positive.
        sweeps: how often every coordinate is changed.
        key: the randomness.

    Yields:
        The point after each sweep, (p,).

    Cost: some five densities a coordinate and sweep.
    """
    uniforms = _uniforms(key)
    point = start.copy()
    now = log_density(point)
    for _ in range(sweeps):
        for place in range(len(point)):
            now = _change(log_density, point, now, place, (low[place], high[place], width[place]), uniforms)
        yield point.copy()


def _change(
    log_density: Callable[[Floats], float],
    point: Floats,
    now: float,
    place: int,
    box: tuple[float, float, float],
    uniforms: Iterator[float],
) -> float:
    """Change one coordinate of `point` in place; gives the log density there."""
    low, high, width = box
    begun = point[place]

    def at(value: float) -> float:
        point[place] = value
        return log_density(point)

    level = now + math.log1p(-next(uniforms))
    left = begun - width * next(uniforms)
    right = left + width
    # A budget of steps is shared between the sides at random, so that the chain stays reversible (Neal 2003, fig. 3).
    leftward = int(2 * _MOST_STEPS * next(uniforms))
    rightward = 2 * _MOST_STEPS - 1 - leftward
    while leftward and left > low and at(left) > level:
        left, leftward = left - width, leftward - 1
    while rightward and right < high and at(right) > level:
        right, rightward = right + width, rightward - 1
    left, right = max(left, low), min(right, high)
    while True:
        drawn = left + (right - left) * next(uniforms)
        value = at(drawn)
        if value > level or drawn == begun:
            return value
        if drawn < begun:
            left = drawn
        else:
            right = drawn


def _uniforms(key: Key) -> Iterator[float]:
    block = 0
    while True:
        yield from key.fold(block).uniform(_BLOCK).tolist()
        block += 1
