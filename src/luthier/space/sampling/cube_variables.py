"""What the sampler knows of a variable: how uniform numbers become values.

A domain maps the unit cube, in which the priors are uniform, to the values that expressions read. The sampler works in
that cube only, so a uniform point of the feasible part of the cube is a feasible point distributed by the priors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Bools, Floats
from luthier.space.expression import INACTIVE, Coded, Expression


@dataclass(frozen=True, eq=False)
class CubeNumber:
    """A variable whose values are numbers: one column.

    Args:
        name: the variable.
        low: the smallest value.
        high: the largest value.
        quantile: uniforms (n,) in [0, 1) to values (n,), non-decreasing, exactly as decoding gives them (rounded, on
            the step).
        position: values (n,) in [low, high] to uniforms (n,) whose quantile is that value.
        levels: number of distinct values, 0 when continuous.
        at: level indices (n,) to values (n,), ascending; needed when there are levels.
        log: the scale is logarithmic.
        flat: no prior: `quantile` is affine (on the scale) but for rounding.
        whole: the values are integers.
        when: the variable is active only where this holds.
    """

    name: str
    low: float
    high: float
    quantile: Callable[[Floats], Floats]
    position: Callable[[Floats], Floats]
    levels: int = 0
    at: Callable[[NDArray[np.int64]], Floats] | None = None
    log: bool = False
    flat: bool = True
    whole: bool = False
    when: Expression | None = None
    width: ClassVar[int] = 1

    @property
    def names(self) -> tuple[str, ...]:
        """The names that expressions read this variable by."""
        return (self.name,)

    @property
    def even(self) -> bool:
        """Whether there are levels and they are equally likely."""
        return self.levels > 0 and self.flat and not self.log

    def columns(self, uniforms: Floats, active: Bools | None) -> dict[str, Any]:
        """Give the values of uniforms (n, 1), NaN where not `active` (None: active everywhere)."""
        values = self.quantile(uniforms[:, 0])
        return {self.name: values if active is None else np.where(active, values, np.nan)}


@dataclass(frozen=True, eq=False)
class CubeCategory:
    """A variable that is one of a few values: one column.

    Args:
        name: the variable.
        options: its values; option i is drawn for uniforms between the i-th and the next of `edges`.
        weights: probabilities, or None when all options are equally likely.
        when: the variable is active only where this holds.
    """

    name: str
    options: tuple[Any, ...]
    weights: tuple[float, ...] | None = None
    when: Expression | None = None
    width: ClassVar[int] = 1

    @property
    def names(self) -> tuple[str, ...]:
        """The names that expressions read this variable by."""
        return (self.name,)

    @cached_property
    def edges(self) -> Floats:
        """Where in [0, 1] the options meet; shape (options + 1,), from 0 to 1."""
        count = len(self.options)
        if self.weights is None:
            return np.arange(count + 1) / count
        cumulated = np.concatenate([[0.0], np.cumsum(self.weights)])
        edges: Floats = cumulated / cumulated[-1]
        return edges

    def index(self, uniforms: Floats) -> NDArray[np.int64]:
        """Give the index of the option of each uniform; any shape."""
        if self.weights is None:
            found = np.floor(uniforms * len(self.options)).astype(np.int64)
        else:
            found = (np.searchsorted(self.edges, uniforms, side="right") - 1).astype(np.int64)
        return np.clip(found, 0, len(self.options) - 1)

    def columns(self, uniforms: Floats, active: Bools | None) -> dict[str, Any]:
        """Give the values of uniforms (n, 1), inactive where not `active` (None: active everywhere)."""
        codes = self.index(uniforms[:, 0])
        return {self.name: Coded(codes if active is None else np.where(active, codes, -1), self.options)}


@dataclass(frozen=True, eq=False)
class CubeBlock:
    """A variable of several columns: a subset, a permutation, a simplex.

    Args:
        name: the variable.
        width: number of columns.
        values: uniforms (n, width) to the columns that expressions read: under the variable's own name an object
            array of plain values, and float arrays for parts that have a name of their own.
        parts: the names of those parts.
        size: number of distinct values, None when not finite.
        options: gives each distinct value once, when finite.
        when: the variable is active only where this holds.
    """

    name: str
    width: int
    values: Callable[[Floats], Mapping[str, Any]]
    parts: tuple[str, ...] = ()
    size: int | None = None
    options: Callable[[], Iterator[Any]] | None = None
    when: Expression | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that expressions read this variable by."""
        return (self.name, *self.parts)

    def columns(self, uniforms: Floats, active: Bools | None) -> dict[str, Any]:
        """Give the values of uniforms (n, width), inactive where not `active` (None: active everywhere)."""
        found = dict(self.values(uniforms))
        if active is None:
            return found
        return {name: _only(column, active) for name, column in found.items()}


def _only(column: NDArray[Any], active: Bools) -> NDArray[Any]:
    """Mark the rows of a column that are inactive."""
    marked = column.copy()
    marked[~active] = INACTIVE if column.dtype == object else np.nan
    return marked


Domain = CubeNumber | CubeCategory | CubeBlock


@dataclass(frozen=True, eq=False)
class Predicate:
    """A constraint given as a Python function of a configuration.

    Args:
        function: takes the mapping of active variables, says whether the constraint is kept.
        text: how messages name it.
    """

    function: Callable[[Mapping[str, Any]], object]
    text: str


Constraint = Expression | Predicate
