"""Data sets that scikit-learn ships, cut to few rows where a task wants it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


@cache
def rows_of(name: str, count: int) -> tuple[Any, Any]:
    """Give features and targets of `count` rows, always the same; iris, wine, breast_cancer, digits or diabetes."""
    from sklearn import datasets

    loaded = getattr(datasets, f"load_{name}")()
    order = np.random.default_rng(11).permutation(len(loaded.target))[:count]
    return loaded.data[order], loaded.target[order]
