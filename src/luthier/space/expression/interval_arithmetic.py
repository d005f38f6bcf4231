"""Interval arithmetic: sets of values, and what functions make of ranges.

Source: Moore, Kearfott and Cloud (2009), Introduction to Interval Analysis, chapters 2 and 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats
from luthier.space.expression import functions
from luthier.space.expression.functions import UNARY


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """Numbers from `low` to `high`, all of shape (n,), one per box.

    Args:
        low: smallest value.
        high: largest value.
        undefined: may be NaN.
        active: may be active.
        inactive: may be inactive.
    """

    low: Floats
    high: Floats
    undefined: Bools
    active: Bools
    inactive: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Any of a set of options.

    Args:
        mask: shape (n, options), which are possible.
        options: the values.
        active: may be active; (n,).
        inactive: may be inactive; (n,).
    """

    mask: Bools
    options: tuple[Any, ...]
    active: Bools
    inactive: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Anything:
    """A value about which nothing is known."""

    active: Bools
    inactive: Bools


Operand = Range | Choices | Anything
Bounds = tuple[Floats, Floats, Bools | None]


def numbers(found: Operand) -> Range:
    """Return an operand as a range of numbers."""
    if isinstance(found, Range):
        return found
    if isinstance(found, Anything):
        return unbounded(found.active, found.inactive)
    return table(found, [functions.number(option) for option in found.options])


def unbounded(active: Bools, inactive: Bools) -> Range:
    """Return the range of all numbers, which may also be undefined."""
    high = np.full(len(active), np.inf)
    return Range(-high, high, np.ones(len(active), dtype=bool), active, inactive)


def table(found: Choices, table: list[float]) -> Range:
    """Return the range of the numbers that a table has for the possible options."""
    array = np.array(table, dtype=np.float64)
    defined = found.mask & ~np.isnan(array)
    low = np.where(defined, array, np.inf).min(axis=1, initial=np.inf)
    high = np.where(defined, array, -np.inf).max(axis=1, initial=-np.inf)
    undefined = np.asarray((found.mask & np.isnan(array)).any(axis=1), dtype=bool)
    return Range(low, high, undefined, found.active, found.inactive)


def _corners(ufunc: np.ufunc, a: Range, b: Range) -> tuple[Floats, Floats]:
    found = np.stack([ufunc(x, y) for x in (a.low, a.high) for y in (b.low, b.high)])
    return found.min(axis=0), found.max(axis=0)


def _divide(a: Range, b: Range) -> Bounds:
    low, high = _corners(np.true_divide, a, b)
    zero = (b.low <= 0) & (b.high >= 0)
    endless = np.full(len(low), np.inf)
    return np.where(zero, -endless, low), np.where(zero, endless, high), zero


def _floor_divide(a: Range, b: Range) -> Bounds:
    low, high = _corners(np.true_divide, a, b)
    zero = (b.low <= 0) & (b.high >= 0)
    # Python's // on floats may differ from floor(a / b) by one at a rounding edge.
    exact_low, exact_high = _corners(np.floor_divide, a, b)
    low, high = np.minimum(np.floor(low), exact_low), np.maximum(np.floor(high), exact_high)
    return np.where(zero, -np.inf, low), np.where(zero, np.inf, high), zero


def _remainder(a: Range, b: Range) -> Bounds:
    zero = (b.low <= 0) & (b.high >= 0)
    fixed = (b.low == b.high) & ~zero
    same = fixed & (np.floor_divide(a.low, b.low) == np.floor_divide(a.high, b.low))
    low = np.where(same, np.remainder(a.low, b.low), np.minimum(b.low, 0.0))
    high = np.where(same, np.remainder(a.high, b.low), np.maximum(b.high, 0.0))
    return low, high, zero | np.isinf(a.low) | np.isinf(a.high)


def square(a: Range) -> Bounds:
    """Return the bounds of ``a ** 2``."""
    low, high, _ = absolute(a)
    return np.square(low), np.square(high), None


def power(a: Range, b: Range) -> Bounds:
    """Return the bounds of ``a ** b``."""
    whole = (b.low == b.high) & (np.floor(b.low) == b.low)
    even = whole & (np.remainder(b.low, 2.0) == 0)
    low, high = _corners(np.power, a, b)
    crosses = (a.low < 0) & (a.high > 0)
    low = np.where(even & crosses & (b.low > 0), 0.0, low)
    broken = (a.low < 0) & ~whole  # negative base, exponent not surely whole: may be undefined or change sign
    pole = (a.low <= 0) & (a.high >= 0) & (b.low < 0)
    wild = broken | pole
    return np.where(wild, -np.inf, low), np.where(wild, np.inf, high), broken


ARITHMETIC_RULES: dict[str, Callable[[Range, Range], Bounds]] = {
    "+": lambda a, b: (a.low + b.low, a.high + b.high, None),
    "-": lambda a, b: (a.low - b.high, a.high - b.low, None),
    "*": lambda a, b: (*_corners(np.multiply, a, b), None),
    "/": _divide,
    "//": _floor_divide,
    "%": _remainder,
}


def _increasing(ufunc: np.ufunc, start: float) -> Callable[[Range], Bounds]:
    """Return the rule of a function that increases from `start` on and is undefined before."""

    def rule(a: Range) -> Bounds:
        low, high = ufunc(np.maximum(a.low, start)), ufunc(np.maximum(a.high, start))
        never = a.high < start  # no number at all: an empty range
        return np.where(never, np.inf, low), np.where(never, -np.inf, high), a.low < start

    return rule


def absolute(a: Range) -> Bounds:
    """Return the bounds of ``abs(a)``."""
    crosses = (a.low <= 0) & (a.high >= 0)
    low = np.where(crosses, 0.0, np.minimum(np.abs(a.low), np.abs(a.high)))
    return low, np.maximum(np.abs(a.low), np.abs(a.high)), None


def _wave(ufunc: np.ufunc, crest: float) -> Callable[[Range], Bounds]:
    """Return the rule of a sine whose largest value is at `crest`."""

    def rule(a: Range) -> Bounds:
        ends = np.stack([ufunc(a.low), ufunc(a.high)])
        turn = 2.0 * np.pi
        has_crest = np.floor((a.high - crest) / turn) != np.floor((a.low - crest) / turn)
        has_trough = np.floor((a.high - crest - np.pi) / turn) != np.floor((a.low - crest - np.pi) / turn)
        endless = ~np.isfinite(a.low) | ~np.isfinite(a.high)
        low = np.where(has_trough | endless, -1.0, ends.min(axis=0))
        high = np.where(has_crest | endless, 1.0, ends.max(axis=0))
        return low, high, endless

    return rule


UNARY_RULES: dict[str, Callable[[Range], Bounds]] = {
    "abs": absolute,
    "sqrt": _increasing(np.sqrt, 0.0),
    "log": _increasing(np.log, 0.0),
    "log2": _increasing(np.log2, 0.0),
    "log10": _increasing(np.log10, 0.0),
    "sin": _wave(np.sin, 0.5 * np.pi),
    "cos": _wave(np.cos, 0.0),
    **{name: _increasing(UNARY[name], -np.inf) for name in ("exp", "floor", "ceil", "round", "tanh")},
}
GATHERING_RULES: dict[str, Callable[[Range, Range], Bounds]] = {
    "min": lambda a, b: (np.minimum(a.low, b.low), np.minimum(a.high, b.high), None),
    "max": lambda a, b: (np.maximum(a.low, b.low), np.maximum(a.high, b.high), None),
    "sum": ARITHMETIC_RULES["+"],
}
