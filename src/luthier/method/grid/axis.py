"""Axes of a grid: the values of one variable, and their order from coarse to fine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.errors import InvalidSetting
from luthier.numeric import (
    coarse_to_fine_number,
    coarse_to_fine_sizes,
    unrank_combination,
    unrank_composition,
    unrank_permutation,
)
from luthier.space import Number, Options, Permutation, Simplex, Subset, Variable

Row = tuple[float, ...]
Setting = int | tuple[Any, ...] | None
"""A number of points, the values themselves, or None for the default value alone."""

MOST_LISTED = 10**6


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """The values of one variable in a grid.

    Args:
        name: the variable.
        begin: its first column.
        width: its number of columns, at least 1.
        size: the number of values.
        row: gives the encoding of the i-th of them.
        whole: whether all values are tried from the coarsest stage on, as options without an order are.
    """

    name: str
    begin: int
    width: int
    size: int
    row: Callable[[int], Row]
    whole: bool = False

    @property
    def stages(self) -> tuple[int, ...]:
        """The number of values in each stage, from coarse to fine."""
        return (self.size,) if self.whole else coarse_to_fine_sizes(self.size)

    def refined(self, digit: int) -> Row:
        """Give the encoding of a value by its place in the order from coarse to fine."""
        return self.row(digit if self.whole else coarse_to_fine_number(digit, self.size))


def axis(name: str, variable: Variable, begin: int, setting: Setting, asked: bool) -> Axis:
    """Lay out the values of a variable.

    Args:
        name: the variable's name.
        variable: the variable, with at least one column.
        begin: its first column.
        setting: the number of values, or the values, or None for the default.
        asked: whether the setting was given for this variable by name, and so must be valid for it.

    Raises:
        InvalidSetting: a value is outside the domain, or a number of points is given for values without an order.
    """
    size, row, whole = _values(name, variable, setting, asked)
    return Axis(name, begin, variable.width, size, row, whole)


def _values(name: str, variable: Variable, setting: Setting, asked: bool) -> tuple[int, Callable[[int], Row], bool]:
    if setting is None:
        return _listed(name, variable, (variable.start,))
    if isinstance(setting, tuple):
        return _listed(name, variable, setting)
    if isinstance(variable, Number):
        return (*_number(name, variable, setting), False)
    if isinstance(variable, Simplex):
        return (*_simplex(variable, setting), False)
    ordered = variable.kind == "ordinal"
    if asked and not ordered:
        raise InvalidSetting(
            f"Grid: {setting} points of {name!r}, whose values have no order: list the values that you want, "
            f"or leave {name!r} out to try all of them"
        )
    if isinstance(variable, Options):
        levels = variable.levels
        size = min(setting, levels) if asked else levels
        return size, _even(size, levels), not ordered
    return (*_combined(variable), False)


def _listed(name: str, variable: Variable, values: tuple[Any, ...]) -> tuple[int, Callable[[int], Row], bool]:
    plain = []
    for value in values:
        found = variable.plain(value)
        fault = variable.fault(found)
        if fault:
            raise InvalidSetting(f"Grid: the point {value!r} of {name!r} {fault}")
        plain.append(found)
    rows = dict.fromkeys(map(tuple, variable.encode(plain).tolist()))  # each value once, in the order given
    return len(rows), tuple(rows).__getitem__, isinstance(variable, Options)


def _number(name: str, variable: Number, points: int) -> tuple[int, Callable[[int], Row]]:
    count = variable.count
    if count is None:
        last = points - 1
        return points, (lambda i: (i / last,)) if last else (lambda i: (0.5,))
    size = min(points, count)
    if variable.levels:
        return size, _even(size, count)
    if size > MOST_LISTED:
        raise InvalidSetting(f"Grid: at most {MOST_LISTED} points of {name!r}, a whole number on a log scale")
    return _log_steps(variable, size, count)


def _log_steps(variable: Number, size: int, count: int) -> tuple[int, Callable[[int], Row]]:
    """Choose values that are evenly spaced on a log scale, as far as the steps allow."""
    if size == count:
        levels = np.arange(count)
    else:
        ends = variable.place(variable.number(np.array([0, count - 1])))
        places = np.linspace(ends[0], ends[1], size) if size > 1 else np.array([0.5])
        levels = np.unique(variable.level(variable.value(places)))
    rows = [(place,) for place in variable.place(variable.number(levels)).tolist()]
    return len(rows), rows.__getitem__


def _even(size: int, levels: int) -> Callable[[int], Row]:
    """Choose `size` evenly spaced levels, both ends included; the middle one if `size` is 1."""
    if size == 1:
        return lambda i: (((levels - 1) // 2 + 0.5) / levels,)
    last, end = size - 1, levels - 1
    return lambda i: (((2 * i * end + last) // (2 * last) + 0.5) / levels,)


def _combined(variable: Variable) -> tuple[int, Callable[[int], Row]]:
    """Enumerate all subsets or permutations by their ranks."""
    if isinstance(variable, Permutation):
        return math.factorial(variable.width), lambda i: _ranks(unrank_permutation(i, variable.width))
    assert isinstance(variable, Subset)
    width, (low, high) = variable.width, variable.sizes
    counts = [math.comb(width, size) for size in range(low, high + 1)]

    def row(i: int) -> Row:
        size = low
        while i >= counts[size - low]:
            i -= counts[size - low]
            size += 1
        inside = set(unrank_combination(i, width, size))
        return tuple(0.75 if item in inside else 0.25 for item in range(width))

    return sum(counts), row


def _ranks(order: tuple[int, ...]) -> Row:
    rank = {item: place for place, item in enumerate(order)}
    return tuple((rank[item] + 0.5) / len(order) for item in range(len(order)))


def _simplex(variable: Simplex, points: int) -> tuple[int, Callable[[int], Row]]:
    """Enumerate the shares that are multiples of 1 / (points - 1): the simplex lattice.

    Source: Scheffe (1958), Experiments with mixtures.
    """
    width, total = variable.width, points - 1
    if not total:
        return 1, lambda i: (1.0 / width,) * width
    return (
        math.comb(total + width - 1, width - 1),
        lambda i: tuple(part / total for part in unrank_composition(i, total, width)),
    )
