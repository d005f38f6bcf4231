"""Constrained products: lists of the combinations of variables that conditions and constraints couple.

The list grows variable by variable, and a combination that already breaks a constraint, or repeats another one because
a variable is inactive, is left out at once; so it may be short where the full product is far too long to list.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Bools, Floats
from luthier.method.grid.axis import Axis
from luthier.space import Simplex, Space

Digits = NDArray[np.int64]

MOST_LISTED = 100_000
"""The largest number of combinations in a list."""
_MOST_TRIED = 400_000
"""The largest number of combinations that are checked at once."""
_SMALL = 10_000
"""A grid of at most this size is listed as a whole, so that its points are in the order of the variables."""


@dataclass(frozen=True, eq=False)
class ProductListing:
    """Combinations of some axes.

    Args:
        names: the t axes.
        rows: (m, t) their digits in each combination.
    """

    names: tuple[str, ...]
    rows: Digits


@dataclass(frozen=True, eq=False)
class ConstrainedProduct:
    """The product of axes, subject to the conditions and constraints of a space.

    Args:
        space: the variables, conditions and constraints.
        axes: the values of each variable, in the order of the variables.
        nested: whether digits are in the order from coarse to fine.
    """

    space: Space
    axes: Mapping[str, Axis]
    nested: bool

    def list(self) -> tuple[ProductListing, Bools]:
        """List the combinations of the axes that conditions couple, and as far as possible those of constraints.

        Returns:
            The list, in the order of the variables, the first varying slowest; and (m, axes) which axes are active in
            each combination. If conditions couple too many combinations, nothing is listed and all axes count as
            active.
        """
        start = ProductListing((), np.zeros((1, 0), dtype=np.int64))
        found = self._choose(start)
        if found is None:
            return start, np.ones((1, len(self.axes)), dtype=bool)
        places = sorted(range(len(found.names)), key=lambda place: list(self.axes).index(found.names[place]))
        rows = found.rows[:, places]
        rows = rows[np.lexsort(rows.T[::-1])] if places else rows
        listing = ProductListing(tuple(found.names[place] for place in places), rows)
        settled = self._settled(listing)
        if len(places) == len(self.axes):
            kept = self.space.feasible(settled)  # functions of the parameters among them
            listing, settled = ProductListing(listing.names, rows[kept]), settled[kept]
        return listing, ~np.isnan(settled[:, [axis.begin for axis in self.axes.values()]])

    def _choose(self, start: ProductListing) -> ProductListing | None:
        structure = self.space.structure
        read = {name for part in structure.parts if part.when is not None for name in part.when.reads}
        order = [part.name for part in structure.order if part.name in self.axes]
        if not read and not structure.rules:
            return start
        if math.prod(axis.size for axis in self.axes.values()) <= _SMALL:
            return self._widened(start, order)
        found = self._widened(start, [name for name in order if name in read])
        if found is None:
            return None
        for rule in structure.rules:
            names = set(order) if rule.expression is None else self._variables(rule.expression.names)
            found = self._widened(found, [name for name in order if name in names]) or found
        return found

    def _variables(self, names: Collection[str]) -> set[str]:
        """Give the variables that the names in an expression belong to; the share of a simplex belongs to that."""
        owners = {
            f"{name}.{part}": name
            for name, variable in self.space.variables.items()
            if isinstance(variable, Simplex)
            for part in variable.parts
        }
        return {name if name in self.space.variables else owners[name] for name in names}

    def _widened(self, listing: ProductListing, names: Sequence[str]) -> ProductListing | None:
        """Add axes to a list; None if it becomes too long."""
        for name in names:
            if name in listing.names:
                continue
            size = self.axes[name].size
            if len(listing.rows) * size > _MOST_TRIED:
                return None
            digits = np.tile(np.arange(size, dtype=np.int64), len(listing.rows))
            rows = np.column_stack([np.repeat(listing.rows, size, axis=0), digits])
            listing = ProductListing((*listing.names, name), rows)
            listing = ProductListing(listing.names, rows[self._possible(listing)])
        return listing if len(listing.rows) <= MOST_LISTED else None

    def _possible(self, listing: ProductListing) -> Bools:
        """Tell which combinations repeat no other one, and break no constraint as far as they are known."""
        settled = self._settled(listing)
        newest = self.axes[listing.names[-1]]
        kept: Bools = ~np.isnan(settled[:, newest.begin]) | (listing.rows[:, -1] == 0)
        for name, axis in self.axes.items():
            if name not in listing.names:
                settled[:, axis.begin : axis.begin + axis.width] = np.nan  # unknown: it breaks nothing yet
        for rule in self.space.structure.rules:
            expression = rule.expression
            if expression is not None and newest.name in self._variables(expression.names):
                kept &= ~expression.broken(self.space.read(settled, expression.names), len(settled))
        return kept

    def _settled(self, listing: ProductListing) -> Floats:
        """Encode combinations, axes that are not listed at digit 0; inactive columns are NaN."""
        points = np.empty((len(listing.rows), self.space.dimensions))
        for name, axis in self.axes.items():
            row = axis.refined if self.nested else axis.row
            columns = slice(axis.begin, axis.begin + axis.width)
            if name in listing.names:
                table = np.array([row(digit) for digit in range(axis.size)])
                points[:, columns] = table[listing.rows[:, listing.names.index(name)]]
            else:
                points[:, columns] = row(0)
        return self.space.settle(points, points)
