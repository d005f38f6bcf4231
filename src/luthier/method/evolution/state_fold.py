"""Algorithms with a state, as a fold of results that the log names.

Such an algorithm is three functions: `begin` makes the first state, `step` makes the next one from new results, and the
method proposes from the newest state. Each proposal notes the state that it was drawn from, identified by the trial
that opened it; and the trial that opens a state notes what made it: the previous state, and the numbers of the trials
whose results were folded into it. So a state is a function of the log up to the proposal of its opener, whatever is
reported later and in whatever order: parallel workers, lost trials and external trials decide what is folded next,
never what was folded. A state is found in the memo, or folded again from the newest state there; with an empty memo the
cost is linear in the number of trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from luthier._typing import Floats
from luthier.errors import StoreCorrupt
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.notes import Repaired, StateOpening, StatePlace, read
from luthier.method.sequence import last_place, study_key
from luthier.numeric import sorted_rows
from luthier.problem import Problem
from luthier.trial import Reason, Trial

S = TypeVar("S")

_KEPT = 16
"""The number of newest states that the memo keeps."""
_NEWEST = 2000
"""The number of newest external trials among which the best are sought for the first state."""


@dataclass(frozen=True, slots=True, eq=False)
class AlgorithmResult:
    """The result of a trial, as an algorithm gets it.

    Args:
        number: of the trial.
        point: (d,) in [0, 1], settled; NaN where inactive.
        losses: (m,); inf for a crash, and for a pruned trial.
        violation: the sum of the violations of outcome constraints, at least 0; inf for a crash or a pruned trial.
        note: of the proposal; empty for an external trial, which the algorithm did not propose.
    """

    number: int
    point: Floats
    losses: Floats
    violation: float
    note: Mapping[str, Any]

    @property
    def moved(self) -> str:
        """Why the trial is not the point that the algorithm drew (`Repaired.moved`); empty if it is."""
        repaired = read(Repaired, self.note)
        return "" if repaired is None else repaired.moved

    @property
    def crashed(self) -> bool:
        """Tell whether the trial has no losses."""
        return bool(np.isinf(self.violation))


@dataclass(frozen=True, slots=True)
class FoldContext:
    """The circumstances under which a state is made.

    Args:
        problem: the space and the objectives.
        key: the randomness of the state; it depends on the study, the method's settings and the opener.
        opener: the number of the trial that opens the state.
    """

    problem: Problem
    key: Key
    opener: int


class StatefulAlgorithm(Protocol[S]):
    """An algorithm with a state, as pure functions. A frozen dataclass; instances with equal settings are equal."""

    @property
    def most_external(self) -> int:
        """The largest number of external results, the best ones, that the first state is made from."""
        ...

    def begin(self, context: FoldContext, results: Sequence[AlgorithmResult]) -> S:
        """Make the first state from external results, the best first; there may be none."""
        ...

    def step(self, context: FoldContext, state: S, results: Sequence[AlgorithmResult]) -> S:
        """Make the next state from new results, in order of number."""
        ...

    def wanted(self, state: S, pending: int) -> int:
        """Give the number of results that make the next state.

        Args:
            state: the current state.
            pending: the number of pending proposals of this state and the previous one.
        """
        ...

    def since(self, state: S) -> int:
        """Give the number of the first trial whose state still counts: results of older states are left out."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[S]):
    """A state with its place among the states.

    Args:
        opener: the number of the trial that opened it.
        before: the number of the trial that opened the previous state; -1 for the first state.
        generation: the number of earlier states.
        state: the state.
        waiting: the trials of older states whose results have not been folded.
        newest_external: the newest external trial whose result was folded; -1 if there is none.
    """

    opener: int
    before: int
    generation: int
    state: S
    waiting: tuple[int, ...] = ()
    newest_external: int = -1


