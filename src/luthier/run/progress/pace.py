"""Pace of a run, and the time that it still takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from statistics import fmean, median

_FEWEST, _MOST = 5, 64
"""Between how many of the latest trials the pace is measured: about half of all, so that a slow start is forgotten."""

_OUTLIER = 5.0
"""A gap counts for at most so many times the usual one: a single long pause says little of what is to come."""


class Pace:
    """Measure how fast trials end.

    Two estimates of the time that a trial takes of the run, of which the longer one counts. The first is the mean gap
    between the ends of the latest trials. The second is the median duration of the latest trials by the number that
    run at once: trials that begin together also end together, and the gaps between them are of no time at all.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: deque[float] = deque([clock()], _MOST + 1)
        self._durations_s: deque[float] = deque(maxlen=_MOST)
        self._running: set[int] = set()
        self._most = 1
        self._count = 0

    def begin(self, number: int) -> None:
        """Note that a trial begins, again perhaps."""
        self._running.add(number)
        self._most = max(1, len(self._running))

    def end(self, number: int, duration_s: float | None) -> None:
        """Note that a trial ended, and how many seconds it ran where that is known."""
        self._running.discard(number)
        self._ends.append(self._clock())
        self._count += 1
        if duration_s is not None:
            self._durations_s.append(duration_s)

    def left_s(self, trials: int) -> float | None:
        """Give the seconds that so many more trials take; None before the first one has ended. Cost O(1)."""
        if not self._count:
            return None
        size = min(max(_FEWEST, self._count // 2), self._count, _MOST)
        ends = list(self._ends)[-size - 1 :]
        gaps = [after - before for before, after in pairwise(ends)]
        alone_s = median(list(self._durations_s)[-size:]) / self._most if self._durations_s else 0.0
        usual_s = max(median(gaps), alone_s)
        paced_s = fmean(min(gap, _OUTLIER * usual_s) for gap in gaps)
        since_s = self._clock() - ends[-1]
        return max(0.0, trials * max(paced_s, alone_s) - min(since_s, paced_s))
