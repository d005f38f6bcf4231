"""A study of which analyses see a share of the trials, where it has very many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method
from luthier.study import StudyReader

_BEST = 0.1
"""The share of the trials that are kept for being the best."""


class AnalysedStudy(Protocol):
    """The part of a study that analyses need."""

    @property
    def reader(self) -> StudyReader:
        """The study, to be read."""
        ...

    @property
    def history(self) -> History:
        """Everything that is known now."""
        ...

    @property
    def method(self) -> Method:
        """The method that makes the proposals."""
        ...

    @property
    def key(self) -> Key:
        """The root of the study's randomness."""
        ...

    @property
    def memo(self) -> Memo:
        """The cache of fitted models."""
        ...


@dataclass(slots=True, eq=False)
class ThinnedStudy:
    """A study with at most `most` trials: the best tenth of that many, and others that are spread evenly.

    Args:
        study: has all of them.
        most: the number of trials, at least 10.
    """

    study: AnalysedStudy
    most: int
    _thinned: tuple[int, History] | None = None  # by the length of the log that it was made of

    @property
    def reader(self) -> StudyReader:
        """The study, to be read: all of it."""
        return self.study.reader

    @property
    def history(self) -> History:
        """What is known of the trials that are kept. Cost O(trials) where the log has grown."""
        history = self.study.history
        if len(history) <= self.most:
            return history
        if self._thinned is None or self._thinned[0] != history.length:
            self._thinned = history.length, thinned(history, self.most)
        return self._thinned[1]

    @property
    def method(self) -> Method:
        """See `AnalysedStudy.method`."""
        return self.study.method

    @property
    def key(self) -> Key:
        """See `AnalysedStudy.key`."""
        return self.study.key

    @property
    def memo(self) -> Memo:
        """See `AnalysedStudy.memo`."""
        return self.study.memo


def thinned(history: History, most: int) -> History:
    """Give a history in which at most that many trials are seen: the best tenth, and others spread evenly."""
    if len(history) <= most:
        return history
    kept = _kept(history, most)
    return history.where(lambda trial: trial.number in kept)


def _kept(history: History, most: int) -> frozenset[int]:
    """Choose the numbers of trials: of each objective the best, and others evenly over the numbers."""
    goals = history.problem().objectives
    done = [trial for trial in history.trials if trial.is_done and trial.outcome is not None and not trial.forgotten]
    each = max(1, int(_BEST * most) // len(goals))
    best: set[int] = set()
    for goal in goals if done else ():
        losses = np.array([goal.loss(trial.outcome.values[goal.name]) for trial in done if trial.outcome is not None])
        best.update(done[row].number for row in np.argsort(losses, kind="stable")[:each].tolist())
    even = np.linspace(0, len(history) - 1, most - len(best)).round().astype(int)
    return frozenset(best.union(even.tolist()))
