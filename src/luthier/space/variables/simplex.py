"""Simplex: shares that sum to 1, one column each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.errors import InvalidSpace
from luthier.scalar import short
from luthier.space.variables.combinatorial import Combination, checked_items

_GRAINS = 10**12
"""Shares are whole multiples of 1e-12, so that they sum to 1 in decimals."""
_MOST_SHARES = 10_000


@translating_settings
@dataclass(frozen=True, repr=False)
class Simplex(Combination):
    """Shares: numbers that are not negative and sum to 1, such as the parts of a mixture.

    The value is a mapping of names to shares, or a tuple of shares where only their number was given. In expressions
    the share of ``sand`` of a simplex ``mix`` is `` `mix.sand` ``; that of an unnamed one is `` `mix.0` ``.

    Args:
        names: the names of the shares, or how many there are; at least 2.
        default: the shares where no others are given; equal ones by default.
        when: the variable is active only where this expression holds.
    """

    names: int | Sequence[str]
    _: KW_ONLY

    kind = "simplex"
    column = "share"

    def __post_init__(self) -> None:
        if isinstance(self.names, bool) or not isinstance(self.names, int):
            names = checked_items(self.names, "a Simplex")
            if not all(isinstance(name, str) for name in names):
                raise InvalidSpace(f"the names of a Simplex are texts, not {short(names)}")
            object.__setattr__(self, "names", names)
        else:
            object.__setattr__(self, "names", int.__int__(self.names))
        if not 2 <= self._count <= _MOST_SHARES:
            raise InvalidSpace(f"a Simplex has 2 to {_MOST_SHARES} shares, not {short(self._count)}")
        self._check_when()
        self._check_default()

    @property
    def _count(self) -> int:
        return self.names if isinstance(self.names, int) else len(self.names)

    @property
    def parts(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names of the shares as expressions see them, behind the variable's name and a dot."""
        return tuple(map(str, range(self.names))) if isinstance(self.names, int) else tuple(self.names)

    @property
    def _names(self) -> tuple[str, ...]:
        return () if isinstance(self.names, int) else tuple(self.names)

    @property
    def count(self) -> int | None:
        return None

    def _row(self, value: Any) -> list[float]:
        return list(value) if isinstance(value, tuple) else [value[name] for name in self._names]

    def _value(self, row: list[float]) -> Any:
        return tuple(row) if isinstance(self.names, int) else dict(zip(self.names, row, strict=True))

    def rows(self) -> Iterator[list[float]]:
        raise InvalidSpace("a Simplex is continuous: its values cannot be listed")

    def shares(self, value: Any) -> tuple[float, ...]:
        """Return the shares of a plain value in order."""
        return tuple(self._row(value))

    def snap(self, block: Floats) -> Floats:
        found = np.clip(block, 0.0, 1.0)
        total = found.sum(axis=1, keepdims=True)
        found = np.where(total > 0, found / np.where(total > 0, total, 1.0), 1.0 / self.width)
        grains = np.rint(found * _GRAINS)
        largest = grains.argmax(axis=1)
        grains[np.arange(len(grains)), largest] += _GRAINS - grains.sum(axis=1)
        return np.where(np.isnan(block), np.nan, grains / _GRAINS)

    def warp(self, block: Floats) -> Floats:
        """Make every point of the simplex equally likely: exponential spacings (Devroye 1986, XI.4.1)."""
        spacings = -np.log1p(-np.minimum(block, 1.0 - 2.0**-53))
        return self.snap(spacings / np.maximum(spacings.sum(axis=1, keepdims=True), 1e-300))

    def plain(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            try:
                value = dict(value)
            except Exception:  # noqa: BLE001 - a foreign object
                return value
            if isinstance(self.names, int) or set(value) != set(self.names):
                return value
            shares = [value[name] for name in self._names]
        elif isinstance(value, list | tuple | np.ndarray) and _length(value) == self.width:
            shares = list(value)
        else:
            return value
        numbers = [share.item() if isinstance(share, np.generic) else share for share in shares]
        if not all(type(share) in (int, float) and 0 <= share <= 1 for share in numbers):
            return value
        if abs(math.fsum(numbers) - 1) > 1e-9:
            return self._value([float(share) for share in numbers])
        return self._value(self.snap(np.array([numbers], dtype=np.float64))[0].tolist())

    def realize(self, value: Any) -> Any:
        """Put named shares into the order of the names."""
        known = isinstance(value, Mapping) and value.keys() == set(self._names)
        return {name: value[name] for name in self._names} if known else value

    def fault(self, value: Any) -> str | None:
        unnamed = isinstance(self.names, int)
        shape = isinstance(value, tuple) and len(value) == self.width if unnamed else isinstance(value, dict)
        if not shape or (not unnamed and set(value) != set(self._names)):
            return f"is not {self.domain()}"
        shares = self._row(value)
        if not all(type(share) is float and 0 <= share <= 1 for share in shares):
            return "has a share that is not a number from 0 to 1"
        total = math.fsum(shares)
        return None if abs(total - 1) <= 1e-11 else f"has shares that sum to {total!r}, not 1"

    def domain(self) -> str:
        names = f"{self.names}" if isinstance(self.names, int) else f"{', '.join(map(repr, self.names))}"
        return f"a tuple of {names} shares that sum to 1" if isinstance(self.names, int) else f"shares of {names}"

    def table(self) -> dict[str, Any]:
        names = self.names if isinstance(self.names, int) else list(self.names)
        found: dict[str, Any] = {"simplex": names}
        if self.default is not None:
            value = self.plain(self.default)
            found["default"] = dict(value) if isinstance(value, dict) else list(value)
        return found


def _length(value: Any) -> int:
    """Give the number of shares; -1 of an array without dimensions."""
    return -1 if isinstance(value, np.ndarray) and not value.ndim else len(value)
