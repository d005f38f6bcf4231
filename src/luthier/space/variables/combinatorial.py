"""Combinatorial variables, of one column an item: `Subset` and `Permutation`."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import combinations, permutations
from typing import Any, ClassVar, cast

import numpy as np

from luthier._hints import suggest, translating_settings
from luthier._typing import Floats
from luthier.errors import InvalidConfig, InvalidSpace
from luthier.scalar import short, to_whole
from luthier.space.expression import INACTIVE
from luthier.space.variables.base import Variable, check_distinct, check_option, listed_value, same_value


@dataclass(frozen=True)
class Combination(Variable):
    """A variable whose value is made of several items, one column each."""

    parts: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def _count(self) -> int: ...

    @cached_property
    def width(self) -> int:  # type: ignore[override]
        """The number of items."""
        return self._count

    def encode(self, values: Sequence[Any]) -> Floats:
        for value in values:
            why = self.fault(value)
            if why:
                raise InvalidConfig(f"cannot encode {short(value)}: it {why}")
        return np.array([self._row(value) for value in values], dtype=np.float64).reshape(len(values), self.width)

    @abstractmethod
    def _row(self, value: Any) -> list[float]: ...

    def decode(self, block: Floats) -> list[Any]:
        return [self._value(row) for row in self.snap(block).tolist()]

    @abstractmethod
    def _value(self, row: list[float]) -> Any:
        """Turn one snapped row into a plain value."""

    def read(self, block: Floats) -> Any:
        column = np.empty(len(block), dtype=object)
        for place, row in enumerate(block.tolist()):
            column[place] = INACTIVE if row and row[0] != row[0] else self._value(row)
        return column

    @abstractmethod
    def rows(self) -> Iterator[list[float]]:
        """Yield every encoded value once; only where `count` is not None."""

    def values(self) -> Iterator[Any]:
        """Yield every plain value once, in the order of `rows`."""
        return map(self._value, self.rows())

    @property
    def start(self) -> Any:
        if self.default is not None:
            return self.plain(self.default)
        return self.decode(np.full((1, self.width), 0.5))[0]

    def table(self) -> dict[str, Any]:
        return {} if self.default is None else {"default": listed_value(self.plain(self.default))}

    def __repr__(self) -> str:
        first, *rest = (setting for setting in fields(self) if setting.name not in ("default", "when"))
        settings = {setting.name: getattr(self, setting.name) for setting in rest}
        settings |= {"default": self.default, "when": self.when}
        parts = [repr(getattr(self, first.name))]
        parts += [f"{name}={short(value)}" for name, value in settings.items() if value is not None]
        return f"{type(self).__name__}({', '.join(parts)})"


def checked_items(items: Any, what: str) -> tuple[Any, ...]:
    if isinstance(items, str | bytes | bytearray | Mapping | set | frozenset) or not isinstance(items, Iterable):
        raise InvalidSpace(f"{what} needs a list of items, not {short(items)}")
    try:
        given = list(items)
    except Exception as error:
        raise InvalidSpace(f"{what} needs a list of items, not {short(items)}") from error
    found = tuple(check_option(item, "the item") for item in given)
    if not found:
        raise InvalidSpace(f"{what} needs at least one item")
    check_distinct(found, "item")
    return found


def _place(items: Sequence[Any], value: Any) -> int:
    return next((place for place, item in enumerate(items) if same_value(item, value)), -1)


def _unpacked(value: Any, items: Sequence[Any]) -> list[Any] | None:
    """Return the members of a collection in plain form; None where `value` is not a collection of them."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        return None
    try:
        given = list(value)
    except Exception:  # noqa: BLE001 - an array without dimensions, or a foreign object
        return None
    found = []
    for item in given:
        try:
            found.append(check_option(item, "the item"))
        except InvalidSpace:
            return None
    return found


