"""Progress lines of a search: candidates done, best score, and time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

import numpy as np

from luthier.sklearn.evaluation import Scores, mean_score


class SearchProgress:
    """Writes a line every few seconds.

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
        self._start_s = self._next_s = time.monotonic()
        self._next_s += every_s
        self._expected = self._done = self._known = 0
        self._best = -np.inf
        self._shown = False

    def expect(self, candidates: int, known: int) -> None:
        """Count further candidates that are to be evaluated, `known` of which an earlier run has evaluated."""
        self._expected += candidates
        self._done += known
        self._known += known

    def done(self, scores: Sequence[Scores]) -> None:
        """Count a candidate that was evaluated, with the scores of its folds."""
        if not self.on:
            return
        self._done += 1
        self._best = max(self._best, mean_score(scores, self._metric, worst=-np.inf))
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + self._every_s
            self._write(self.line(now_s - self._start_s))

    def line(self, elapsed_s: float) -> str:
        """Describe the progress after `elapsed_s` seconds."""
        total = max(self._total or 0, self._expected)
        fresh = self._done - self._known
        left_s = elapsed_s / fresh * (total - self._done) if fresh else 0.0
        best = f", best score {self._best:.6g}" if np.isfinite(self._best) else ""
        return f"{self._done} of {total} candidates{best}, about {duration(left_s)} left"

    def close(self) -> None:
        """Write the last line, if lines were written before."""
        if self._shown:
            self._write(self.line(time.monotonic() - self._start_s))

    def _write(self, text: str) -> None:
        self._shown = True
        stream = self._stream or sys.stderr
        stream.write(f"{text}\n")
        stream.flush()


def duration(seconds: float) -> str:
    """Write a time in its two largest units: ``2 h 5 min``, ``3 min 20 s``, ``7 s``."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
