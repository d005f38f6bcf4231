"""List the feasible configurations of a finite space, by backtracking with propagation of the constraints.

Variables are given their levels one after the other, a batch of partial assignments at a time; what interval
arithmetic shows to be infeasible whatever the rest may be is cut off at once. A variable with very many levels is
halved into ranges first, so that a bound such as ``a + b == 10`` is felt before its levels are listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from luthier.errors import InvalidSpace
from luthier.space.expression import INACTIVE, Coded
from luthier.space.sampling import boxes
from luthier.space.sampling.boxes import Indices
from luthier.space.sampling.cube import UnitCube
from luthier.space.sampling.cube_variables import Constraint, CubeBlock, CubeCategory, CubeNumber

_BRANCH = 64
_BATCH = 4096
_MOST_OPTIONS = 20_000


def enumerate_configs(layout: UnitCube, constraints: Sequence[Constraint]) -> Iterator[dict[str, Any]]:
    """Give each feasible configuration once, lazily; the first variable changes slowest.

    Raises:
        InvalidSpace: a variable has infinitely many values.
    """
    for index, domain in enumerate(layout.domains):
        if boxes.levels(domain) is None:
            raise InvalidSpace(
                f"the space is not finite: {layout.domains[index].name!r} is continuous; give it a step, or use "
                "sample() or a grid of points"
            )
    return _configs(layout, constraints)


def _configs(layout: UnitCube, constraints: Sequence[Constraint]) -> Iterator[dict[str, Any]]:
    for index, domain in enumerate(layout.domains):
        if isinstance(domain, CubeBlock) and (domain.size or 0) > _MOST_OPTIONS:
            yield from _one_by_one(layout, constraints, index, domain)
            return
    lister = Lister(layout, constraints)
    for indices in lister.batches():
        yield from layout.configs(lister.columns(indices))


def _one_by_one(
    layout: UnitCube, constraints: Sequence[Constraint], index: int, domain: CubeBlock
) -> Iterator[dict[str, Any]]:
    """List with one variable fixed to each of its very many values in turn, without ever holding them all."""
    before, after = layout.domains[:index], layout.domains[index + 1 :]
    for place, option in enumerate(domain.options() if domain.options else ()):
        fixed = replace(domain, size=1, options=partial(iter, (option,)))
        for config in _configs(UnitCube([*before, fixed, *after]), constraints):
            if domain.name in config or place == 0:  # where it is inactive its value makes no difference
                yield config


class Lister:
    """List the feasible assignments of levels of finite domains.

    Args:
        layout: finite domains.
        constraints: what feasible points keep.
    """

    def __init__(self, layout: UnitCube, constraints: Sequence[Constraint]) -> None:
        self.layout = layout
        self.constraints = constraints
        self.sizes = np.array([boxes.levels(domain) for domain in layout.domains], dtype=np.int64)
        self.tables = tuple(
            tuple(domain.options()) if isinstance(domain, CubeBlock) and domain.options else ()
            for domain in layout.domains
        )
        self.visited = 0

    def batches(self) -> Iterator[Indices]:
        """Give the indices of the levels of feasible points, (n, number of domains); 0 where inactive."""
        start = np.zeros((1, len(self.sizes)), dtype=np.int64)
        stack: list[tuple[int, Indices, Indices]] = [(0, start, start + self.sizes)]
        while stack:
            depth, low, high = stack.pop()
            if depth == len(self.sizes):
                columns = self.columns(low)
                good = self.layout.kept_values(self.constraints, columns, len(low))
                if good.any():
                    yield low[good]
                continue
            limit = max(1, _BATCH // int(min(self.sizes[self.layout.order[depth]], _BRANCH)))
            if len(low) > limit:
                stack.append((depth, low[limit:], high[limit:]))
                low, high = low[:limit], high[:limit]
            low, high = self._branch(self.layout.order[depth], low, high)
            if len(low):
                index = self.layout.order[depth]
                single = bool((high[:, index] - low[:, index] == 1).all())
                stack.append((depth + 1 if single else depth, low, high))

    def _branch(self, index: int, low: Indices, high: Indices) -> tuple[Indices, Indices]:
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
        dead, _ = boxes.verdict(
            self.constraints, boxes.of_indices(self.layout, new_low, new_high, self.tables), len(row)
        )
        return new_low[~dead], new_high[~dead]

    def _active(self, index: int, low: Indices) -> Any:
        """Say in which rows a variable is active; all that its condition reads has one level left by now."""
        when = self.layout.domains[index].when
        return True if when is None else when.holds(self.columns(low), len(low))

    def columns(self, indices: Indices) -> dict[str, Any]:
        """Give the column of each name for indices of levels (n, number of domains), marked where inactive."""
        columns: dict[str, Any] = {}
        for index in self.layout.order:
            domain = self.layout.domains[index]
            active = np.ones(len(indices), dtype=bool)
            if domain.when is not None:
                active = domain.when.holds(columns, len(indices))
            found = indices[:, index]
            if isinstance(domain, CubeNumber):
                columns[domain.name] = np.where(active, boxes.level_values(domain, found), np.nan)
            elif isinstance(domain, CubeCategory):
                columns[domain.name] = Coded(np.where(active, found, -1), domain.options)
            else:
                columns[domain.name] = _objects(self.tables[index], found, active)
        return columns


def _objects(options: tuple[Any, ...], indices: Indices, active: Any) -> Any:
    column = np.full(len(indices), INACTIVE, dtype=object)
    for row in np.flatnonzero(active).tolist():
        column[row] = options[int(indices[row])]
    return column
