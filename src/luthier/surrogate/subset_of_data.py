"""Subset of data: the rows that a model is fitted to where it cannot be fitted to all."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats, Integers


def subset_of_data(losses: Floats, largest: int) -> Integers:
    """Choose at most `largest` of n rows: half of them the lowest losses, the rest spaced evenly over the others.

    Returns:
        The rows, at most `largest`, in increasing order. Cost O(n log n).
    """
    n = len(losses)
    if n <= largest:
        return np.arange(n)
    order = np.argsort(losses, kind="stable")
    half = largest // 2
    return np.sort(np.concatenate([order[:half], order[half + _spaced(n - half, largest - half, 0.0)]]))


def evenly_spaced(rows: Integers, largest: int) -> Integers:
    """Choose at most `largest` of the `rows`, spaced evenly over their order."""
    return rows if len(rows) <= largest else rows[_spaced(len(rows), largest, 0.5)]


def _spaced(n: int, count: int, offset: float) -> Integers:
    """Give `count` of the places 0 … n - 1, the first one `offset` spaces from the beginning."""
    places: Integers = np.floor((np.arange(count) + offset) * (n / count)).astype(np.int64)
    return places
