"""Subset of the data with the lowest losses, for acquisition functions too expensive to use all of it."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats
from luthier.data import Data

_MOST = 300


def best_rows(data: Data, feasible_only: bool = False) -> Floats:
    """Give the points of the 300 lowest losses, or of all where there are fewer, in the order of the data.

    Args:
        data: n losses.
        feasible_only: leave out the rows that violate an outcome constraint, unless all do.
    """
    rows = np.arange(len(data))
    if feasible_only and data.feasible.any():
        rows = rows[data.feasible]
    chosen: Floats = data.x[np.sort(rows[np.argsort(data.loss[rows], kind="stable")[:_MOST]])]
    return chosen
