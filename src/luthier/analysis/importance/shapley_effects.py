"""Shapley effects: the variance of a function, each interaction divided evenly among its variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from luthier._typing import Floats, Integers
from luthier.analysis.importance.resampled import QuadraticScore, Resampled, score
from luthier.analysis.latent_sampling import Block, blocks_of, draw_latent_pairs
from luthier.key import Key
from luthier.space import Space

_WALKS = 2048


class ShapleyWalks:
    """Walks from one random point to another, one variable at a time in a random order.

    For a point x, and the points p before and n after variable j is replaced, the mean of
    ``(f(x) - (f(p) + f(n)) / 2) (f(p) - f(n))`` over the walks is the Shapley effect of j: the shares of a variable in
    the variances explained by all sets of variables. They sum to the variance, are equal for variables that act alike,
    0 for one that does nothing, and those of a sum of two functions of different variables are those of each.

    Args:
        space: the domain; constraints are left aside.
        key: of the walks.
        walks: their number, at least 2.

    Source: Owen (2014), Sobol' indices and Shapley value; Goda (2021), A simple algorithm for global sensitivity
    analysis with Shapley effects, algorithm 1.
    """

    def __init__(self, space: Space, key: Key, walks: int = _WALKS) -> None:
        self.blocks: tuple[Block, ...] = blocks_of(space)
        count = len(self.blocks)
        start, end = draw_latent_pairs(space, key.fold("points"), walks)
        orders: Integers = np.argsort(key.fold("orders").uniform((walks, count)), axis=1)
        points = np.repeat(start[None], count + 1, axis=0)
        for step in range(count):
            points[step + 1] = points[step]
            for place, block in enumerate(self.blocks):
                rows = np.flatnonzero(orders[:, step] == place)
                points[step + 1, rows, block.begin : block.end] = end[rows, block.begin : block.end]
        self._step: Integers = np.argsort(orders, axis=1).T  # (variables, walks): the step in which each moves
        self._walks = walks
        self.points: Floats = space.settle(points.reshape(-1, points.shape[2]))

    def form(self, place: int) -> Callable[[Floats, Floats], Floats]:
        """Give the bilinear form of the effect of one variable, of functions at `points` (q,)."""

        def effect(first: Floats, second: Floats) -> Floats:
            both = self._each(first, second, place) + self._each(second, first, place)
            return np.asarray(0.5 * both.mean(axis=-1), dtype=np.float64)

        return effect

    def _each(self, first: Floats, second: Floats, place: int) -> Floats:
        """Give the products of each walk, (…, walks)."""
        before = self._step[place] * self._walks + np.arange(self._walks)
        after = before + self._walks
        middle = 0.5 * (first[..., before] + first[..., after])
        products: Floats = (first[..., : self._walks] - middle) * (second[..., before] - second[..., after])
        return products

    def score_of(self, values: Resampled, places: Sequence[int]) -> QuadraticScore:
        """Give the effect of some variables together, the sum of theirs, of a fitted function's values at `points`."""
        forms = [self.form(place) for place in places]

        def together(first: Floats, second: Floats) -> Floats:
            return np.asarray(sum(form(first, second) for form in forms))

        found = score(values, together)
        each = sum(self._each(values.full, values.full, place) for place in places)
        by_chance = float(np.asarray(each).mean(axis=0).var()) / self._walks  # of the walks
        return replace(found, deviation=float(np.sqrt(found.deviation**2 + by_chance)))

    def of_function(self, function: Callable[[Floats], Floats]) -> Floats:
        """Give the Shapley effects (variables,) of a function of points (q, d) with values (q,)."""
        values = function(self.points)
        return np.array([float(self.form(place)(values, values)) for place in range(len(self.blocks))])
