"""Samples of a space whose variables are independent, conditions applied afterwards.

Each column of a point has a latent value, uniform in [0, 1) and independent of the others; `Space.settle` turns latent
points into configurations, in which a variable whose condition does not hold is inactive. So changing the latent value
of one variable changes nothing else, but for the variables that it makes active or inactive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier._typing import Bools, Floats
from luthier.key import Key
from luthier.numeric import SOBOL_DIMENSIONS, Sobol
from luthier.space import Space

_FINE = 64
"""The number of values of a variable that takes any number of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The columns of one variable.

    Args:
        name: the variable.
        begin: the first of its columns.
        end: the one after the last.
        grid: (g, width) latent values that stand for all of its values, equally likely.
        counted: whether these are all of its values, and no steps of a range.
        ordered: whether the variable is a number.
        conditional: whether it can be inactive.
    """

    name: str
    begin: int
    end: int
    grid: Floats
    counted: bool
    ordered: bool
    conditional: bool

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.end - self.begin


def blocks_of(space: Space) -> tuple[Block, ...]:
    """Give the blocks of the variables that have more than one value."""
    found: list[Block] = []
    for part in space.structure.parts:
        width = part.end - part.begin
        if not width or part.variable.count == 1:
            continue
        levels = part.variable.levels
        counted = width == 1 and 0 < levels <= _FINE
        if width > 1:
            grid = Key.of(0).fold("grid", part.name).uniform((_FINE, width))
        else:
            steps = levels if counted else _FINE
            grid = ((np.arange(steps) + 0.5) / steps)[:, None]
        ordered = part.variable.column == "number"
        found.append(Block(part.name, part.begin, part.end, grid, counted, ordered, part.when is not None))
    return tuple(found)


def draw_latents(space: Space, key: Key, count: int) -> Floats:
    """Draw latent points (count, d): scrambled Sobol' points where these have enough dimensions."""
    return draw_latent_pairs(space, key, count, 1)[0]


def draw_latent_pairs(space: Space, key: Key, count: int, copies: int = 2) -> tuple[Floats, ...]:
    """Draw independent samples of latent points, (count, d) each: the columns of one Sobol' sequence."""
    width = space.dimensions * copies
    few = width <= SOBOL_DIMENSIONS
    points = Sobol.of(width, key).points(0, count) if few else key.uniform((count, width))
    return tuple(np.split(points, copies, axis=1))


def is_active(settled: Floats, block: Block) -> Bools:
    """Tell in which of settled points (n, d) a variable is active; shape (n,)."""
    active: Bools = ~np.isnan(settled[:, block.begin])
    return active


def replaced(latents: Floats, block: Block, values: Floats) -> Floats:
    """Give latent points (n, d) with the columns of one variable replaced by `values` (n, width) or (width,)."""
    found = latents.copy()
    found[:, block.begin : block.end] = values
    return found
