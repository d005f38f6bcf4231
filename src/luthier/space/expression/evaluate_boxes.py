"""Evaluation of an expression over boxes, in which every variable may be anything in a set.

Numbers become ranges, other values sets of options; the result says for each box whether the expression may be true,
may be false, may be unknown. It may admit more than is possible (a variable that occurs twice counts as two), but never
less, except for rounding in the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._typing import Bools, Floats
from luthier.space.expression import evaluate_one, functions, tree
from luthier.space.expression.evaluate_one import Orders
from luthier.space.expression.functions import TOLERANCE
from luthier.space.expression.interval_arithmetic import (
    ARITHMETIC_RULES,
    GATHERING_RULES,
    UNARY_RULES,
    Anything,
    Bounds,
    Choices,
    Operand,
    Range,
    absolute,
    numbers,
    power,
    square,
    table,
    unbounded,
)
from luthier.space.expression.tree import Node


@dataclass(frozen=True, slots=True, eq=False)
class Possible:
    """What a condition may be in each of n boxes."""

    true: Bools
    false: Bools
    unknown: Bools


Boxes = Mapping[str, Operand]
Value = Callable[[Boxes], Operand]
Truth = Callable[[Boxes], Possible]


def possible(node: Node, orders: Orders) -> Truth:
    """Compile `node` as a condition over boxes (at least one variable must be given)."""
    match node:
        case tree.Compare(first, rest):
            nodes = [first, *(part for _, part in rest)]
            links = [_link(left, op, right, orders) for left, (op, right) in zip(nodes, rest, strict=False)]
            return _both(links)
        case tree.Not(operand):
            return _not(possible(operand, orders))
        case tree.Both(parts):
            return _both([possible(part, orders) for part in parts])
        case tree.Either(parts):
            return _not(_both([_not(possible(part, orders)) for part in parts]))
        case tree.Literal(constant):
            answer = evaluate_one.truthy(constant)

            def always(boxes: Boxes) -> Possible:
                yes = np.ones(_count(boxes), dtype=bool)
                return Possible(yes & answer, yes & (not answer), ~yes)

            return always
    return _truth_of(value(node, orders))


def _truth_of(inside: Value) -> Truth:
    def holds(boxes: Boxes) -> Possible:
        found = inside(boxes)
        if isinstance(found, Choices):
            return _by_option(found, [evaluate_one.truthy(option) for option in found.options])
        if isinstance(found, Anything):
            return Possible(found.active, found.active, found.inactive)
        zero = (found.low <= 0) & (found.high >= 0)
        true = (found.low != 0) | (found.high != 0)
        return Possible(true & found.active, (zero | found.undefined) & found.active, found.inactive)

    return holds


def _by_option(found: Choices, answers: list[bool | None]) -> Possible:
    true = np.array([answer is True for answer in answers], dtype=bool)
    false = np.array([answer is False for answer in answers], dtype=bool)
    active = found.active
    return Possible((found.mask & true).any(1) & active, (found.mask & false).any(1) & active, found.inactive)


def _not(inside: Truth) -> Truth:
    def holds(boxes: Boxes) -> Possible:
        found = inside(boxes)
        return Possible(found.false, found.true, found.unknown)

    return holds


def _both(parts: list[Truth]) -> Truth:
    if len(parts) == 1:
        return parts[0]

    def holds(boxes: Boxes) -> Possible:
        found = [part(boxes) for part in parts]
        true, false, unknown = found[0].true, found[0].false, found[0].unknown
        for part in found[1:]:
            unknown = (unknown & (part.unknown | part.true)) | (part.unknown & true)
            true = true & part.true
            false = false | part.false
        return Possible(true, false, unknown)

    return holds


# --- values --------------------------------------------------------------------------------------


def _count(boxes: Boxes) -> int:
    return len(next(iter(boxes.values())).active)


def _point(boxes: Boxes, number: float) -> Range:
    count = _count(boxes)
    array = np.full(count, number)
    no = np.zeros(count, dtype=bool)
    return Range(array, array, no, ~no, no)


def value(node: Node, orders: Orders) -> Value:
    """Compile `node` as a value over boxes."""
    match node:
        case tree.Name(name):
            return lambda boxes: boxes[name]
        case tree.Literal(constant):
            return _constant(constant)
        case tree.Negative(operand):
            return _apply([value(operand, orders)], lambda a: (-a.high, -a.low, None))
        case tree.Series(first, rest):
            result = value(first, orders)
            for op, part in rest:
                result = _apply([result, value(part, orders)], ARITHMETIC_RULES[op])
            return result
        case tree.Power(base, tree.Literal(2)):
            return _apply([value(base, orders)], square)
        case tree.Power(base, exponent):
            return _apply([value(base, orders), value(exponent, orders)], power)
        case tree.Call(function, arguments):
            return _call(function, [value(argument, orders) for argument in arguments])
        case tree.If(condition, then, otherwise):
            return _if(possible(condition, orders), value(then, orders), value(otherwise, orders))
    decide = possible(node, orders)

    def as_number(boxes: Boxes) -> Operand:
        found = decide(boxes)
        low, high = np.where(found.false, 0.0, 1.0), np.where(found.true, 1.0, 0.0)
        return Range(low, high, np.zeros(len(low), dtype=bool), found.true | found.false, found.unknown)

    return as_number


def _constant(constant: Any) -> Value:
    if functions.is_number(constant):
        return lambda boxes: _point(boxes, float(constant))

    def fixed(boxes: Boxes) -> Operand:
        count = _count(boxes)
        yes = np.ones(count, dtype=bool)
        return Choices(np.ones((count, 1), dtype=bool), (constant,), yes, ~yes)

    return fixed


def _apply(parts: list[Value], rule: Callable[..., Bounds]) -> Value:
    """Combine ranges by a rule that gives low, high and where the result may be newly undefined."""

    def compute(boxes: Boxes) -> Operand:
        found = [numbers(part(boxes)) for part in parts]
        low, high, extra = rule(*found)
        undefined: Bools = np.logical_or.reduce([part.undefined for part in found])
        active: Bools = np.logical_and.reduce([part.active for part in found])
        inactive: Bools = np.logical_or.reduce([part.inactive for part in found])
        if extra is not None:
            undefined = undefined | extra
        lost = np.isnan(low) | np.isnan(high)
        if lost.any():
            low, high, undefined = np.where(lost, -np.inf, low), np.where(lost, np.inf, high), undefined | lost
        return Range(low, high, undefined, active, inactive)

    return compute


def _call(function: str, arguments: list[Value]) -> Value:
    if function in UNARY_RULES:
        return _apply(arguments, UNARY_RULES[function])
    if len(arguments) > 1:
        result = arguments[0]
        for argument in arguments[1:]:
            result = _apply([result, argument], GATHERING_RULES[function])
        return result
    inside = arguments[0]

    def of_one(boxes: Boxes) -> Operand:
        found = inside(boxes)
        if isinstance(found, Choices):
            return table(found, [evaluate_one.of_one(function, option) for option in found.options])
        return unbounded(found.active, found.inactive) if function == "len" else numbers(found)

    return of_one


def _if(condition: Truth, then: Value, otherwise: Value) -> Value:
    def choose(boxes: Boxes) -> Operand:
        test, left, right = condition(boxes), then(boxes), otherwise(boxes)
        active = (test.true & left.active) | (test.false & right.active)
        inactive = test.unknown | (test.true & left.inactive) | (test.false & right.inactive)
        if not (isinstance(left, Range) and isinstance(right, Range)):
            return Anything(active, inactive)
        low = np.minimum(np.where(test.true, left.low, np.inf), np.where(test.false, right.low, np.inf))
        high = np.maximum(np.where(test.true, left.high, -np.inf), np.where(test.false, right.high, -np.inf))
        undefined = (test.true & left.undefined) | (test.false & right.undefined)
        return Range(low, high, undefined, active, inactive)

    return choose


# --- comparisons ---------------------------------------------------------------------------------


def _link(left_node: Node, op: str, right_node: Node, orders: Orders) -> Truth:
    if op in ("in", "not in"):
        inside = _member(left_node, right_node, orders)
        return inside if op == "in" else _not(inside)
    left, right = value(left_node, orders), value(right_node, orders)
    order = evaluate_one.declared_order(left_node, right_node, orders) if op not in ("==", "!=") else None
    sizes = (_size(left_node), _size(right_node))

    def decide(a: Any, b: Any) -> bool:
        if op in ("==", "!="):
            return evaluate_one.equal(a, b) is (op == "==") and a == a and b == b
        if order is not None:
            a, b = evaluate_one.rank(a, order), evaluate_one.rank(b, order)
        return evaluate_one.ordered(op, a, b)

    def holds(boxes: Boxes) -> Possible:
        a, b = left(boxes), right(boxes)
        active, inactive = a.active & b.active, a.inactive | b.inactive
        if isinstance(a, Choices) and isinstance(b, Choices) and len(a.options) * len(b.options) <= 4096:
            holding = np.array([[decide(x, y) for y in b.options] for x in a.options], dtype=bool)
            both = a.mask[:, :, None] & b.mask[:, None, :]
            return Possible((both & holding).any((1, 2)) & active, (both & ~holding).any((1, 2)) & active, inactive)
        if order is not None or not (isinstance(a, Range) or isinstance(b, Range)):
            return Possible(active, active, inactive)
        x, y = numbers(a), numbers(b)
        scale = sizes[0](boxes) + sizes[1](boxes) if op in ("==", "!=") else np.zeros(len(active))
        true, false = _relation(op, x, y, scale)
        if op == "!=":  # a text differs from every number, though as numbers they are undefined
            strange = [found.undefined for found, side in ((x, a), (y, b)) if not isinstance(side, Range)]
            true = np.logical_or.reduce([true, *strange])
        return Possible(true & active, (false | x.undefined | y.undefined) & active, inactive)

    return holds


def _relation(op: str, x: Range, y: Range, scale: Floats) -> tuple[Bools, Bools]:
    """Return where a comparison of two ranges may be true and where it may be false."""
    match op:
        case "<":
            return x.low < y.high, x.high >= y.low
        case "<=":
            return x.low <= y.high, x.high > y.low
        case ">":
            return x.high > y.low, x.low <= y.high
        case ">=":
            return x.high >= y.low, x.low < y.high
    with np.errstate(invalid="ignore"):
        slack = TOLERANCE * scale
        equal = ~((x.low - slack > y.high) | (y.low - slack > x.high))
    same = (x.low == x.high) & (y.low == y.high) & (x.low == y.low)
    return (equal, ~same) if op == "==" else (~same, equal)


def _member(left_node: Node, right_node: Node, orders: Orders) -> Truth:
    if isinstance(right_node, tree.Items):
        links = [_link(left_node, "==", item, orders) for item in right_node.items]
        if not links:
            return _nowhere(value(left_node, orders))
        return _not(_both([_not(link) for link in links]))
    left, right = value(left_node, orders), value(right_node, orders)

    def holds(boxes: Boxes) -> Possible:
        a, b = left(boxes), right(boxes)
        active = a.active & b.active
        return Possible(active, active, a.inactive | b.inactive)

    return holds


def _nowhere(inside: Value) -> Truth:
    """Compile ``in ()``: false wherever the value is active."""

    def holds(boxes: Boxes) -> Possible:
        found = inside(boxes)
        return Possible(np.zeros_like(found.active), found.active, found.inactive)

    return holds


def _size(node: Node) -> Callable[[Boxes], Floats]:
    """Compile an upper bound of `evaluate_one.magnitude`."""
    match node:
        case tree.Negative(operand):
            return _size(operand)
        case tree.Series(first, rest) if rest[0][0] in "+-":
            parts = [_size(first), *(_size(part) for _, part in rest)]
            return lambda boxes: np.add.reduce([part(boxes) for part in parts])
        case tree.Series(first, rest) if all(op == "*" for op, _ in rest):
            parts = [_size(first), *(_size(part) for _, part in rest)]
            return lambda boxes: np.multiply.reduce([part(boxes) for part in parts])
        case tree.Series(first, rest) if all(op in "*/" for op, _ in rest):
            return _quotient_size(first, rest)
    inside = value(node, {})

    def bound(boxes: Boxes) -> Floats:
        found = numbers(inside(boxes))
        return np.maximum(np.abs(found.low), np.abs(found.high))

    return bound


def _quotient_size(first: Node, rest: tuple[tuple[str, Node], ...]) -> Callable[[Boxes], Floats]:
    """Bound a product with divisions: by the largest factors over the smallest divisors."""
    start = _size(first)
    factors = [_size(part) for op, part in rest if op == "*"]
    divisors = [value(part, {}) for op, part in rest if op == "/"]

    def bound(boxes: Boxes) -> Floats:
        result = start(boxes)
        for factor in factors:
            result = result * factor(boxes)
        for divisor in divisors:
            low, _, _ = absolute(numbers(divisor(boxes)))
            result = result / low
        return np.where(np.isnan(result), np.inf, result)

    return bound
