"""Domains side by side: which columns of the unit cube belong to which variable, and which variables are active."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Bools, Floats
from luthier.errors import InvalidSpace
from luthier.space.expression import INACTIVE, Coded
from luthier.space.sampling.cube_variables import Constraint, CubeNumber, Domain, Predicate


class UnitCube:
    """Lay out domains in the unit cube. Frozen.

    Args:
        domains: in the order of their columns.

    Raises:
        InvalidSpace: a condition reads an unknown name, or conditions depend on each other in a circle.
    """

    def __init__(self, domains: Sequence[Domain]) -> None:
        self.domains = tuple(domains)
        starts = np.concatenate([[0], np.cumsum([domain.width for domain in self.domains])]).astype(int)
        self.slices = tuple(slice(int(a), int(b)) for a, b in itertools.pairwise(starts))
        self.width = int(starts[-1])
        self.owner = {name: i for i, domain in enumerate(self.domains) for name in domain.names}
        self.order = tuple(_topological(self.domains, self.owner))

    def reads(self, names: Iterable[str]) -> frozenset[int]:
        """Give the domains that `names` belong to, and those that decide whether these are active."""
        found: set[int] = set()
        waiting = [self.owner[name] for name in names]
        while waiting:
            index = waiting.pop()
            if index not in found:
                found.add(index)
                when = self.domains[index].when
                waiting.extend(self.owner[name] for name in (when.names if when else ()))
        return frozenset(found)

    def values(self, uniforms: Floats) -> dict[str, Any]:
        """Give the column of each name for uniforms (n, width), marked where inactive. Cost O(n · width)."""
        columns: dict[str, Any] = {}
        for index in self.order:
            domain = self.domains[index]
            active = None if domain.when is None else domain.when.holds(columns, len(uniforms))
            columns.update(domain.columns(uniforms[:, self.slices[index]], active))
        return columns

    def active(self, uniforms: Floats) -> Bools:
        """Say which variables are active; shape (n, number of domains)."""
        result = np.ones((len(uniforms), len(self.domains)), dtype=bool)
        columns: dict[str, Any] = {}
        for index in self.order:
            domain = self.domains[index]
            if domain.when is not None:
                result[:, index] = domain.when.holds(columns, len(uniforms))
            columns.update(domain.columns(uniforms[:, self.slices[index]], result[:, index]))
        return result

    def configs(self, columns: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Turn columns into one configuration of plain values a row, active variables only."""
        lists = [self._plain(domain, columns[domain.name]) for domain in self.domains]
        names = [domain.name for domain in self.domains]
        return [
            {name: item for name, item in zip(names, row, strict=True) if item is not INACTIVE}
            for row in zip(*lists, strict=True)
        ]

    @staticmethod
    def _plain(domain: Domain, column: Any) -> list[Any]:
        if isinstance(column, Coded):
            return column.objects()
        if isinstance(domain, CubeNumber):
            whole = domain.whole
            return [INACTIVE if item != item else int(item) if whole else item for item in column.tolist()]
        return list(column)

    def kept(self, constraints: Sequence[Constraint], uniforms: Floats) -> Bools:
        """Say for each row whether no constraint is definitely broken; shape (n,).

        Raises:
            InvalidSpace: a predicate raised.
        """
        return self.kept_values(constraints, self.values(uniforms), len(uniforms))

    def kept_values(self, constraints: Sequence[Constraint], columns: Mapping[str, Any], rows: int) -> Bools:
        """Do as `kept` for columns that `values` gave."""
        good = np.ones(rows, dtype=bool)
        for constraint in constraints:
            if not isinstance(constraint, Predicate):
                good &= ~constraint.broken(columns, rows)
        for constraint in constraints:
            if isinstance(constraint, Predicate) and good.any():
                places = np.flatnonzero(good)
                configs = self.configs({name: take(column, places) for name, column in columns.items()})
                good[places] = [ask(constraint, config) for config in configs]
        return good


def take(column: Any, places: NDArray[Any]) -> Any:
    """Pick rows of a column."""
    return Coded(column.codes[places], column.levels) if isinstance(column, Coded) else column[places]


def ask(predicate: Predicate, config: Mapping[str, Any]) -> bool:
    """Ask a predicate about one configuration.

    Raises:
        InvalidSpace: it raised; the message says for which configuration.
    """
    try:
        return bool(predicate.function(config))
    except Exception as error:
        raise InvalidSpace(
            f"the constraint {predicate.text} raised {type(error).__name__}: {error} for the configuration "
            f"{dict(config)!r}; a predicate must answer for every configuration (inactive variables are left out)"
        ) from error


def _topological(domains: Sequence[Domain], owner: Mapping[str, int]) -> list[int]:
    """Order domains so that each comes after those its condition reads, else as given."""
    order: list[int] = []
    state = [0] * len(domains)

    def visit(index: int, path: tuple[str, ...]) -> None:
        domain = domains[index]
        if state[index] == 1:
            circle = " -> ".join((*path[path.index(domain.name) :], domain.name))
            raise InvalidSpace(f"the conditions depend on each other in a circle: {circle}")
        if state[index] == 2:
            return
        state[index] = 1
        for name in sorted(domain.when.names) if domain.when else ():
            if name not in owner:
                raise InvalidSpace(f"the condition of {domain.name!r} reads {name!r}, which is no variable")
            visit(owner[name], (*path, domain.name))
        state[index] = 2
        order.append(index)

    for index in range(len(domains)):
        visit(index, ())
    return order
