"""Slice sampling from an unnormalised density.

Source: Neal (2003), Slice sampling, Annals of Statistics 31, figures 3 (stepping out) and 5 (shrinkage).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from luthier._typing import Floats
from luthier.key import Key

_BLOCK = 1024
_MOST_STEPS = 16  # outwards on each side; with a sensible width a few are enough


def slice_samples(
    log_density: Callable[[Floats], float],
    start: Floats,
    low: Floats,
    high: Floats,
    width: Floats,
    sweeps: int,
    key: Key,
) -> Iterator[Floats]:
    """Run a Markov chain whose stationary distribution has the given density, one coordinate at a time.

    Args:
        log_density: the logarithm of the density, up to a constant, of a point (p,); never NaN.
        start: (p,) within the box.
        low: (p,) lower bounds of the box.
        high: (p,) upper bounds.
        width: (p,) initial guesses of the size of the slices, positive.
        sweeps: the number of updates of every coordinate.
        key: the randomness.

    Yields:
        The point after each sweep, (p,).

    Cost: about five densities a coordinate and sweep.
    """
    uniforms = _uniforms(key)
    point = start.copy()
    now = log_density(point)
    for _ in range(sweeps):
        for place in range(len(point)):
            now = _update(log_density, point, now, place, (low[place], high[place], width[place]), uniforms)
        yield point.copy()


def _update(
    log_density: Callable[[Floats], float],
    point: Floats,
    now: float,
    place: int,
    box: tuple[float, float, float],
    uniforms: Iterator[float],
) -> float:
    """Update one coordinate of `point` in place; gives the log density there."""
    low, high, width = box
    previous = point[place]

    def at(value: float) -> float:
        point[place] = value
        return log_density(point)

    level = now + math.log1p(-next(uniforms))
    left = previous - width * next(uniforms)
    right = left + width
    # The budget of steps is divided at random between the sides: so the chain is reversible (Neal 2003, fig. 3).
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
        if value > level or drawn == previous:
            return value
        if drawn < previous:
            left = drawn
        else:
            right = drawn


def _uniforms(key: Key) -> Iterator[float]:
    block = 0
    while True:
        yield from key.fold(block).uniform(_BLOCK).tolist()
        block += 1
