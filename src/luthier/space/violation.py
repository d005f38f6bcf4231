"""Measure by how much an expression is broken: zero where it is not, and smaller the nearer to that.

The measure only guides the search for the feasible set (`luthier.space.walk`); what is feasible is decided by the
expression itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from luthier.space.domain import Floats
from luthier.space.expression import Expression, scalar, tree, vector
from luthier.space.expression.scalar import Orders
from luthier.space.expression.tree import Node

Measure = Callable[[vector.Frame], Floats]
_MOST, _LEAST = 1e30, 1e-15
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "==", "in": "not in", "not in": "in"}


def violation(expression: Expression) -> Callable[[Mapping[str, Any], int], Floats]:
    """Compile an expression to a function of columns and their number of rows n, giving the measure (n,)."""
    measure = _measure(expression.root, True, expression.orders)

    def compute(columns: Mapping[str, Any], rows: int) -> Floats:
        with np.errstate(all="ignore"):
            return measure(vector.Frame(columns, rows))

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
    truth = vector.truth(node, orders)

    def measure(frame: vector.Frame) -> Floats:
        found = truth(frame)
        return (found.false if wanted else found.true).astype(np.float64)

    return measure


def _link(left_node: Node, op: str, right_node: Node, wanted: bool, orders: Orders) -> Measure:
    flat = _flat(tree.Compare(left_node, ((op, right_node),)), wanted, orders)
    needed = op if wanted else _OPPOSITE[op]
    if needed in ("in", "not in", "!=") or scalar.declared_order(left_node, right_node, orders) is not None:
        return flat
    left, right = vector.value(left_node, orders), vector.value(right_node, orders)

    def measure(frame: vector.Frame) -> Floats:
        a, b = left(frame), right(frame)
        if not (isinstance(a, vector.Numbers) and isinstance(b, vector.Numbers)):
            return flat(frame)
        gap = np.abs(a.array - b.array)
        gap = np.where(np.isnan(gap), _MOST, np.clip(gap, _LEAST, _MOST))
        if op in ("==", "!="):
            return np.where(flat(frame) > 0, gap, 0.0)
        holding = vector.ORDERED[op](a.array, b.array)
        failing = ~holding if wanted else holding
        for known in (a.known, b.known):
            if known is not None:
                failing = failing & known
        return np.where(failing, gap, 0.0)

    return measure
