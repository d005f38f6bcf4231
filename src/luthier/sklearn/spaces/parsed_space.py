"""Parser of search spaces: lists, distributions, dimensions of skopt, variables and spaces."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from luthier.errors import InvalidConfig, InvalidSpace, LuthierError
from luthier.scalar import short, to_dict
from luthier.sklearn.content_digest import describe
from luthier.sklearn.spaces.distributions import (
    SEARCHED,
    Quantile,
    is_dimension,
    is_distribution,
    prior_of,
    read_dimension,
    read_distribution,
    read_range,
    weighted_choice,
)
from luthier.space import Choice, Named, Option, Ordinal, Space, Variable

GRID = "grid"
"""The variable that holds the index of a candidate's space, if there are several spaces."""

_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class ListedValues:
    """A list of values as options of a variable: plain values as they are, all others under a name.

    Args:
        values: without repetitions, in order.
        options: the same values as options of a `Choice`.
    """

    values: tuple[Any, ...]
    options: tuple[Any, ...]

    @classmethod
    def of(cls, given: Sequence[Any]) -> ListedValues:
        """Convert a list."""
        values: list[Any] = []
        for value in given:
            if not any(_same(value, other) for other in values):
                values.append(value)
        options: list[Any] = []
        for value in values:
            option = _plain(value)
            if (option is None and value is not None) or any(_collides(option, other) for other in options):
                option = _named(value, options)
            options.append(option)
        return cls(tuple(values), tuple(options))

    def option(self, value: Any) -> Any:
        """Return the plain option of a value.

        Raises:
            InvalidSpace: it is not in the list.
        """
        for known, option in zip(self.values, self.options, strict=True):
            if _same(value, known):
                return option.name if isinstance(option, Named) else option
        raise InvalidSpace(f"{describe(value)} is not one of the values {', '.join(map(describe, self.values[:8]))}")

    def variable(self, weights: list[float] | None = None, default: Any = None) -> Variable:
        """Make a variable: ordered if the values are three or more numbers in ascending order."""
        begin = next((self.option(known) for known in self.values if _same(known, default)), None)
        numbers = [option for option in self.options if type(option) in (int, float)]
        ascending = all(a < b for a, b in itertools.pairwise(numbers))
        if weights is None and len(numbers) == len(self.options) > 2 and ascending:
            return Ordinal(*self.options, default=begin)
        return weighted_choice(self.options, weights, begin)


