"""Declaration of a space: variables by name, and constraints, before they are looked at together."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from luthier import codec
from luthier._hints import with_article
from luthier.errors import InvalidExpression, InvalidSpace
from luthier.scalar import short
from luthier.space.constraint import Constraint
from luthier.space.expression import parse
from luthier.space.variables.base import Variable, check_text
from luthier.space.variables.named import Named

Require = str | Callable[..., Any] | Named | Constraint
"""One entry of ``require``."""


@dataclass(frozen=True, eq=False)
class Declaration:
    """The variables and constraints of a space, nested ones still inside their options.

    Two declarations are equal when their text forms are: functions and objects count by their names, and the order of
    the variables matters.

    Args:
        variables: by name.
        require: the constraints.
    """

    variables: Mapping[str, Variable]
    require: tuple[Constraint, ...] = ()

    @classmethod
    def of(cls, variables: object, require: Sequence[Require] = ()) -> Declaration:
        """Check the entries one by one.

        Raises:
            InvalidSpace: naming the entry and what is wrong with it.
        """
        checked = _check_variables(variables)
        return cls(checked, tuple(_constraint(entry, place) for place, entry in enumerate(require, 1)))

    def to_plain(self) -> dict[str, Any]:
        """Return what JSON can hold; see `luthier.space.serialization`."""
        variables = [{"name": name, **variable.to_plain()} for name, variable in self.variables.items()]
        require = [constraint.to_plain() for constraint in self.require]
        return {"variables": variables, **({"require": require} if require else {})}

    @cached_property
    def digest(self) -> str:
        """The name of the declaration by its content: 32 hexadecimal digits."""
        return hashlib.blake2b(codec.dumps(self.to_plain()), digest_size=16).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Declaration) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        rules = f", require={[constraint.text for constraint in self.require]!r}" if self.require else ""
        return f"Declaration({dict(self.variables)!r}{rules})"


class Declared(ABC):
    """Whatever was built from a declaration: a `Space`."""

    @property
    @abstractmethod
    def declaration(self) -> Declaration:
        """What it was built from."""


def _check_variables(variables: object) -> dict[str, Variable]:
    """Refuse what is not a mapping of names to variables."""
    if not isinstance(variables, Mapping):
        raise InvalidSpace(f"a Space is built from a mapping of names to variables, not a {type(variables).__name__}")
    try:
        items = list(variables.items())
    except Exception as error:
        raise InvalidSpace(f"a {type(variables).__name__} of variables that cannot be read: {error}") from error
    if not items:
        raise InvalidSpace("a Space needs at least one variable")
    for name, variable in items:
        if not isinstance(name, str) or not name:
            raise InvalidSpace(f"the name of a variable is a text, not {short(name)}")
        check_text(name, "the name")
        if not isinstance(variable, Variable):
            kind = type(variable).__name__
            raise InvalidSpace(f"variable {name!r} is {with_article(kind)}, {short(variable)}: {_meant(variable)}")
    return dict(items)


def _meant(value: object) -> str:
    """Return which variable was probably meant."""
    if isinstance(value, list | tuple | set | frozenset):
        return "write lt.Choice(…) for one of several options, lt.Float(low, high) or lt.Int(low, high) for a range"
    if isinstance(value, type) and issubclass(value, Variable):
        return f"write {value.__name__}(…), with its arguments"
    if value is None or isinstance(value, str | int | float):
        return f"write lt.Constant({short(value)}) for a value that is not searched"
    return "use lt.Float, lt.Int, lt.Choice, lt.Ordinal, lt.Bool, lt.Constant, lt.Subset, lt.Permutation or lt.Simplex"


def _constraint(entry: object, place: int) -> Constraint:
    """Read one entry of ``require``, the `place`-th."""
    if isinstance(entry, Constraint):
        return entry
    if isinstance(entry, str):
        try:
            return Constraint(parse(entry))
        except InvalidExpression as error:
            raise InvalidExpression(f"constraint {place}: {error}") from None
    if isinstance(entry, Named) and callable(entry.object):
        return Constraint(None, entry.name, entry.object)
    if callable(entry):
        name = getattr(entry, "__qualname__", None)
        if isinstance(name, str):
            return Constraint(None, name, entry)
        raise InvalidSpace(
            f"constraint {place}, {short(entry)}, has no name to write down: give it one, as in "
            "lt.Named('name', function)"
        )
    raise InvalidSpace(
        f"constraint {place} is an expression in text or a function of the parameters, not {short(entry)}"
    )
