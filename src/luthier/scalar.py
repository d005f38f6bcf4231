"""The one rule of what counts as a number, a step, a duration and a text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

from luthier.errors import InvalidResult, LuthierError

LARGEST_STEP = 2**63 - 1


def to_float(value: object) -> float | None:
    """Read a number; None where the value is not one.

    Numbers are ints, floats, fractions and decimals, numpy's and torch's scalars, and arrays, tensors and series of one
    element; a masked element is NaN. Truth values, text and complex numbers are none. What is too large for a float
    becomes infinite.

    Raises:
        InvalidResult: the value cannot be read: reading it raised an exception.
    """
    kind = type(value)
    if kind is float:
        return value  # type: ignore[return-value]
    if kind is bool or value is None or isinstance(value, str | bytes):
        return None
    try:
        return _convert(value)
    except Exception as error:
        raise InvalidResult(f"a {kind.__name__} whose value cannot be read: {type(error).__name__}: {error}") from error


def _convert(value: Any) -> float | None:
    if isinstance(value, Real | Decimal):
        if isinstance(value, bool):
            return None
        try:
            return float(value)
        except OverflowError:
            return math.inf if value == abs(value) else -math.inf
    item = getattr(value, "item", None)
    if not callable(item):
        return None
    if _is_masked(value):
        return math.nan
    size = getattr(value, "size", 1)
    if not callable(size) and size not in (1, None):
        return None
    inside = item()
    return to_float(inside) if isinstance(inside, Real | Decimal) else None


def _is_masked(value: Any) -> bool:
    """Tell whether an array of numpy's has no value where its mask says so."""
    mask = getattr(value, "mask", None)
    return mask is not None and not callable(mask) and bool(getattr(mask, "any", lambda: mask)())


def plain_number(value: object) -> object:
    """Give a number as Python's float, and anything else (ints and truth values, too) as it is."""
    if isinstance(value, Integral | str | bytes) or value is None:
        return value
    number = to_float(value)
    return value if number is None else number


def to_whole(value: object) -> int | None:
    """Read a whole number: a Python int, or what numpy has for one; None where the value is not one.

    Truth values, fractions and text are none, nor is what has more than 128 bits.
    """
    if type(value) is int and -(2**64) < value < 2**64:  # most are
        return value
    if isinstance(value, bool) or not isinstance(value, Integral):
        return None
    try:
        whole = int.__int__(value) if isinstance(value, int) else int(value)
    except Exception:  # noqa: BLE001 - a duration of numpy's, which says that it is an integer
        return None
    return whole if abs(whole) < 2**128 else None


def attribute(thing: object, name: str) -> Any:
    """Give an attribute of whatever was given; None where it has none or fails to give it."""
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001 - an attribute of a foreign object
        return None


def in_order(value: object) -> list[Any] | None:
    """Give the items of a list, a tuple or an array; None where the value is none of them."""
    tolist = attribute(value, "tolist")
    try:
        items = tolist() if callable(tolist) and not isinstance(value, type) else value
    except Exception:  # noqa: BLE001 - an array of a foreign library
        return None
    return list(items) if isinstance(items, list | tuple) else None


def to_dict(value: object, what: str, refuse: type[LuthierError]) -> dict[Any, Any]:
    """Read a mapping.

    Raises:
        LuthierError: of the kind `refuse`, where it is not a mapping or cannot be read; `what` says what it is about.
    """
    if not isinstance(value, Mapping):
        raise refuse(f"{what}, not {short(value)}")
    try:
        return dict(value)
    except Exception as error:
        raise refuse(f"{what}; this one cannot be read: {type(error).__name__}: {to_text(error)}") from error


def to_list(value: object, what: str, refuse: type[LuthierError]) -> list[Any]:
    """Read several things in order: a list or an array, but no set or mapping, and no text.

    Raises:
        LuthierError: of the kind `refuse`, where it is no number, or cannot be read; `what` says what it is about.
    """
    if isinstance(value, str | bytes | Mapping | set | frozenset) or not isinstance(value, Iterable):
        why = ", which has no order" if isinstance(value, set | frozenset) else ""
        raise refuse(f"{what}, not {short(value)}{why}")
    try:
        return list(value)
    except Exception as error:  # an array without a dimension, or a foreign iterator
        raise refuse(f"{what}; this one cannot be read: {type(error).__name__}: {to_text(error)}") from error


def to_step(value: object, where: str = "") -> int:
    """Read the step of a report; `where` is for the message.

    Raises:
        InvalidResult: it is not a whole number from 0 to 2**63 - 1.
    """
    step = to_whole(value)
    if isinstance(value, float) and value == value // 1:
        step = int(value)
    if step is None or not 0 <= step <= LARGEST_STEP:
        raise InvalidResult(f"the steps of reports{where} count from 0 in whole numbers, and {short(value)} is none")
    return step


def to_seconds(value: object, what: str) -> float | None:
    """Read a duration; None stays None.

    Raises:
        InvalidResult: it is not a finite number of seconds, 0 or more; `what` says what it is about.
    """
    if value is None:
        return None
    seconds = to_float(value)
    if seconds is None or not 0 <= seconds < math.inf:
        raise InvalidResult(f"{what} is a number of seconds, 0 or more, not {short(value)}")
    return seconds


def to_text(value: object) -> str:
    """Give a message, such as an exception, as text that can be stored."""
    try:
        text = value if type(value) is str else str(value)
    except Exception as error:  # noqa: BLE001 - the message of a foreign object
        text = f"a {type(value).__name__} without a readable text ({type(error).__name__})"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def short(value: object) -> str:
    """Show a value in a message, in 80 characters."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - also that of ints of many digits
        text = f"a {type(value).__name__} ({type(error).__name__})"
    return text if len(text) <= 80 else text[:77] + "..."
