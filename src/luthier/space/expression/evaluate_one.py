"""Evaluation of an expression on one configuration: True, False or None (unknown).

Trees are compiled to closures.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from luthier.space.expression import functions, tree
from luthier.space.expression.functions import ARITHMETIC, GATHERING, UNARY, number
from luthier.space.expression.tree import Node


class _Inactive:
    """The value of a variable that is not active."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "INACTIVE"

    def __reduce__(self) -> str:
        return "INACTIVE"


#: Stands for the value of an inactive variable in object arrays and between closures.
INACTIVE = _Inactive()

Config = Mapping[str, Any]
Value = Callable[[Config], Any]
Truth = Callable[[Config], "bool | None"]
Operation = Callable[[float, float], float]
Orders = Mapping[str, tuple[Any, ...]]
_NO_ORDERS: Orders = {}


def truth(node: Node, orders: Orders = _NO_ORDERS) -> Truth:
    """Compile `node` as a condition; `orders` gives the declared order of ordinal variables."""
    match node:
        case tree.Compare(first, rest):
            return _compare(first, rest, orders)
        case tree.Not(operand):
            return _not(truth(operand, orders))
        case tree.Both(parts):
            return _both([truth(part, orders) for part in parts])
        case tree.Either(parts):
            return _either([truth(part, orders) for part in parts])
    inside = value(node, orders)

    def holds(config: Config) -> bool | None:
        found = inside(config)
        return None if found is INACTIVE else truthy(found)

    return holds


def truthy(found: object) -> bool:
    """Return the truth of a value: undefined numbers are false, other values as in Python."""
    return bool(found) and found == found


def _not(inside: Truth) -> Truth:
    def holds(config: Config) -> bool | None:
        found = inside(config)
        return None if found is None else not found

    return holds


def _both(parts: list[Truth]) -> Truth:
    def holds(config: Config) -> bool | None:
        result: bool | None = True
        for part in parts:
            found = part(config)
            if found is False:
                return False
            if found is None:
                result = None
        return result

    return holds


def _either(parts: list[Truth]) -> Truth:
    def holds(config: Config) -> bool | None:
        result: bool | None = False
        for part in parts:
            found = part(config)
            if found:
                return True
            if found is None:
                result = None
        return result

    return holds


# --- values --------------------------------------------------------------------------------------


def value(node: Node, orders: Orders = _NO_ORDERS) -> Value:
    """Compile `node` as a value; the closure gives INACTIVE where an operand is inactive."""
    match node:
        case tree.Name(name):
            return lambda config: config.get(name, INACTIVE)
        case tree.Literal(constant):
            return lambda config: constant
        case tree.Negative(operand):
            return _unary(np.negative, value(operand, orders))
        case tree.Series(first, rest):
            return _series(value(first, orders), [(_OPERATIONS[op], value(part, orders)) for op, part in rest])
        case tree.Power(base, tree.Literal(2)):
            return _square(value(base, orders))
        case tree.Power(base, exponent):
            return _series(value(base, orders), [(_OPERATIONS["**"], value(exponent, orders))])
        case tree.Call(function, arguments):
            return _call(function, [value(argument, orders) for argument in arguments])
        case tree.If(condition, then, otherwise):
            return _if(truth(condition, orders), value(then, orders), value(otherwise, orders))
        case tree.Items(items):
            inside = [value(item, orders) for item in items]
            return lambda config: tuple(item(config) for item in inside)
    decide = truth(node, orders)

    def as_number(config: Config) -> Any:
        found = decide(config)
        return INACTIVE if found is None else float(found)

    return as_number


def _unary(ufunc: np.ufunc, inside: Value) -> Value:
    def compute(config: Config) -> Any:
        found = inside(config)
        if found is INACTIVE:
            return INACTIVE
        with np.errstate(all="ignore"):
            return float(ufunc(number(found)))

    return compute


def _square(inside: Value) -> Value:
    """Multiply by itself: far quicker than the general power, and what squares mostly are for."""

    def compute(config: Config) -> Any:
        found = inside(config)
        return INACTIVE if found is INACTIVE else number(found) * number(found)

    return compute


def _loop(ufunc: np.ufunc) -> Operation:
    """Wrap a numpy loop for two floats."""

    def compute(left: float, right: float) -> float:
        with np.errstate(all="ignore"):
            return float(ufunc(left, right))

    return compute


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    with np.errstate(all="ignore"):
        return float(np.true_divide(left, right))


# Plain operators where they agree with numpy to the bit and cannot raise: they are much faster on one number.
_OPERATIONS: dict[str, Operation] = {
    **{op: _loop(ufunc) for op, ufunc in ARITHMETIC.items()},
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "**": _loop(np.power),
}


def _series(first: Value, rest: list[tuple[Operation, Value]]) -> Value:
    def compute(config: Config) -> Any:
        found = first(config)
        if found is INACTIVE:
            return INACTIVE
        result = number(found)
        for operation, part in rest:
            found = part(config)
            if found is INACTIVE:
                return INACTIVE
            result = operation(result, number(found))
        return result

    return compute