@dataclass(frozen=True, slots=True)
class Turn(Generic[S]):
    """The state that a proposal is made from.

    Args:
        snapshot: the newest state.
        place: the number of earlier proposals.
        opening: the note of the first proposal, if it opens the state.
    """

    snapshot: Snapshot[S]
    place: int
    opening: StateOpening | None = None


@dataclass(frozen=True, slots=True)
class StateFold(Generic[S]):
    """The states of one algorithm in one study.

    Args:
        algorithm: the algorithm.
        name: the tag of the states, which depends on the settings and the space.
        problem: the space and the objectives.
        history: all trials so far.
        memo: keeps the newest states.
    """

    algorithm: StatefulAlgorithm[S]
    name: str
    problem: Problem
    history: History
    memo: Memo

    @property
    def key(self) -> Key:
        """The randomness that all states share."""
        return study_key(self.history).fold("line", self.name)

    def context(self, opener: int) -> FoldContext:
        """Give the context of the state that a trial opens."""
        return FoldContext(self.problem, self.key.fold("opener", opener), opener)

    def turn(self, number: int) -> Turn[S]:
        """Give the state that trial `number`, the next one, is drawn from: the newest one, or one that it opens."""
        newest = last_place(self.history, StatePlace, self.name)
        if newest is None:
            opening = StateOpening(number, -1, tuple(self._external()))
            return Turn(self._opened(None, opening, self.history.length), 0, opening)
        current = self.at(newest.opened)
        place = newest.place + 1
        ready = self._ready(current)
        if len(ready) < self.algorithm.wanted(current.state, self._pending(current)):
            return Turn(current, place)
        folded = ready + self._newest_external(current)
        opening = StateOpening(number, current.opener, tuple(sorted(folded)))
        return Turn(self._opened(current, opening, self.history.length), place, opening)

    def at(self, opener: int) -> Snapshot[S]:
        """Give the state that a trial opened. Cost O(trials since the newest state in the memo)."""
        unknown: list[tuple[StateOpening, int]] = []
        found: Snapshot[S] | None = None
        while opener >= 0:
            trial = self.history.trial(opener)
            opening = read(StateOpening, trial.note)
            if opening is None:
                raise StoreCorrupt(f"trial {opener} opened a state of {self.name!r} and does not note what made it")
            found = self._states.find(self._name(opening, trial.seen))
            if found is not None:
                break
            unknown.append((opening, trial.seen))
            opener = opening.before
        for opening, seen in reversed(unknown):
            found = self._opened(found, opening, seen)
        assert found is not None  # opener was the number of a trial
        return found

    # --- folding --------------------------------------------------------------------------------------

    @property
    def _states(self) -> Memo:
        """The newest states: a state may hold large matrices, so few are kept, however large the memo is."""
        return self.memo.get(("states", self.name, self.key), lambda: Memo(_KEPT))

    def _name(self, opening: StateOpening, seen: int) -> tuple[Any, ...]:
        """Give all that a state depends on: the log that its opener was proposed from, and the opener's note."""
        log = self.history.upto(seen).digest
        return (self.algorithm, self.name, self.problem, self.key, log, opening)

    def _opened(self, before: Snapshot[S] | None, opening: StateOpening, seen: int) -> Snapshot[S]:
        return self._states.get(self._name(opening, seen), lambda: self._fold(before, opening, seen))

    def _fold(self, before: Snapshot[S] | None, opening: StateOpening, seen: int) -> Snapshot[S]:
        opener = opening.opened
        context = self.context(opener)
        results = self._results(opening.told, seen)
        if before is None:
            state = self.algorithm.begin(context, results)
            return Snapshot(opener, -1, 0, state, (), max((result.number for result in results), default=-1))
        state = self.algorithm.step(context, before.state, results)
        folded = {result.number for result in results}
        own = range(before.opener, opener)
        waiting = (*before.waiting, *(number for number in own if self._is_own(self.history.trial(number))))
        external = max((result.number for result in results if not result.note), default=before.newest_external)
        since = self.algorithm.since(state)
        left = tuple(number for number in waiting if number not in folded and self._may_count(number, since))
        return Snapshot(opener, before.opener, before.generation + 1, state, left, external)

    # --- results --------------------------------------------------------------------------------------

    def _ready(self, current: Snapshot[S]) -> list[int]:
        """List the trials that have ended and have not been folded yet."""
        since = self.algorithm.since(current.state)
        numbers = (*current.waiting, *range(current.opener, len(self.history)))
        ready = []
        for number in numbers:
            trial = self.history.trial(number)
            if self._is_of(trial, since) and self._losses(trial) is not None:
                ready.append(number)
        return ready

    def _pending(self, current: Snapshot[S]) -> int:
        """Count the pending proposals of this state and the previous one; older ones may never end."""
        numbers = (*current.waiting, *range(current.opener, len(self.history)))
        trials = (self.history.trial(number) for number in numbers if number >= current.before)
        return sum(trial.outcome is None and self._is_own(trial) for trial in trials)

    def _newest_external(self, current: Snapshot[S]) -> list[int]:
        """List the best trial so far, if it is external and has not been folded yet."""
        best = self.history.best
        if best is None or best == current.newest_external or self._is_own(self.history.trial(best)):
            return []
        return [best] if self.history.config(best) is not None else []

    def _external(self) -> list[int]:
        """List the best external trials, the best first."""
        first = max(0, len(self.history) - _NEWEST)
        numbers, losses, violations = [], [], []
        for number in range(first, len(self.history)):
            found = self._losses(self.history.trial(number))
            if found is not None and np.isfinite(found[1]) and self.history.config(number) is not None:
                numbers.append(number)
                losses.append(found[0])
                violations.append(found[1])
        if not numbers:
            return []
        order = sorted_rows(np.array(losses), np.array(violations))
        return [numbers[row] for row in order[: self.algorithm.most_external].tolist()]

    def _is_own(self, trial: Trial) -> bool:
        return trial.note.get("state") == self.name

    def _is_of(self, trial: Trial, since: int) -> bool:
        """Tell whether a state from `since` on made a trial."""
        place = read(StatePlace, trial.note)
        return place is not None and place.state == self.name and place.opened >= since

    def _may_count(self, number: int, since: int) -> bool:
        """Tell whether a trial has, or may still get, a result for the states from `since` on."""
        trial = self.history.trial(number)
        return self._is_of(trial, since) and (trial.outcome is None or self._losses(trial) is not None)

    def _losses(self, trial: Trial) -> tuple[Floats, float] | None:
        """Give the losses (m,) and the violation of a trial that ended; None if it has none (yet)."""
        outcome = trial.outcome
        if outcome is None or trial.forgotten:
            return None
        objectives = self.problem.objectives
        if outcome.reason.is_crash or (outcome.reason is Reason.PRUNED and not outcome.values):
            return np.full(len(objectives), np.inf), np.inf
        if not all(objective.name in outcome.values for objective in objectives):
            return None
        violation = sum(min(value, 1e300) for value in outcome.violations.values() if value > 0)
        return np.array(self.problem.losses(outcome.values)), min(float(violation), 1e300)

    def _results(self, numbers: Sequence[int], seen: int) -> list[AlgorithmResult]:
        trials = [self.history.trial(int(number)) for number in numbers]
        if not trials:
            return []
        notes = [trial.note if self._is_own(trial) else {} for trial in trials]
        # External trials are read in the space as it was when they were folded: it may have been changed since.
        configs = [
            trial.config if note else self.history.upto(seen).config(trial.number)
            for trial, note in zip(trials, notes, strict=True)
        ]
        points = self.problem.space.encode([config for config in configs if config is not None])
        found = [losses for losses in map(self._losses, trials) if losses is not None]
        return [
            AlgorithmResult(trial.number, point, losses, violation, note)
            for trial, point, (losses, violation), note in zip(trials, points, found, notes, strict=True)
        ]
