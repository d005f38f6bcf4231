"""The marks of a log: origins of trials, the end of a pausing lease, a claim of nobody's."""

from __future__ import annotations

from collections.abc import Mapping

METHOD, IMPORTED = "method", "imported"
"""The origins of a trial that a method proposed, and of one that was not run for this study."""

PAUSED = "paused"
"""The reason for which the lease of a trial ends that has spent what a scheduler gave it."""

FREE = -1
"""What stands for the token of a claim where the number is not claimed any more, or not yet."""


def first_free(drawn: Mapping[int, int], count: int) -> tuple[int, int] | None:
    """Give the first number that is free again, and how many of them follow each other, at most `count`."""
    free = sorted(number for number, token in drawn.items() if token == FREE)
    if not free:
        return None
    size = 1
    while size < min(count, len(free)) and free[size] == free[0] + size:
        size += 1
    return free[0], size
