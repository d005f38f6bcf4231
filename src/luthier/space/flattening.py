"""The flat list of a space's variables: nested spaces unfolded, conditions resolved, checked and put in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.errors import InvalidExpression, InvalidSpace
from luthier.space.conditions import Condition, Constraint, check_names, check_values
from luthier.space.expression import Expression, parse, tree
from luthier.space.expression.scope import prefixed
from luthier.space.variables.base import Variable, check_text
from luthier.space.variables.categorical import Choice, Named, Ordinal
from luthier.space.variables.combinatorial import Simplex

Require = str | Callable[..., Any] | Named


@dataclass(frozen=True, eq=False)
class FlatVariable:
    """One variable of a flat space.

    Args:
        name: its full name.
        variable: its domain.
        begin: its first column.
        when: the condition it is active on, the option that its nested space belongs to included; None for always.
    """

    name: str
    variable: Variable
    begin: int
    when: Condition | None

    @property
    def end(self) -> int:
        """The column after its last."""
        return self.begin + self.variable.width


@dataclass(frozen=True, eq=False)
class FlatSpace:
    """The variables and constraints of a flat space.

    Args:
        parts: the variables as declared, nested ones behind their choice.
        order: the same, each behind all that its condition reads.
        rules: the constraints, those of nested spaces first.
    """

    parts: tuple[FlatVariable, ...]
    order: tuple[FlatVariable, ...]
    rules: tuple[Constraint, ...]


def flatten(variables: Mapping[str, Variable], require: Sequence[Require | Constraint]) -> FlatSpace:
    """Check a space's variables and constraints and lay them out.

    Raises:
        InvalidSpace: naming the variable or the constraint, and what is wrong with it.
    """
    roots: dict[str, tuple[Variable, tree.Node | None]] = {}
    rules: list[Constraint] = []
    _collect(variables, None, "", roots, rules)
    known = {name: variable for name, (variable, _) in roots.items()}
    owners = _owners(known)
    orders = {name: variable.options for name, variable in known.items() if isinstance(variable, Ordinal)}
    conditions: dict[str, Condition] = {}
    for name, (_, root) in roots.items():
        if root is not None:
            expression = Expression(root, orders)
            _check(expression, owners, known, f"the condition of {name!r}")
            conditions[name] = Condition(expression, owners, known)
    order = _sorted(tuple(known), conditions)
    parts: dict[str, FlatVariable] = {}
    begin = 0
    for name, variable in known.items():
        parts[name] = FlatVariable(name, variable, begin, conditions.get(name))
        begin += variable.width
    rules += [_rule(given, place) for place, given in enumerate(require, 1)]
    for place, rule in enumerate(rules):
        if rule.expression is not None:
            _check(rule.expression, owners, known, f"the constraint {rule.text!r}")
            rules[place] = rule.compiled(rule.expression.ordered(orders), known)
    return FlatSpace(tuple(parts.values()), tuple(parts[name] for name in order), tuple(rules))


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
            own = prefixed(_parse(variable.when, f"the condition of {full!r}").root, prefix)
            root = own if gate is None else tree.Both((gate, own))
        roots[full] = (variable, root)
        if isinstance(variable, Choice):
            for option, space in variable.nested:
                inner = f"{full}.{option}."
                chosen = tree.Compare(tree.Name(full), (("==", tree.Literal(option)),))
                _collect(space.given, chosen, inner, roots, rules)
                rules += [rule.inside(inner, chosen) for rule in space.own_rules]


def _parse(text: str, where: str) -> Expression:
    try:
        return parse(text)
    except InvalidExpression as error:
        raise InvalidExpression(f"{where}: {error}") from None


def _rule(given: Require | Constraint, place: int) -> Constraint:
    """Turn one entry of `require` into a rule."""
    if isinstance(given, Constraint):
        return given
    if isinstance(given, str):
        return Constraint(_parse(given, f"constraint {place}"))
    if isinstance(given, Named) and callable(given.object):
        return Constraint(None, given.name, given.object)
    if callable(given):
        name = getattr(given, "__qualname__", None)
        if not isinstance(name, str):
            raise InvalidSpace(
                f"constraint {place}, {given!r}, has no name to write down: give it one, as in "
                "lt.Named('name', function)"
            )
        return Constraint(None, name, given)
    raise InvalidSpace(f"constraint {place} is an expression in text or a function of the parameters, not {given!r}")


def _check(expression: Expression, owners: Mapping[str, str], known: Mapping[str, Variable], where: str) -> None:
    check_names(expression, owners, where)
    check_values(expression, known, where)


def _owners(known: Mapping[str, Variable]) -> dict[str, str]:
    """Map each name that expressions may use to its variable: itself, and the shares of a simplex."""
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
    """Put each name behind what its condition reads; in declared order otherwise. Cost O(variables + reads)."""
    place = {name: index for index, name in enumerate(names)}
    done: dict[str, None] = {}
    for name in names:
        path: dict[str, list[str]] = {}
        _visit(name, conditions, place, done, path)
    return list(done)


def _visit(
    name: str,
    conditions: Mapping[str, Condition],
    place: Mapping[str, int],
    done: dict[str, None],
    path: dict[str, list[str]],
) -> None:
    """Add `name` behind what it needs, without recursion (chains may be long); `path` holds what is being added."""
    stack = [name]
    while stack:
        top = stack[-1]
        if top in done:
            stack.pop()
            continue
        if top not in path:
            condition = conditions.get(top)
            path[top] = sorted(condition.reads, key=place.__getitem__, reverse=True) if condition else []
        if not path[top]:
            done[top] = None
            stack.pop()
            continue
        read = path[top].pop()
        if read in done:
            continue
        if read in stack:
            circle = [*stack[stack.index(read) :], read]
            raise InvalidSpace(f"cyclic condition: {' needs '.join(map(repr, circle))}")
        stack.append(read)


def check_variables(variables: Any) -> dict[str, Variable]:
    """Check that a space is a mapping of names to variables.

    Raises:
        InvalidSpace: naming the entry and what is wrong with it.
    """
    if not isinstance(variables, Mapping):
        raise InvalidSpace(f"a Space is built from a mapping of names to variables, not a {type(variables).__name__}")
    if not variables:
        raise InvalidSpace("a Space needs at least one variable")
    for name, variable in variables.items():
        if not isinstance(name, str) or not name:
            raise InvalidSpace(f"the name of a variable is a text, not {name!r}")
        check_text(name, "the name")
        if not isinstance(variable, Variable):
            kind = type(variable).__name__
            raise InvalidSpace(f"variable {name!r} is a {kind}, {variable!r:.60}: {_meant(variable)}")
    return dict(variables)


def _meant(value: Any) -> str:
    """Say which variable a person probably meant."""
    if isinstance(value, list | tuple | set | frozenset):
        return "write lt.Choice(…) for one of several options, lt.Float(low, high) or lt.Int(low, high) for a range"
    if isinstance(value, type) and issubclass(value, Variable):
        return f"write {value.__name__}(…), with its arguments"
    if value is None or isinstance(value, str | int | float):
        return f"write lt.Constant({value!r}) for a value that is not searched"
    return "use lt.Float, lt.Int, lt.Choice, lt.Ordinal, lt.Bool, lt.Constant, lt.Subset, lt.Permutation or lt.Simplex"
