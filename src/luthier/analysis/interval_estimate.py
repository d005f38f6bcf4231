"""Estimates with an interval, and the axis of a variable in the user's units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple


class IntervalEstimate(NamedTuple):
    """A number with a central interval, such as the importance of a variable or a difference of two studies."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True, slots=True)
class VariableAxis:
    """The values of one variable at which something was evaluated, in order.

    Args:
        name: the variable.
        kind: ``number`` (the values are numbers, ascending) or ``category`` (the values are options, in the order in
            which they were declared; whole subsets, permutations and mixtures count as categories, too).
        log: whether the variable is searched on a log scale.
        values: (g,) in plain form: numbers in the user's units, options by their names.
        labels: (g,) the same as short texts.
    """

    name: str
    kind: Literal["number", "category"]
    log: bool
    values: tuple[Any, ...]
    labels: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {"name": self.name, "kind": self.kind, "log": self.log, "values": list(self.values)}
