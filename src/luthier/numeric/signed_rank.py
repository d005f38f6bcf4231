"""Wilcoxon's signed-rank test, exact also where there are ties and zeros."""

from __future__ import annotations

import math

import numpy as np

from luthier._typing import Floats

_EXACT = 50
"""Up to so many differences the distribution is counted out."""


def signed_rank_p(differences: Floats) -> float:
    """Give the probability that the sum of positive ranks is this large or larger, if all signs are even chances.

    Args:
        differences: (n,) paired ones; an infinite one has the highest rank. Zeros take part in the ranking and then
            count for neither side.

    Returns:
        The one-sided p-value of "they tend to be above 0"; 1 where all are zero. For n up to 50 it is exact, given
        the ties; beyond that normal, with the variance of these ranks and a correction for continuity.

    Cost O(n³) for n up to 50.

    Source: Wilcoxon (1945); Pratt (1959), Remarks on zeros and ties in the Wilcoxon signed rank procedures.
    """
    size = np.abs(differences)
    order = np.sort(size)
    low, high = np.searchsorted(order, size, "left"), np.searchsorted(order, size, "right")
    doubled = (low + high + 1)[size > 0]  # twice the mean rank among equal ones: whole numbers
    positive = int(doubled[differences[size > 0] > 0].sum())
    if not len(doubled):
        return 1.0
    if len(doubled) <= _EXACT:
        ways = np.zeros(int(doubled.sum()) + 1)
        ways[0] = 1.0
        for rank in doubled.tolist():
            shifted = np.zeros_like(ways)
            shifted[rank:] = ways[:-rank]
            ways = 0.5 * (ways + shifted)
        return float(min(1.0, ways[positive:].sum()))
    mean, deviation = doubled.sum() / 2.0, math.sqrt(float(np.square(doubled.astype(float)).sum())) / 2.0
    return 0.5 * math.erfc((positive - mean - 1.0) / deviation / math.sqrt(2.0))
