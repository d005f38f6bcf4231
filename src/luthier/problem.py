"""Optimization problems: a space and one or more objectives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from luthier.errors import InvalidResult, InvalidSetting
from luthier.space import Space


@dataclass(frozen=True, slots=True)
class Objective:
    """One quantity to minimise or maximise, by name."""

    name: str
    maximize: bool = False

    def loss(self, value: float) -> float:
        """Turn a value into a loss: inside Luthier everything is minimised."""
        return -value if self.maximize else value

    def value(self, loss: float) -> float:
        """Turn a loss into a value; the inverse of `loss`."""
        return -loss if self.maximize else loss


@dataclass(frozen=True, slots=True)
class Problem:
    """State an optimization problem: variables, constraints and objectives.

    Args:
        space: the variables and the constraints on them.
        objectives: at least one; names are distinct.
        noisy: whether the same configuration may give different values. Only then may a method repeat one.
        horizon: the trial budget of the study, if known; a method may adapt to it.

    Raises:
        InvalidSetting: there is no objective, or two have the same name.
    """

    space: Space
    objectives: tuple[Objective, ...]
    noisy: bool = False
    horizon: int | None = None

    def __post_init__(self) -> None:
        names = [objective.name for objective in self.objectives]
        if not names:
            raise InvalidSetting("a problem needs an objective: minimize='loss' or maximize='accuracy'")
        if len(set(names)) < len(names):
            raise InvalidSetting(f"each objective needs a name of its own, not {names}")

    def losses(self, values: Mapping[str, float]) -> tuple[float, ...]:
        """Give the losses of a trial in the order of the objectives, from its values by name.

        Raises:
            InvalidResult: the value of an objective is missing.
        """
        try:
            return tuple(objective.loss(values[objective.name]) for objective in self.objectives)
        except KeyError as error:
            raise InvalidResult(f"the result lacks the objective {error}; it has {sorted(values)}") from None
