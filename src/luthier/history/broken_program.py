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
