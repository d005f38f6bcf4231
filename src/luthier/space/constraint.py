"""Constraint of a space: an expression in text, or a predicate on the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from luthier.errors import InvalidSpace
from luthier.space.expression import Expression, tree

Test = Callable[[Mapping[str, Any]], bool | None]
"""A decision about one configuration: True, False, or None where an inactive variable leaves it open."""

Realize = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""The way from a configuration to the parameters that a user's function takes."""


@dataclass(frozen=True, eq=False)
class Constraint:
    """A constraint that every configuration keeps unless it is definitely false.

    Args:
        expression: the condition; None for a predicate.
        name: the name of a predicate, by which text forms know it.
        function: the predicate, a function of the parameters as the user sees them; None where the space was read
            from text, which holds only the name.
        prefix: what precedes the names of the nested space that the constraint belongs to.
        gate: the condition on which that nested space is active; None at the top.
        test: decides one configuration; set once the variables are known.
    """

    expression: Expression | None
    name: str = ""
    function: Callable[..., Any] | None = None
    prefix: str = ""
    gate: Expression | None = None
    test: Test | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """The constraint as messages and lists show it."""
        return self.expression.text if self.expression is not None else f"predicate {self.prefix}{self.name}"

    @property
    def is_missing(self) -> bool:
        """Whether this is a predicate whose function is not available."""
        return self.expression is None and self.function is None

    def missing(self) -> InvalidSpace:
        """Return the error for a predicate whose function is not available."""
        return InvalidSpace(
            f"the constraint {self.text!r} is a Python function, which text does not hold: give the space itself, "
            "with its function, where the study is opened"
        )

    def to_plain(self) -> Any:
        """Return the text form."""
        return self.expression.text if self.expression is not None else {"predicate": self.name}

    def nested(self, prefix: str, chosen: tree.Node) -> Constraint:
        """Return the constraint as the outer space states it.

        Args:
            prefix: what precedes the nested names in the outer space.
            chosen: the condition that the option which brings the nested space is chosen.
        """
        if self.expression is not None:
            return replace(self, expression=Expression(tree.prefixed(self.expression.root, prefix)))
        gate = chosen if self.gate is None else tree.Both((chosen, tree.prefixed(self.gate.root, prefix)))
        return replace(self, prefix=prefix + self.prefix, gate=Expression(gate))

    def is_broken(self, config: Mapping[str, Any], realize: Realize) -> bool:
        """Return whether a configuration breaks the constraint.

        Raises:
            InvalidSpace: the constraint is a predicate that is not available, or that raised.
        """
        if self.test is not None:
            return self.test(config) is False
        if self.function is None:
            raise self.missing()
        if self.gate is not None and self.gate.evaluate_one(config) is not True:
            return False
        cut = len(self.prefix)
        params = {name[cut:]: value for name, value in realize(config).items() if name.startswith(self.prefix)}
        try:
            return not self.function(params)
        except Exception as error:
            raise InvalidSpace(
                f"the constraint {self.text!r} raised {type(error).__name__}: {error}, for {params!r}; "
                "a predicate must answer for every configuration (inactive variables are left out)"
            ) from error
