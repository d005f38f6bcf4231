"""Evaluation of an expression on n rows at once: columns of values in, n truth values out.

Trees are compiled to closures over numpy arrays. Numbers travel as (array, known) where `known` is None when every row
is; what is not a number travels as `Coded`: a short table of levels and a code per row, on which the closures of
`evaluate_one` decide level by level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Bools, Floats
from luthier.space.expression import evaluate_one, functions, tree
from luthier.space.expression.evaluate_one import INACTIVE, Orders
from luthier.space.expression.functions import ARITHMETIC, GATHERING, UNARY
from luthier.space.expression.tree import Node


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column of values as codes into a table.

    Args:
        codes: shape (n,), index into `levels`; -1 where the variable is inactive.
        levels: the distinct values.
    """

    codes: NDArray[np.int64]
    levels: tuple[Any, ...]

    @classmethod
    def of(cls, column: NDArray[np.object_], undefined: bool = False) -> Coded:
        """Code a column of values; INACTIVE is inactive, and so is NaN, or with `undefined` a number. Cost O(n)."""
        places: dict[Any, int] = {}
        levels: list[Any] = []
        codes = np.empty(len(column), dtype=np.int64)
        for row, item in enumerate(column):
            if item is INACTIVE or (item != item and not undefined):
                codes[row] = -1
                continue
            mark: Any = (type(item), item) if not isinstance(item, (list, dict)) else row  # 1 and True stay apart
            if item != item:
                mark = math.nan  # one and the same object
            place = places.setdefault(mark, len(levels))
            if place == len(levels):
                levels.append(item)
            codes[row] = place
        return cls(codes, tuple(levels))

    def take(self, table: NDArray[Any]) -> NDArray[Any]:
        """Look up one entry a row in a table with one entry a level (any entry where inactive)."""
        if len(table) == 0:
            return np.zeros(len(self.codes), dtype=table.dtype)
        return table[np.maximum(self.codes, 0)]

    def numbers(self) -> Numbers:
        """Return the levels as numbers."""
        table = np.array([functions.number(level) for level in self.levels], dtype=np.float64)
        return Numbers(self.take(table), self.codes >= 0)

    def objects(self) -> list[Any]:
        """Return the value of each row."""
        return [self.levels[code] if code >= 0 else INACTIVE for code in self.codes.tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A column of numbers, shape (n,), or one number for all rows, and where it is known (None: everywhere)."""

    array: Floats
    known: Bools | None

    def objects(self) -> list[Any]:
        """Return the value of each row."""
        known = np.ones(len(self.array), dtype=bool) if self.known is None else self.known
        return [item if sure else INACTIVE for item, sure in zip(self.array.tolist(), known.tolist(), strict=True)]


Operand = Numbers | Coded
Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class RowFrame:
    """The columns of one evaluation and their number of rows."""

    columns: Columns
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Kleene truth of n rows: where it is true, where it is false; unknown elsewhere."""

    true: Bools
    false: Bools


Value = Callable[[RowFrame], Operand]
Truth = Callable[[RowFrame], Verdict]


def _known(*parts: Bools | None) -> Bools | None:
    result: Bools | None = None
    for part in parts:
        if part is not None:
            result = part if result is None else result & part
    return result


def numbers(operand: Operand) -> Numbers:
    """Return an operand as numbers."""
    return operand.numbers() if isinstance(operand, Coded) else operand


def truth(node: Node, orders: Orders) -> Truth:
    """Compile `node` as a condition."""
    match node:
        case tree.Compare(first, rest):
            nodes = [first, *(part for _, part in rest)]
            links = [_link(left, op, right, orders) for left, (op, right) in zip(nodes, rest, strict=False)]
            return links[0] if len(links) == 1 else _both(links)
        case tree.Not(operand):
            return _not(truth(operand, orders))
        case tree.Both(parts):
            return _both([truth(part, orders) for part in parts])
        case tree.Either(parts):
            return _not(_both([_not(truth(part, orders)) for part in parts]))
    inside = value(node, orders)

    def holds(frame: RowFrame) -> Verdict:
        found = inside(frame)
        if isinstance(found, Coded):
            return _lookup(found, [evaluate_one.truthy(level) for level in found.levels])
        return _verdict((found.array != 0) & ~np.isnan(found.array), found.known)

    return holds


def _verdict(true: Bools, known: Bools | None) -> Verdict:
    return Verdict(true, ~true) if known is None else Verdict(true & known, ~true & known)


def _lookup(coded: Coded, answers: list[bool | None]) -> Verdict:
    """Spread the answer for each level over the rows."""
    true = np.array([answer is True for answer in answers], dtype=bool)
    false = np.array([answer is False for answer in answers], dtype=bool)
    known = coded.codes >= 0
    return Verdict(coded.take(true) & known, coded.take(false) & known)


def _not(inside: Truth) -> Truth:
    def holds(frame: RowFrame) -> Verdict:
        found = inside(frame)
        return Verdict(found.false, found.true)

    return holds


def _both(parts: list[Truth]) -> Truth:
    def holds(frame: RowFrame) -> Verdict:
        result = parts[0](frame)
        for part in parts[1:]:
            found = part(frame)
            result = Verdict(result.true & found.true, result.false | found.false)
        return result

    return holds


# --- values --------------------------------------------------------------------------------------


def value(node: Node, orders: Orders) -> Value:
    """Compile `node` as a value."""
    match node:
        case tree.Name(name):
            return lambda frame: _column(frame, name)
        case tree.Literal(constant):
            return _constant(constant)
        case tree.Negative(operand):
            return _series(np.negative, [value(operand, orders)])
        case tree.Series(first, rest):
            return _chain(value(first, orders), [(ARITHMETIC[op], value(part, orders)) for op, part in rest])
        case tree.Power(base, tree.Literal(2)):
            return _series(np.square, [value(base, orders)])
        case tree.Power(base, exponent):
            return _series(np.power, [value(base, orders), value(exponent, orders)])
        case tree.Call(function, arguments):
            return _call(function, [value(argument, orders) for argument in arguments])
        case tree.If(condition, then, otherwise):
            return _if(truth(condition, orders), value(then, orders), value(otherwise, orders))
    decide = truth(node, orders)

    def as_number(frame: RowFrame) -> Operand:
        found = decide(frame)
        return Numbers(found.true.astype(np.float64), found.true | found.false)

    return as_number


def _column(frame: RowFrame, name: str) -> Operand:
    column = frame.columns.get(name)
    if column is None:
        return Numbers(np.full(frame.rows, np.nan), np.zeros(frame.rows, dtype=bool))
    if isinstance(column, Coded):
        return column
    if column.dtype == object:
        return Coded.of(column)
    array = np.ascontiguousarray(column, dtype=np.float64)
    missing = np.isnan(array)
    return Numbers(array, ~missing if missing.any() else None)


def _constant(constant: Any) -> Value:
    if functions.is_number(constant):
        return lambda frame: Numbers(np.full(frame.rows, float(constant)), None)
    return lambda frame: Coded(np.zeros(frame.rows, dtype=np.int64), (constant,))


def _series(ufunc: np.ufunc, parts: list[Value]) -> Value:
    def compute(frame: RowFrame) -> Operand:
        found = [numbers(part(frame)) for part in parts]
        return Numbers(ufunc(*(part.array for part in found)), _known(*(part.known for part in found)))

    return compute


def _chain(first: Value, rest: list[tuple[np.ufunc, Value]]) -> Value:
    def compute(frame: RowFrame) -> Operand:
        found = numbers(first(frame))
        result, known = found.array, found.known
        for ufunc, part in rest:
            found = numbers(part(frame))
            result, known = ufunc(result, found.array), _known(known, found.known)
        return Numbers(result, known)

    return compute


def _call(function: str, arguments: list[Value]) -> Value:
    if function in UNARY:
        return _series(UNARY[function], arguments)
    if len(arguments) > 1:
        return _chain(arguments[0], [(GATHERING[function], argument) for argument in arguments[1:]])
    inside = arguments[0]

    def compute(frame: RowFrame) -> Operand:
        found = inside(frame)
        if isinstance(found, Coded):
            table = np.array([evaluate_one.of_one(function, level) for level in found.levels], dtype=np.float64)
            return Numbers(found.take(table), found.codes >= 0)
        return Numbers(np.full(frame.rows, np.nan), found.known) if function == "len" else found

    return compute


def _if(condition: Truth, then: Value, otherwise: Value) -> Value:
    def choose(frame: RowFrame) -> Operand:
        test, left, right = condition(frame), then(frame), otherwise(frame)
        if isinstance(left, Numbers) and isinstance(right, Numbers):
            left_known = test.true if left.known is None else test.true & left.known
            right_known = test.false if right.known is None else test.false & right.known
            return Numbers(np.where(test.true, left.array, right.array), left_known | right_known)
        column = np.full(frame.rows, INACTIVE, dtype=object)
        rows = zip(test.true.tolist(), test.false.tolist(), left.objects(), right.objects(), strict=True)
        for row, (true, false, a, b) in enumerate(rows):
            if true or false:
                column[row] = a if true else b
        return Coded.of(column, undefined=True)

    return choose


# --- comparisons ---------------------------------------------------------------------------------


def _link(left_node: Node, op: str, right_node: Node, orders: Orders) -> Truth:
    if op in ("in", "not in"):
        inside = _member(left_node, right_node, orders)
        return inside if op == "in" else _not(inside)
    left, right = value(left_node, orders), value(right_node, orders)
    if op in ("==", "!="):
        return _equality(op, left, right, magnitude(left_node), magnitude(right_node))
    order = evaluate_one.declared_order(left_node, right_node, orders)
    fixed = right_node.value if isinstance(right_node, tree.Literal) else None
    lead = left_node.value if isinstance(left_node, tree.Literal) else None

    def decide(a: Any, b: Any) -> bool:
        if order is not None:
            a, b = evaluate_one.rank(a, order), evaluate_one.rank(b, order)
        return evaluate_one.ordered(op, a, b)

    def holds(frame: RowFrame) -> Verdict:
        a, b = left(frame), right(frame)
        if isinstance(a, Coded) and fixed is not None:
            return _lookup(a, [decide(level, fixed) for level in a.levels])
        if isinstance(b, Coded) and lead is not None:
            return _lookup(b, [decide(lead, level) for level in b.levels])
        if isinstance(a, Numbers) and isinstance(b, Numbers) and order is None:
            return _verdict(ORDERED[op](a.array, b.array), _known(a.known, b.known))
        return _by_row(a, b, decide)

    return holds


ORDERED: dict[str, np.ufunc] = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}


