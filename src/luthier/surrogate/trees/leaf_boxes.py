"""Boxes of a decision tree's leaves, for integrals over them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from luthier._typing import Floats


class LeafBoxes(NamedTuple):
    """The leaves of one tree: a point lies in a leaf where ``low < x <= high`` in every column.

    Args:
        low: (l, d) lower bounds, -inf where there is none.
        high: (l, d) upper bounds, inf where there is none.
        value: (l,) the mean in each leaf.
    """

    low: Floats
    high: Floats
    value: Floats


def leaf_boxes(structure: Any, mean: Floats, columns: int) -> LeafBoxes:
    """Read the boxes of the leaves from the structure of a tree of scikit-learn.

    Args:
        structure: the tree's.
        mean: (nodes,) the value of each leaf.
        columns: d.

    Cost O(nodes · d).
    """
    left, right = structure.children_left, structure.children_right
    low = np.full((structure.node_count, columns), -np.inf)
    high = np.full((structure.node_count, columns), np.inf)
    level = np.zeros(1, dtype=np.int64)
    while len(level):
        inner = level[left[level] >= 0]
        below, above = left[inner], right[inner]
        for child in (below, above):
            low[child], high[child] = low[inner], high[inner]
        feature, threshold = structure.feature[inner], structure.threshold[inner]
        high[below, feature] = threshold
        low[above, feature] = threshold
        level = np.concatenate([below, above])
    leaves = np.flatnonzero(left < 0)
    return LeafBoxes(low[leaves], high[leaves], mean[leaves])
