"""Exact marginals of forests over independent uniform variables of one column each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from luthier._typing import Floats, Integers
from luthier.analysis.importance.fitted_halves import ForestHalves
from luthier.analysis.importance.resampled import Resampled
from luthier.analysis.latent_sampling import Block
from luthier.surrogate import ForestPosterior, LeafBoxes


class GriddedBoxes(NamedTuple):
    """The boxes of one tree's leaves, on the grids of v variables.

    Args:
        value: (l,) the mean in each leaf.
        masses: (l, v) the share of the values of each variable that lies in the box: counted for a variable of few
            values, the length for others.
        begin: (l, v) the first place of each variable's grid that lies in the box.
        end: (l, v) the place after the last.
    """

    value: Floats
    masses: Floats
    begin: Integers
    end: Integers


Trees = tuple[GriddedBoxes, ...]


class GriddedForests(NamedTuple):
    """The trees of a forest fitted to all data, and of those fitted to the halves of each split."""

    full: Trees
    halves: tuple[tuple[Trees, Trees], ...]


def gridded(model: ForestHalves, blocks: Sequence[Block]) -> GriddedForests:
    """Place the boxes of all trees on the grids of all variables. Cost O(leaves · d) for each tree."""

    def trees(forest: ForestPosterior) -> Trees:
        return tuple(_gridded(boxes, blocks) for boxes in forest.boxes())

    return GriddedForests(trees(model.full), tuple((trees(one), trees(two)) for one, two in model.halves))


def _gridded(boxes: LeafBoxes, blocks: Sequence[Block]) -> GriddedBoxes:
    columns = [block.begin for block in blocks]
    low, high = boxes.low[:, columns], boxes.high[:, columns]
    masses = np.clip(high, 0.0, 1.0) - np.clip(low, 0.0, 1.0)
    begin, end = np.empty(low.shape, np.int64), np.empty(low.shape, np.int64)
    for place, block in enumerate(blocks):
        grid = block.grid[:, 0].astype(np.float32).astype(np.float64)  # as trees see it
        begin[:, place] = np.searchsorted(grid, low[:, place], side="right")
        end[:, place] = np.searchsorted(grid, high[:, place], side="right")
        if block.counted:
            masses[:, place] = (end[:, place] - begin[:, place]) / len(grid)
    return GriddedBoxes(boxes.value, masses, begin, end)


def main_effects(forests: GriddedForests, blocks: Sequence[Block]) -> list[Resampled]:
    """Give the mean of the forest at each value of each variable, over all values of the others; (g,) a variable.

    Source: Hutter, Hoos and Leyton-Brown (2014), An efficient approach for assessing hyperparameter importance,
    algorithm 2. Cost O(leaves · d) for each tree.
    """
    full = _mains(forests.full, blocks)
    halves = [[_mains(half, blocks) for half in pair] for pair in forests.halves]
    return [
        _resampled(full[place], np.array([[half[place] for half in pair] for pair in halves]))
        for place in range(len(blocks))
    ]


def pair_effect(forests: GriddedForests, blocks: Sequence[Block], first: int, second: int) -> Resampled:
    """Give the mean of the forest at each pair of values of two variables; (g h,), the second running fastest."""

    def mean(trees: Trees) -> Floats:
        joint: Floats = np.mean([_pair(tree, blocks, first, second) for tree in trees], axis=0)
        return joint

    return _resampled(mean(forests.full), np.array([[mean(half) for half in pair] for pair in forests.halves]))


def _resampled(full: Floats, halves: Floats) -> Resampled:
    return Resampled(np.broadcast_to(full, (len(halves), *full.shape)), halves)


def _mains(trees: Trees, blocks: Sequence[Block]) -> list[Floats]:
    total = [np.zeros(len(block.grid)) for block in blocks]
    for tree in trees:
        # The product over all other variables, of which some may be 0: products before and behind.
        before, behind = np.ones_like(tree.masses), np.ones_like(tree.masses)
        np.cumprod(tree.masses[:, :-1], axis=1, out=before[:, 1:])
        behind[:, :-1] = np.cumprod(tree.masses[:, :0:-1], axis=1)[:, ::-1]
        weights = before * behind * tree.value[:, None]
        for place, block in enumerate(blocks):
            steps = np.bincount(tree.begin[:, place], weights[:, place], len(block.grid) + 1)
            steps -= np.bincount(tree.end[:, place], weights[:, place], len(block.grid) + 1)
            total[place] += np.cumsum(steps)[:-1]
    return [one / len(trees) for one in total]


def _pair(tree: GriddedBoxes, blocks: Sequence[Block], first: int, second: int) -> Floats:
    weights = np.delete(tree.masses, (first, second), axis=1).prod(axis=1) * tree.value
    inside = []
    for place in (first, second):
        at = np.arange(len(blocks[place].grid))
        within = (tree.begin[:, place, None] <= at) & (at < tree.end[:, place, None])
        inside.append(within.astype(np.float64))
    joint: Floats = (inside[0] * weights[:, None]).T @ inside[1]
    return joint.ravel()
