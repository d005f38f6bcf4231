"""Product grids: the number of points, and the i-th one, without listing them all.

Variables that conditions read are *tied*: their combinations are listed, up to a limit, with the variables that each
leaves active, so that an inactive variable multiplies nothing and no configuration occurs twice. Variables that a
constraint couples are listed likewise if the limit allows, without the combinations that break it. All other variables
are digits of a number in mixed radix.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.errors import InvalidSetting
from luthier.method.grid.axis import Axis, Setting, axis
from luthier.method.grid.constrained_product import ConstrainedProduct
from luthier.space import Space


@dataclass(frozen=True, eq=False)
class ProductGrid:
    """The points of a grid, in stages from coarse to fine; one stage if the grid is not nested.

    Args:
        axes: the variables, tied ones first; the first varies slowest.
        nested: whether there are several stages.
        tied: (m, t) the digits of the listed combinations of the first t axes; in digits of the stages' order.
        free: for each of the m combinations, which of the other axes are active, as indices into `axes`.
        sizes: the number of values of each axis, for each stage.
    """

    axes: tuple[Axis, ...]
    nested: bool
    tied: NDArray[np.int64]
    free: tuple[tuple[int, ...], ...]
    sizes: tuple[tuple[int, ...], ...]
    _known: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def count(self, stage: int) -> int:
        """Count the points that a stage adds."""
        sums = self._sums(stage)
        return sums[-1] if sums else 0

    def digits(self, stage: int, place: int) -> dict[int, int]:
        """Give the point at a place of a stage: the digit of each active axis. Cost O(axes + log combinations)."""
        sums = self._sums(stage)
        combination = bisect_right(sums, place)
        rank = place - (sums[combination - 1] if combination else 0)
        found = dict(enumerate(self.tied[combination].tolist()))
        free = self.free[combination]
        new, old = self.sizes[stage], self.sizes[stage - 1]
        if stage and all(digit < old[k] for k, digit in found.items()):
            return found | _digits_beyond(rank, free, new, old)
        return found | _mixed(rank, free, new)

    def encode(self, stage: int, place: int, row: Floats) -> None:
        """Write the encoding of the point at a place of a stage into `row` (d,); inactive columns are left alone."""
        for index, digit in self.digits(stage, place).items():
            one = self.axes[index]
            row[one.begin : one.begin + one.width] = one.refined(digit) if self.nested else one.row(digit)

    def _within(self, sizes: Sequence[int]) -> NDArray[np.bool_]:
        """Tell which combinations have all digits below the sizes of a stage; shape (m,)."""
        within: NDArray[np.bool_] = np.all(self.tied < np.array(sizes, dtype=np.int64), axis=1)
        return within

    def _sums(self, stage: int) -> tuple[int, ...]:
        """Give the cumulative numbers of new points of the combinations in a stage; cached."""
        if stage not in self._known:
            self._known[stage] = self._accumulate(stage)
        return self._known[stage]

    def _accumulate(self, stage: int) -> tuple[int, ...]:
        new, old = self.sizes[stage], self.sizes[stage - 1]
        tied = self.tied.shape[1]
        there = self._within(new[:tied]).tolist()
        before = self._within(old[:tied]).tolist() if stage else [False] * len(there)
        weights: dict[tuple[int, ...], tuple[int, int]] = {}
        counts = []
        for free, present, earlier in zip(self.free, there, before, strict=True):
            if free not in weights:
                weights[free] = math.prod(new[k] for k in free), math.prod(old[k] for k in free)
            total, known = weights[free]
            counts.append(0 if not present else total - known if earlier else total)
        return tuple(accumulate(counts))


def product_grid(space: Space, settings: Mapping[str, Setting], otherwise: int | None, nested: bool) -> ProductGrid:
    """Lay out a grid on a space.

    Args:
        space: the variables, conditions and constraints.
        settings: by variable the number of values, or the values.
        otherwise: the number of values of a variable without a setting; None for its default alone.
        nested: whether the order is from coarse to fine.

    Raises:
        InvalidSetting: a setting does not fit its variable, or there is no such variable.
    """
    _check_names(space, settings)
    axes = {
        part.name: axis(part.name, part.variable, part.begin, settings.get(part.name, otherwise), part.name in settings)
        for part in space.structure.parts
        if part.variable.width
    }
    listing, active = ConstrainedProduct(space, axes, nested).list()
    tied = set(listing.names)
    names = (*listing.names, *(name for name in axes if name not in tied))
    order = tuple(axes[name] for name in names)
    columns = [list(axes).index(name) for name in names]
    beyond = range(len(tied), len(order))
    free = tuple(tuple(k for k in beyond if on[columns[k]]) for on in active.tolist())
    return ProductGrid(order, nested, listing.rows, free, _stage_sizes(order, nested))


def _stage_sizes(axes: Sequence[Axis], nested: bool) -> tuple[tuple[int, ...], ...]:
    """Give the number of values of each axis for each stage; an axis that is complete early stays complete."""
    if not nested:
        return (tuple(a.size for a in axes),)
    grown = [a.stages for a in axes]
    last = max(map(len, grown), default=1)
    return tuple(tuple(sizes[min(stage, len(sizes) - 1)] for sizes in grown) for stage in range(last))


def _check_names(space: Space, settings: Mapping[str, Setting]) -> None:
    from luthier._hints import suggest

    for name in settings:
        if name not in space.variables:
            raise InvalidSetting(f"Grid: there is no variable {name!r} in the space{suggest(name, space.names)}")


def _mixed(rank: int, axes: Sequence[int], sizes: Sequence[int]) -> dict[int, int]:
    """Give the digits of a rank in mixed radix, the last axis varying fastest."""
    digits = {}
    for index in reversed(axes):
        rank, digits[index] = divmod(rank, sizes[index])
    return digits


def _digits_beyond(rank: int, axes: Sequence[int], new: Sequence[int], old: Sequence[int]) -> dict[int, int]:
    """Give the digits at a rank among those in the box `new` that are not in the smaller box `old` within it.

    They form one box for each axis k that is the first with a new digit.
    """
    for place, index in enumerate(axes):
        before, after = axes[:place], axes[place + 1 :]
        added = new[index] - old[index]
        size = math.prod(old[k] for k in before) * added * math.prod(new[k] for k in after)
        if rank < size:
            radix = [old[k] if k in before else added if k == index else new[k] for k in range(len(new))]
            digits = _mixed(rank, axes, radix)
            digits[index] += old[index]
            return digits
        rank -= size
    raise AssertionError("the rank is below the number of such points")
