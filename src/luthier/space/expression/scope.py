"""Carrying an expression into an outer scope: the same tree with longer names."""

from __future__ import annotations

from luthier.space.expression import tree
from luthier.space.expression.tree import Node


def prefixed(node: Node, prefix: str) -> Node:
    """Put `prefix` before every name in a tree. Cost O(nodes)."""
    if not prefix:
        return node

    def again(part: Node) -> Node:
        return prefixed(part, prefix)

    match node:
        case tree.Name(name):
            return tree.Name(prefix + name)
        case tree.Literal():
            return node
        case tree.Items(items):
            return tree.Items(tuple(map(again, items)))
        case tree.Negative(operand):
            return tree.Negative(again(operand))
        case tree.Not(operand):
            return tree.Not(again(operand))
        case tree.Series(first, rest):
            return tree.Series(again(first), tuple((op, again(part)) for op, part in rest))
        case tree.Compare(first, rest):
            return tree.Compare(again(first), tuple((op, again(part)) for op, part in rest))
        case tree.Power(base, exponent):
            return tree.Power(again(base), again(exponent))
        case tree.Call(function, arguments):
            return tree.Call(function, tuple(map(again, arguments)))
        case tree.If(condition, then, otherwise):
            return tree.If(again(condition), again(then), again(otherwise))
        case tree.Both(parts):
            return tree.Both(tuple(map(again, parts)))
        case tree.Either(parts):
            return tree.Either(tuple(map(again, parts)))
