"""Numerical variables: `Float` and `Int`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Bools, Floats, Integers
from luthier.errors import InvalidSpace
from luthier.scalar import short, to_float
from luthier.space.variables.number import Number
from luthier.space.variables.rounding import LinearRounding


@translating_settings
@dataclass(frozen=True)
class Float(Number):
    """A real number from `low` to `high`.

    Args:
        low: the smallest value.
        high: the largest value.
        log: search on a log scale; `low` must be above 0.
        step: only `low`, `low` + `step`, … up to `high`.
        prior: where good values are expected: `Normal`, `LogNormal` or `Beta`, truncated to the range.
        default: the value where no other is given; the middle of the scale by default.
        when: the variable is active only where this expression holds.

    Raises:
        InvalidSpace: the range is empty or not finite, or another setting makes no sense.

    Example:
        >>> Float(1e-3, 1e3, log=True)
        Float(0.001, 1000.0, log=True)
    """

    low: float
    high: float
    step: float | None = field(default=None, kw_only=True)
    default: float | None = field(default=None, kw_only=True)

    kind = "float"
    _types = (int, float)
    _noun = "a number"

    def _bound(self, name: str, value: Any) -> float:
        item = value.item() if isinstance(value, np.generic) else value
        number = to_float(item) if isinstance(item, int | float) else None
        if number is None or not math.isfinite(number):
            raise InvalidSpace(f"{name} of a Float is a finite number, not {short(value)}")
        return number

    @cached_property
    def _steps(self) -> int:
        if self.step is None:
            if not math.isfinite(self.high - self.low):
                raise InvalidSpace(f"the range from {self.low!r} to {self.high!r} is wider than the largest double")
            return 0
        steps: float = (self.high - self.low) / self.step
        if steps > 1e11:
            raise InvalidSpace(f"the step {self.step!r} is too small for the range: leave it out")
        return math.floor(steps * (1 + 1e-12) + 1e-9) + 1

    @cached_property
    def _stride(self) -> float:
        return 0.0 if self.step is None else self.step

    @cached_property
    def _linear(self) -> LinearRounding:
        return LinearRounding(self.low, self.high, stepped=True)

    @property
    def pick(self) -> Callable[[int], float]:
        low, step, one = self.low, self._stride, self._linear.one
        return lambda level: one(low + level * step)

    def number(self, levels: Floats | Integers) -> Floats:
        return self._linear.many(np.asarray(self.low + levels * self._stride, dtype=np.float64))

    def index(self, value: Any) -> int:
        level = min(max(round((value - self.low) / self._stride), 0), self._steps - 1)
        return level if self.pick(level) == value else -1

    def plain(self, value: Any) -> Any:
        if type(value) is not float:
            item = value.item() if isinstance(value, np.generic) else value
            if isinstance(item, bool) or not isinstance(item, int | float):
                return value
            try:
                value = float(item)
            except Exception:  # noqa: BLE001 - too large, or the conversion of a foreign object
                return value
        if not self.low <= value <= self.high:
            return value
        if self._steps:
            level = min(max(round((value - self.low) / self._stride), 0), self._steps - 1)
            near = self.pick(level)
            return near if abs(near - value) <= 1e-9 * self._stride else value
        return value

    @property
    def canonical(self) -> Callable[[float], float]:
        """The function from a value to the one that decoding its place returns: rounded, or on the step."""
        return self.plain if self._steps else self._rounder.one

    def are_canonical(self, values: Floats) -> Bools:
        """Tell which values `canonical` leaves as they are, as far as that is known at little cost."""
        found: Bools = np.zeros(len(values), dtype=bool) if self._steps else self._rounder.many(values) == values
        return found

    @property
    def start(self) -> float:
        value: float = super().start
        return self.canonical(value)

    def __repr__(self) -> str:
        return _repr(self)


@translating_settings
@dataclass(frozen=True)
class Int(Number):
    """A whole number from `low` to `high`.

    Args:
        low: the smallest value.
        high: the largest value.
        log: search on a log scale; `low` must be at least 1.
        step: only `low`, `low` + `step`, … up to `high`; 1 by default.
        prior: where good values are expected: `Normal`, `LogNormal` or `Beta`, truncated to the range.
        default: the value where no other is given; the middle of the scale by default.
        when: the variable is active only where this expression holds.

    Raises:
        InvalidSpace: the range is empty, a bound is not a whole number, or another setting makes no sense.

    Example:
        >>> Int(2, 5, when="kernel == 'poly'")
        Int(2, 5, when="kernel == 'poly'")
    """

    low: int
    high: int
    step: int | None = field(default=None, kw_only=True)
    default: int | None = field(default=None, kw_only=True)

    kind = "int"
    _types = (int,)
    _noun = "a whole number"

    def _bound(self, name: str, value: Any) -> int:
        item = value.item() if isinstance(value, np.generic) else value
        if isinstance(item, bool) or not isinstance(item, int):
            hint = ": use a Float for others" if isinstance(item, float) else ""
            raise InvalidSpace(f"{name} of an Int is a whole number, not {short(value)}{hint}")
        item = int.__int__(item)
        if abs(item) >= 2**63:
            raise InvalidSpace(f"{name} of an Int has at most 64 bits, not {short(value)}")
        return item

    @cached_property
    def _range(self) -> range:
        return range(self.low, self.high + 1, self.step or 1)

    @cached_property
    def _steps(self) -> int:
        return len(self._range) if self.high - self.low < 2**62 else 2**62

    @property
    def pick(self) -> Callable[[int], int]:
        return self._range.__getitem__

    def number(self, levels: Floats | Integers) -> Floats:
        return float(self.low) + levels.astype(np.float64, copy=False) * float(self.step or 1)

    def index(self, value: Any) -> int:
        return (value - self.low) // (self.step or 1) if type(value) is int and value in self._range else -1

    def plain(self, value: Any) -> Any:
        if type(value) is int:
            return value
        item = value.item() if isinstance(value, np.generic) else value
        if isinstance(item, int) and not isinstance(item, bool):
            return int.__int__(item)
        if not isinstance(item, float) or item != item or math.isinf(item):
            return value
        return int(item) if item == int(item) else value

    def __repr__(self) -> str:
        return _repr(self)


def _repr(number: Number) -> str:
    parts = [repr(number.low), repr(number.high)]
    parts += ["log=True"] if number.log else []
    parts += [
        f"{name}={value!r}"
        for name in ("step", "prior", "default", "when")
        if (value := getattr(number, name)) is not None
    ]
    return f"{type(number).__name__}({', '.join(parts)})"
