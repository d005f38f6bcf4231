"""Algorithms that have a state: the state is a value, folded over the results, and the log says what was folded when.

Such an algorithm is three functions. `begin` makes the first state, `step` makes the next one from new results, and the
method proposes from the newest state. Each proposal notes which state it was drawn from, named by the trial that
opened it, and the trial that opens a state notes what made it: the state before, and the numbers of the trials whose
results were told to it. So a state is a function of the log up to the moment when its opener was proposed, whatever is
told later and in whatever order: parallel workers, lost trials and trials of others change what is told, never what was
told. A state is found in the memo, or is folded again from the newest one that is there; cold, the cost is linear in
the number of trials.
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
from luthier.trial import Trial

S = TypeVar("S")

_KEPT = 16
_MOST_GUESTS = 2000
"""So many of the newest trials of others are looked at when there is no state yet."""


@dataclass(frozen=True, slots=True, eq=False)
class AlgorithmResult:
    """What an algorithm is told of a trial.

    Args:
        number: of the trial.
        point: (d,) in [0, 1], settled; NaN where inactive.
        losses: (m,); inf for a crash.
        violation: by how much it breaks the outcome constraints in all; 0 where they hold, inf for a crash.
        note: of the proposal; empty for a trial that the algorithm did not propose.
    """

    number: int
    point: Floats
    losses: Floats
    violation: float
    note: Mapping[str, Any]

    @property
    def moved(self) -> str:
        """Why the trial is not where the algorithm drew it; empty where it is."""
        repaired = read(Repaired, self.note)
        return "" if repaired is None else repaired.moved

    @property
    def crashed(self) -> bool:
        """Tell whether the trial has no losses."""
        return bool(np.isinf(self.violation))


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a state is made.

    Args:
        problem: what is optimized.
        key: the randomness of the state: of the study, the method's settings and the opener.
        opener: the number of the trial that opens the state.
    """

    problem: Problem
    key: Key
    opener: int


