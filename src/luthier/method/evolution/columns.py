"""Types of the columns of an encoded space: continuous, discrete numbers, categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._typing import Floats
from luthier.space import Column, Space

_MOST_LEVELS = 1000
"""A discrete number with more levels than this is treated as continuous."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnTypes:
    """The columns of the encoding by type; columns with a single value are left out.

    Args:
        dimensions: d.
        smooth: the continuous columns, and those of subsets, permutations and simplexes (as random keys: Bean 1994).
        steps: the discrete numbers, with the places of their values in [0, 1], ascending.
        kinds: the categories, and numbers with two values, with the places of their values.
    """

    dimensions: int
    smooth: tuple[int, ...]
    steps: tuple[tuple[int, Floats], ...]
    kinds: tuple[tuple[int, Floats], ...]

    @classmethod
    def of(cls, space: Space) -> ColumnTypes:
        """Read a space."""
        smooth: list[int] = []
        steps: list[tuple[int, Floats]] = []
        kinds: list[tuple[int, Floats]] = []
        for place, column in enumerate(space.columns):
            levels = column.levels or (space.variables[column.name].count or 0 if column.kind == "number" else 0)
            if column.kind not in ("number", "category") or not 0 < levels <= _MOST_LEVELS:
                smooth.append(place)
            elif levels > 1:
                alike = kinds if column.kind == "category" or levels == 2 else steps
                alike.append((place, _places(space, column, levels)))
        return cls(space.dimensions, tuple(smooth), tuple(steps), tuple(kinds))

    @property
    def free(self) -> int:
        """The number of columns that can change."""
        return len(self.smooth) + len(self.steps) + len(self.kinds)

    @property
    def mixed(self) -> bool:
        """Tell whether there are discrete numbers or categories."""
        return bool(self.steps or self.kinds)

    @property
    def ordered(self) -> list[int]:
        """The columns that a normal distribution draws, in the library's order."""
        return [*self.smooth, *(place for place, _ in self.steps)]


def _places(space: Space, column: Column, levels: int) -> Floats:
    """Return the places of a column's values, of which there are few; (levels,)."""
    if column.levels:
        places: Floats = (np.arange(levels) + 0.5) / levels
        return places
    variable: Any = space.variables[column.name]  # a number in steps on a log scale
    return variable.place(variable.number(np.arange(levels)))  # type: ignore[no-any-return]