def _call(function: str, arguments: list[Value]) -> Value:
    if function in UNARY:
        return _unary(UNARY[function], arguments[0])
    if len(arguments) > 1:
        return _series(arguments[0], [(_loop(GATHERING[function]), argument) for argument in arguments[1:]])
    inside = arguments[0]

    def compute(config: Config) -> Any:
        found = inside(config)
        return INACTIVE if found is INACTIVE else of_one(function, found)

    return compute


def of_one(function: str, found: object) -> float:
    """Apply ``len``, ``min``, ``max`` or ``sum`` to one value."""
    return functions.size(found) if function == "len" else functions.gather(function, found)


def _if(condition: Truth, then: Value, otherwise: Value) -> Value:
    def choose(config: Config) -> Any:
        found = condition(config)
        if found is None:
            return INACTIVE
        return then(config) if found else otherwise(config)

    return choose


# --- comparisons ---------------------------------------------------------------------------------


def _compare(first: Node, rest: tuple[tuple[str, Node], ...], orders: Orders) -> Truth:
    nodes = [first, *(part for _, part in rest)]
    links = [_link(left, op, right, orders) for left, (op, right) in zip(nodes, rest, strict=False)]
    return links[0] if len(links) == 1 else _both(links)


def _link(left_node: Node, op: str, right_node: Node, orders: Orders) -> Truth:
    left, right = value(left_node, orders), value(right_node, orders)
    if op in ("in", "not in"):
        inside = _member(left, right)
        return inside if op == "in" else _not(inside)
    order = declared_order(left_node, right_node, orders) if op not in ("==", "!=") else None
    sizes = (magnitude(left_node), magnitude(right_node)) if op in ("==", "!=") else None

    def holds(config: Config) -> bool | None:
        a, b = left(config), right(config)
        if a is INACTIVE or b is INACTIVE:
            return None
        if sizes is not None:
            scale = None
            if functions.is_number(a) and functions.is_number(b) and a != b:
                scale = sizes[0](config) + sizes[1](config)
            return equal(a, b, scale) is (op == "==") and a == a and b == b
        if order is not None:
            a, b = rank(a, order), rank(b, order)
        return ordered(op, a, b)

    return holds


def equal(a: object, b: object, scale: float | None = None) -> bool:
    """Compare two values: numbers with the tolerance, everything else as in Python."""
    if functions.is_number(a) and functions.is_number(b):
        x, y = number(a), number(b)
        return functions.equal_numbers(x, y, abs(x) + abs(y) if scale is None else scale)
    return a == b


def ordered(op: str, a: object, b: object) -> bool:
    """Compare two numbers or two texts by order; anything else, and undefined numbers, is false."""
    if functions.is_number(a) and functions.is_number(b):
        x: Any = number(a)
        y: Any = number(b)
    elif isinstance(a, str) and isinstance(b, str):
        x, y = a, b
    else:
        return False
    if op == "<":
        return bool(x < y)
    if op == "<=":
        return bool(x <= y)
    if op == ">":
        return bool(x > y)
    return bool(x >= y)


def declared_order(left: Node, right: Node, orders: Orders) -> tuple[Any, ...] | None:
    """Return the order by which two sides are compared: that of the ordinal variable that one of them is."""
    for side in (left, right):
        if isinstance(side, tree.Name) and side.name in orders:
            return orders[side.name]
    return None


def rank(found: object, order: tuple[Any, ...]) -> float:
    """Return the place of a value in an order; NaN where it has none."""
    return float(order.index(found)) if found in order else math.nan


def _member(left: Value, right: Value) -> Truth:
    def holds(config: Config) -> bool | None:
        item, container = left(config), right(config)
        if item is INACTIVE or container is INACTIVE:
            return None
        return member(item, container)

    return holds


def member(item: object, container: object) -> bool | None:
    """Return whether `item` is in a tuple; unknown where it equals no member and one of them is inactive."""
    if not isinstance(container, (tuple, list, frozenset)):
        return False
    unknown = False
    for candidate in container:
        if candidate is INACTIVE:
            unknown = True
        elif equal(item, candidate):
            return True
    return None if unknown else False


def magnitude(node: Node) -> Value:
    """Compile the size of the terms a number is made of: what its rounding error is proportional to."""
    match node:
        case tree.Negative(operand):
            return magnitude(operand)
        case tree.Series(first, rest) if rest[0][0] in "+-":
            parts = [magnitude(first), *(magnitude(part) for _, part in rest)]
            return lambda config: sum(part(config) for part in parts)
        case tree.Series(first, rest) if all(op in "*/" for op, _ in rest):
            return _product_size(magnitude(first), [(op, magnitude(part)) for op, part in rest])
    inside = value(node)
    return lambda config: abs(number(inside(config)))


def _product_size(first: Value, rest: list[tuple[str, Value]]) -> Value:
    def compute(config: Config) -> float:
        result: float = first(config)
        for op, part in rest:
            result = _OPERATIONS[op](result, part(config))
        return result

    return compute
