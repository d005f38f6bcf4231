"""Distance of points from keeping an expression: zero where it is not broken, positive elsewhere.

The measure only guides the search for the feasible set (`hit_and_run`); what is feasible is decided by the
expression itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from luthier._typing import Floats
from luthier.space.expression import Expression, evaluate_one, evaluate_rows, tree
from luthier.space.expression.evaluate_one import Orders
from luthier.space.expression.tree import Node

Measure = Callable[[evaluate_rows.RowFrame], Floats]
_MOST, _LEAST = 1e30, 1e-15


def violation(expression: Expression) -> Callable[[Mapping[str, Any], int], Floats]:
    """Compile an expression to a function of columns and their number of rows n, giving the measure (n,)."""
    measure = _measure(expression.root, True, expression.orders)

    def compute(columns: Mapping[str, Any], rows: int) -> Floats:
        with np.errstate(all="ignore"):
            return measure(evaluate_rows.RowFrame(columns, rows))

    return compute


def _measure(node: Node, wanted: bool, orders: Orders) -> Measure:
    """Compile the distance of `node` from being `wanted`."""
    match node:
        case tree.Not(operand):
            return _measure(operand, not wanted, orders)
        case tree.Both(parts) | tree.Either(parts):
            inside = [_measure(part, wanted, orders) for part in parts]
            together = np.add if isinstance(node, tree.Both) is wanted else np.minimum
            return lambda frame: together.reduce([part(frame) for part in inside])
        case tree.Compare(first, rest):
            nodes = [first, *(part for _, part in rest)]
            links = [_link(a, op, b, wanted, orders) for a, (op, b) in zip(nodes, rest, strict=False)]
            joined = np.add if wanted else np.minimum
            return lambda frame: joined.reduce([link(frame) for link in links])
    return _flat(node, wanted, orders)


def _flat(node: Node, wanted: bool, orders: Orders) -> Measure:
    """One where it is not as wanted."""
    truth = evaluate_rows.truth(node, orders)

    def measure(frame: evaluate_rows.RowFrame) -> Floats:
        found = truth(frame)
        return (found.false if wanted else found.true).astype(np.float64)

    return measure


def _link(left_node: Node, op: str, right_node: Node, wanted: bool, orders: Orders) -> Measure:
    flat = _flat(tree.Compare(left_node, ((op, right_node),)), wanted, orders)
    needed = op if wanted else tree.OPPOSITE[op]
    if needed in ("in", "not in", "!=") or evaluate_one.declared_order(left_node, right_node, orders) is not None:
        return flat
    left, right = evaluate_rows.value(left_node, orders), evaluate_rows.value(right_node, orders)

    def measure(frame: evaluate_rows.RowFrame) -> Floats:
        a, b = left(frame), right(frame)
        if not (isinstance(a, evaluate_rows.Numbers) and isinstance(b, evaluate_rows.Numbers)):
            return flat(frame)
        gap = np.abs(a.array - b.array)
        gap = np.where(np.isnan(gap), _MOST, np.clip(gap, _LEAST, _MOST))
        if op in ("==", "!="):
            return np.where(flat(frame) > 0, gap, 0.0)
        holding = evaluate_rows.ORDERED[op](a.array, b.array)
        failing = ~holding if wanted else holding
        for known in (a.known, b.known):
            if known is not None:
                failing = failing & known
        return np.where(failing, gap, 0.0)

    return measure
