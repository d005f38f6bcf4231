"""Standard normal numbers that are spread evenly: base samples of a Monte Carlo average with little noise."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats
from luthier.key import Key
from luthier.numeric.quasi.sobol import TABULATED, Sobol


def quasi_normal(key: Key, count: int, dimensions: int) -> Floats:
    """Draw `count` points of a scrambled Sobol' net and turn them into standard normal ones.

    Args:
        key: scrambles the net.
        count: how many, best a power of 2.
        dimensions: from 0; those beyond the table of Sobol' directions (1,024) are plain random numbers.

    Returns:
        (count, dimensions), each column standard normal by itself. Cost O(count dimensions).

    Source: Owen (1998), Scrambling Sobol' and Niederreiter-Xing points; the normal quantile of each coordinate.
    """
    from scipy.special import ndtri

    netted = min(dimensions, TABULATED)
    drawn = np.empty((count, dimensions))
    if netted:
        unit = Sobol.of(netted, key.fold("net")).points(0, count)
        drawn[:, :netted] = ndtri(np.maximum(unit, 2.0**-54))  # 0 itself would become minus infinity
    if dimensions > netted:
        drawn[:, netted:] = key.fold("rest").normal((count, dimensions - netted))
    return drawn
