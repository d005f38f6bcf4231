"""Groups of variables tied together by constraints, in the unit cube where priors are uniform."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.key import Key
from luthier.space.constraint import Constraint
from luthier.space.encoding import Encoder
from luthier.space.expression import Coded
from luthier.space.flattening import FlatSpace, FlatVariable
from luthier.space.variables.number import Number


class CubeColumns:
    """The columns of the unit cube: those of the encoding, and one for each constant.

    Nothing reads the column of a constant: it keeps the draws of all other variables where they have always been.

    Args:
        flat: the variables.
    """

    def __init__(self, flat: FlatSpace) -> None:
        self.starts: dict[str, int] = {}
        self.width = 0
        encoded: list[int] = []
        for part in flat.parts:
            self.starts[part.name] = self.width
            encoded += range(self.width, self.width + part.variable.width)
            self.width += max(part.variable.width, 1)
        self._encoded = np.array(encoded, dtype=np.int64)

    def encoding_of(self, uniforms: Floats) -> Floats:
        """Return the columns (n, d) of the encoding from uniforms (n, width)."""
        return uniforms if len(self._encoded) == self.width else uniforms[:, self._encoded]

    def of(self, flat: FlatSpace) -> Integers:
        """Return the columns of the variables of a restricted space, in the order of its own cube."""
        starts = [(self.starts[part.name], max(part.variable.width, 1)) for part in flat.parts]
        return np.concatenate([np.arange(start, start + width) for start, width in starts])


class Group:
    """Variables that constraints tie together, as a space of their own.

    A uniform point of the feasible part of its unit cube is a feasible point distributed by the priors.

    Args:
        flat: the variables and the constraints that read them.
    """

    def __init__(self, flat: FlatSpace) -> None:
        self.flat = flat
        self.encoder = Encoder(flat)
        self.cube = CubeColumns(flat)
        self.names = frozenset[str]().union(*(rule.expression.names for rule in flat.rules if rule.expression))

    @property
    def rules(self) -> tuple[Constraint, ...]:
        """The constraints."""
        return self.flat.rules

    @property
    def width(self) -> int:
        """The number of columns of the cube."""
        return self.cube.width

    @cached_property
    def key(self) -> Key:
        """The stream for what is worked out once about the group: the same in every process."""
        return Key.of(0).fold("sampling", *(rule.text for rule in self.rules))

    def part(self, name: str) -> FlatVariable:
        """Return the variable behind a name in an expression."""
        return self.flat.by_name[self.flat.owners[name]]

    def number(self, name: str) -> Number | None:
        """Return the number of a name in an expression; None where it is another kind of variable."""
        variable = self.part(name).variable
        return variable if isinstance(variable, Number) else None

    def column(self, name: str) -> int:
        """Return the first column of the cube of the variable behind a name in an expression."""
        return self.cube.starts[self.flat.owners[name]]

    def points(self, uniforms: Floats) -> Floats:
        """Return the settled points (n, d) of uniforms (n, width) in [0, 1). Cost O(n · width)."""
        return self.encoder.settle_uniforms(self.cube.encoding_of(uniforms))

    def values(self, uniforms: Floats) -> dict[str, Any]:
        """Return the columns that the constraints read, of uniforms (n, width), marked where inactive."""
        return self.encoder.read(self.points(uniforms), self.names)

    def keeps(self, uniforms: Floats) -> Bools:
        """Return for each of uniforms (n, width) whether the constraints are kept."""
        return self.encoder.feasible(self.points(uniforms))


def take_rows(columns: Mapping[str, Any], rows: Integers) -> dict[str, Any]:
    """Return some rows of columns of values."""
    return {name: _rows(column, rows) for name, column in columns.items()}


def _rows(column: Any, rows: Integers) -> Any:
    return Coded(column.codes[rows], column.levels) if isinstance(column, Coded) else column[rows]
