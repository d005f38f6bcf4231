"""Expressions of conditions and constraints, such as ``kernel != 'poly' or C * gamma <= 10``.

`parse` reads a text into an `Expression` by an allow-list over Python's ``ast`` (nothing is ever given to ``eval``).
Truth is Kleene's three-valued: a comparison with an inactive variable is unknown, ``and``, ``or`` and ``not`` follow.
Numbers are doubles. ``==`` between numbers allows a relative difference of 1e-9 of the terms they are made of, so that
``x + y + z == 1`` can be kept by rounded floats; whole numbers are compared exactly. A comparison with an undefined
number (``0 / 0``, ``log(-1)``) is false, whatever its operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.errors import InvalidExpression
from luthier.space.expression import evaluate_boxes, evaluate_one, evaluate_rows, tree
from luthier.space.expression.backticks import write_name
from luthier.space.expression.evaluate_one import INACTIVE
from luthier.space.expression.evaluate_rows import Coded
from luthier.space.expression.functions import FUNCTIONS, TOLERANCE
from luthier.space.expression.interval_arithmetic import Operand
from luthier.space.expression.parse import MAX_DEPTH, MAX_EXPONENT, MAX_LENGTH, MAX_NODES, parse_tree
from luthier.space.expression.unparse import unparse

__all__ = [
    "FUNCTIONS",
    "INACTIVE",
    "MAX_DEPTH",
    "MAX_EXPONENT",
    "MAX_LENGTH",
    "MAX_NODES",
    "TOLERANCE",
    "Coded",
    "Expression",
    "parse",
    "write_name",
]


class Expression:
    """A condition over variables. Frozen; equal when the canonical texts and declared orders are.

    Args:
        root: its tree.
        orders: for ordinal variables, their options in ascending order: ``size < 'large'`` follows it.

    Example:
        >>> parse("C*gamma<=10").text
        'C * gamma <= 10'
        >>> parse("kernel == 'poly' and degree > 2").evaluate_one({"kernel": "rbf"})
        False
    """

    def __init__(self, root: tree.Node, orders: Mapping[str, tuple[Any, ...]] | None = None) -> None:
        self.root = root
        self.text = unparse(root)
        self.names = tree.names(root)
        self._orders = {name: tuple(order) for name, order in (orders or {}).items() if name in self.names}
        self._one = evaluate_one.truth(root, self._orders)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text and self._orders == other._orders

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"parse({self.text!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Expression, (self.root, self._orders)

    @property
    def orders(self) -> Mapping[str, tuple[Any, ...]]:
        """The declared orders of ordinal variables that this expression reads."""
        return self._orders

    def ordered(self, orders: Mapping[str, tuple[Any, ...]]) -> Expression:
        """Return the same expression with < <= > >= on the named variables following the declared order of options."""
        return Expression(self.root, orders)

    @cached_property
    def _many(self) -> evaluate_rows.Truth:
        return evaluate_rows.truth(self.root, self._orders)

    @cached_property
    def _boxes(self) -> evaluate_boxes.Truth:
        return evaluate_boxes.possible(self.root, self._orders)

    def possible(self, boxes: Mapping[str, Operand]) -> evaluate_boxes.Possible:
        """Return for n boxes whether the expression may be true, false or unknown somewhere inside. Cost O(n) per node.

        Args:
            boxes: for each variable its ranges or options, one per box.
        """
        with np.errstate(all="ignore"):
            return self._boxes(boxes)

    def evaluate(self, values: Mapping[str, Any], rows: int | None = None) -> NDArray[np.int8]:
        """Decide n rows at once. Cost O(n) per node.

        Args:
            values: for each variable a float array (n,) with NaN where inactive, an object array (n,) with
                `INACTIVE` where inactive, or a `Coded` column; a name that is missing is inactive in every row.
            rows: n, needed only when no column is given.

        Returns:
            shape (n,): 1 where true, 0 where false, -1 where unknown.
        """
        verdict = self._verdict(values, rows)
        result = verdict.true.astype(np.int8)
        result[~(verdict.true | verdict.false)] = -1
        return result

    def holds(self, values: Mapping[str, Any], rows: int | None = None) -> NDArray[np.bool_]:
        """Return in which of n rows the expression is definitely true (the meaning of ``when``)."""
        return self._verdict(values, rows).true

    def broken(self, values: Mapping[str, Any], rows: int | None = None) -> NDArray[np.bool_]:
        """Return in which of n rows the expression is definitely false (the meaning of ``require``)."""
        return self._verdict(values, rows).false

    def evaluate_one(self, config: Mapping[str, Any]) -> bool | None:
        """Decide one configuration of plain values; names that are missing are inactive. Agrees with `evaluate`."""
        return self._one(config)

    def _verdict(self, values: Mapping[str, Any], rows: int | None) -> evaluate_rows.Verdict:
        if rows is None:
            columns = [values[name] for name in self.names if name in values] or list(values.values())[:1]
            first = columns[0] if columns else ()
            rows = len(first.codes) if isinstance(first, Coded) else len(first)
        with np.errstate(all="ignore"):
            return self._many(evaluate_rows.RowFrame(values, rows))


@lru_cache(maxsize=4096)
def _parse(text: str) -> Expression:
    expression = Expression(parse_tree(text))
    if not expression.names:
        raise InvalidExpression(f"the expression {text!r:.80} reads no variable: it is the same everywhere")
    if len(expression.text) > MAX_LENGTH:
        raise InvalidExpression(
            f"this expression has {len(expression.text)} characters when written out; {MAX_LENGTH} are allowed: "
            f"{text[:60]!r}…"
        )
    return expression


def parse(text: str) -> Expression:
    """Parse a condition or constraint.

    Args:
        text: at most 4000 characters; a name that is not an identifier, or is a keyword, stands in backticks.

    Raises:
        InvalidExpression: points at the place and says what is allowed.
    """
    return _parse(text) if isinstance(text, str) else Expression(parse_tree(text))
