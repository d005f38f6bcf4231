"""Which losses a model looks at that cannot look at all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats


def subset_of_data(losses: Floats, largest: int) -> NDArray[np.int64]:
    """Choose at most `largest` of n, in order: half of them the lowest, the rest spread evenly over the others."""
    n = len(losses)
    if n <= largest:
        return np.arange(n)
    order = np.argsort(losses, kind="stable")
    half = largest // 2
    spread = half + np.floor(np.arange(largest - half) * ((n - half) / (largest - half))).astype(np.int64)
    return np.sort(np.concatenate([order[:half], order[spread]]))