def _by_row(a: Operand, b: Operand, decide: Callable[[Any, Any], bool | None]) -> Verdict:
    """Decide row by row, each pair of values once."""
    true = np.zeros(len(a.objects()), dtype=bool)
    false = true.copy()
    for row, (x, y) in enumerate(zip(a.objects(), b.objects(), strict=True)):
        if x is INACTIVE or y is INACTIVE:
            continue
        answer = decide(x, y)
        true[row], false[row] = answer is True, answer is False
    return Verdict(true, false)


def _equality(op: str, left: Value, right: Value, left_size: Value, right_size: Value) -> Truth:
    same = op == "=="

    def decide(a: Any, b: Any) -> bool:
        return evaluate_one.equal(a, b) is same and a == a and b == b

    def compared(a: Numbers, b: Numbers, scale: Floats) -> Verdict:
        """Compare numbers; undefined ones neither equal anything nor differ from it."""
        equal = functions.equal_arrays(a.array, b.array, scale)
        defined = ~(np.isnan(a.array) | np.isnan(b.array))
        return _verdict((equal if same else ~equal) & defined, _known(a.known, b.known))

    def holds(frame: RowFrame) -> Verdict:
        a, b = left(frame), right(frame)
        if isinstance(a, Numbers) and isinstance(b, Numbers):
            return compared(a, b, numbers(left_size(frame)).array + numbers(right_size(frame)).array)
        for one, other in ((a, b), (b, a)):
            if isinstance(one, Coded) and isinstance(other, Coded) and len(other.levels) == 1 and all(other.codes == 0):
                return _lookup(one, [decide(level, other.levels[0]) for level in one.levels])
        return _numeric_equality(a, b, frame) or _by_row(a, b, decide)

    def _numeric_equality(a: Operand, b: Operand, frame: RowFrame) -> Verdict | None:
        """Compare a coded column of nothing but numbers as numbers."""
        for side in (a, b):
            if isinstance(side, Coded) and not all(functions.is_number(level) for level in side.levels):
                return None
        x, y = numbers(a), numbers(b)
        scale = numbers(left_size(frame)).array + numbers(right_size(frame)).array
        return compared(x, y, scale)

    return holds