class StatefulAlgorithm(Protocol[S]):
    """What has a state, as pure functions. A frozen dataclass, equal to what has the same settings."""

    @property
    def guests(self) -> int:
        """How many results of others the first state wants at most, the best ones."""
        ...

    def begin(self, scene: Scene, results: Sequence[AlgorithmResult]) -> S:
        """Make the first state from the results of others, the best first; there may be none."""
        ...

    def step(self, scene: Scene, state: S, results: Sequence[AlgorithmResult]) -> S:
        """Make the next state from new results, in order of number."""
        ...

    def wanted(self, state: S, pending: int) -> int:
        """Say how many results make the next state, while so many proposals of this state and the last one run."""
        ...

    def since(self, state: S) -> int:
        """Give the number of the first trial whose state matters still: results of older states are left out."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[S]):
    """A state, and where it stands.

    Args:
        opener: the number of the trial that opened it.
        before: the number of the trial that opened the state before; -1 for the first state.
        generation: how many states were before it.
        state: the state.
        waiting: the trials of older states that were not told.
        guest: the last trial of others that was told; -1 for none.
    """

    opener: int
    before: int
    generation: int
    state: S
    waiting: tuple[int, ...] = ()
    guest: int = -1


@dataclass(frozen=True, slots=True)
class Turn(Generic[S]):
    """What a proposal is made from.

    Args:
        snapshot: the newest state.
        place: how many proposals the line of states made so far.
        opening: what the first proposal is to note, where it opens the state.
    """

    snapshot: Snapshot[S]
    place: int
    opening: StateOpening | None = None


@dataclass(frozen=True, slots=True)
class StateFold(Generic[S]):
    """The line of states of one algorithm in one study.

    Args:
        algorithm: what folds.
        name: of the line: it says the settings and the space.
        problem: what is optimized.
        history: what is known.
        memo: skips what was folded before.
    """

    algorithm: StatefulAlgorithm[S]
    name: str
    problem: Problem
    history: History
    memo: Memo

    @property
    def key(self) -> Key:
        """The randomness that the whole line shares."""
        return study_key(self.history).fold("line", self.name)

    def scene(self, opener: int) -> Scene:
        """Give the scene of the state that a trial opens."""
        return Scene(self.problem, self.key.fold("opener", opener), opener)

    def turn(self, number: int) -> Turn[S]:
        """Give what trial `number`, the next one, is drawn from: the newest state, or one that it opens."""
        newest = last_place(self.history, StatePlace, self.name)
        if newest is None:
            opening = StateOpening(number, -1, tuple(self._guests()))
            return Turn(self._opened(None, opening, self.history.length), 0, opening)
        current = self.at(newest.opened)
        place = newest.place + 1
        ready = self._ready(current)
        if len(ready) < self.algorithm.wanted(current.state, self._pending(current)):
            return Turn(current, place)
        told = ready + self._guest(current)
        opening = StateOpening(number, current.opener, tuple(sorted(told)))
        return Turn(self._opened(current, opening, self.history.length), place, opening)

    def at(self, opener: int) -> Snapshot[S]:
        """Give the state that a trial opened. Cost O(trials since the newest state that the memo has)."""
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
        """The newest states: a state may hold large matrices, so few are kept, whatever the memo's capacity is."""
        return self.memo.get(("states", self.name, self.key), lambda: Memo(_KEPT))

    def _name(self, opening: StateOpening, seen: int) -> tuple[Any, ...]:
        """Say all that a state depends on: the log that its opener was proposed from, and what the opener noted."""
        log = self.history.upto(seen).digest
        return (self.algorithm, self.name, self.problem, self.key, log, opening)

    def _opened(self, before: Snapshot[S] | None, opening: StateOpening, seen: int) -> Snapshot[S]:
        return self._states.get(self._name(opening, seen), lambda: self._fold(before, opening, seen))

    def _fold(self, before: Snapshot[S] | None, opening: StateOpening, seen: int) -> Snapshot[S]:
        opener = opening.opened
        scene = self.scene(opener)
        results = self._results(opening.told, seen)
        if before is None:
            state = self.algorithm.begin(scene, results)
            return Snapshot(opener, -1, 0, state, (), max((result.number for result in results), default=-1))
        state = self.algorithm.step(scene, before.state, results)
        told = {result.number for result in results}
        own = range(before.opener, opener)
        waiting = (*before.waiting, *(number for number in own if self._is_own(self.history.trial(number))))
        guest = max((result.number for result in results if not result.note), default=before.guest)
        since = self.algorithm.since(state)
        left = tuple(number for number in waiting if number not in told and self._may_count(number, since))
        return Snapshot(opener, before.opener, before.generation + 1, state, left, guest)

    # --- results --------------------------------------------------------------------------------------

    def _ready(self, current: Snapshot[S]) -> list[int]:
        """List the trials that have ended and were not told yet."""
        since = self.algorithm.since(current.state)
        numbers = (*current.waiting, *range(current.opener, len(self.history)))
        ready = []
        for number in numbers:
            trial = self.history.trial(number)
            if self._is_of(trial, since) and self._standing(trial) is not None:
                ready.append(number)
        return ready

    def _pending(self, current: Snapshot[S]) -> int:
        """Count the proposals of this state and the last one that have no outcome: older ones may never have one."""
        numbers = (*current.waiting, *range(current.opener, len(self.history)))
        trials = (self.history.trial(number) for number in numbers if number >= current.before)
        return sum(trial.outcome is None and self._is_own(trial) for trial in trials)

    def _guest(self, current: Snapshot[S]) -> list[int]:
        """List the best trial so far where others made it and it was not told yet."""
        best = self.history.best
        if best is None or best == current.guest or self._is_own(self.history.trial(best)):
            return []
        return [best] if self.history.config(best) is not None else []

    def _guests(self) -> list[int]:
        """List the best trials of others, the best first."""
        first = max(0, len(self.history) - _MOST_GUESTS)
        numbers, losses, violations = [], [], []
        for number in range(first, len(self.history)):
            found = self._standing(self.history.trial(number))
            if found is not None and np.isfinite(found[1]) and self.history.config(number) is not None:
                numbers.append(number)
                losses.append(found[0])
                violations.append(found[1])
        if not numbers:
            return []
        order = sorted_rows(np.array(losses), np.array(violations))
        return [numbers[row] for row in order[: self.algorithm.guests].tolist()]

    def _is_own(self, trial: Trial) -> bool:
        return trial.note.get("state") == self.name

    def _is_of(self, trial: Trial, since: int) -> bool:
        """Tell whether a state from `since` on made a trial."""
        place = read(StatePlace, trial.note)
        return place is not None and place.state == self.name and place.opened >= since

    def _may_count(self, number: int, since: int) -> bool:
        """Tell whether a trial has, or may come to have, a result for the states from `since` on."""
        trial = self.history.trial(number)
        return self._is_of(trial, since) and (trial.outcome is None or self._standing(trial) is not None)

    def _standing(self, trial: Trial) -> tuple[Floats, float] | None:
        """Give the losses (m,) and the violation of a trial that ended; None where it teaches nothing (yet)."""
        outcome = trial.outcome
        if outcome is None:
            return None
        objectives = self.problem.objectives
        if outcome.reason.is_crash:
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
        # What others tried is read as it could be read when it was told: the space may have been changed since.
        configs = [
            trial.config if note else self.history.upto(seen).config(trial.number)
            for trial, note in zip(trials, notes, strict=True)
        ]
        points = self.problem.space.encode([config for config in configs if config is not None])
        found = [standing for standing in map(self._standing, trials) if standing is not None]
        return [
            AlgorithmResult(trial.number, point, losses, violation, note)
            for trial, point, (losses, violation), note in zip(trials, points, found, notes, strict=True)
        ]
