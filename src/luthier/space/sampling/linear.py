"""Read a comparison as a linear one in the unit cube, where it is.

On linear scales ``2 * x + y <= 3`` is linear in the uniforms; on logarithmic scales ``C * gamma <= 10`` is, after
taking logarithms; so are bounds and order constraints on either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from luthier.space.expression import Expression, evaluate_one, functions, tree
from luthier.space.expression.tree import Node
from luthier.space.sampling.cube import UnitCube
from luthier.space.sampling.cube_variables import Constraint, CubeNumber, Domain

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


def conjuncts(constraints: Sequence[Constraint]) -> Iterator[Node]:
    """Give the conditions that must all hold: constraints, the parts of ``and``, the links of chains."""
    waiting = [
        tree.straighten(constraint.root) for constraint in reversed(constraints) if isinstance(constraint, Expression)
    ]
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


def relations(layout: UnitCube, constraints: Sequence[Constraint]) -> Iterator[tuple[Node, Relation]]:
    """Give those conjuncts that are linear in the uniforms of flat, continuous, always active numbers."""
    for node in conjuncts(constraints):
        found = relation(layout, node)
        if found is not None:
            yield node, found


def relation(layout: UnitCube, node: Node) -> Relation | None:
    """Read one condition as linear in the uniforms; None where it is not."""
    if not isinstance(node, tree.Compare) or len(node.rest) != 1 or node.rest[0][0] not in _MIRROR:
        return None
    op, right = node.rest[0]
    domains = {name: layout.domains[layout.owner[name]] for name in tree.names(node)}
    for form, logarithmic in ((_sum, False), (_product, True)):
        if not domains or not all(_fits(domain, logarithmic) for domain in domains.values()):
            continue
        left_form, right_form = form(node.first), form(right)
        if left_form is not None and right_form is not None:
            return _in_cube(layout, domains, left_form.plus(right_form, -1.0), op, logarithmic)
    return None


def _fits(domain: Domain, logarithmic: bool) -> bool:
    return (
        isinstance(domain, CubeNumber)
        and domain.flat
        and not domain.levels
        and domain.low < domain.high
        and domain.when is None
        and domain.log is logarithmic
    )


def _in_cube(layout: UnitCube, domains: Mapping[str, Domain], form: Linear, op: str, logarithmic: bool) -> Relation:
    """Put ``low + u (high - low)`` in place of each name."""
    scale: Callable[[float], float] = math.log if logarithmic else float
    weights: dict[int, float] = {}
    bound = -form.constant
    for name, weight in form.weights.items():
        domain = domains[name]
        assert isinstance(domain, CubeNumber)
        low, high = scale(domain.low), scale(domain.high)
        bound -= weight * low
        if weight:
            weights[layout.slices[layout.owner[name]].start] = weight * (high - low)
    if op in (">", ">="):
        return Relation({column: -weight for column, weight in weights.items()}, _MIRROR[op], -bound)
    return Relation(weights, op, bound)


def _constant(node: Node) -> float | None:
    """Give the number that a node without names always is."""
    if tree.names(node):
        return None
    found = functions.number(evaluate_one.value(node)({}))
    return found if math.isfinite(found) else None


def _sum(node: Node) -> Linear | None:
    """Read a node as a weighted sum of names."""
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
    """Read a product in which at most one factor is not constant."""
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
    """Read a node as a product of powers of names, as the sum of its logarithms."""
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
