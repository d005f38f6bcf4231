"""The arrays of a history, grown trial by trial: a model's data cost one copy and no loop over trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Bools, Floats, Integers
from luthier.data import Data, LearningCurves, StoppedTrials
from luthier.history.spending import outcome_cost
from luthier.history.tables.extrapolation import extrapolate
from luthier.history.tables.mapped_array import grown, mapped_array
from luthier.history.tables.marginal_losses import marginal_losses
from luthier.history.tables.report_arrays import ReportArrays
from luthier.history.tables.stopped_losses import stopped_losses
from luthier.problem import Fidelity, Objective
from luthier.space import Space
from luthier.trial import Config, Outcome, Reason

_FIRST_CAPACITY = 32
Number = TypeVar("Number", bound=np.generic)


class TrialStatus(IntEnum):
    """The use of a trial to a model."""

    PENDING = 0
    DONE = 1
    CRASHED = 2
    MUTE = 3
    """Nothing: it was interrupted for good."""
    STOPPED = 4
    """It was pruned before it had a value."""
    FORGOTTEN = 5
    """Nothing, its reports included."""


_COSTS, _NOISE = "costs", "noise"
_DONE = int(TrialStatus.DONE)  # a plain integer: numpy takes ten times as long for a member of an enumeration
_NOBODY: Integers = np.empty(0, np.intp)
_SEEN = (_DONE, int(TrialStatus.CRASHED), int(TrialStatus.PENDING), int(TrialStatus.STOPPED))


class TrialArrays:
    """One row a trial, in order of number: its point, losses, cost and status.

    Args:
        objectives: what is measured, in order.
        cost: the name of what a trial costs; None for its duration.
    """

    __slots__ = (
        "_cost",
        "_encoded",
        "_ends",
        "_forgotten",
        "_gaps",
        "_losses",
        "_objectives",
        "_points",
        "_rare",
        "_shared",
        "_standing",
        "_violations",
        "reports",
        "rows",
    )

    def __init__(self, objectives: Sequence[Objective], cost: str | None = None) -> None:
        self._objectives = tuple(objectives)
        self._cost = cost
        self.rows = 0
        self._standing: NDArray[np.int8] = np.zeros(_FIRST_CAPACITY, np.int8)
        self._losses = np.full((_FIRST_CAPACITY, len(self._objectives)), np.nan)
        self._ends = np.full(_FIRST_CAPACITY, -1, np.int32)
        self._rare: dict[str, Floats] = {}  # costs and variances, once there are any
        self._violations: dict[str, Floats] = {}
        self._points: Floats | None = None  # of the first `_encoded` rows, in the present space
        self._encoded = 0
        self._gaps = False  # whether there is a trial among them that the space cannot hold
        self._shared = False  # whether another one has the same arrays and writes to them
        self._forgotten = 0  # how many trials are
        self.reports = ReportArrays(len(self._objectives))

    def begin(self) -> None:
        """Add the row of a trial that begins. Cost O(1), amortised."""
        if self._shared:
            self._own()
        if self.rows == len(self._standing):
            self._standing = grown(self._standing, 0)
            self._losses = grown(self._losses, np.nan)
            self._ends = grown(self._ends, -1)
            self._rare = {name: grown(column, np.nan) for name, column in self._rare.items()}
            self._violations = {name: grown(column, np.nan) for name, column in self._violations.items()}
        self.reports.open(self.rows)
        self.rows += 1

    def begin_again(self, number: int) -> None:
        """Note that a trial runs once more: where it ended counts no longer."""
        if self._ends[number] >= 0:
            self._own()
            self._ends[number] = -1

    @property
    def encoded(self) -> int:
        """Of how many trials the points are known, the first ones."""
        return self._encoded

    @property
    def ends(self) -> Integers:
        """The position of the event that ended each trial; -1 where none has since it was begun last. Shape (rows,)."""
        return self._ends[: self.rows].astype(np.int64)

    def end(self, number: int, outcome: Outcome, position: int) -> None:
        """Fill the row of a trial that ended by the event at a position of the log."""
        if self._shared:
            self._own()
        self._ends[number] = position
        self.reports.close(number)
        if outcome.reason is not Reason.DONE and outcome.reason.is_crash:
            self._standing[number] = TrialStatus.CRASHED
            return
        for place, objective in enumerate(self._objectives):
            value = outcome.values.get(objective.name)
            if value is None:
                stopped = outcome.reason is Reason.PRUNED
                self._standing[number] = TrialStatus.STOPPED if stopped else TrialStatus.MUTE
                return
            self._losses[number, place] = objective.loss(value)
        self._standing[number] = _DONE
        spent = outcome.duration_s if self._cost is None else outcome_cost(self._cost, outcome)
        if spent is not None:
            self._note(self._rare, number, {_COSTS: spent})
        if outcome.violations:
            self._note(self._violations, number, outcome.violations)
        if outcome.extra:
            variance = outcome.extra.get("variance")
            if isinstance(variance, int | float) and 0 <= variance < math.inf:
                self._note(self._rare, number, {_NOISE: float(variance)})

    def forget(self, number: int) -> None:
        """Take a trial and its reports out of the data. Cost O(rows): what was given to models stays as it is."""
        self._own()
        self._standing[number] = TrialStatus.FORGOTTEN
        self._forgotten += 1

    def reopen(self, number: int) -> None:
        """Have a trial that ended pending again. Cost O(rows), as `forget`."""
        self._own()
        self._forgotten -= int(self._standing[number] == TrialStatus.FORGOTTEN)
        self._standing[number] = TrialStatus.PENDING
        for column in (self._losses, *self._rare.values(), *self._violations.values()):
            column[number] = np.nan

    def _note(self, columns: dict[str, Floats], number: int, values: Mapping[str, float]) -> None:
        """Note values of a trial in columns that begin to be kept when somebody has a value for them."""
        for name, value in values.items():
            if name not in columns:
                columns[name] = np.full(len(self._standing), np.nan)
            columns[name][number] = value

    def report(self, number: int, step: int, value: float, others: Sequence[float]) -> None:
        """Take in an intermediate value of the first objective, and those of the others, where they were reported."""
        if not others:
            self.reports.add(number, step, (self._objectives[0].loss(value),))
            return
        given = zip(self._objectives, (value, *others), strict=True)
        self.reports.add(number, step, tuple(objective.loss(one) for objective, one in given))

    def copy(self) -> TrialArrays:
        """Give an independent copy, which shares what is written once until it is written to. Cost O(rows)."""
        twin = TrialArrays(self._objectives)
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        twin._standing, twin._rare, twin._violations = self._standing.copy(), self._rare.copy(), self._violations.copy()
        twin.reports, twin._shared = self.reports.copy(), True
        return twin

    def _own(self) -> None:
        """Stop sharing arrays."""
        self._losses, self._ends = self._losses.copy(), self._ends.copy()
        self._rare = {name: column.copy() for name, column in self._rare.items()}
        self._violations = {name: column.copy() for name, column in self._violations.items()}
        self._points = None if self._points is None else self._points.copy()
        self._shared = False

    def losses_at(self, step: int, or_later: bool, finished: bool) -> tuple[Integers, Floats]:
        """See `luthier.history.History.losses_at`; here (t, m) losses."""
        numbers, losses = self.reports.at(step, or_later)
        standing = self._standing[numbers]
        kept = standing == TrialStatus.DONE if finished else standing != TrialStatus.FORGOTTEN
        return numbers[kept], losses[kept]

    def measured(self) -> list[int]:
        """Give the numbers of the trials that have values."""
        numbers: list[int] = np.flatnonzero(self._standing[: self.rows] == TrialStatus.DONE).tolist()
        return numbers

    def valued(self) -> tuple[Integers, Floats, Bools]:
        """Give (n,) the trials that have values, (n, m) their losses, and (n,) which keep every outcome constraint."""
        numbers = np.flatnonzero(self._standing[: self.rows] == TrialStatus.DONE)
        kept = np.ones(len(numbers), dtype=bool)
        for column in self._violations.values():
            kept &= ~(column[numbers] > 0)
        return numbers, self._losses[numbers], kept

    def forget_points(self) -> None:
        """Have the points made again: the space was changed."""
        self._points, self._encoded, self._gaps = None, 0, False

    def data(
        self,
        space: Space,
        configs: Sequence[Config | None],
        keep: NDArray[np.bool_] | None,
        cached: bool,
        fidelity: Fidelity | None = None,
        features: Floats | None = None,
    ) -> Data:
        """Give the arrays of those trials that the space can hold.

        Args:
            space: encodes the configurations.
            configs: one a trial, as `space` reads it; None where it cannot.
            keep: (rows,) the trials that are looked at; None for all.
            cached: whether `space` is the one in which the arrays' points are.
            fidelity: what a full evaluation spends, where trials that spent less teach something, too.
            features: (cases, f) those of the cases of a study with instances, which may be none; None elsewhere.

        Cost O(rows · d), and one encoding of every new configuration.
        """
        points = self.encode(space, configs) if cached else _points(space, configs)
        gaps = self._gaps if cached else None in configs
        seen = ~np.array([config is None for config in configs], dtype=bool) if gaps else None
        if keep is not None:
            seen = keep if seen is None else seen & keep
        standing = self._standing[: self.rows]
        if self._forgotten:
            counted = standing != TrialStatus.FORGOTTEN
            seen = counted if seen is None else seen & counted
        done, failed, pending, stopped = _numbers(standing, seen)
        losses = _taken(self._losses, done)
        reports = self.reports.curves(points, seen)
        limits = [_taken(self._violations[name], done) for name in sorted(self._violations)]
        used = [column for column in limits if not np.isnan(column).all()]
        noise = _taken(self._rare[_NOISE], done) if _NOISE in self._rare else None
        without, pending = self._stopped(points, reports, done, losses, stopped, pending, fidelity, features)
        return Data(
            columns=space.columns,
            x=_taken(points, done),
            losses=losses,
            violations=np.stack(used, axis=1) if used else np.empty((len(done), 0)),
            noise=None if noise is None or not len(done) or np.isnan(noise).any() else noise,
            costs=_taken(self._rare[_COSTS], done) if _COSTS in self._rare else _nothing(len(done)),
            priced=self._cost is not None,
            failed=points[failed],
            pending=points[pending],
            reports=reports,
            stopped=without,
        )

    def _stopped(
        self,
        points: Floats,
        reports: LearningCurves,
        done: Integers,
        losses: Floats,
        stopped: Integers,
        pending: Integers,
        fidelity: Fidelity | None,
        features: Floats | None,
    ) -> tuple[StoppedTrials, Integers]:
        """Give the trials that teach by their reports only, and which pending ones are none of them."""
        whole = reports if losses.shape[1] == 1 else reports.of_all_objectives()
        if fidelity is None or (losses.shape[1] > 1 and not len(whole)):
            if not len(stopped):
                return StoppedTrials(points[:0], losses[:0]), pending
            taught = stopped_losses(reports, done, losses, stopped)
            return StoppedTrials(points[stopped], taught, numbers=stopped), pending
        if features is None:
            goals = range(losses.shape[1])
            parts = [extrapolate(whole.of_objective(goal), fidelity, done, losses[:, goal]) for goal in goals]
        else:
            parts = [marginal_losses(reports, features, done)]
        kept = np.isin(parts[0].numbers, np.concatenate([stopped, pending]))
        numbers = parts[0].numbers[kept]
        found = np.stack([part.losses[kept] for part in parts], axis=1)
        taken = StoppedTrials(points[numbers], found, parts[0].share[kept], numbers)
        return taken, pending[~np.isin(pending, numbers)]

    def encode(self, space: Space, configs: Sequence[Config | None]) -> Floats:
        """Give the points of all rows. Cost: one encoding of every new configuration."""
        if self._shared and self._encoded < self.rows:
            self._own()
        if self._points is None or len(self._points) < self.rows:
            larger = mapped_array((len(self._standing), space.dimensions), np.dtype(np.float64))
            if self._points is not None:
                larger[: self._encoded] = self._points[: self._encoded]
            self._points = larger
        if self._encoded < self.rows:
            added = configs[self._encoded :]
            self._points[self._encoded : self.rows] = _points(space, added)
            self._gaps = self._gaps or None in added
            self._encoded = self.rows
        return self._points[: self.rows]


def _numbers(standing: NDArray[np.int8], seen: Bools | None) -> list[Integers]:
    """Give the numbers of those trials that are looked at, by their use (`_SEEN`)."""
    found: list[Integers] = []
    for kind in _SEEN:
        if sum(map(len, found)) == len(standing):  # most often all of them are done
            found.append(_NOBODY)
            continue
        used = standing == kind
        found.append(np.flatnonzero(used if seen is None else used & seen))
    return found


def _taken(column: NDArray[Number], done: NDArray[np.intp]) -> NDArray[Number]:
    """Take the rows of trials that are done, read-only: where these are the first rows, no copy is made."""
    count = len(done)
    rows = column[:count] if count and done[-1] == count - 1 else column[done]
    rows.flags.writeable = False
    return rows


def _nothing(count: int) -> Floats:
    found = np.full(count, np.nan)
    found.flags.writeable = False
    return found


def _points(space: Space, configs: Sequence[Config | None]) -> Floats:
    points = np.full((len(configs), space.dimensions), np.nan)
    held = [place for place, config in enumerate(configs) if config is not None]
    if held:
        points[held] = space.encode([config for config in configs if config is not None])
    return points
