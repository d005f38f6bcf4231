"""Coordinates: what a configuration is along each variable, in the user's own units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from luthier._hints import did_you_mean
from luthier._typing import Floats
from luthier.errors import InvalidSetting
from luthier.render import short
from luthier.space import Constant, Number, Options, Permutation, Simplex, Space, Subset, Variable
from luthier.trial import Config


@dataclass(frozen=True, slots=True, eq=False)
class Coordinate:
    """One axis of a space: a number, the place of an option in its list, or one item of a composed variable.

    Args:
        variable: the name of the variable.
        title: of the axis: the variable, or an item of it (``features: age``).
        categories: the words of the places 0, 1, 2, …; empty where it is a number.
        ordered: whether the order of the categories means something.
        low: the smallest number.
        high: the largest number.
        log: whether the variable is searched on a log scale.
        whole: whether only whole numbers occur.
        read: the place of a value of the variable on the axis.
    """

    variable: str
    title: str
    categories: tuple[str, ...]
    ordered: bool
    low: float
    high: float
    log: bool
    whole: bool
    read: Callable[[Any], float]

    def places(self, configs: Sequence[Config | None]) -> Floats:
        """Give the place of each configuration, (n,); NaN where the variable is inactive or outside the space."""
        name, read = self.variable, self.read
        return np.array(
            [read(config[name]) if config is not None and name in config else np.nan for config in configs],
            dtype=np.float64,
        )


def coordinates(space: Space) -> tuple[Coordinate, ...]:
    """Give the axes of a space in its order; constants have none."""
    return tuple(one for name, variable in space.variables.items() for one in _axes(name, variable))


def chosen_coordinates(space: Space, names: Sequence[str]) -> tuple[Coordinate, ...]:
    """Give the axes of some variables, in the order of `names`.

    Raises:
        InvalidSetting: there is no such variable, or it is a constant.
    """
    axes = coordinates(space)
    found: list[Coordinate] = []
    for name in names:
        if name not in space.names:
            known = ", ".join(map(repr, space.names))
            raise InvalidSetting(
                f"there is no variable {name!r}{did_you_mean(str(name), space.names)}; there are {known}"
            )
        these = [axis for axis in axes if axis.variable == name]
        if not these:
            raise InvalidSetting(f"variable {name!r} is a constant: it has no axis")
        found += [axis for axis in these if axis not in found]
    return tuple(found)


def _axes(name: str, variable: Variable) -> tuple[Coordinate, ...]:
    if isinstance(variable, Constant):
        return ()
    if isinstance(variable, Number):
        return (_number(name, name, variable.smallest, variable.largest, variable.log, variable.kind == "int", float),)
    if isinstance(variable, Options):
        words = tuple(map(short, variable.options))
        ordered = variable.kind == "ordinal"
        return (_words(name, name, words, ordered, partial(_index, variable)),)
    if isinstance(variable, Subset):
        return tuple(
            _words(name, f"{name}: {short(item)}", ("out", "in"), True, partial(_holds, item))
            for item in variable.items
        )
    if isinstance(variable, Permutation):
        last = len(variable.items)
        return tuple(
            _number(name, f"place of {short(item)} in {name}", 1.0, last, False, True, partial(_rank, item))
            for item in variable.items
        )
    if isinstance(variable, Simplex):
        return tuple(
            _number(name, f"{name}: {part}", 0.0, 1.0, False, False, partial(_share, variable, place))
            for place, part in enumerate(variable.parts)
        )
    return ()


def _number(
    name: str, title: str, low: float, high: float, log: bool, whole: bool, read: Callable[[Any], float]
) -> Coordinate:
    return Coordinate(name, title, (), True, low, high, log, whole, read)


def _words(
    name: str, title: str, categories: tuple[str, ...], ordered: bool, read: Callable[[Any], float]
) -> Coordinate:
    return Coordinate(name, title, categories, ordered, 0.0, len(categories) - 1.0, False, True, read)


def _index(variable: Options, value: Any) -> float:
    place = variable.index(value)
    return float(place) if place >= 0 else np.nan


def _holds(item: Any, value: Any) -> float:
    return float(item in value)


def _rank(item: Any, value: Any) -> float:
    return float(list(value).index(item) + 1)


def _share(variable: Simplex, place: int, value: Any) -> float:
    return float(variable.shares(value)[place])
