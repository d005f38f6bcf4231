"""Thinning of marks: the few that are drawn of many, and the note that says so."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from luthier._typing import Integers

MOST_MARKS = 5000
"""The most marks of one layer."""
MOST_LINES = 400
"""The most lines of one picture that each stand for a trial."""


def thinned(count: int, most: int = MOST_MARKS, keep: Iterable[int] = ()) -> Integers:
    """Choose at most `most` of `count` rows: those to keep first, and of the others as many, evenly spaced.

    Args:
        count: how many rows there are.
        most: how many may be drawn.
        keep: rows that must not be left out, the most important first.

    Returns:
        Ascending row numbers. Cost O(count).
    """
    if count <= most:
        return np.arange(count)
    first = np.array(list(dict.fromkeys(keep))[:most], dtype=np.int64)
    free = np.ones(count, dtype=bool)
    free[first] = False
    others = np.flatnonzero(free)
    room = most - len(first)
    even = others[np.linspace(0, len(others) - 1, room).round().astype(np.int64)] if room else others[:0]
    return np.sort(np.concatenate([first, even]))


def thinning_note(drawn: int, count: int, what: str = "trials", kept: str = "") -> tuple[str, ...]:
    """Say how many of all are drawn; nothing where that is all of them."""
    if drawn >= count:
        return ()
    return (f"{drawn:,} of {count:,} {what} are drawn, evenly spaced{kept and f'; {kept}'}",)
