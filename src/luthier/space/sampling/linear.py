"""Linear form of comparisons in the unit cube, where they have one.

On linear scales ``2 * x + y <= 3`` is linear in the uniforms; on logarithmic scales ``C * gamma <= 10`` is, after
taking logarithms; so are bounds and order constraints on either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from luthier.space.constraint import Constraint
from luthier.space.expression import evaluate_one, functions, tree
from luthier.space.expression.tree import Node
from luthier.space.sampling.group import Group
from luthier.space.variables.number import Number

_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


@dataclass(frozen=True, slots=True)
class Linear:
    """A sum of coefficients times names, plus a constant."""

    weights: dict[str, float]
    constant: float

    def plus(self, other: Linear, factor: float = 1.0) -> Linear:
        """Add a multiple of another sum."""
        weights = dict(self.weights)
        for name, weight in other.weights.items():
            weights[name] = weights.get(name, 0.0) + factor * weight
        return Linear(weights, self.constant + factor * other.constant)

    def times(self, factor: float) -> Linear:
        """Multiply by a number."""
        return Linear({name: factor * weight for name, weight in self.weights.items()}, factor * self.constant)


@dataclass(frozen=True, slots=True)
class Relation:
    """``sum of weights[column] * uniforms[column] op bound`` with op one of < <= ==; no weight is zero."""

    weights: dict[int, float]
    op: str
    bound: float


def conjuncts(rules: Sequence[Constraint]) -> Iterator[Node]:
    """Yield the conditions that must all hold: constraints, the parts of ``and``, the links of chains."""
    waiting = [tree.straighten(rule.expression.root) for rule in reversed(rules) if rule.expression is not None]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tree.Both):
            waiting.extend(reversed(node.parts))
        elif isinstance(node, tree.Compare) and len(node.rest) > 1:
            nodes = [node.first, *(part for _, part in node.rest)]
            links = [tree.Compare(left, (link,)) for left, link in zip(nodes, node.rest, strict=False)]
            waiting.extend(reversed(links))
        else:
            yield node


def relations(group: Group, rules: Sequence[Constraint]) -> Iterator[Relation]:
    """Yield the conjuncts that are linear in the uniforms of continuous, always active numbers without a prior."""
    for node in conjuncts(rules):
        found = relation(group, node)
        if found is not None:
            yield found


def relation(group: Group, node: Node) -> Relation | None:
    """Return a condition as linear in the uniforms; None where it is not."""
    if not isinstance(node, tree.Compare) or len(node.rest) != 1 or node.rest[0][0] not in _MIRROR:
        return None
    op, right = node.rest[0]
    names = tree.names(node)
    numbers = {name: number for name in names if (number := _unconditional(group, name)) is not None}
    if not names or len(numbers) < len(names):
        return None
    for form, logarithmic in ((_sum, False), (_product, True)):
        if all(number.scale.log is logarithmic for number in numbers.values()):
            left_form, right_form = form(node.first), form(right)
            if left_form is not None and right_form is not None:
                return _in_cube(group, numbers, left_form.plus(right_form, -1.0), op, logarithmic)
    return None


def _unconditional(group: Group, name: str) -> Number | None:
    """Return a number that is linear, on its scale, in its uniform, and always active."""
    number = group.number(name)
    if number is None or number.prior is not None or number.count or group.part(name).when is not None:
        return None
    return number


def _in_cube(group: Group, numbers: Mapping[str, Number], form: Linear, op: str, logarithmic: bool) -> Relation:
    """Put ``low + u (high - low)`` in place of each name."""
    scale: Callable[[float], float] = math.log if logarithmic else float
    weights: dict[int, float] = {}
    bound = -form.constant
    for name, weight in form.weights.items():
        low, high = scale(numbers[name].smallest), scale(numbers[name].largest)
        bound -= weight * low
        if weight:
            weights[group.column(name)] = weight * (high - low)
    if op in (">", ">="):
        return Relation({column: -weight for column, weight in weights.items()}, _MIRROR[op], -bound)
    return Relation(weights, op, bound)


def _constant(node: Node) -> float | None:
    """Return the number that a node without names always is; None where it is not finite."""
    if tree.names(node):
        return None
    found = functions.number(evaluate_one.value(node)({}))
    return found if math.isfinite(found) else None


def _sum(node: Node) -> Linear | None:
    """Return a node as a weighted sum of names; None where it is not one."""
    constant = _constant(node)
    if constant is not None:
        return Linear({}, constant)
    match node:
        case tree.Name(name):
            return Linear({name: 1.0}, 0.0)
        case tree.Negative(operand):
            inside = _sum(operand)
            return None if inside is None else inside.times(-1.0)
        case tree.Call("sum", arguments) if len(arguments) > 1:
            return _added([(1.0, argument) for argument in arguments])
        case tree.Series(first, rest) if rest[0][0] in "+-":
            return _added([(1.0, first), *((1.0 if op == "+" else -1.0, part) for op, part in rest)])
        case tree.Series(first, rest):
            return _scaled(first, rest)
    return None


def _added(terms: list[tuple[float, Node]]) -> Linear | None:
    result = Linear({}, 0.0)
    for sign, term in terms:
        form = _sum(term)
        if form is None:
            return None
        result = result.plus(form, sign)
    return result


def _scaled(first: Node, rest: tuple[tuple[str, Node], ...]) -> Linear | None:
    """Return a product in which at most one factor is not constant; None for any other."""
    result = _sum(first)
    for op, part in rest:
        factor = _constant(part)
        if result is None or op not in "*/":
            return None
        if factor is not None:
            if op == "/" and factor == 0:
                return None
            result = result.times(factor if op == "*" else 1.0 / factor)
        elif op == "*" and not result.weights:
            inside = _sum(part)
            result = None if inside is None else inside.times(result.constant)
        else:
            return None
    return result


def _product(node: Node) -> Linear | None:
    """Return the logarithm of a product of powers of names, as a weighted sum of logarithms; None for any other."""
    constant = _constant(node)
    if constant is not None:
        return Linear({}, math.log(constant)) if constant > 0 else None
    match node:
        case tree.Name(name):
            return Linear({name: 1.0}, 0.0)
        case tree.Call("sqrt", (argument,)):
            inside = _product(argument)
            return None if inside is None else inside.times(0.5)
        case tree.Power(base, exponent):
            inside, power = _product(base), _constant(exponent)
            return None if inside is None or power is None else inside.times(power)
        case tree.Series(first, rest) if all(op in "*/" for op, _ in rest):
            result = _product(first)
            for op, part in rest:
                inside = _product(part)
                if result is None or inside is None:
                    return None
                result = result.plus(inside, 1.0 if op == "*" else -1.0)
            return result
    return None
