"""Quasi-random standard normal numbers: base samples for Monte Carlo averages with little noise."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats
from luthier.key import Key
from luthier.numeric.quasi.sobol import SOBOL_DIMENSIONS, Sobol


def quasi_normal(key: Key, count: int, dimensions: int) -> Floats:
    """Draw `count` points of a scrambled Sobol' net and map them to standard normal ones.

    Args:
        key: scrambles the net.
        count: the number of points, best a power of 2.
        dimensions: at least 0; those beyond the table of Sobol' directions (1,024) are plain random numbers.

    Returns:
        (count, dimensions), each column standard normal. Cost O(count dimensions).

    Source: Owen (1998), Scrambling Sobol' and Niederreiter-Xing points; the normal quantile of each coordinate.
    """
    from scipy.special import ndtri

    tabulated = min(dimensions, SOBOL_DIMENSIONS)
    drawn = np.empty((count, dimensions))
    if tabulated:
        unit = Sobol.of(tabulated, key.fold("net")).points(0, count)
        drawn[:, :tabulated] = ndtri(np.maximum(unit, 2.0**-54))  # the quantile of 0 is minus infinity
    if dimensions > tabulated:
        drawn[:, tabulated:] = key.fold("rest").normal((count, dimensions - tabulated))
    return drawn
