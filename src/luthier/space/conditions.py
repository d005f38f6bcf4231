"""Conditions on which variables are active, decided for one configuration, for many rows or for boxes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from luthier._hints import suggest
from luthier._typing import Bools
from luthier.errors import InvalidExpression
from luthier.space.constraint import Test
from luthier.space.expression import Expression, evaluate_one, tree
from luthier.space.expression.interval_arithmetic import Operand
from luthier.space.variables.base import Options, Variable
from luthier.space.variables.combinatorial import Combination, Subset
from luthier.space.variables.number import Number
from luthier.space.variables.simplex import Simplex

MOST_CASES = 1000
_ABSENT = object()
_LEVELLED = (Number, Options)


class Condition:
    """The condition on which a variable is active: where it is definitely true, not where it is unknown.

    Args:
        expression: the condition; for a variable of a nested space it includes that its option is chosen.
        owners: the variable behind each name.
        known: the variables by name.
    """

    def __init__(self, expression: Expression, owners: Mapping[str, str], known: Mapping[str, Variable]) -> None:
        self.expression = expression
        self.reads = tuple(dict.fromkeys(owners[name] for name in sorted(expression.names)))
        self.table: tuple[tuple[str, ...], dict[Any, bool]] | None = self._tabulate(known)
        self.holds: Callable[[Mapping[str, Any]], bool] = (
            self._looked_up() if self.table else _definitely(decision(expression, known))
        )

    def among(self, columns: Mapping[str, Any], rows: int) -> Bools:
        """Return in which of n rows the variable is active; see `Expression.evaluate`."""
        return self.expression.holds(columns, rows)

    def within(self, boxes: Mapping[str, Operand]) -> tuple[Bools, Bools]:
        """Return in which of n boxes the variable may be active, and in which it may be inactive."""
        found = self.expression.possible(boxes)
        return found.true, found.false | found.unknown

    @property
    def answers(self) -> tuple[str, Bools] | None:
        """The one name that is read and the answer for each level and, last, for inactive; None where more is read."""
        if self.table is None or len(self.table[0]) > 1:
            return None
        return self.table[0][0], np.array(list(self.table[1].values()), dtype=bool)

    def _tabulate(self, known: Mapping[str, Variable]) -> tuple[tuple[str, ...], dict[Any, bool]] | None:
        """Decide every case beforehand where the variables that are read have few values."""
        names = tuple(sorted(self.expression.names))
        values, cases = [], 1
        for name in names:
            variable = known.get(name)
            if not isinstance(variable, _LEVELLED) or not variable.levels:
                return None
            cases *= variable.levels + 1
            if cases > MOST_CASES:
                return None
            values.append([*map(variable.pick, range(variable.levels)), _ABSENT])
        one = self.expression.evaluate_one
        table = {}
        for case in itertools.product(*values):
            config = {name: value for name, value in zip(names, case, strict=True) if value is not _ABSENT}
            table[case if len(names) > 1 else case[0]] = one(config) is True
        return names, table

    def _looked_up(self) -> Callable[[Mapping[str, Any]], bool]:
        assert self.table is not None
        names, table = self.table
        if len(names) == 1:
            (name,) = names
            get = table.get

            def holds(config: Mapping[str, Any]) -> bool:
                try:
                    return get(config.get(name, _ABSENT), False)
                except TypeError:  # an unhashable value is not one of the options
                    return False

            return holds

        def hold(config: Mapping[str, Any]) -> bool:
            try:
                return table.get(tuple([config.get(name, _ABSENT) for name in names]), False)
            except TypeError:
                return False

        return hold


def decision(expression: Expression, known: Mapping[str, Variable]) -> Test:
    """Return the function that decides a configuration, with the shares of simplices under their own names."""
    if expression.names <= known.keys():
        return expression.evaluate_one
    shares = {
        name: variable
        for name, variable in known.items()
        if isinstance(variable, Simplex) and any(f"{name}.{part}" in expression.names for part in variable.parts)
    }

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


def check_expression(
    expression: Expression, owners: Mapping[str, str], known: Mapping[str, Variable], where: str
) -> None:
    """Refuse names that are not variables, and comparisons of a variable with a value that it never has.

    Raises:
        InvalidExpression: naming `where` it is, and what is wrong with it.
    """
    for name in sorted(expression.names):
        if name not in owners:
            raise InvalidExpression(f"{where}: there is no variable {name!r}{suggest(name, owners)}")
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
                f"{where}: {left.value!r} is not an item of {right.name!r}{suggest(left.value, variable.items)}"
            )


def _check_value(name: str, op: str, value: Any, known: Mapping[str, Variable], where: str) -> None:
    variable = known.get(name)
    if isinstance(variable, Options) and (op in ("==", "!=") or isinstance(value, str)):
        if not any(evaluate_one.equal(option, value) for option in variable.options):
            raise InvalidExpression(
                f"{where}: {value!r} is not one of the options of {name!r}{suggest(value, variable.options)}"
            )
    elif isinstance(variable, Number) and not isinstance(value, int | float):
        hint = _of_inactive(name, variable) if value is None else ""
        raise InvalidExpression(f"{where}: {name!r} is a number and is compared with {value!r}{hint}")
    elif isinstance(variable, Combination) and not isinstance(value, tuple):
        raise InvalidExpression(f"{where}: {name!r} is {variable.domain()} and is compared with {value!r}")


def _of_inactive(name: str, variable: Variable) -> str:
    """Say how a condition says that a variable is inactive."""
    when = variable.when if isinstance(variable.when, str) else ""
    return f"; to say that {name!r} is inactive, write the opposite of its own condition: not ({when})" if when else ""
