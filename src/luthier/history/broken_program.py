"""Failures of a program that was broken, as its later successes show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from luthier.trial import Reason, Trial

FEWEST = 3
"""As many failures of one kind in a row, before anything succeeded, are laid to the program: fewer may be chance."""

_BY_PROGRAM = frozenset((Reason.FAILED, Reason.NONFINITE, Reason.LOST))
"""The reasons that a broken program or machine has. Limits of time and memory are exceeded by configurations."""


def broken_program(trials: Iterable[Trial]) -> Iterator[int]:
    """Give the numbers of the trials that failed because the program was broken.

    They are those of three or more failures of one kind (`Outcome.failure`) in a row. Where the configuration is to
    blame after all, each of them is tried once more, and then counts.

    Args:
        trials: all that ended before the first one that did not fail, in the order in which they ended.
    """
    for _, group in groupby(trials, key=lambda trial: trial.outcome.failure if trial.outcome else None):
        alike = list(group)
        if len(alike) >= FEWEST and alike[0].outcome is not None and alike[0].outcome.reason in _BY_PROGRAM:
            yield from (trial.number for trial in alike)


class EarlyFailures:
    """The failures of a study before its first trial that did not fail. Mutable, and part of one log's state."""

    __slots__ = ("numbers", "works")

    def __init__(self, numbers: Iterable[int] = (), works: bool = False) -> None:
        self.numbers = list(numbers)  # in the order in which they ended
        self.works = works  # whether there was a trial that did not fail

    def copy(self) -> EarlyFailures:
        """Give an independent copy."""
        return EarlyFailures(self.numbers, self.works)

    def end(self, number: int, reason: Reason, trials: Sequence[Trial]) -> tuple[int, ...]:
        """Take in that a trial ended; give those that count for nothing once there is one that did not fail."""
        if self.works:
            return ()
        if reason.is_crash:
            self.numbers.append(number)
        elif reason is not Reason.INTERRUPTED:
            self.works = True
            failures, self.numbers = self.numbers, []
            return tuple(broken_program([trials[failure] for failure in failures]))
        return ()

    def withdraw(self, number: int) -> None:
        """Take back that a trial failed."""
        if number in self.numbers:
            self.numbers.remove(number)
