"""fANOVA: the variance of a fitted function by variables, groups and pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from luthier._typing import Bools, Floats
from luthier.analysis.importance.fitted_halves import FittedHalves, ForestHalves
from luthier.analysis.importance.forest_marginals import GriddedForests, gridded, main_effects, pair_effect
from luthier.analysis.importance.resampled import Bilinear, QuadraticScore, Resampled, covariance, mean_product, score
from luthier.analysis.latent_sampling import Block, blocks_of, draw_latent_pairs, is_active, replaced
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.space import Space

_POINTS = 1024
"""Points by which variances are estimated where they are not exact."""
_MOST_POINTS = 4096
"""Points that are drawn at most to find enough of them in which a variable is active."""
_AVERAGED = 96
"""Points over which a marginal is averaged where it is not exact."""
_VALUES = 12
"""Values of the variable of a marginal that is not exact."""
_GROUP_POINTS = 256
_GROUP_AVERAGED = 64
_PAIR_AVERAGED = 24
_COARSE = 12
"""Values of each variable of a pair where the marginal is not exact."""


@dataclass(frozen=True, slots=True)
class VariableShare:
    """The variance by one variable, within the part of the space in which it is active.

    Args:
        block: the variable.
        main: the variance of the mean over all other variables.
        total: the mean over all other variables of the variance along this one.
        whole: the variance of the function within that part.
        active: the share of the space that the part is.
    """

    block: Block
    main: QuadraticScore
    total: QuadraticScore
    whole: float
    active: float


class FunctionalAnova:
    """The analysis of variance of a fitted function over a space.

    The marginals of a forest are exact where all variables are always active and have a column each. Else they are
    averages over 96 points in which the variable is active, with each value of the variables
    that others depend on in its due share.

    Args:
        model: the function.
        space: its domain; constraints are left aside.
        key: of the points.

    Source: Sobol' (1993), Sensitivity estimates for nonlinear mathematical models; Hutter, Hoos and Leyton-Brown
    (2014), An efficient approach for assessing hyperparameter importance; Jansen (1999), Analysis of variance designs
    for model output, for the totals.
    """

    def __init__(self, model: FittedHalves, space: Space, key: Key) -> None:
        self._model, self._space = model, space
        self.blocks = blocks_of(space)
        self._key = key
        conditions = [space.condition(name) for name in space.names]
        read = {name for condition in conditions if condition is not None for name in condition.names}
        self._parents = [place for place, column in enumerate(space.columns) if column.name in read]
        self._latents, self._others = draw_latent_pairs(space, key.fold("points"), _POINTS)
        self._settled = space.settle(self._latents)
        self._values = model.values(self._settled)
        flat = all(block.width == 1 and not block.conditional for block in self.blocks)
        flat = flat and len(self.blocks) == space.dimensions
        self._forests: GriddedForests | None = None
        if flat and isinstance(model, ForestHalves):
            self._forests = gridded(model, self.blocks)

    @property
    def variance(self) -> float:
        """The variance over the whole space."""
        return self._values.variance

    def shares(self) -> list[VariableShare]:
        """Give the variance by each variable, in the order of the space."""
        mains = None if self._forests is None else main_effects(self._forests, self.blocks)
        return [self._share(block, None if mains is None else mains[place]) for place, block in enumerate(self.blocks)]

    def _share(self, block: Block, main: Resampled | None) -> VariableShare:
        latents, others, active = self._where([block])
        settled = self._space.settle(latents)
        values = self._values if latents is self._latents else self._model.values(settled)
        moved = self._model.values(self._space.settle(replaced(latents, block, others[:, block.begin : block.end])))
        change = Resampled(values.full - moved.full, values.halves - moved.halves)
        total = score(change, lambda u, v: 0.5 * mean_product(u, v))
        if main is None:
            main = self._marginal(self._balanced(latents, [block], _AVERAGED), [block], [_thinned(block, _VALUES)])
        return VariableShare(block, score(main, covariance), total, values.variance, active)

    def pair(self, first: int, second: int) -> tuple[QuadraticScore, float]:
        """Give the variance of the interaction of two variables, and that of the function where both are active.

        Args:
            first: a place in `blocks`.
            second: another.

        Returns:
            Both 0 where they are never active together.
        """
        one, two = self.blocks[first], self.blocks[second]
        if self._forests is not None:
            joint = pair_effect(self._forests, self.blocks, first, second)
            return score(joint, _interaction(len(one.grid), len(two.grid))), self.variance
        latents, _, active = self._where([one, two])
        if not active:
            return QuadraticScore(0.0, 0.0, 0.0, 2), 0.0
        grids = [_thinned(block, _COARSE) for block in (one, two)]
        form = _interaction(len(grids[0]), len(grids[1]))
        joint = self._marginal(self._balanced(latents, [one, two], _PAIR_AVERAGED), [one, two], grids)
        if latents is not self._latents:
            return score(joint, form), self._model.values(self._space.settle(latents[: _POINTS // 2])).variance
        return score(joint, form), self.variance

    def group(self, members: Sequence[str]) -> QuadraticScore:
        """Give the variance of the mean over all variables that are not in a group, over the whole space.

        Raises:
            InvalidSetting: there is no such variable.
        """
        known = {block.name: block for block in self.blocks}
        unknown = [name for name in members if name not in known]
        if unknown:
            raise InvalidSetting(f"there is no variable {unknown[0]!r} to score; there are {', '.join(known)}")
        points = np.repeat(self._others[None, :_GROUP_AVERAGED], _GROUP_POINTS, axis=0)
        for name in members:
            block = known[name]
            points[:, :, block.begin : block.end] = self._latents[:_GROUP_POINTS, None, block.begin : block.end]
        return score(self._average(points), covariance)

    def _where(self, blocks: Sequence[Block]) -> tuple[Floats, Floats, float]:
        """Give latent points in which all of some variables are active, as many others, and the share that they are."""
        active = self._active(self._settled, blocks)
        if active.all():
            return self._latents, self._others, 1.0
        latents, others = self._latents, self._others
        if int(active.sum()) < _POINTS // 2:
            latents, others = self._more
            active = self._active(self._space.settle(latents), blocks)
        return latents[active][:_POINTS], others[active][:_POINTS], float(active.mean())

    @cached_property
    def _more(self) -> tuple[Floats, ...]:
        """More latent points, and as many others."""
        return draw_latent_pairs(self._space, self._key.fold("more"), _MOST_POINTS)

    def _balanced(self, latents: Floats, blocks: Sequence[Block], count: int) -> Floats:
        """Take some of the latent points, evenly over the values of those other variables that variables depend on."""
        own = {place for block in blocks for place in range(block.begin, block.end)}
        parents = [place for place in self._parents if place not in own]
        if len(latents) <= count or not parents:
            return latents[:count]
        order = np.lexsort(self._space.settle(latents)[:, parents].T)
        return latents[order[np.linspace(0, len(order) - 1, count).round().astype(np.int64)]]

    @staticmethod
    def _active(settled: Floats, blocks: Sequence[Block]) -> Bools:
        active: Bools = np.logical_and.reduce([is_active(settled, block) for block in blocks])
        return active

    def _marginal(self, latents: Floats, blocks: Sequence[Block], grids: Sequence[Floats]) -> Resampled:
        """Give the average over `latents` at each combination of values of some variables."""
        if not len(latents):
            return Resampled(np.zeros((len(self._model.splits), 1)), np.zeros((len(self._model.splits), 2, 1)))
        places = np.stack(np.meshgrid(*[np.arange(len(grid)) for grid in grids], indexing="ij"), axis=-1)
        chosen = places.reshape(-1, len(grids))
        points = np.repeat(latents[None], len(chosen), axis=0)
        for at, (block, grid) in enumerate(zip(blocks, grids, strict=True)):
            points[:, :, block.begin : block.end] = grid[chosen[:, at]][:, None, :]
        return self._average(points)

    def _average(self, points: Floats) -> Resampled:
        """Give the mean over the second axis of latent points (p, a, d), (p,)."""
        values = self._model.values(self._space.settle(points.reshape(-1, points.shape[2])))
        return values.map(lambda flat: flat.reshape(*flat.shape[:-1], *points.shape[:2]).mean(axis=-1))


def _thinned(block: Block, most: int) -> Floats:
    """Give at most so many of the values of a variable."""
    if block.counted and (not block.ordered or len(block.grid) <= most):
        return block.grid
    if block.width > 1:
        return block.grid[:most]
    return ((np.arange(most) + 0.5) / most)[:, None]


def _interaction(g: int, h: int) -> Bilinear:
    """Give the covariance of two functions on a grid (g h,), both main effects taken out."""

    def form(first: Floats, second: Floats) -> Floats:
        return mean_product(_pure(first, g, h), _pure(second, g, h))

    return form


def _pure(flat: Floats, g: int, h: int) -> Floats:
    grid = flat.reshape(*flat.shape[:-1], g, h)
    pure = (
        grid
        - grid.mean(axis=-1, keepdims=True)
        - grid.mean(axis=-2, keepdims=True)
        + grid.mean(axis=(-1, -2), keepdims=True)
    )
    flattened: Floats = pure.reshape(flat.shape)
    return flattened
