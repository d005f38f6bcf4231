"""Enumeration of a finite space's feasible configurations: backtracking with propagation.

Variables are given their levels one after the other, a batch of partial assignments at a time; what interval
arithmetic shows to be infeasible whatever the rest may be is cut off at once. A variable with very many levels is
split into ranges first, so that a bound such as ``a + b == 10`` takes effect before its levels are listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.errors import InvalidSpace
from luthier.space.encoding import Encoder
from luthier.space.flattening import FlatVariable
from luthier.space.sampling.boxes import boxes_of_levels, judge_boxes
from luthier.space.variables.base import Options, level_places
from luthier.space.variables.categorical import Constant
from luthier.space.variables.combinatorial import Combination
from luthier.space.variables.number import Number

_BRANCH = 64
_BATCH = 4096
_MOST_VALUES = 20_000


def enumerate_configs(encoder: Encoder) -> Iterator[dict[str, Any]]:
    """Yield each feasible configuration once, lazily; the first variable changes slowest.

    Raises:
        InvalidSpace: at once, where a variable has infinitely many values.
    """
    for part in encoder.flat.parts:
        if part.variable.count is None:
            raise InvalidSpace(
                f"the space has infinitely many configurations, as {part.name!r} is continuous: give it a step, or use "
                "sample() or a grid of points"
            )
    return _configs(encoder, {})


def _configs(encoder: Encoder, fixed: Mapping[str, Floats]) -> Iterator[dict[str, Any]]:
    """Yield the configurations in which some combinatorial variables have fixed values, given encoded."""
    for part in encoder.flat.parts:
        variable = part.variable
        if isinstance(variable, Combination) and (variable.count or 0) > _MOST_VALUES and part.name not in fixed:
            yield from _one_by_one(encoder, fixed, part.name, variable)
            return
    enumerator = Enumerator(encoder, fixed)
    for levels in enumerator.batches():
        yield from encoder.decode(enumerator.points(levels))


def _one_by_one(
    encoder: Encoder, fixed: Mapping[str, Floats], name: str, variable: Combination
) -> Iterator[dict[str, Any]]:
    """Fix one variable to each of its very many values in turn, without ever holding them all."""
    for place, row in enumerate(variable.rows()):
        for config in _configs(encoder, {**fixed, name: np.array([row])}):
            if name in config or place == 0:  # where it is inactive its value makes no difference
                yield config


class Enumerator:
    """List the feasible assignments of levels to finite variables.

    Args:
        encoder: of the variables and constraints.
        fixed: encoded values (k, width) that combinatorial variables are restricted to, by name; all by default.
    """

    def __init__(self, encoder: Encoder, fixed: Mapping[str, Floats] | None = None) -> None:
        self.encoder = encoder
        self.flat = encoder.flat
        self.tables = dict(fixed or {})
        for part in self.flat.parts:
            if isinstance(part.variable, Combination) and part.name not in self.tables:
                self.tables[part.name] = np.array(list(part.variable.rows()), dtype=np.float64)
        self.options = {
            part.name: self._values(part) for part in self.flat.parts if not isinstance(part.variable, Number)
        }
        self.sizes = np.array([self._size(part) for part in self.flat.parts], dtype=np.int64)
        self.order = [self.flat.names.index(part.name) for part in self.flat.order]
        self.visited = 0

    def _values(self, part: FlatVariable) -> tuple[Any, ...]:
        variable = part.variable
        if isinstance(variable, Options):
            return variable.options
        return (variable.fixed,) if isinstance(variable, Constant) else tuple(variable.decode(self.tables[part.name]))

    def _size(self, part: FlatVariable) -> int:
        return len(self.options[part.name]) if part.name in self.options else part.variable.count or 0

    def batches(self) -> Iterator[Integers]:
        """Yield the levels of feasible points, shape (n, variables); 0 where inactive."""
        start = np.zeros((1, len(self.sizes)), dtype=np.int64)
        stack: list[tuple[int, Integers, Integers]] = [(0, start, start + self.sizes)]
        while stack:
            depth, low, high = stack.pop()
            if depth == len(self.sizes):
                good = self.encoder.feasible(self.points(low))
                if good.any():
                    yield low[good]
                continue
            index = self.order[depth]
            limit = max(1, _BATCH // int(min(self.sizes[index], _BRANCH)))
            if len(low) > limit:
                stack.append((depth, low[limit:], high[limit:]))
                low, high = low[:limit], high[:limit]
            low, high = self._branch(index, low, high)
            if len(low):
                single = bool((high[:, index] - low[:, index] == 1).all())
                stack.append((depth + 1 if single else depth, low, high))

    def _branch(self, index: int, low: Integers, high: Integers) -> tuple[Integers, Integers]:
        """Split the range of one variable in each row and drop what cannot be feasible."""
        span = np.where(self._active(index, low), high[:, index] - low[:, index], 1)
        size = -(-span // _BRANCH)
        pieces = -(-span // size)
        row = np.repeat(np.arange(len(low)), pieces)
        piece = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        new_low, new_high = low[row], high[row]
        new_low[:, index] = low[row, index] + piece * size[row]
        new_high[:, index] = np.minimum(new_low[:, index] + size[row], low[row, index] + span[row])
        self.visited += len(row)
        dead, _ = judge_boxes(self.flat.rules, boxes_of_levels(self.flat, new_low, new_high, self.options), len(row))
        return new_low[~dead], new_high[~dead]

    def _active(self, index: int, low: Integers) -> Bools | bool:
        """Return in which rows a variable is active; what its condition reads has one level left by now."""
        part = self.flat.parts[index]
        if part.when is None or not part.variable.width:  # a constant has one level anyway
            return True
        active: Bools = ~np.isnan(self.points(low)[:, part.begin])
        return active

    def points(self, levels: Integers) -> Floats:
        """Return the settled points (n, d) of levels (n, variables)."""
        points = np.empty((len(levels), self.encoder.dimensions))
        for place, part in enumerate(self.flat.parts):
            variable, chosen = part.variable, levels[:, place]
            if isinstance(variable, Combination):
                points[:, part.begin : part.end] = self.tables[part.name][chosen]
            elif isinstance(variable, Number):
                points[:, part.begin] = variable.level_places(chosen)
            elif isinstance(variable, Options):
                points[:, part.begin] = level_places(chosen, variable.levels)
        return self.encoder.settle(points, points)
