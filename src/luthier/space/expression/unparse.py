"""Canonical text of an expression tree."""

from __future__ import annotations

from luthier.space.expression import tree
from luthier.space.expression.backticks import write_name
from luthier.space.expression.tree import Node

# How tightly a node binds, as in Python: a part is bracketed where it binds less tightly than its place requires.
_IF, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(10)


def unparse(node: Node) -> str:
    """Return the text of `node`; parsing it gives an equal tree."""
    return _write(node)[0]


def _part(node: Node, level: int) -> str:
    text, binding = _write(node)
    return text if binding >= level else f"({text})"


def _write(node: Node) -> tuple[str, int]:
    match node:
        case tree.Name(name):
            return write_name(name), _ATOM
        case tree.Literal(value):
            negative = type(value) in (int, float) and repr(value).startswith("-")
            return _literal(value), _SIGN if negative else _ATOM
        case tree.Items(items):
            return _tuple([_part(item, _IF) for item in items]), _ATOM
        case tree.Negative(operand):
            return "-" + _part(operand, _SIGN), _SIGN
        case tree.Series(first, rest):
            level = _SUM if rest[0][0] in "+-" else _PRODUCT
            return _part(first, level + 1) + "".join(f" {op} {_part(part, level + 1)}" for op, part in rest), level
        case tree.Power(base, exponent):
            return f"{_part(base, _ATOM)} ** {_part(exponent, _SIGN)}", _POWER
        case tree.Call(function, arguments):
            return f"{function}({', '.join(_part(argument, _IF) for argument in arguments)})", _ATOM
        case tree.If(condition, then, otherwise):
            return f"{_part(then, _OR)} if {_part(condition, _OR)} else {_part(otherwise, _IF)}", _IF
        case tree.Compare(first, rest):
            return _part(first, _SUM) + "".join(f" {op} {_part(part, _SUM)}" for op, part in rest), _COMPARE
        case tree.Not(operand):
            return f"not {_part(operand, _NOT)}", _NOT
        case tree.Both(parts):
            return " and ".join(_part(part, _NOT) for part in parts), _AND
        case tree.Either(parts):
            return " or ".join(_part(part, _AND) for part in parts), _OR


def _literal(value: object) -> str:
    if isinstance(value, tuple):
        return _tuple([_literal(item) for item in value])
    return repr(value)


def _tuple(items: list[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
