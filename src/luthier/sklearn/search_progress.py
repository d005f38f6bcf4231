"""Progress lines of a search: candidates done, best score, and time left."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import numpy as np

from luthier._runtime.text_line import write_line
from luthier.sklearn.evaluation import Scores, mean_score

_RECENT = 100
"""Maximal number of latest candidates by which the time left is estimated; of fewer, the later half counts."""


class SearchProgress:
    """Writes a line every few seconds, and one at the end.

    Args:
        on: whether anything is written.
        metric: the metric that is shown, if there are several.
        total: number of candidates, if it is known beforehand.
        stream: where to write; standard error by default, as scikit-learn's own messages go to standard output.
        every_s: seconds between two lines.
    """

    def __init__(
        self,
        on: bool,
        metric: Any = None,
        total: int | None = None,
        stream: TextIO | None = None,
        every_s: float = 5.0,
    ) -> None:
        self.on = on
        self._metric = metric
        self._total = total
        self._stream = stream
        self._every_s = every_s
        self._start_s = time.monotonic()
        self._next_s = self._start_s + every_s
        self._expected = self._done = 0
        self._best = -np.inf
        self._ended_s: deque[float] = deque([0.0], maxlen=2 * _RECENT)

    def expect(self, candidates: int, known: Iterable[Sequence[Scores]] = ()) -> None:
        """Count further candidates that are to be evaluated.

        Args:
            candidates: their number.
            known: the scores of those of them that an earlier run has evaluated.
        """
        self._expected += candidates
        for scores in known:
            self._done += 1
            self._best = max(self._best, mean_score(scores, self._metric, worst=-np.inf))

    def done(self, scores: Sequence[Scores]) -> None:
        """Count a candidate that was evaluated, with the scores of its folds."""
        if not self.on:
            return
        now_s = time.monotonic()
        self._done += 1
        self._ended_s.append(now_s - self._start_s)
        self._best = max(self._best, mean_score(scores, self._metric, worst=-np.inf))
        if now_s >= self._next_s:
            self._next_s = now_s + self._every_s
            self._write(f"{self.line()}, {self._left()}")

    def line(self) -> str:
        """Describe what is done."""
        total = max(self._total or 0, self._expected, self._done)
        best = f", best score {self._best:.6g}" if np.isfinite(self._best) else ""
        return f"{self._done} of {total} candidates{best}"

    def left_s(self) -> float:
        """Estimate the seconds that are left by the pace of the later half of the candidates: a slow start passes."""
        ended_s, fresh = [*self._ended_s], len(self._ended_s) - 1
        if not fresh:
            return 0.0
        first_s = ended_s[-1 - max((fresh + 1) // 2, min(fresh, 3))]
        recent = sum(each > first_s for each in ended_s)  # candidates that end together count together
        total = max(self._total or 0, self._expected)
        return (ended_s[-1] - first_s) / max(recent, 1) * max(total - self._done, 0)

    def close(self) -> None:
        """Write the last line, unless there was nothing to evaluate."""
        if self.on and self._done:
            self._write(f"{self.line()}, after {duration(time.monotonic() - self._start_s)}")

    def _left(self) -> str:
        return f"about {duration(self.left_s())} left"

    def _write(self, text: str) -> None:
        write_line(self._stream or sys.stderr, text)


def duration(seconds: float) -> str:
    """Write a time in its two largest units: ``2 h 5 min``, ``3 min 20 s``, ``7 s``."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
