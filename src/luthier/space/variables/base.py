"""Base classes of variables, evenly spaced levels, and the plain values that options can be."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from luthier._hints import listed, suggest, with_article
from luthier._typing import Floats, Integers
from luthier.codec import is_masked
from luthier.errors import InvalidConfig, InvalidSpace
from luthier.scalar import short
from luthier.space.expression import Coded, parse
from luthier.space.variables.column import Column


@dataclass(frozen=True, kw_only=True)
class Variable(ABC):
    """One variable to tune. Frozen; a subclass defines its values and their places in [0, 1]^width. Abstract.

    Args:
        default: the value where no other is given; None for the middle.
        when: the variable is active only where this expression holds.
    """

    default: Any = None
    when: str | None = None

    kind: ClassVar[str]  # the key of its text form
    column: ClassVar[str]  # the kind of its columns
    width: ClassVar[int] = 1
    levels: ClassVar[int] = 0

    @property
    @abstractmethod
    def count(self) -> int | None:
        """The number of distinct values, or None where it is not finite."""

    @property
    @abstractmethod
    def start(self) -> Any:
        """The default, in plain form, or the middle where there is none."""

    @property
    def has_default(self) -> bool:
        """Whether it is declared which value holds where no other is given."""
        return self.default is not None

    def columns(self, name: str, conditional: bool) -> tuple[Column, ...]:
        """Describe the columns of the variable under a name."""
        width = self.width
        return tuple(Column(name, self.column, self.levels, place, width, conditional) for place in range(width))

    @abstractmethod
    def encode(self, values: Sequence[Any]) -> Floats:
        """Turn n plain values into (n, width) in [0, 1]."""

    @abstractmethod
    def decode(self, block: Floats) -> list[Any]:
        """Turn (n, width) in [0, 1] into n plain values."""

    @abstractmethod
    def snap(self, block: Floats) -> Floats:
        """Move (n, width) to the nearest places that stand for values; NaN stays."""

    @abstractmethod
    def warp(self, block: Floats) -> Floats:
        """Turn uniforms (n, width) in [0, 1) into places distributed by the prior."""

    @abstractmethod
    def read(self, block: Floats) -> Any:
        """Turn (n, width), NaN where inactive, into a column of values as expressions take them."""

    @abstractmethod
    def plain(self, value: Any) -> Any:
        """Turn a value as a user writes it into plain form: of the right type, on its step, objects by name.

        A value outside the domain is returned as it is; `fault` says why.
        """

    @abstractmethod
    def fault(self, value: Any) -> str | None:
        """Return why a plain value is outside the domain: ``is above the largest value 3``; None where it is inside."""

    @property
    def has_objects(self) -> bool:
        """Whether `realize` turns any value into another one."""
        return False

    def realize(self, value: Any) -> Any:
        """Turn a plain value into what the user sees: the object behind a registered name."""
        return value

    @abstractmethod
    def table(self) -> dict[str, Any]:
        """Write the variable in text form, without its condition."""

    def to_plain(self) -> dict[str, Any]:
        """Write the variable in text form, with its condition."""
        return self.table() if self.when is None else self.table() | {"when": parse(self.when).text}

    @abstractmethod
    def domain(self) -> str:
        """Describe the values in a few words: ``0.001 to 1000, log``."""

    def _check_default(self) -> None:
        """Bring the default into plain form; refuse one outside the domain."""
        if self.default is None:
            return
        plain = self.plain(self.default)
        why = self.fault(plain)
        if why:
            raise InvalidSpace(f"the default {short(self.default)} {why}")
        object.__setattr__(self, "default", plain)

    def _check_when(self) -> None:
        if self.when is not None and not isinstance(self.when, str):
            raise InvalidSpace(
                f"when is an expression in text, such as when=\"kernel == 'poly'\", not {short(self.when)}"
            )


# --- evenly spaced levels: level i of n stands at (i + 0.5) / n ------------------------------------------


def level_codes(places: Floats, levels: int) -> Integers:
    """Return the level that each place of [0, 1] belongs to, -1 where NaN; any shape."""
    known = np.where(np.isnan(places), -1.0, np.minimum(np.floor(places * levels), levels - 1))
    return known.astype(np.int64)


def level_places(codes: Integers | Floats, levels: int) -> Floats:
    """Return the places of levels; any shape."""
    return (codes + 0.5) / levels


def snap_to_levels(places: Floats, levels: int) -> Floats:
    """Move places to those of their levels; NaN stays."""
    return (np.minimum(np.floor(places * levels), levels - 1) + 0.5) / levels


class _Indexed(Protocol):
    @property
    def levels(self) -> int: ...

    def index(self, value: Any) -> int: ...

    def domain(self) -> str: ...


def encode_levels(variable: _Indexed, values: Sequence[Any]) -> Floats:
    """Return the places (n, 1) of n plain values of a variable with evenly spaced levels.

    Raises:
        InvalidConfig: one of them is outside its domain.
    """
    index = variable.index
    codes = np.array([index(value) for value in values], dtype=np.float64)
    if len(codes) and codes.min() < 0:
        raise InvalidConfig(f"cannot encode {values[int(codes.argmin())]!r}: it is not {variable.domain()}")
    return level_places(codes, variable.levels)[:, None]


# --- options ---------------------------------------------------------------------------------------------


class Options(Variable):
    """A variable whose values are a list of options, evenly spaced in one column. Abstract."""

    @property
    @abstractmethod
    def options(self) -> tuple[Any, ...]:
        """The plain values, in order."""

    @cached_property
    def _places(self) -> Mapping[Any, int]:
        return {option: place for place, option in enumerate(self.options)}

    @cached_property
    def levels(self) -> int:  # type: ignore[override]
        """The number of options."""
        return len(self.options)

    @property
    def count(self) -> int | None:
        return self.levels

    @cached_property
    def edges(self) -> Floats:
        """Where in [0, 1] the options meet before `warp`; shape (levels + 1,)."""
        return np.arange(self.levels + 1) / self.levels

    @property
    def pick(self) -> Callable[[int], Any]:
        """The function from levels to plain values."""
        return self.options.__getitem__

    def index(self, value: Any) -> int:
        """Return the level of a plain value; -1 where it is not an option. Raises TypeError for an unhashable value."""
        return self._places.get(value, -1)

    def codes(self, block: Floats) -> Integers:
        """Return the levels (n,) of places (n, 1), -1 where NaN."""
        return level_codes(block[:, 0], self.levels)

    def level_values(self, codes: Integers) -> Floats | Coded:
        """Return the column of values, as expressions take it, of levels (n,), -1 where inactive."""
        return Coded(codes, self.options)

    def encode(self, values: Sequence[Any]) -> Floats:
        return encode_levels(self, values)

    def decode(self, block: Floats) -> list[Any]:
        return [self.options[code] for code in self.codes(block).tolist()]

    def snap(self, block: Floats) -> Floats:
        return snap_to_levels(block, self.levels)

    def warp(self, block: Floats) -> Floats:
        return block

    def read(self, block: Floats) -> Any:
        return self.level_values(self.codes(block))

    def plain(self, value: Any) -> Any:
        return plain_value(value)

    def fault(self, value: Any) -> str | None:
        try:
            place = self.index(value)
        except Exception:  # noqa: BLE001 - the hash of a foreign object
            place = -1
        if place >= 0 and same_value(self.options[place], value):
            return None
        return f"is not one of its options{suggest(value, self.options)}"

    def domain(self) -> str:
        return f"one of {listed(self.options)}"


_PLAIN = (str, int, float, bool, type(None), tuple)


def same_value(a: Any, b: Any) -> bool:
    """Return whether two plain values are equal and of one type: 1, 1.0 and True differ."""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same_value(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def plain_value(value: Any) -> Any:
    """Bring an option as a person writes it into plain form: lists become tuples, numpy scalars Python values."""
    try:
        if isinstance(value, list | tuple):
            return _tupled(value)
        return value if type(value) in _PLAIN else _unwrapped(value)
    except Exception:  # noqa: BLE001 - an attribute of a foreign object, or a list that holds itself
        return value


def listed_value(value: Any) -> Any:
    """Write a plain value so that text holds it: tuples become lists."""
    return [listed_value(item) for item in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list | tuple) else value


def _unwrapped(value: Any) -> Any:
    """Turn numpy scalars and subclasses of the plain types (enumerations) into plain values."""
    if is_masked(value):
        return math.nan
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", 1) == 0:
        return item()
    # Not str(value): an enumeration of texts prints as its name.
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    return float.__float__(value) if isinstance(value, float) else value


def check_option(value: Any, what: str) -> Any:
    """Return an option in plain form (lists become tuples).

    Raises:
        InvalidSpace: the value cannot be written down.
    """
    try:
        return _checked_option(plain_value(value), what)
    except RecursionError:
        raise InvalidSpace(f"{what} is nested too deeply, or holds itself") from None


def _checked_option(value: Any, what: str) -> Any:
    if isinstance(value, tuple):
        return tuple(_checked_option(plain_value(item), what) for item in value)
    if value is not None and not isinstance(value, str | int | float | bool):
        raise InvalidSpace(
            f"{what} {short(value)} is {with_article(type(value).__name__)}, which cannot be written down: "
            f"give it a name, as in lt.Named('name', object)"
        )
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InvalidSpace(f"{what} {short(value)} has more than 64 bits: write it as text")
    if isinstance(value, str):
        check_text(value, what)
    if value != value:
        raise InvalidSpace(f"{what} NaN is equal to nothing, itself included: use None or a text for it")
    return value


def check_text(text: str, what: str) -> None:
    """Refuse text that cannot be written down: half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidSpace(f"{what} {short(text)} is not valid Unicode text: {error.reason}") from None


def check_distinct(options: Sequence[Any], what: str) -> None:
    """Refuse options that are equal, and those that only their types tell apart (1, 1.0 and True)."""
    seen: dict[Any, Any] = {}
    for option in options:
        if option in seen:
            other = seen[option]
            if same_value(option, other):
                raise InvalidSpace(f"{what} {option!r} is given twice")
            raise InvalidSpace(
                f"the {what}s {other!r} ({type(other).__name__}) and {option!r} ({type(option).__name__}) are equal "
                "in Python: write one of them as text"
            )
        seen[option] = option
