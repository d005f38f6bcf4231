"""Grid search: every point of a grid once, in an order with random access."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np

from luthier import codec
from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.errors import Infeasible, InvalidResult, InvalidSetting, SpaceExhausted
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
from luthier.scalar import LARGEST_STEP, short, to_dict, to_whole
from luthier.setting_types import check_setting_types, settings_repr
from luthier.space import Space
from luthier.trial import Config

ORDERS = ("given", "shuffled", "nested")

_BLOCK = 64
_KEPT = 8  # blocks that are remembered
_BLOCKS = 2**14
"""The number of blocks that are searched for one proposal before the constraints are said to leave too few."""

Points = int | Mapping[str, Any] | Sequence[Mapping[str, Any]]


@translating_settings
@dataclass(frozen=True, eq=True)
class Grid:
    """Try every point of a grid, each once.

    A number n of points means: of a Float n values, evenly spaced on its scale, both bounds included; of an Int at most
    n of its values; of an Ordinal likewise, if it is asked for by name; of a Simplex the multiples of 1 / (n - 1). Of
    every other variable all values are tried. Inactive variables multiply nothing, and configurations that break a
    constraint are not points of the grid.

    Args:
        points: the number of points of each variable; or by variable the number, or a list of the values; or several
            such mappings, one for each of several grids, which are tried one after the other (stage by stage if
            nested).
        order: ``given`` (the first variable varies slowest; those that conditions and constraints couple come first),
            ``shuffled`` (by the study's seed), or ``nested``, from coarse to fine: the grid of the middle values, then
            of middles and ends, then of quarters, …, so that each stage completes a coarser grid. Options without an
            order are tried in full from the beginning.
        otherwise: the number of points of variables that the mapping does not name; None fixes them at their defaults.

    Raises:
        InvalidSetting: a setting is invalid.

    Cost: O(1) per point, for grids of any size; once O(c) where conditions and constraints couple c ≤ 100,000
    combinations. If they couple more, points that break a constraint are passed over one by one, up to a million.

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

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
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

        If conditions or constraints couple too many values to list them, points that break a constraint, or repeat
        another one because a variable is inactive, are counted, too; they are passed over when they are reached.
        """
        return self._spread(space).count

    def point(self, space: Space, index: int, key: Key | None = None) -> Config:
        """Give the configuration at an index of the order; of grids of any size, at once. See `at`."""
        return self.at(space, (index,), key)[0]

    def at(self, space: Space, indices: Sequence[int], key: Key | None = None) -> tuple[Config, ...]:
        """Give the configurations at some indices of the order.

        Args:
            space: the variables.
            indices: from 0 to `count` - 1; a point may break a constraint that couples too many values to list them.
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

        The key of the trial is not used: the order belongs to the study. Each proposal notes its index, and the next
        one goes on from the newest such note. In a noisy problem, too, no point is tried twice.
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
        batch.offer_forgotten(space, lambda note: note.get("grid") == name)
        if batch.full:
            return tuple(batch.proposals)
        first, last = begin // _BLOCK, -(-spread.count // _BLOCK)
        nothing = begin == 0
        blocks = memo.get(("grid", name, root), lambda: Memo(_KEPT))
        for block in range(first, min(last, first + _BLOCKS)):
            places = blocks.get(block, lambda b=block: self._block(spread, space, b, root))  # type: ignore[misc]
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
        """Give the feasible ones of 64 points."""
        indices = range(block * _BLOCK, min((block + 1) * _BLOCK, spread.count))
        given = spread.points(space, [self._place(spread, index, root) for index in indices])
        settled = space.settle(given, given)
        # Values in inactive columns make no difference: the history knows those configurations already.
        kept = space.feasible(settled)
        return candidates(space, [indices[i] for i in np.flatnonzero(kept).tolist()], space.decode(settled[kept]))


class _Spread:
    """All points of one or several grids, in order: stage by stage, and in each stage grid by grid."""

    def __init__(self, grids: tuple[ProductGrid, ...]) -> None:
        stages = range(max(len(one.sizes) for one in grids))
        self.parts = [(one, stage, one.count(stage)) for stage in stages for one in grids if stage < len(one.sizes)]
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
        points = to_dict(points, "the points of a Grid are a mapping of variables to values", InvalidSetting)
        for name in points:
            if not isinstance(name, str):
                raise InvalidSetting(f"Grid: points are given by names of variables, not {short(name)}")
        return {str.__str__(name): _setting(name, value) for name, value in points.items()}
    if isinstance(points, list | tuple):
        if not points or not all(isinstance(one, Mapping) for one in points):
            raise InvalidSetting(f"several grids are a list of mappings, at least one, not {short(points)}")
        return tuple(_checked(one) for one in points)  # type: ignore[misc]
    return _check_count(points, "points")


def _setting(name: Any, value: Any) -> int | tuple[Any, ...]:
    several = isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim == 1)
    if isinstance(value, str | bytes | Mapping) or not several:
        return _check_count(value, f"the points of {name!r}")
    values = tuple(value.tolist() if isinstance(value, np.ndarray) else value)
    try:
        codec.dumps(values)
    except InvalidResult as error:
        raise InvalidSetting(f"Grid: the points of {name!r} cannot be stored: {error}") from None
    if not values:
        raise InvalidSetting(f"Grid: the list of points of {name!r} is empty")
    return values


def _check_count(value: Any, what: str) -> int:
    count = to_whole(value)
    if count is None or not 1 <= count <= LARGEST_STEP:
        raise InvalidSetting(f"Grid: {what} is a number of points, at least 1, or a list of values, not {short(value)}")
    return count


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