@translating_settings
@dataclass(frozen=True, repr=False)
class Subset(Combination):
    """Some of several items. The value is a tuple of those that are in, in the order of `items`.

    Args:
        items: what can be in; values as the options of a `Choice`.
        size: how many are in: a number, or (smallest, largest); from 0 to all by default.
        default: the items where no others are given.
        when: the variable is active only where this expression holds.

    Example:
        >>> Subset(["age", "income", "height"], size=2)
        Subset(('age', 'income', 'height'), size=(2, 2))
    """

    items: Sequence[Any]
    size: int | tuple[int, int] | None = None

    kind = "subset"
    column = "member"
    levels = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", checked_items(self.items, "a Subset"))
        object.__setattr__(self, "size", self._sizes(self.size))
        self._check_when()
        self._check_default()

    def _sizes(self, size: Any) -> tuple[int, int]:
        most = len(self.items)
        if size is None:
            return (0, most)
        given = [to_whole(end) for end in (size if isinstance(size, list | tuple) else (size, size))]
        pair = tuple(end for end in given if end is not None)
        if len(pair) != 2 or len(given) != 2:
            raise InvalidSpace(f"size is a whole number or (smallest, largest), not {short(size)}")
        if not 0 <= pair[0] <= pair[1] <= most:
            raise InvalidSpace(f"size is from 0 to {most}, the number of items, not {short(size)}")
        return pair

    @property
    def sizes(self) -> tuple[int, int]:
        """The smallest and the largest number of items."""
        return cast(tuple[int, int], self.size)

    @property
    def _count(self) -> int:
        return len(self.items)

    @cached_property
    def count(self) -> int | None:
        """The number of subsets."""
        return sum(math.comb(self.width, size) for size in range(self.sizes[0], self.sizes[1] + 1))

    def rows(self) -> Iterator[list[float]]:
        for size in range(self.sizes[0], self.sizes[1] + 1):
            for inside in combinations(range(self.width), size):
                yield [0.75 if place in inside else 0.25 for place in range(self.width)]

    def _row(self, value: Any) -> list[float]:
        inside = {place for place, item in enumerate(self.items) if _place(value, item) >= 0}
        return [0.75 if place in inside else 0.25 for place in range(self.width)]

    def _value(self, row: list[float]) -> Any:
        return tuple(item for item, place in zip(self.items, row, strict=True) if place > 0.5)

    def snap(self, block: Floats) -> Floats:
        low, high = self.sizes
        sizes = np.clip((block > 0.5).sum(axis=1), low, high)
        return self._largest(block, sizes)

    def _largest(self, block: Floats, sizes: Any) -> Floats:
        """Include the `sizes` items with the largest places; of equal places, the first."""
        ranks = np.argsort(np.argsort(-block, axis=1, kind="stable"), axis=1, kind="stable")
        found = np.where(ranks < sizes[:, None], 0.75, 0.25)
        return np.where(np.isnan(block), np.nan, found)

    def warp(self, block: Floats) -> Floats:
        """Make every subset equally likely.

        The largest of n uniforms is independent of their order and, to the n-th power, uniform: it chooses the size,
        and the order chooses the members.
        """
        low, high = self.sizes
        if low == high or self.width == 0:
            return self._largest(block, np.full(len(block), low))
        counts = np.array([float(math.comb(self.width, size)) for size in range(low, high + 1)])
        edges = np.cumsum(counts / counts.sum())
        sizes = low + np.minimum(edges.searchsorted(block.max(axis=1) ** self.width, side="right"), high - low)
        return self._largest(block, sizes)

    def plain(self, value: Any) -> Any:
        found = _unpacked(value, self.items)
        if found is None:
            return value
        if len({_place(self.items, item) for item in found} - {-1}) < len(found):
            return tuple(found)  # unknown or repeated: `fault` says which
        return tuple(item for item in self.items if _place(tuple(found), item) >= 0)

    def fault(self, value: Any) -> str | None:
        if not isinstance(value, tuple):
            return f"is not a tuple of items ({self.domain()})"
        places = [_place(self.items, item) for item in value]
        if -1 in places:
            wrong = value[places.index(-1)]
            return f"has {short(wrong)}, which is not one of its items{suggest(wrong, self.items)}"
        if len(set(places)) < len(places):
            return "has an item twice"
        if places != sorted(places):
            return f"is not in the order of the items {self.items!r}"
        low, high = self.sizes
        return None if low <= len(places) <= high else f"has {len(places)} items and is {self.domain()}"

    def domain(self) -> str:
        low, high = self.sizes
        return f"{low if low == high else f'{low} to {high}'} of {self.items!r}"

    def table(self) -> dict[str, Any]:
        low, high = self.sizes
        size = low if low == high else [low, high]
        return {"subset": [listed_value(item) for item in self.items], "size": size, **super().table()}


@translating_settings
@dataclass(frozen=True, repr=False)
class Permutation(Combination):
    """An order of several items. The value is a tuple of all of them.

    Args:
        items: what is put in order; values as the options of a `Choice`.
        default: the order where no other is given; that of `items` by default.
        when: the variable is active only where this expression holds.
    """

    items: Sequence[Any]

    kind = "permutation"
    column = "rank"

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", checked_items(self.items, "a Permutation"))
        self._check_when()
        self._check_default()

    @property
    def _count(self) -> int:
        return len(self.items)

    @cached_property
    def levels(self) -> int:  # type: ignore[override]
        """The number of ranks an item can have."""
        return len(self.items)

    @cached_property
    def count(self) -> int | None:
        """The number of orders."""
        return math.factorial(self.width)

    def rows(self) -> Iterator[list[float]]:
        for order in permutations(range(self.width)):
            yield [(order.index(item) + 0.5) / self.width for item in range(self.width)]

    def _row(self, value: Any) -> list[float]:
        return [(_place(value, item) + 0.5) / self.width for item in self.items]

    def _value(self, row: list[float]) -> Any:
        return tuple(self.items[place] for place in sorted(range(self.width), key=row.__getitem__))

    def snap(self, block: Floats) -> Floats:
        ranks = np.argsort(np.argsort(block, axis=1, kind="stable"), axis=1, kind="stable")
        return np.where(np.isnan(block), np.nan, (ranks + 0.5) / self.width)

    def warp(self, block: Floats) -> Floats:
        return block

    def plain(self, value: Any) -> Any:
        found = _unpacked(value, self.items)
        return value if found is None else tuple(found)

    def fault(self, value: Any) -> str | None:
        if isinstance(value, tuple) and len(value) == self.width:
            places = sorted(_place(self.items, item) for item in value)
            if places == list(range(self.width)):
                return None
        return f"is not {self.domain()}"

    def domain(self) -> str:
        return f"an order of {self.items!r}"

    def table(self) -> dict[str, Any]:
        return {"permutation": [listed_value(item) for item in self.items], **super().table()}