@dataclass(frozen=True)
class ParsedSpace:
    """A search space as a Luthier space, and the conversion between its configurations and an estimator's parameters.

    Args:
        space: the variables and constraints.
        quantiles: the distributions of the variables that are quantiles, by name.
        lists: the values of the variables that were given as lists, by name.
        several: number of spaces that are nested as options of a variable ``grid``; 0 for a single space.
    """

    space: Space
    quantiles: Mapping[str, Quantile] = field(default_factory=dict)
    lists: Mapping[str, ListedValues] = field(default_factory=dict)
    several: int = 0

    def params(self, realized: Mapping[str, Any]) -> dict[str, Any]:
        """Convert the parameters of a trial into those of the estimator.

        A variable of a nested space (``kernel.poly.degree``) is the parameter ``degree``.
        """
        quantiles = self.quantiles
        return {
            name.rpartition(".")[2]: quantiles[name].value(realized[name]) if name in quantiles else realized[name]
            for name in self.space.names
            if name in realized and (name != GRID or not self.several)
        }

    def config(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Convert parameters of the estimator into a configuration.

        Raises:
            InvalidSpace: they are not in the space.
        """
        for place in range(self.several or 1):
            try:
                found = self._config(params, {GRID: place} if self.several else {})
                self.space.check(found)
            except (InvalidSpace, InvalidConfig):
                continue
            if len(found) == len(params) + bool(self.several):
                return found
        raise InvalidSpace(f"the candidate {dict(params)!r:.200} is not in the search space")

    def _config(self, params: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        for part in self.space.structure.order:
            name = part.name.rpartition(".")[2]
            if part.name not in found and name in params and (part.when is None or part.when.holds(found)):
                found[part.name] = self._plain(part.name, part.variable, params[name])
        return found

    def _plain(self, name: str, variable: Variable, value: Any) -> Any:
        if name in self.lists:
            return self.lists[name].option(value)
        if name in self.quantiles:
            place = self.quantiles[name].place(value)
            return min(max(place, SEARCHED), 1 - SEARCHED)
        return variable.plain(value)


def parse_space(given: Any, defaults: Mapping[str, Any], ranges: bool = False) -> ParsedSpace:
    """Parse one search space.

    Args:
        given: a `Space`, or a mapping of parameters to variables, lists, distributions or dimensions.
        defaults: the values of the estimator's parameters; the search starts from them if the space contains them.
        ranges: whether a tuple such as ``(1e-3, 1e3, "log-uniform")`` is a range, as in skopt.

    Raises:
        InvalidSpace: the message names the parameter, and says what is allowed.
    """
    if isinstance(given, Space):
        return ParsedSpace(given)
    if not isinstance(given, Mapping):
        raise InvalidSpace(f"a search space is a mapping of parameters to their values, not {short(given)}")
    variables: dict[str, Variable] = {}
    quantiles: dict[str, Quantile] = {}
    lists: dict[str, ListedValues] = {}
    for name, value in to_dict(given, "a search space is a mapping of parameters", InvalidSpace).items():
        if not isinstance(name, str):
            raise InvalidSpace(f"the names of parameters are strings, not {short(name)}")
        try:
            variables[name] = _variable(name, value, defaults.get(name), ranges, quantiles, lists)
        except InvalidSpace as error:
            raise InvalidSpace(f"parameter {name!r}: {error}") from error
        except LuthierError:
            raise
        except Exception as error:
            raise InvalidSpace(f"parameter {name!r}: a {type(value).__name__} that cannot be read: {error}") from error
    return ParsedSpace(Space(variables), quantiles, lists)


def parse_spaces(given: Any, defaults: Mapping[str, Any]) -> ParsedSpace:
    """Parse one search space, or a list of several as one space, in which ``grid`` chooses a nested space."""
    if not isinstance(given, list | tuple):
        return parse_space(given, defaults)
    parts = [parse_space(one, defaults) for one in given]
    if len(parts) == 1:
        return parts[0]
    space = Space({GRID: Choice(*(Option(place, part.space) for place, part in enumerate(parts)))})
    quantiles, lists = {}, {}
    for place, part in enumerate(parts):
        quantiles.update({f"{GRID}.{place}.{name}": quantile for name, quantile in part.quantiles.items()})
        lists.update({f"{GRID}.{place}.{name}": listed for name, listed in part.lists.items()})
    return ParsedSpace(space, quantiles, lists, len(parts))


def is_foreign(given: Any) -> bool:
    """Return whether a search space has something that scikit-learn cannot read: a space, variable or dimension."""
    if isinstance(given, list | tuple):
        return any(is_foreign(one) for one in given)
    if not isinstance(given, Mapping):
        return isinstance(given, Space)
    return any(isinstance(value, Variable) or is_dimension(value) for value in given.values())


def _variable(
    name: str,
    value: Any,
    default: Any,
    ranges: bool,
    quantiles: dict[str, Quantile],
    lists: dict[str, ListedValues],
) -> Variable:
    def options(values: Sequence[Any], weights: list[float] | None = None) -> Variable:
        lists[name] = ListedValues.of(values)
        return lists[name].variable(weights, default)

    if isinstance(value, Variable):
        return value
    if is_dimension(value):
        return read_dimension(value, options, default)
    if is_distribution(value):
        variable, quantile = read_distribution(value, default, SEARCHED, options)
        if quantile is not None:
            quantiles[name] = quantile
        return variable
    if ranges and isinstance(value, list | tuple):
        written = isinstance(value, tuple) or prior_of(value) is not None
        found = read_range(tuple(value), default) if written else None
        if found is not None:
            return found
    values = as_list(value)
    if not values:
        raise InvalidSpace("its list of values is empty")
    return options(values)


def as_list(value: Any) -> list[Any]:
    """Convert a sequence of values (a list, tuple, range, array, Series, …) into a list.

    Raises:
        InvalidSpace: it is something else: a single value, or a collection without an order or without a length.
    """
    if isinstance(value, Mapping):
        raise InvalidSpace(
            f"{describe(value)} is a mapping: write its values in a list, a range as a tuple (low, high), or "
            "lt.Choice(lt.Option(value, {…}), …) for values that bring parameters of their own"
        )
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        raise InvalidSpace(
            f"{describe(value)} is not a list of values, distribution, dimension or variable; "
            f"write [{describe(value)}] for a single value"
        )
    if not (hasattr(value, "__len__") and hasattr(value, "__getitem__")):
        raise InvalidSpace(
            f"a {type(value).__name__} has no order, or can be read once only: write its values in a list"
        )
    return list(value)


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, float) and math.isnan(a):
        return math.isnan(b)
    if hasattr(a, "get_params") or isinstance(a, np.ndarray | list | dict):
        return describe(a) == describe(b)
    try:
        return bool(a == b)
    except (TypeError, ValueError):
        return False


def _plain(value: Any) -> Any:
    """Return a value as an option that can be stored; None if it cannot be stored."""
    if isinstance(value, np.generic):
        return None
    if isinstance(value, tuple):
        parts = [_plain(item) for item in value]
        return None if any(p is None and item is not None for p, item in zip(parts, value, strict=True)) else value
    if type(value) not in _PLAIN or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return None if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def _collides(option: Any, other: Any) -> bool:
    if isinstance(other, Named):
        return bool(option == other.name)
    return bool(option == other)


def _named(value: Any, taken: Sequence[Any]) -> Named:
    text = describe(value)
    names = {other.name if isinstance(other, Named) else other for other in taken}
    if text in names:
        text = f"{text} ({type(value).__name__})"
    count = 2
    name = text
    while name in names:
        name, count = f"{text} #{count}", count + 1
    return Named(name, value)
