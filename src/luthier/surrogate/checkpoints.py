"""Geometrically growing sizes of the data at which hyperparameters or weights are refitted."""

from __future__ import annotations

import math


def checkpoints(n: int, growth: float, least: int = 1) -> list[int]:
    """Give the sizes ``least``, ``least · growth``, … up to `n`, rounded up to whole numbers that differ.

    Args:
        n: the number of losses.
        growth: factor from one size to the next, above 1.
        least: the first size, at least 1.

    Returns:
        Empty where `n` is below `least`.
    """
    sizes: list[int] = []
    following = least
    while following <= n:
        sizes.append(following)
        following = max(following + 1, math.ceil(following * growth))
    return sizes
