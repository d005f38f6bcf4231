"""Axes of variables: their values in the user's units, and the points that stand for them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from luthier._hints import did_you_mean
from luthier._typing import Floats
from luthier.analysis.interval_estimate import VariableAxis
from luthier.analysis.latent_sampling import Block, blocks_of
from luthier.errors import InvalidSetting
from luthier.render import short
from luthier.space import Space

_MOST_TRIED = 24
"""The number of values of a variable of several columns (a subset, an order, a mixture): those that were tried."""


class GriddedAxis(NamedTuple):
    """An axis, the columns of its variable, and the encoded values (g, width)."""

    axis: VariableAxis
    block: Block
    grid: Floats


def gridded_axis(space: Space, name: str, points: int, tried: Floats) -> GriddedAxis:
    """Give the axis of one variable.

    Args:
        space: the variables.
        name: of the variable.
        points: the number of values of a range.
        tried: (n, d) points whose values stand for a variable of several columns, the first of them first.

    Raises:
        InvalidSetting: there is no such variable, it has a single value, or `points` is below 2.
    """
    if points < 2:
        raise InvalidSetting(f"points={points!r}: give at least 2 values of a range")
    block = next((block for block in blocks_of(space) if block.name == name), None)
    if block is None:
        if name in space.names:
            raise InvalidSetting(f"variable {name!r} has a single value: there is nothing to vary")
        known = ", ".join(map(repr, space.names))
        raise InvalidSetting(f"there is no variable {name!r}{did_you_mean(str(name), space.names)}; there are {known}")
    variable = space.variables[name]
    grid = _grid(block, points, tried)
    values = variable.decode(variable.snap(grid))
    seen: dict[str, int] = {}
    for place, value in enumerate(values):
        seen.setdefault(repr(value), place)
    kept = list(seen.values())
    chosen = [values[place] for place in kept]
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in chosen)
    kind = "number" if block.ordered and numeric else "category"
    axis = VariableAxis(
        name,
        "number" if kind == "number" else "category",
        bool(getattr(variable, "log", False)),
        tuple(chosen),
        tuple(short(value) for value in chosen),
    )
    return GriddedAxis(axis, block, variable.snap(grid)[kept])


def _grid(block: Block, points: int, tried: Floats) -> Floats:
    if block.width > 1:
        values = tried[:, block.begin : block.end]
        values = values[~np.isnan(values).any(axis=1)]
        _, first = np.unique(values, axis=0, return_index=True)
        return values[np.sort(first)[:_MOST_TRIED]]
    if block.counted and (not block.ordered or len(block.grid) <= points):
        return block.grid
    return np.linspace(0.0, 1.0, points)[:, None]
