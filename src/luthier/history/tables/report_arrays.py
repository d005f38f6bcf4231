"""The intermediate losses of a history, grown report by report."""

from __future__ import annotations

import math

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.data import LearningCurves
from luthier.history.tables.mapped_array import grown

_FIRST_CAPACITY = 64
_NONE: Integers = np.empty(0, np.int64)


class ReportArrays:
    """One row a report, in the order of the log; a row that a later attempt of its trial repeats counts no more.

    Args:
        objectives: how many the study has.
    """

    __slots__ = ("_losses", "_open", "_standing", "_step", "_trial", "rows")

    def __init__(self, objectives: int = 1) -> None:
        self.rows = 0
        self._trial: Integers = np.zeros(_FIRST_CAPACITY, np.int64)
        self._step: Integers = np.zeros(_FIRST_CAPACITY, np.int64)
        self._losses: Floats = np.full((_FIRST_CAPACITY, objectives), np.nan)
        self._standing: Bools = np.zeros(_FIRST_CAPACITY, np.bool_)
        self._open: dict[int, dict[int, int]] = {}  # of trials that may report: by step the row that counts

    def open(self, number: int) -> None:
        """Note that a trial has begun which has no reports."""
        self._open[number] = {}

    def close(self, number: int) -> None:
        """Note that a trial ended: should it report again, its reports are looked for."""
        self._open.pop(number, None)

    def _places(self, number: int) -> dict[int, int]:
        """Give by step the rows of a trial that count. Cost O(1), and O(rows) where it had ended."""
        found = self._open.get(number)
        if found is None:
            rows = np.flatnonzero(self._standing[: self.rows] & (self._trial[: self.rows] == number))
            found = self._open[number] = dict(zip(self._step[rows].tolist(), rows.tolist(), strict=True))
        return found

    def add(self, number: int, step: int, losses: tuple[float, ...]) -> None:
        """Take in the losses of a report: of all objectives, or of the first alone.

        One that is not finite in one of them counts as none. Cost O(1), amortised.
        """
        step = min(step, np.iinfo(np.int64).max)  # an earlier version took larger ones
        places = self._places(number)
        earlier = places.pop(step, None)
        if earlier is not None:
            self._standing[earlier] = False
        if not all(map(math.isfinite, losses)):
            return
        if self.rows == len(self._trial):
            for name in ("_trial", "_step", "_losses", "_standing"):
                setattr(self, name, grown(getattr(self, name), np.nan if name == "_losses" else 0))
        row = self.rows
        self._trial[row], self._step[row], self._standing[row] = number, step, True
        self._losses[row, : len(losses)] = losses
        places[step] = row
        self.rows += 1

    def copy(self) -> ReportArrays:
        """Give an independent copy. Cost O(rows)."""
        twin = ReportArrays()
        twin.rows, twin._open = self.rows, {number: places.copy() for number, places in self._open.items()}
        twin._trial, twin._step, twin._losses = self._trial.copy(), self._step.copy(), self._losses.copy()
        twin._standing = self._standing.copy()
        return twin

    def at(self, step: int, or_later: bool) -> tuple[Integers, Floats]:
        """Give the losses of the trials that have a report at a step.

        Args:
            step: at least 0.
            or_later: whether the first report after the step counts for a trial that has none at it.

        Returns:
            (t,) the numbers of the trials, ascending, and (t, m) their losses, NaN where only the first was reported.
            Cost O(rows).
        """
        steps, standing = self._step[: self.rows], self._standing[: self.rows]
        rows = np.flatnonzero(standing & (steps >= step if or_later else steps == step))
        rows = rows[np.lexsort((steps[rows], self._trial[rows]))]
        numbers, first = np.unique(self._trial[rows], return_index=True)
        return numbers, self._losses[rows[first]]

    def curves(self, points: Floats, seen: Bools | None) -> LearningCurves:
        """Give the reports that count, by trial and step.

        Args:
            points: (trials, d) the points of all trials.
            seen: (trials,) the trials that are looked at; None for all.

        Cost O(rows log rows).
        """
        if not self.rows:
            return LearningCurves(_NONE, points[:0], _NONE, _NONE, self._losses[:0])
        rows = np.flatnonzero(self._standing[: self.rows])
        if seen is not None:
            rows = rows[seen[self._trial[rows]]]
        rows = rows[np.lexsort((self._step[rows], self._trial[rows]))]
        numbers, trial = np.unique(self._trial[rows], return_inverse=True)
        return LearningCurves(
            numbers, points[numbers], trial.astype(np.int64), self._step[rows], self._losses[rows].copy()
        )
