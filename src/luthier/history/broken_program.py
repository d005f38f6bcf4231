"""Failures of a program that was broken, as its later successes show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    """The trials of a study that failed before the first one that did not, as they ended; imported ones left out."""

    __slots__ = ("numbers", "works")

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.works = False
        """Whether there was a trial that did not fail."""

    def end(self, number: int, reason: Reason) -> list[int]:
        """Take in how a trial ended; give the failures before it where it is the first that did not fail."""
        if self.works:
            return []
        if reason.is_crash:
            self.numbers.append(number)
        elif reason is not Reason.INTERRUPTED:
            self.works = True
            numbers, self.numbers = self.numbers, []
            return numbers
        return []

    def withdraw(self, number: int) -> None:
        """Leave out a trial that is to be run again, or counts for nothing."""
        if number in self.numbers:
            self.numbers.remove(number)

    def copy(self) -> EarlyFailures:
        """Give an independent copy."""
        twin = EarlyFailures()
        twin.numbers, twin.works = self.numbers.copy(), self.works
        return twin
