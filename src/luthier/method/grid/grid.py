"""Grid search: every point of a grid once, in an order that can be entered anywhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np

from luthier._typing import Floats
from luthier.errors import Infeasible, InvalidSetting, SpaceExhausted
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import Candidate, ProposalBatch, candidates
from luthier.method.grid.product import ProductGrid, product_grid
from luthier.method.notes import GridPlace, written
from luthier.method.sequence import last_place, settings_text, study_key, tag
from luthier.numeric import IndexPermutation
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.space import Space
from luthier.trial import Config

ORDERS = ("given", "shuffled", "nested")

_BLOCK = 64
_BLOCKS = 2**14
"""How many blocks are looked through for one proposal before the constraints are said to leave too little."""

Points = int | Mapping[str, Any] | Sequence[Mapping[str, Any]]


@dataclass(frozen=True, eq=True)
class Grid:
    """Try every point of a grid, each once.

    A number of points means: of a Float, so many evenly spaced on its scale, both bounds included; of an Int, at most
    so many of its values; of an Ordinal, too, if asked for by its name; of a Simplex, shares in one step fewer. Of
    everything else all values are tried. Inactive variables multiply nothing, and what breaks a constraint is no point
    of the grid.

    Args:
        points: how many of each variable; or by variable how many, or a list of the values; or several such mappings,
            one for each of several grids, which are tried one after the other (stage by stage where nested).
        order: ``given`` (the first variable varies slowest; those that conditions and constraints tie together come
            first), ``shuffled`` (by the study's seed), or ``nested``, coarse to fine: the grid of the middle values,
            then of middles and ends, then of quarters, …, so that what was tried at the end of each stage is a coarser
            grid. Options without an order are tried in full from the beginning.
        otherwise: how many points of the variables that the mapping does not name; None fixes them at their defaults.

    Raises:
        InvalidSetting: a setting makes no sense.

    Cost: O(1) a point, for grids of any size; once O(c) where conditions and constraints tie c ≤ 100,000 combinations
    together. Where they tie more, points that break a constraint are passed over one by one, up to a million of them.

    Example:
        >>> from luthier.space import Float, Int, Space
        >>> space = Space({"x": Float(0, 1), "n": Int(1, 3)})
        >>> grid = Grid(points={"x": 3}, order="nested")
        >>> grid.count(space), grid.point(space, 0)
        (9, {'x': 0.5, 'n': 2})
    """

    points: Points = 10
    order: str = "given"
    otherwise: int | None = 10
    is_sequential: ClassVar[bool] = True
    _text: bytes = field(init=False, repr=False, compare=False, default=b"")

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise InvalidSetting(f"the order of a Grid is one of {', '.join(ORDERS)}, not {self.order!r}")
        if self.otherwise is not None:
            _check_count(self.otherwise, "otherwise")
        object.__setattr__(self, "points", _checked(self.points))
        object.__setattr__(self, "_text", settings_text(self))

    def __hash__(self) -> int:
        return hash(self._text)

    def count(self, space: Space) -> int:
        """Count the points of the grid on a space.

        Where conditions or constraints tie too many values together to list them, points that break a constraint, or
        stand for an inactive variable again, are in the count; they are passed over when they are reached.
        """
        return self._spread(space).count

    def point(self, space: Space, index: int, key: Key | None = None) -> Config:
        """Give the configuration at an index of the order; of grids of any size, at once. See `at`."""
        return self.at(space, (index,), key)[0]

    def at(self, space: Space, indices: Sequence[int], key: Key | None = None) -> tuple[Config, ...]:
        """Give the configurations at some indices of the order.

        Args:
            space: the variables.
            indices: which, from 0 to `count` - 1; one may break a constraint that ties too many values together to be
                told beforehand.
            key: the root of the study's randomness, on which a shuffled order depends; that of seed 0 by default.

        Raises:
            InvalidSetting: there is no such point.
        """
        spread = self._spread(space)
        for index in indices:
            if not 0 <= index < spread.count:
                raise InvalidSetting(f"the grid has the points 0 to {spread.count - 1}, not {index}")
        root = key or Key.of(0)
        return space.decode(spread.points(space, [self._place(spread, index, root) for index in indices]))

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose the next up to `count` points of the grid. See `luthier.method.protocol.Method`.

        The key of the trial is not used: the order is that of the study. Each proposal notes its index, and the next
        one goes on from the newest such note. Also under noise no point is tried twice.
        """
        space = problem.space
        name = tag(self._text, space)
        newest = last_place(history, GridPlace, name)
        begin = 0 if newest is None else newest.index + 1
        spread = memo.get(("grid", self, space.digest), lambda: self._spread(space))
        if not spread.count:
            raise Infeasible(_nothing(space))
        root = study_key(history)
        batch = ProposalBatch(history, count)
        first, last = begin // _BLOCK, -(-spread.count // _BLOCK)
        nothing = begin == 0
        for block in range(first, min(last, first + _BLOCKS)):
            places = memo.get(("grid", name, root, block), lambda b=block: self._block(spread, space, b, root))  # type: ignore[misc]
            nothing = nothing and not places
            for candidate in places:
                if candidate.index >= begin:
                    batch.offer(candidate.config, candidate.identity, written(GridPlace(name, candidate.index)))
                    if batch.full:
                        return tuple(batch.proposals)
        if batch.proposals:
            return tuple(batch.proposals)
        if last > first + _BLOCKS:
            raise Infeasible(_too_rare(space, spread.count, begin))
        if nothing:
            raise Infeasible(_nothing(space))
        raise SpaceExhausted(_exhausted(space, spread.count))

    def _spread(self, space: Space) -> _Spread:
        nested = self.order == "nested"
        if isinstance(self.points, int):
            return _Spread((product_grid(space, {}, self.points, nested),))
        several = (self.points,) if isinstance(self.points, Mapping) else self.points
        return _Spread(tuple(product_grid(space, settings, self.otherwise, nested) for settings in several))

    def _place(self, spread: _Spread, index: int, root: Key) -> int:
        return IndexPermutation(spread.count, root.fold("grid"))(index) if self.order == "shuffled" else index

    def _block(self, spread: _Spread, space: Space, block: int, root: Key) -> tuple[Candidate, ...]:
        """Give those of 64 points that keep the constraints."""
        indices = range(block * _BLOCK, min((block + 1) * _BLOCK, spread.count))
        given = spread.points(space, [self._place(spread, index, root) for index in indices])
        settled = space.settle(given, given)
        # What stands in an inactive column makes no other configuration, and the history knows those that it has.
        kept = space.feasible(settled)
        return candidates(space, [indices[i] for i in np.flatnonzero(kept).tolist()], space.decode(settled[kept]))


class _Spread:
    """All points of one or several meshes, in order: stage by stage, and in each stage mesh by mesh."""

    def __init__(self, meshes: tuple[ProductGrid, ...]) -> None:
        stages = range(max(len(one.sizes) for one in meshes))
        self.parts = [(one, stage, one.count(stage)) for stage in stages for one in meshes if stage < len(one.sizes)]
        self.sums = list(accumulate(size for _, _, size in self.parts))
        self.count = self.sums[-1]

    def points(self, space: Space, places: Sequence[int]) -> Floats:
        """Encode the points at places 0 … `count` - 1; shape (n, d), NaN where inactive."""
        found = np.full((len(places), space.dimensions), np.nan)
        for row, place in zip(found, places, strict=True):
            part = bisect_right(self.sums, place)
            one, stage, _ = self.parts[part]
            one.encode(stage, place - (self.sums[part - 1] if part else 0), row)
        return found


def _checked(points: Any) -> Points:
    if isinstance(points, Mapping):
        return {str(name): _setting(name, value) for name, value in points.items()}
    if isinstance(points, list | tuple):
        if not points or not all(isinstance(one, Mapping) for one in points):
            raise InvalidSetting(f"several grids are a list of mappings, at least one, not {points!r}")
        return tuple(_checked(one) for one in points)  # type: ignore[misc]
    return _check_count(points, "points")


def _setting(name: Any, value: Any) -> int | tuple[Any, ...]:
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence | np.ndarray | range):
        return _check_count(value, f"the points of {name!r}")
    values = tuple(value.tolist() if isinstance(value, np.ndarray) else value)
    if not values:
        raise InvalidSetting(f"Grid: the list of points of {name!r} is empty")
    return values


def _check_count(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidSetting(f"Grid: {what} is a number of points, at least 1, or a list of values, not {value!r}")
    return value


def _exhausted(space: Space, count: int) -> str:
    which = " that keeps the constraints" if space.constraints else f" ({count} in all)"
    return f"every point of the grid{which} has been tried or is being tried"


def _nothing(space: Space) -> str:
    return (
        f"no point of the grid keeps the constraints ({', '.join(space.constraints)}): use more points, or lt.Random()"
    )


def _too_rare(space: Space, count: int, begin: int) -> str:
    return (
        f"none of {_BLOCK * _BLOCKS} points of the grid from number {begin} of {count} on is new and keeps the "
        f"constraints ({', '.join(space.constraints)}): use fewer points for the variables in them, or lt.Random()"
    )
