"""Types of the columns of an encoded space: continuous, discrete numbers, categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._typing import Floats
from luthier.space import Space

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
        smooth, steps, kinds = [], [], []
        for place, column in enumerate(space.columns):
            levels = column.levels
            values = (np.arange(levels) + 0.5) / max(levels, 1)
            if column.kind == "number" and not levels:
                count = space.variables[column.name].count
                levels = count if count is not None and count <= _MOST_LEVELS else 0
                variable: Any = space.variables[column.name]
                values = variable.place(variable.number(np.arange(levels))) if levels else values
            if column.kind not in ("number", "category") or not levels or levels > _MOST_LEVELS:
                smooth.append(place)
            elif column.kind == "category" or levels == 2:
                kinds += [(place, values)] if levels > 1 else []
            elif levels > 1:
                steps.append((place, values))
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
