"""Cost of the trials of a study, kept up to date by the fold of its log."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from luthier.problem import SECONDS
from luthier.trial import Outcome


def outcome_cost(cost: str | None, outcome: Outcome) -> float | None:
    """Give what a trial cost by its outcome: the number of that name, else the duration; None where not known.

    Args:
        cost: the name of the cost; None for the duration.
        outcome: of the trial.
    """
    found = _returned(cost, outcome)
    return outcome.duration_s if found is None and cost in (None, SECONDS) else found


def _returned(cost: str | None, outcome: Outcome) -> float | None:
    """Give the number of that name that the objective returned."""
    return None if cost is None else known_cost(outcome.values.get(cost, outcome.extra.get(cost)))


def known_cost(value: object) -> float | None:
    """Give a cost as it is in a log; None where that is no finite number from 0 on."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= sys.float_info.max else None  # type: ignore[operator,arg-type]


class Spending:
    """Add up what the runs of trials cost: those that ended, were paused, or whose worker was lost.

    A run costs what its outcome says, else what its objective noted as an attribute of that name while it ran, else the
    seconds for which it ran where these are the cost. What is not known counts as nothing. Imported trials cost nothing
    here. What was spent stays spent: trials that are forgotten or run again count as before.

    Args:
        cost: the name of the cost; None for seconds.
    """

    __slots__ = ("_cost", "_noted", "runs", "total")

    def __init__(self, cost: str | None = None) -> None:
        self._cost = cost
        self._noted: dict[int, float] = {}
        self.total = 0.0
        self.runs = 0
        """How many runs have a known cost."""

    def note(self, number: int, attributes: Mapping[str, Any]) -> None:
        """Take in attributes of a running trial."""
        if self._cost is not None and (cost := known_cost(attributes.get(self._cost))) is not None:
            self._noted[number] = cost

    def freed(self, number: int, ran_s: float | None, cost: float | None) -> None:
        """Take in a run that ended without an outcome, after so many seconds where these are known."""
        seconds = ran_s if self._cost in (None, SECONDS) else None
        self._end(number, cost, seconds)

    def told(self, number: int, outcome: Outcome) -> None:
        """Take in the outcome of a run."""
        if self._cost is None:
            self._end(number, None, outcome.duration_s)
        else:
            seconds = outcome.duration_s if self._cost == SECONDS else None
            self._end(number, _returned(self._cost, outcome), seconds)

    def _end(self, number: int, given: float | None, seconds: float | None) -> None:
        noted = self._noted.pop(number, None) if self._noted else None
        cost = given if given is not None else noted if noted is not None else seconds
        if cost is not None:
            self.total = min(self.total + cost, sys.float_info.max)  # an infinite one would have no mean
            self.runs += 1

    @property
    def mean(self) -> float:
        """The mean of what runs cost; 0 where none is known."""
        return self.total / self.runs if self.runs else 0.0

    def copy(self) -> Spending:
        """Give an independent copy. Cost O(running trials)."""
        twin = Spending(self._cost)
        twin._noted, twin.total, twin.runs = self._noted.copy(), self.total, self.runs
        return twin
