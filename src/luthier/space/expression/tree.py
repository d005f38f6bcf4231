"""Nodes of the expression tree: twelve frozen classes, and what all of them share.

Chains of one precedence (``a + b - c``, ``a * b / c``) are one `Series`, so that a sum of a hundred variables is as
shallow as a sum of two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    """The value of a variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, True, False, None, or a tuple of such."""

    value: object


@dataclass(frozen=True, slots=True)
class Items:
    """The spelled-out right side of ``in``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negative:
    """``-operand``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Series:
    """``first op node op node …`` from left to right; the operators are all of ``+ -`` or all of ``* / // %``."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Power:
    """``base ** exponent``."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Call:
    """One of the functions of `luthier.space.expression.functions`."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class If:
    """``then if condition else otherwise``."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Compare:
    """``first op node op node …``: every neighbouring pair holds."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``not operand``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Both:
    """``part and part …`` (at least two)."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """``part or part …`` (at least two)."""

    parts: tuple[Node, ...]


Node = Name | Literal | Items | Negative | Series | Power | Call | If | Compare | Not | Both | Either
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "==", "in": "not in", "not in": "in"}
"""The operator that holds just where another does not, for numbers that are defined."""


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly under `node`."""
    match node:
        case Name() | Literal():
            return ()
        case Items(items):
            return items
        case Negative(operand) | Not(operand):
            return (operand,)
        case Series(first, rest) | Compare(first, rest):
            return (first, *(part for _, part in rest))
        case Power(base, exponent):
            return (base, exponent)
        case Call(_, arguments):
            return arguments
        case If(condition, then, otherwise):
            return (condition, then, otherwise)
        case Both(parts) | Either(parts):
            return parts


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything under it, parents first."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))


def names(node: Node) -> frozenset[str]:
    """Return the names of the variables that `node` reads."""
    return frozenset(part.name for part in walk(node) if isinstance(part, Name))


def straighten(node: Node) -> Node:
    """Push ``not`` inwards as far as it goes; the same condition for numbers that are defined."""
    match node:
        case Not(Not(operand)):
            return straighten(operand)
        case Not(Both(parts)):
            return Either(tuple(straighten(Not(part)) for part in parts))
        case Not(Either(parts)):
            return Both(tuple(straighten(Not(part)) for part in parts))
        case Not(Compare(first, ((op, right),))):
            return Compare(first, ((OPPOSITE[op], right),))
        case Both(parts):
            return Both(tuple(straighten(part) for part in parts))
        case Either(parts):
            return Either(tuple(straighten(part) for part in parts))
    return node


def prefixed(node: Node, prefix: str) -> Node:
    """Put `prefix` before every name in a tree. Cost O(nodes)."""
    if not prefix:
        return node

    def again(part: Node) -> Node:
        return prefixed(part, prefix)

    match node:
        case Name(name):
            return Name(prefix + name)
        case Literal():
            return node
        case Items(items):
            return Items(tuple(map(again, items)))
        case Negative(operand):
            return Negative(again(operand))
        case Not(operand):
            return Not(again(operand))
        case Series(first, rest):
            return Series(again(first), tuple((op, again(part)) for op, part in rest))
        case Compare(first, rest):
            return Compare(again(first), tuple((op, again(part)) for op, part in rest))
        case Power(base, exponent):
            return Power(again(base), again(exponent))
        case Call(function, arguments):
            return Call(function, tuple(map(again, arguments)))
        case If(condition, then, otherwise):
            return If(again(condition), again(then), again(otherwise))
        case Both(parts):
            return Both(tuple(map(again, parts)))
        case Either(parts):
            return Either(tuple(map(again, parts)))
