"""Functions of the expression language, and the arithmetic of its numbers.

Every number is an IEEE double, even one written as an integer, and no operation raises: ``1 / 0`` is infinite,
``0 / 0``, ``sqrt(-1)`` and ``log(-1)`` are undefined (NaN). The same numpy loops serve one value and many, so that a
constraint checked on one configuration and on a million agrees to the last bit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats

#: Functions of one number.
UNARY: dict[str, np.ufunc] = {
    "abs": np.absolute,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
}
#: Functions of one or more numbers, or of one variable whose value is a tuple.
GATHERING: dict[str, np.ufunc] = {"min": np.minimum, "max": np.maximum, "sum": np.add}
#: Every function, as error messages list them. ``len`` counts the members of a tuple or the letters of a text.
FUNCTIONS: tuple[str, ...] = (*UNARY, *GATHERING, "len")

ARITHMETIC: dict[str, np.ufunc] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "//": np.floor_divide,
    "%": np.remainder,
}

#: Two numbers are equal when they differ by no more than this share of the size of the terms they are made of;
#: whole numbers are compared exactly.
TOLERANCE = 1e-9


def number(value: object) -> float:
    """Return a value as a number; NaN where it is not one."""
    if type(value) is float:
        return value
    if isinstance(value, (int, float, np.integer, np.floating, np.bool_)):
        return float(value)
    return math.nan


def is_number(value: object) -> bool:
    """Return whether `value` counts as a number (bools do)."""
    return isinstance(value, (int, float, np.integer, np.floating, np.bool_))


def size(value: object) -> float:
    """Count the members of a tuple or the letters of a text; NaN for anything else."""
    return float(len(value)) if isinstance(value, (str, tuple, list, frozenset)) else math.nan


def gather(function: str, value: object) -> float:
    """Apply ``min``, ``max`` or ``sum`` to the members of a tuple; a number stands for itself."""
    if not isinstance(value, (tuple, list, frozenset)):
        return number(value)
    numbers = [number(item) for item in value]
    if not numbers:
        return 0.0 if function == "sum" else math.nan
    result = numbers[0]
    for item in numbers[1:]:
        result = float(GATHERING[function](result, item))
    return result


def equal_numbers(left: float, right: float, scale: float) -> bool:
    """Compare two numbers for equality with the language's tolerance; `scale` is the size of their terms."""
    if left == right:
        return True
    gap = abs(left - right)
    if not gap <= TOLERANCE * scale or math.isinf(gap):
        return False
    return not (left.is_integer() and right.is_integer())


def equal_arrays(left: Floats, right: Floats, scale: Floats) -> NDArray[np.bool_]:
    """Compare arrays of one shape as `equal_numbers` does."""
    gap = np.abs(left - right)
    near = (gap <= TOLERANCE * scale) & np.isfinite(gap)
    whole = (np.floor(left) == left) & (np.floor(right) == right)
    result: NDArray[np.bool_] = (left == right) | (near & ~whole)
    return result
