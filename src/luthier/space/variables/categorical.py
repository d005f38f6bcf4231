"""Categorical variables: `Choice` with its `Option`, `Ordinal`, `Bool` and `Constant`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.errors import InvalidConfig, InvalidSpace
from luthier.scalar import short, to_float
from luthier.space.expression import Coded
from luthier.space.variables.base import (
    Options,
    Variable,
    check_distinct,
    check_option,
    listed_value,
    plain_value,
    same_value,
)
from luthier.space.variables.declaration import Declaration, Declared
from luthier.space.variables.named import Named


@translating_settings
@dataclass(frozen=True, init=False)
class Option:
    """An option of a `Choice` that brings variables of its own, active where it is chosen.

    Args:
        value: the option itself, or a `Named` object.
        space: a `Space`, or a mapping of names to variables; of a choice ``kernel`` and an option ``poly`` they are
            called ``kernel.poly.<name>`` in the outer space, and by their own names in the inner space's expressions.

    Raises:
        InvalidSpace: `space` is neither, or one of its variables is not a variable.
    """

    value: Any
    space: Declaration

    def __init__(self, value: Any, space: Declared | Declaration | Mapping[str, Variable]) -> None:
        if isinstance(value, Option):
            raise InvalidSpace("the value of an Option is a plain value, not another Option")
        if isinstance(space, Declared):
            space = space.declaration
        if not isinstance(space, Declaration):
            if not isinstance(space, Mapping):
                raise InvalidSpace(f"an Option brings a Space or a mapping of variables, not {short(space)}")
            space = Declaration.of(space)
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "space", space)


@translating_settings
@dataclass(frozen=True, init=False)
class Choice(Options):
    """One of several options without an order.

    Args:
        options: None, bools, whole numbers, floats, texts and tuples of them; other objects as ``Named(name, object)``;
            options with variables of their own as ``Option(value, {...})``.
        weights: the prior probability of each option, up to a factor; equal by default.
        default: the option where no other is given; the first by default (None where that is the first).
        when: the variable is active only where this expression holds.

    Raises:
        InvalidSpace: no option, one given twice, options that only their types tell apart (1 and True), …

    Example:
        >>> Choice("rbf", "poly", weights=[2, 1])
        Choice('rbf', 'poly', weights=(2.0, 1.0))
    """

    given: tuple[Any, ...]
    weights: tuple[float, ...] | None = None

    kind = "choice"
    column = "category"

    def __init__(
        self, *options: Any, weights: Sequence[float] | None = None, default: Any = None, when: str | None = None
    ) -> None:
        _refuse_list("Choice", options)
        given = tuple(
            option if isinstance(option, Named | Option) else check_option(option, "the option") for option in options
        )
        _set(self, given=given, weights=weights, default=default, when=when)
        if not given:
            raise InvalidSpace("a Choice needs at least one option")
        check_distinct(self.options, "option")
        if weights is not None:
            _set(self, weights=_checked_weights(weights, len(given)))
        self._check_when()
        self._check_default()

    @cached_property
    def options(self) -> tuple[Any, ...]:
        """The plain values, in order."""
        return tuple(_plain_option(option) for option in self.given)

    @cached_property
    def objects(self) -> Mapping[str, Any]:
        """The objects behind names."""
        values = [option.value if isinstance(option, Option) else option for option in self.given]
        return {value.name: value.object for value in values if isinstance(value, Named)}

    @property
    def nested(self) -> tuple[tuple[Any, Declaration], ...]:
        """The options that bring variables of their own, and what they bring."""
        return tuple((_plain_option(option), option.space) for option in self.given if isinstance(option, Option))

    @cached_property
    def edges(self) -> Floats:
        if self.weights is None:
            return np.arange(self.levels + 1) / self.levels
        edges = np.concatenate([[0.0], np.cumsum(self.weights)])
        found: Floats = edges / edges[-1]
        return found

    def warp(self, block: Floats) -> Floats:
        if self.weights is None:
            return block
        places = np.clip(self.edges.searchsorted(block, side="right") - 1, 0, self.levels - 1)
        return (places + 0.5) / self.levels

    @property
    def start(self) -> Any:
        if self.default is None:
            return self.options[0]
        return self.plain(self.default)

    def plain(self, value: Any) -> Any:
        if isinstance(value, Named):
            return value.name
        if self.objects and not isinstance(value, str):
            for name, item in self.objects.items():
                if item is value:
                    return name
            for name, item in self.objects.items():
                if type(item) is type(value) and _equal(item, value):
                    return name
        return plain_value(value)

    @property
    def has_objects(self) -> bool:
        return bool(self.objects)

    def realize(self, value: Any) -> Any:
        return self.objects.get(value, value) if type(value) is str else value

    def table(self) -> dict[str, Any]:
        found: dict[str, Any] = {"choice": [_option_table(option) for option in self.given]}
        if self.weights is not None:
            found["weights"] = list(self.weights)
        if self.default is not None:
            found["default"] = listed_value(self.plain(self.default))
        return found

    def __repr__(self) -> str:
        parts = [repr(option) for option in self.given]
        return _repr("Choice", parts, weights=self.weights, default=self.default, when=self.when)


@translating_settings
@dataclass(frozen=True, init=False)
class Ordinal(Options):
    """One of several options in ascending order: ``Ordinal("small", "medium", "large")``.

    In expressions, ``size < 'large'`` follows this order.

    Args:
        options: as for `Choice`, at least one.
        default: the option where no other is given; the middle one by default.
        when: the variable is active only where this expression holds.
    """

    given: tuple[Any, ...]

    kind = "ordinal"
    column = "number"

    def __init__(self, *options: Any, default: Any = None, when: str | None = None) -> None:
        _refuse_list("Ordinal", options)
        given = tuple(check_option(option, "the option") for option in options)
        _set(self, given=given, default=default, when=when)
        if not given:
            raise InvalidSpace("an Ordinal needs at least one option")
        check_distinct(given, "option")
        self._check_when()
        self._check_default()

    @cached_property
    def options(self) -> tuple[Any, ...]:
        """The plain values, in ascending order."""
        return self.given

    @property
    def start(self) -> Any:
        return self.given[(len(self.given) - 1) // 2] if self.default is None else self.plain(self.default)

    def table(self) -> dict[str, Any]:
        found: dict[str, Any] = {"ordinal": [listed_value(option) for option in self.given]}
        return found if self.default is None else found | {"default": listed_value(self.plain(self.default))}

    def __repr__(self) -> str:
        return _repr("Ordinal", [repr(option) for option in self.given], default=self.default, when=self.when)


@translating_settings
@dataclass(frozen=True, init=False)
class Bool(Options):
    """True or False.

    Args:
        default: the value where no other is given; False by default.
        when: the variable is active only where this expression holds.
    """

    kind = "bool"
    column = "category"

    def __init__(self, default: bool | None = None, when: str | None = None) -> None:
        _set(self, default=default, when=when)
        self._check_when()
        self._check_default()

    @cached_property
    def options(self) -> tuple[Any, ...]:
        """False and True."""
        return (False, True)

    @property
    def start(self) -> Any:
        return bool(self.default)

    def table(self) -> dict[str, Any]:
        found: dict[str, Any] = {"bool": True}
        return found if self.default is None else found | {"default": bool(self.default)}

    def __repr__(self) -> str:
        return _repr("Bool", [], default=self.default, when=self.when)


@translating_settings
@dataclass(frozen=True, init=False)
class Constant(Variable):
    """A value that is passed on and not searched. It has no column.

    Args:
        value: as an option of `Choice`, also ``Named(name, object)``.
        when: the variable is active only where this expression holds.
    """

    value: Any

    kind = "constant"
    column = "constant"
    width = 0

    def __init__(self, value: Any, when: str | None = None) -> None:
        given = value if isinstance(value, Named) else check_option(value, "the value")
        _set(self, value=given, default=None, when=when)
        self._check_when()

    @cached_property
    def fixed(self) -> Any:
        """The value in plain form."""
        return self.value.name if isinstance(self.value, Named) else self.value

    @property
    def count(self) -> int | None:
        return 1

    @property
    def has_default(self) -> bool:
        return True

    @property
    def start(self) -> Any:
        return self.fixed

    def encode(self, values: Sequence[Any]) -> Floats:
        for value in values:
            if not same_value(value, self.fixed):
                raise InvalidConfig(f"cannot encode {short(value)}: it is not {self.domain()}")
        return np.empty((len(values), 0))

    def decode(self, block: Floats) -> list[Any]:
        return [self.fixed] * len(block)

    def snap(self, block: Floats) -> Floats:
        return block

    def warp(self, block: Floats) -> Floats:
        return block

    def read(self, block: Floats) -> Any:
        return Coded(np.zeros(len(block), dtype=np.int64), (self.fixed,))

    def plain(self, value: Any) -> Any:
        if isinstance(self.value, Named) and (value is self.value.object or isinstance(value, Named)):
            return self.value.name if value is self.value.object else value.name
        return plain_value(value)

    def fault(self, value: Any) -> str | None:
        return None if same_value(value, self.fixed) else f"is not {self.domain()}"

    @property
    def has_objects(self) -> bool:
        return isinstance(self.value, Named)

    def realize(self, value: Any) -> Any:
        return self.value.object if isinstance(self.value, Named) else value

    def domain(self) -> str:
        return f"the constant {self.fixed!r}"

    def table(self) -> dict[str, Any]:
        return {"constant": listed_value(self.fixed)}

    def __repr__(self) -> str:
        return _repr("Constant", [repr(self.value)], when=self.when)


_MOST_SHOWN = 12


def _refuse_list(kind: str, options: tuple[Any, ...]) -> None:
    """Refuse a single option that is a list: the options themselves were meant, as other libraries take them."""
    (only,) = options if len(options) == 1 else (None,)
    if isinstance(only, list | set | frozenset | range | np.ndarray) and getattr(only, "ndim", 1) != 0:
        listed = only.tolist() if isinstance(only, np.ndarray) else list(only)
        shown = ", ".join(map(short, listed[:_MOST_SHOWN])) + ", …" * (len(listed) > _MOST_SHOWN)
        raise InvalidSpace(
            f"{kind}({short(only)}) has one option, which is a list: write {kind}({shown}) for these options, or "
            f"{kind}({short(tuple(listed))}) for the one"
        )


def _plain_option(option: Any) -> Any:
    if isinstance(option, Option):
        return _plain_option(option.value) if isinstance(option.value, Named) else check_option(option.value, "option")
    return option.name if isinstance(option, Named) else option


def _option_table(option: Any) -> Any:
    value = listed_value(_plain_option(option))
    return {"value": value, **option.space.to_plain()} if isinstance(option, Option) else value


def _checked_weights(weights: Sequence[float], count: int) -> tuple[float, ...]:
    several = isinstance(weights, np.ndarray) and weights.ndim == 1
    if (not several and (isinstance(weights, str) or not isinstance(weights, Sequence))) or len(weights) != count:
        raise InvalidSpace(f"weights are one number for each of the {count} options, not {short(weights)}")
    found = []
    for weight in weights:
        item = weight.item() if isinstance(weight, np.generic) else weight
        number = to_float(item) if isinstance(item, int | float) else None
        if number is None or not 0 < number < math.inf:
            raise InvalidSpace(
                f"a weight is a finite number above 0, not {short(weight)}; leave out what is never chosen"
            )
        found.append(number)
    if not math.isfinite(sum(found)) or min(found) / sum(found) <= 0.0:
        raise InvalidSpace(
            f"the weights {short(weights)} cannot be added up: only their ratios matter, so divide them all"
        )
    return tuple(found)


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except (TypeError, ValueError):
        return False


def _set(variable: Variable, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(variable, name, value)


def _repr(kind: str, parts: list[str], **settings: Any) -> str:
    parts = parts + [f"{name}={short(value)}" for name, value in settings.items() if value is not None]
    return f"{kind}({', '.join(parts)})"
