"""Show how a search goes: how many candidates are done, the best score, and how long the rest will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

import numpy as np

from luthier.sklearn.evaluation import Scores


class SearchProgress:
    """Writes a line every few seconds.

    Args:
        on: whether anything is shown.
        metric: the metric that is shown where there are several.
        total: how many candidates there are in all, where that is known before they are.
        stream: where to; standard error by default, as scikit-learn's own messages go to standard output.
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
        """Hear that so many more candidates are to be evaluated, some of which are known from an earlier run."""
        self._expected += candidates
        self._done += known
        self._known += known

    def done(self, scores: Sequence[Scores]) -> None:
        """Hear what came of a candidate."""
        if not self.on:
            return
        self._done += 1
        self._best = max(self._best, score_of(scores, self._metric, worst=-np.inf))
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + self._every_s
            self._write(self.line(now_s - self._start_s))

    def line(self, elapsed_s: float) -> str:
        """Describe where the search stands, having run for so many seconds."""
        total = max(self._total or 0, self._expected)
        fresh = self._done - self._known
        left_s = elapsed_s / fresh * (total - self._done) if fresh else 0.0
        best = f", best score {self._best:.6g}" if np.isfinite(self._best) else ""
        return f"{self._done} of {total} candidates{best}, about {duration(left_s)} left"

    def close(self) -> None:
        """Write the last line, where lines were written before."""
        if self._shown:
            self._write(self.line(time.monotonic() - self._start_s))

    def _write(self, text: str) -> None:
        self._shown = True
        stream = self._stream or sys.stderr
        stream.write(f"{text}\n")
        stream.flush()


def duration(seconds: float) -> str:
    """Write a time in the two units that matter: ``2 h 5 min``, ``3 min 20 s``, ``7 s``."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def score_of(scores: Sequence[Scores], metric: Any, worst: float = np.nan) -> float:
    """Give the mean test score over the folds of a candidate; `worst` where there is none.

    Args:
        scores: of each fold.
        metric: which, where there are several; the first of them if it is none of their names.
        worst: stands for NaN.
    """
    found = []
    for fold in scores:
        value = fold["test_scores"]
        if isinstance(value, dict):
            value = value.get(metric, next(iter(value.values()), np.nan)) if isinstance(metric, str) else _first(value)
        found.append(float(value))
    mean = float(np.mean(found)) if found else np.nan
    return worst if np.isnan(mean) else mean


def _first(values: dict[str, Any]) -> Any:
    return next(iter(values.values()), np.nan)