def _member(left_node: Node, right_node: Node, orders: Orders) -> Truth:
    left = value(left_node, orders)
    if isinstance(right_node, tree.Items):
        nodes = right_node.items
        if all(isinstance(item, tree.Literal) for item in nodes):
            fixed = tuple(item.value for item in nodes if isinstance(item, tree.Literal))
            return _in_fixed(left, fixed)
        links = [_equality("==", left, value(item, orders), _size(left), _size(value(item, orders))) for item in nodes]
        return _not(_both([_not(link) for link in links]))
    right = value(right_node, orders)
    return lambda frame: _by_row(left(frame), right(frame), evaluate_one.member)


def _in_fixed(left: Value, fixed: tuple[Any, ...]) -> Truth:
    def holds(frame: RowFrame) -> Verdict:
        found = left(frame)
        if isinstance(found, Coded):
            return _lookup(found, [evaluate_one.member(level, fixed) for level in found.levels])
        true = np.zeros(frame.rows, dtype=bool)
        for item in fixed:
            if functions.is_number(item):
                number = float(item)
                true |= functions.equal_arrays(
                    found.array, np.full(frame.rows, number), np.abs(found.array) + abs(number)
                )
        return _verdict(true, found.known)

    return holds


def _size(inside: Value) -> Value:
    return lambda frame: Numbers(np.abs(numbers(inside(frame)).array), None)


def magnitude(node: Node) -> Value:
    """Compile the size of the terms of a number; see `evaluate_one.magnitude`."""
    match node:
        case tree.Negative(operand):
            return magnitude(operand)
        case tree.Series(first, rest) if rest[0][0] in "+-":
            return _chain(magnitude(first), [(np.add, magnitude(part)) for _, part in rest])
        case tree.Series(first, rest) if all(op in "*/" for op, _ in rest):
            return _chain(magnitude(first), [(ARITHMETIC[op], magnitude(part)) for op, part in rest])
    return _size(value(node, {}))
