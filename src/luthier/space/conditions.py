"""Conditions (`when`) and constraints (`require`) of a space, ready to be decided for one configuration or many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from luthier._hints import suggest
from luthier._typing import Bools
from luthier.errors import InvalidExpression, InvalidSpace
from luthier.space.expression import Expression, evaluate_one, tree
from luthier.space.expression.scope import prefixed
from luthier.space.variables.base import Levelled, Options, Variable
from luthier.space.variables.combinatorial import Combination, Simplex, Subset
from luthier.space.variables.number import Number

MOST_CASES = 1000
_ABSENT = object()

Test = Callable[[Mapping[str, Any]], bool | None]


class Condition:
    """When a variable is active.

    Args:
        expression: the condition, nested spaces' choices included.
        owners: the variable behind each name.
        known: the variables by name.
    """

    def __init__(self, expression: Expression, owners: Mapping[str, str], known: Mapping[str, Variable]) -> None:
        self.expression = expression
        self.reads = frozenset(owners[name] for name in expression.names)
        self.table: tuple[tuple[str, ...], dict[Any, bool]] | None = self._tabulate(known)
        self.holds = self._looked_up() if self.table else _definitely(deciding(expression, known))

    def _tabulate(self, known: Mapping[str, Variable]) -> tuple[tuple[str, ...], dict[Any, bool]] | None:
        """Decide every case beforehand where the names have few values."""
        names = tuple(sorted(self.expression.names))
        variables = [known.get(name) for name in names]
        counts = [variable.levels + 1 for variable in variables if isinstance(variable, Levelled) and variable.levels]
        if len(counts) < len(names) or not names or math.prod(counts) > MOST_CASES:
            return None
        values = [[*map(variable.pick, range(variable.levels)), _ABSENT] for variable in variables]  # type: ignore[union-attr]
        one = self.expression.evaluate_one
        table = {}
        for case in itertools.product(*values):
            config = {name: value for name, value in zip(names, case, strict=True) if value is not _ABSENT}
            table[case if len(names) > 1 else case[0]] = one(config) is True
        return names, table

    @property
    def answers(self) -> tuple[str, Bools] | None:
        """The one name that is read and the answer for each level and, last, for inactive; None where more is read."""
        if self.table is None or len(self.table[0]) > 1:
            return None
        return self.table[0][0], np.array(list(self.table[1].values()), dtype=bool)

    def _looked_up(self) -> Callable[[Mapping[str, Any]], bool]:
        assert self.table is not None
        names, table = self.table
        if len(names) == 1:
            (name,) = names
            get = table.get

            def holds(config: Mapping[str, Any]) -> bool:
                try:
                    return get(config.get(name, _ABSENT), False)
                except TypeError:  # a value that cannot be hashed is none of the options
                    return False

            return holds

        def hold(config: Mapping[str, Any]) -> bool:
            try:
                return table.get(tuple([config.get(name, _ABSENT) for name in names]), False)
            except TypeError:
                return False

        return hold


@dataclass(frozen=True, eq=False)
class Constraint:
    """A constraint.

    Args:
        expression: what must not be definitely false; None for a predicate.
        name: of a predicate.
        function: the predicate, a function of the parameters as the user sees them; None where a space was read from
            text, which holds its name only.
        prefix: what comes before the names of the nested space that the rule belongs to.
        gate: where that space is active.
        test: decides one configuration.
    """

    expression: Expression | None
    name: str = ""
    function: Callable[..., Any] | None = None
    prefix: str = ""
    gate: Expression | None = None
    test: Test | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """How messages and lists name the constraint."""
        return self.expression.text if self.expression is not None else f"predicate {self.prefix}{self.name}"

    @property
    def is_missing(self) -> bool:
        """Tell whether this is a predicate whose function is not known here."""
        return self.expression is None and self.function is None

    def missing(self) -> InvalidSpace:
        """Make the error for a function that is not known here."""
        return InvalidSpace(
            f"the constraint {self.text!r} is a Python function, which text does not hold: give the space itself, "
            "with its function, where the study is opened"
        )

    @property
    def plain(self) -> Any:
        """Its text form."""
        return self.expression.text if self.expression is not None else {"predicate": self.name}

    def inside(self, prefix: str, chosen: tree.Node) -> Constraint:
        """Give the rule as an outer space states it."""
        if self.expression is not None:
            return replace(self, expression=Expression(prefixed(self.expression.root, prefix)))
        gate = chosen if self.gate is None else tree.Both((chosen, prefixed(self.gate.root, prefix)))
        return replace(self, prefix=prefix + self.prefix, gate=Expression(gate))

    def compiled(self, expression: Expression, known: Mapping[str, Variable]) -> Constraint:
        """Give the rule with its expression made ready for configurations."""
        return replace(self, expression=expression, test=deciding(expression, known))

    def broken(self, config: Mapping[str, Any], realize: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> bool:
        """Tell whether a configuration breaks the rule.

        Raises:
            InvalidSpace: the rule is a predicate whose function is not known here, or it raised.
        """
        if self.test is not None:
            return self.test(config) is False
        if self.function is None:
            raise self.missing()
        if self.gate is not None and self.gate.evaluate_one(config) is not True:
            return False
        params = realize(config)
        cut = len(self.prefix)
        seen = {name[cut:]: value for name, value in params.items() if name.startswith(self.prefix)}
        try:
            return not self.function(seen)
        except Exception as error:
            raise InvalidSpace(
                f"the constraint {self.text!r} raised {type(error).__name__}: {error}, for {seen!r}"
            ) from error


def deciding(expression: Expression, known: Mapping[str, Variable]) -> Test:
    """Give the function that decides a configuration, with the shares of simplices under their own names."""
    shares = {
        name: variable
        for name, variable in known.items()
        if isinstance(variable, Simplex) and any(f"{name}.{part}" in expression.names for part in variable.parts)
    }
    if not shares:
        return expression.evaluate_one

    def test(config: Mapping[str, Any]) -> bool | None:
        seen = dict(config)
        for name, variable in shares.items():
            if name in config:
                seen |= zip((f"{name}.{part}" for part in variable.parts), variable.shares(config[name]), strict=True)
        return expression.evaluate_one(seen)

    return test


def _definitely(test: Test) -> Callable[[Mapping[str, Any]], bool]:
    return lambda config: test(config) is True


# --- mistakes in expressions ---------------------------------------------------------------------------


def check_names(expression: Expression, owners: Mapping[str, str], where: str) -> None:
    """Refuse names that are no variables."""
    for name in sorted(expression.names):
        if name not in owners:
            raise InvalidExpression(f"{where}: there is no variable {name!r}{suggest(name, owners)}")


def check_values(expression: Expression, known: Mapping[str, Variable], where: str) -> None:
    """Refuse comparisons of a variable with a value that it never has."""
    for node in tree.walk(expression.root):
        if not isinstance(node, tree.Compare):
            continue
        left = node.first
        for op, right in node.rest:
            if op in ("in", "not in"):
                _check_membership(left, right, known, where)
            elif isinstance(left, tree.Name) and isinstance(right, tree.Literal):
                _check_value(left.name, op, right.value, known, where)
            elif isinstance(right, tree.Name) and isinstance(left, tree.Literal):
                _check_value(right.name, op, left.value, known, where)
            left = right


def _check_membership(left: tree.Node, right: tree.Node, known: Mapping[str, Variable], where: str) -> None:
    if isinstance(left, tree.Name):
        items = right.items if isinstance(right, tree.Items) else ()
        values = [item.value for item in items if isinstance(item, tree.Literal)]
        if isinstance(right, tree.Literal) and isinstance(right.value, tuple):
            values = list(right.value)
        for value in values:
            _check_value(left.name, "==", value, known, where)
    elif isinstance(left, tree.Literal) and isinstance(right, tree.Name):
        variable = known.get(right.name)
        if isinstance(variable, Subset) and not any(evaluate_one.equal(item, left.value) for item in variable.items):
            raise InvalidExpression(
                f"{where}: {left.value!r} is no item of {right.name!r}{suggest(left.value, variable.items)}"
            )


def _check_value(name: str, op: str, value: Any, known: Mapping[str, Variable], where: str) -> None:
    variable = known.get(name)
    if isinstance(variable, Options) and (op in ("==", "!=") or isinstance(value, str)):
        if not any(evaluate_one.equal(option, value) for option in variable.options):
            raise InvalidExpression(
                f"{where}: {value!r} is none of the options of {name!r}{suggest(value, variable.options)}"
            )
    elif isinstance(variable, Number) and not isinstance(value, int | float):
        raise InvalidExpression(f"{where}: {name!r} is a number and is compared with {value!r}")
    elif isinstance(variable, Combination) and not isinstance(value, tuple):
        raise InvalidExpression(f"{where}: {name!r} is {variable.domain()} and is compared with {value!r}")
