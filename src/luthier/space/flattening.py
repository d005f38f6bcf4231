"""Flat form of a space: nested spaces unfolded, conditions resolved, checked and put in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from luthier.errors import InvalidExpression, InvalidSpace
from luthier.space.conditions import Condition, check_expression, decision
from luthier.space.constraint import Constraint
from luthier.space.expression import Expression, parse, tree
from luthier.space.variables.base import Variable, same_value
from luthier.space.variables.categorical import Choice, Ordinal
from luthier.space.variables.declaration import Declaration
from luthier.space.variables.simplex import Simplex

_MOST = 256  # orders of names that are remembered


@dataclass(frozen=True, eq=False)
class FlatVariable:
    """One variable of a flat space.

    Args:
        name: its full name.
        variable: its domain.
        begin: its first column.
        when: the condition it is active on, the option that brings its nested space included; None for always.
    """

    name: str
    variable: Variable
    begin: int
    when: Condition | None
    end: int = field(init=False)
    """The column after its last."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", self.begin + self.variable.width)


@dataclass(frozen=True, eq=False)
class FlatSpace:
    """The variables and constraints of a flat space.

    Args:
        parts: the variables as declared, nested ones behind their choice.
        order: the same, each behind everything that its condition reads.
        rules: the constraints, those of nested spaces first.
        owners: the variable behind each name that expressions may use: itself, or the simplex of a share.
    """

    parts: tuple[FlatVariable, ...]
    order: tuple[FlatVariable, ...]
    rules: tuple[Constraint, ...]
    owners: Mapping[str, str]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the variables, in the order of the columns."""
        return tuple(part.name for part in self.parts)

    @cached_property
    def by_name(self) -> Mapping[str, FlatVariable]:
        """The parts by name."""
        return MappingProxyType({part.name: part for part in self.parts})

    @cached_property
    def variables(self) -> Mapping[str, Variable]:
        """The variables by name."""
        return MappingProxyType({part.name: part.variable for part in self.parts})

    @cached_property
    def _with_objects(self) -> tuple[tuple[str, Variable], ...]:
        return tuple((part.name, part.variable) for part in self.parts if part.variable.has_objects)

    @cached_property
    def _orders(self) -> set[tuple[str, ...]]:
        """The names of configurations that were found to be in order."""
        return set()

    @cached_property
    def shares(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the shares of each simplex, by its name."""
        found: dict[str, tuple[str, ...]] = {}
        for name, owner in self.owners.items():
            if name != owner:
                found[owner] = (*found.get(owner, ()), name)
        return MappingProxyType(found)

    def ordered(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration with variables, and the shares of a simplex, in the order in which they are declared.

        What a store gives back is in the order of the alphabet.
        """
        names = tuple(config)
        if names in self._orders:
            found = dict(config)
        else:
            found = {name: config[name] for name in self.names if name in config}
            found = found if len(found) == len(config) else found | dict(config)
            if tuple(found) == names and len(self._orders) < _MOST:
                self._orders.add(names)
        for name in self.shares:
            if name in found:
                found[name] = self.variables[name].realize(found[name])
        return found

    def realize(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of a configuration in order, with objects in place of their names where known."""
        found = self.ordered(config)
        for name, variable in self._with_objects:
            if name in found:
                found[name] = variable.realize(found[name])
        return found

    def deciding(self, names: Collection[str]) -> frozenset[str]:
        """Return the variables behind `names`, and those that decide whether these are active."""
        found: set[str] = set()
        waiting = [self.owners[name] for name in names]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                when = self.by_name[name].when
                waiting.extend(when.reads if when else ())
        return frozenset(found)

    def restricted(self, names: Collection[str], rules: Sequence[Constraint]) -> FlatSpace:
        """Return the space of some of the variables, with some of the constraints.

        Args:
            names: what is kept; with each variable also what its condition reads.
            rules: constraints that read only these.
        """
        kept = _placed([(part.name, part.variable, part.when) for part in self.parts if part.name in names])
        order = tuple(kept[part.name] for part in self.order if part.name in kept)
        owners = {name: owner for name, owner in self.owners.items() if owner in kept}
        return FlatSpace(tuple(kept.values()), order, tuple(rules), owners)

    def check_complete(self) -> None:
        """Refuse a constraint whose function is not available.

        Raises:
            InvalidSpace: names it.
        """
        for rule in self.rules:
            if rule.is_missing:
                raise rule.missing()


def flatten(declaration: Declaration) -> FlatSpace:
    """Check variables and constraints together and lay them out. Cost O(variables + reads).

    Raises:
        InvalidSpace: naming the variable or the constraint, and what is wrong with it.
    """
    roots: dict[str, tuple[Variable, tree.Node | None]] = {}
    rules: list[Constraint] = []
    _collect(declaration.variables, None, "", roots, rules)
    known = {name: variable for name, (variable, _) in roots.items()}
    owners = _owners(known)
    orders = {name: variable.options for name, variable in known.items() if isinstance(variable, Ordinal)}
    conditions: dict[str, Condition] = {}
    for name, (_, root) in roots.items():
        if root is not None:
            expression = Expression(root, orders)
            check_expression(expression, owners, known, f"the condition of {name!r}")
            conditions[name] = Condition(expression, owners, known)
    order = _sorted(tuple(known), conditions)
    parts = _placed([(name, variable, conditions.get(name)) for name, variable in known.items()])
    rules += declaration.require
    for place, rule in enumerate(rules):
        if rule.expression is not None:
            check_expression(rule.expression, owners, known, f"the constraint {rule.text!r}")
            expression = rule.expression.ordered(orders)
            rules[place] = replace(rule, expression=expression, test=decision(expression, known))
    return FlatSpace(tuple(parts.values()), tuple(parts[name] for name in order), tuple(rules), owners)


def _placed(given: Sequence[tuple[str, Variable, Condition | None]]) -> dict[str, FlatVariable]:
    """Assign columns to variables, one variable behind the other."""
    parts: dict[str, FlatVariable] = {}
    begin = 0
    for name, variable, when in given:
        parts[name] = FlatVariable(name, variable, begin, when)
        begin += variable.width
    return parts


def _collect(
    variables: Mapping[str, Variable],
    gate: tree.Node | None,
    prefix: str,
    roots: dict[str, tuple[Variable, tree.Node | None]],
    rules: list[Constraint],
) -> None:
    """Add variables, and those nested in them, under their full names, with the trees of their conditions."""
    for name, variable in variables.items():
        full = prefix + name
        if full in roots:
            raise InvalidSpace(
                f"two variables are called {full!r}: one of them is nested in a choice; rename the other"
            )
        root = gate
        if variable.when is not None:
            own = tree.prefixed(_parse(variable.when, full).root, prefix)
            root = own if gate is None else tree.Both((gate, own))
        roots[full] = (variable, root)
        if isinstance(variable, Choice):
            for option, inner in variable.nested:
                inside = f"{full}.{option}."
                chosen = tree.Compare(tree.Name(full), (("==", tree.Literal(option)),))
                _collect(inner.variables, chosen, inside, roots, rules)
                rules += [rule.nested(inside, chosen) for rule in inner.require]


def nest(variables: Mapping[str, Variable], params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return parameters with the variables of a chosen option inside it: ``{"model": {"svm": {"C": 1.0}}}``.

    Args:
        variables: as declared, nested ones inside their options.
        params: by full names; inactive variables are left out.
        prefix: what precedes the names of `variables` in the full names.
    """
    found = {}
    for name, variable in variables.items():
        full = prefix + name
        if full in params:
            found[name] = params[full]
            for option, inner in variable.nested if isinstance(variable, Choice) else ():
                if same_value(option, variable.plain(params[full])):
                    found[name] = {option: nest(inner.variables, params, f"{full}.{option}.")}
    return found


def _parse(when: str, name: str) -> Expression:
    try:
        return parse(when)
    except InvalidExpression as error:
        raise InvalidExpression(f"the condition of {name!r}: {error}") from None


def _owners(known: Mapping[str, Variable]) -> dict[str, str]:
    """Map each name that expressions may use to its variable."""
    owners = {name: name for name in known}
    for name, variable in known.items():
        if isinstance(variable, Simplex):
            for part in variable.parts:
                share = f"{name}.{part}"
                if share in known:
                    raise InvalidSpace(f"the variable {share!r} has the name of a share of the simplex {name!r}")
                owners[share] = name
    return owners


def _sorted(names: tuple[str, ...], conditions: Mapping[str, Condition]) -> list[str]:
    """Put each name behind what its condition reads, in order of their names; in declared order otherwise.

    Without recursion, as chains of conditions may be long.
    """
    done: dict[str, None] = {}
    for name in names:
        reads: dict[str, list[str]] = {}  # what is still to be added before each name on the stack
        stack = [name]
        while stack:
            top = stack[-1]
            if top not in reads:
                condition = conditions.get(top)
                reads[top] = list(reversed(condition.reads)) if condition else []
            if top in done or not reads[top]:
                done[top] = None
                stack.pop()
                continue
            read = reads[top].pop()
            if read in stack:
                circle = [*stack[stack.index(read) :], read]
                raise InvalidSpace(f"cyclic condition: {' needs '.join(map(repr, circle))}")
            if read not in done:
                stack.append(read)
    return list(done)
