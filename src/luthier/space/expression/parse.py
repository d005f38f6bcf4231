"""Parser of expressions: an allow-list over Python's ``ast``.

Python's own parser reads the text; what is not on the list is refused, with the place and what is allowed instead.
Python never evaluates anything.
"""

from __future__ import annotations

import ast
import math
import warnings

from luthier.errors import InvalidExpression
from luthier.space.expression import backticks, evaluate_one, functions, tree
from luthier.space.expression.tree import Node

MAX_LENGTH = 4000
MAX_DEPTH = 40
MAX_NODES = 1000
MAX_EXPONENT = 100

_COMPARE = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_SUM: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-"}
_PRODUCT: dict[type[ast.operator], str] = {ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"}
_INACTIVE = "to say that a variable is inactive, write the opposite of its own condition: not (…)"
_ALLOWED = (
    "an expression is made of names, numbers, text, + - * / // % **, comparisons, in, and, or, not, "
    f"if-else and the functions {', '.join(functions.FUNCTIONS)}"
)
_REFUSED: dict[type[ast.AST], str] = {
    ast.Attribute: "a dot after a name is not allowed: put a name with a dot in backticks, as in `a.b`",
    ast.Subscript: "square brackets after a value are not allowed",
    ast.Lambda: "lambda is not allowed: put a variable of that name in backticks, as in `lambda`",
    ast.ListComp: "a comprehension is not allowed: spell the items out",
    ast.SetComp: "a comprehension is not allowed: spell the items out",
    ast.DictComp: "a comprehension is not allowed: spell the items out",
    ast.GeneratorExp: "a comprehension is not allowed: spell the items out",
    ast.NamedExpr: "':=' is not allowed: an expression sets nothing (write == to compare)",
    ast.JoinedStr: "an f-string is not allowed: write plain text",
    ast.Starred: "'*' before a value is not allowed",
    ast.Dict: "a dictionary is not allowed",
    ast.Await: "await is not allowed",
    ast.Yield: "yield is not allowed",
    ast.YieldFrom: "yield is not allowed",
}


def parse_tree(text: str) -> Node:
    """Parse `text` into a tree. Cost O(len(text)).

    Raises:
        InvalidExpression: with the place and what is allowed there.
    """
    if not isinstance(text, str):
        raise InvalidExpression(f"an expression is text, not a {type(text).__name__}: {text!r:.80}")
    if len(text) > MAX_LENGTH:
        raise InvalidExpression(f"this expression has {len(text)} characters; {MAX_LENGTH} are allowed: {text[:60]!r}…")
    source = backticks.read_backticks(text)
    if not source.python.strip():
        raise InvalidExpression("an expression is empty: write a condition such as 'a < b'")
    body = _python(source)
    return _Reader(source).condition(body, 0)


def _python(source: backticks.BacktickedText) -> ast.expr:
    """Parse with Python, and turn whatever it raises into an `InvalidExpression`."""
    text = source.python.lstrip()
    lead = len(source.python) - len(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown escape such as '\d' only warns
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        index = lead + max(0, (error.offset or 1) - 1)
        place = source.origin[min(index, len(source.origin) - 1)]
        raise source.error(f"cannot read this expression ({error.msg}); {_ALLOWED}", place) from None
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) if isinstance(error, ValueError) else "it is nested too deeply"
        raise source.error(f"cannot read this expression ({reason}); {_ALLOWED}", lead) from None


class _Reader:
    """Convert one ``ast``; holds the text for messages and counts nodes."""

    def __init__(self, source: backticks.BacktickedText) -> None:
        self.source = source
        self.lead = len(source.python) - len(source.python.lstrip())
        self.nodes = 0

    def error(self, message: str, node: ast.AST) -> InvalidExpression:
        return self.source.error(message, self.source.place(self.lead + getattr(node, "col_offset", 0)))

    def condition(self, node: ast.expr, depth: int) -> Node:
        """Convert a node where a truth value is needed."""
        result = self.value(node, depth)
        if isinstance(result, tree.Literal) and not isinstance(result.value, bool):
            raise self.error(
                f"{result.value!r} is not a condition: compare it, as in kernel in ({result.value!r}, …)",
                node,
            )
        if isinstance(result, (tree.Negative, tree.Series, tree.Power)):
            raise self.error("a number is not a condition: compare it with something, as in 'a + b > 0'", node)
        return result

    def value(self, node: ast.expr, depth: int) -> Node:
        """Convert any node."""
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise self.error(f"this expression is nested more than {MAX_DEPTH} deep", node)
        if self.nodes > MAX_NODES:
            raise self.error(f"this expression has more than {MAX_NODES} parts", node)
        match node:
            case ast.Name():
                return tree.Name(self.name(node))
            case ast.Constant():
                return self.constant(node)
            case ast.Tuple() | ast.List():
                return self.literal_tuple(node, depth)
            case ast.UnaryOp():
                return self.unary(node, depth)
            case ast.BinOp():
                return self.binary(node, depth)
            case ast.Compare():
                return self.compare(node, depth)
            case ast.BoolOp():
                parts = tuple(self.condition(part, depth + 1) for part in node.values)
                return tree.Both(parts) if isinstance(node.op, ast.And) else tree.Either(parts)
            case ast.IfExp():
                test = self.condition(node.test, depth + 1)
                return tree.If(test, self.value(node.body, depth + 1), self.value(node.orelse, depth + 1))
            case ast.Call():
                return self.call(node, depth)
        raise self.error(_REFUSED.get(type(node), f"{type(node).__name__} is not allowed") + f"; {_ALLOWED}", node)

    def name(self, node: ast.Name) -> str:
        # Taken from the text: ast normalises names, and a look-alike must not become another name.
        written = self.source.segment(self.lead + node.col_offset, self.lead + (node.end_col_offset or 0))
        return self.source.quoted.get(written, written)

    def constant(self, node: ast.Constant) -> Node:
        value = node.value
        if isinstance(value, complex) or value is Ellipsis or isinstance(value, bytes):
            raise self.error(f"{value!r} is not allowed; {_ALLOWED}", node)
        if isinstance(value, float) and not math.isfinite(value):
            raise self.error("this number is too large (numbers are doubles, up to 1.7e308)", node)
        if isinstance(value, int) and not _exact(value):
            raise self.error("this whole number is not exact as a double: write it as a float, such as 1e20", node)
        return tree.Literal(value)

    def literal_tuple(self, node: ast.Tuple | ast.List, depth: int) -> Node:
        items = [self.value(item, depth + 1) for item in node.elts]
        values = []
        for item, written in zip(items, node.elts, strict=True):
            if not isinstance(item, tree.Literal):
                raise self.error("a tuple here holds numbers and text only", written)
            values.append(item.value)
        return tree.Literal(tuple(values))

    def unary(self, node: ast.UnaryOp, depth: int) -> Node:
        if isinstance(node.op, ast.Not):
            return tree.Not(self.condition(node.operand, depth + 1))
        if isinstance(node.op, ast.Invert):
            raise self.error(f"~ is not allowed: write not; {_ALLOWED}", node)
        operand = self.operand(node.operand, depth + 1)
        if isinstance(node.op, ast.UAdd):
            return operand
        if isinstance(operand, tree.Literal) and type(operand.value) in (int, float) and not _signed(operand.value):
            return tree.Literal(-operand.value)  # type: ignore[operator]
        return tree.Negative(operand)

    def operand(self, node: ast.expr, depth: int) -> Node:
        """Convert an operand of arithmetic."""
        result = self.value(node, depth)
        if isinstance(result, tree.Literal) and not functions.is_number(result.value):
            raise self.error(f"{result.value!r} is not a number: it cannot be used in arithmetic", node)
        return result

    def binary(self, node: ast.BinOp, depth: int) -> Node:
        if isinstance(node.op, ast.Pow):
            return self.power(node, depth)
        group = _SUM if type(node.op) in _SUM else _PRODUCT
        if type(node.op) not in group:
            raise self.error(f"this operator is not allowed (for 'to the power of' write **); {_ALLOWED}", node)
        rest: list[tuple[str, Node]] = []
        current: ast.expr = node
        while isinstance(current, ast.BinOp) and type(current.op) in group:
            rest.append((group[type(current.op)], self.operand(current.right, depth + 1)))
            current = current.left
        return tree.Series(self.operand(current, depth + 1), tuple(reversed(rest)))

    def power(self, node: ast.BinOp, depth: int) -> Node:
        base, exponent = self.operand(node.left, depth + 1), self.operand(node.right, depth + 1)
        if not tree.names(exponent):
            size = functions.number(evaluate_one.value(exponent)({}))
            if not abs(size) <= MAX_EXPONENT:
                raise self.error(f"an exponent is at most {MAX_EXPONENT}, not {size:g}", node.right)
        return tree.Power(base, exponent)

    def compare(self, node: ast.Compare, depth: int) -> Node:
        rest: list[tuple[str, Node]] = []
        operators = [_COMPARE.get(type(op)) for op in node.ops]
        first = self.value(node.left, depth + 1)
        before, before_node = first, node.left
        for i, (operator, right_node) in enumerate(zip(operators, node.comparators, strict=True)):
            if operator is None:
                said = getattr(right_node, "id", getattr(right_node, "value", ""))
                hint = f" ({_INACTIVE})" if said in (None, "inactive", "active", "null", "nan") else ""
                raise self.error(f"'is' is not allowed: write == or !={hint}", right_node)
            if operator in ("in", "not in"):
                if len(operators) > 1:
                    raise self.error(f"'{operator}' cannot be part of a chain: join the comparisons by and", right_node)
                right = self.container(right_node, depth + 1)
            else:
                right = self.value(right_node, depth + 1)
            if operator in ("<", "<=", ">", ">="):
                self.orderable(before, before_node)
                self.orderable(right, right_node)
            if i == 0 and isinstance(first, tree.Literal) and isinstance(right, tree.Literal):
                raise self.error("both sides of this comparison are fixed: one should be a variable", node)
            rest.append((operator, right))
            before, before_node = right, right_node
        return tree.Compare(first, tuple(rest))

    def orderable(self, node: Node, written: ast.expr) -> None:
        if isinstance(node, tree.Literal) and (node.value is None or isinstance(node.value, tuple)):
            raise self.error(f"{node.value!r} has no order: compare it by == or !=", written)

    def container(self, node: ast.expr, depth: int) -> Node:
        match node:
            case ast.Tuple() | ast.List() | ast.Set():
                self.nodes += 1
                return tree.Items(tuple(self.value(item, depth + 1) for item in node.elts))
            case ast.Name():
                return self.value(node, depth)
        raise self.error(
            "right of 'in' stands a list of values, as in x in (1, 2), or a variable whose value is a tuple", node
        )

    def call(self, node: ast.Call, depth: int) -> Node:
        if not isinstance(node.func, ast.Name):
            raise self.error(f"only a named function can be called; {_ALLOWED}", node)
        name = self.name(node.func)
        if name.lower().strip("_") in ("active", "inactive", "is_active", "is_inactive", "isnull", "isna", "isnan"):
            raise self.error(f"there is no function {name!a}: {_INACTIVE}", node.func)
        if name not in functions.FUNCTIONS:
            raise self.error(
                f"there is no function {name!a}; the functions are {', '.join(functions.FUNCTIONS)}", node.func
            )
        if node.keywords:
            raise self.error(f"{name} takes no named arguments", node.keywords[0].value)
        written = node.args
        gathers = name in functions.GATHERING
        if gathers and len(written) == 1 and isinstance(written[0], (ast.Tuple, ast.List)):
            written = written[0].elts  # sum([a, b]) is sum(a, b)
        if not written or (len(written) > 1 and not gathers):
            raise self.error(
                f"{name} takes {'one or more arguments' if gathers else 'one argument'}, not {len(written)}", node
            )
        convert = self.value if name == "len" else self.operand
        return tree.Call(name, tuple(convert(argument, depth + 1) for argument in written))


def _exact(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _signed(value: object) -> bool:
    return isinstance(value, (int, float)) and math.copysign(1.0, value) < 0
