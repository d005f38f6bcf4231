"""An immutable value that behaves as if every event had been applied to a copy, at the cost of applying it in place.

All histories of one study share one log. The newest of them shares the log's fold; one that has been overtaken folds
its own prefix again when it is asked something (Baker 1978, Shallow binding in LISP 1.5, gives the trick for arrays).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from luthier import event as events
from luthier.data import Data, Floats
from luthier.errors import TrialNotFound
from luthier.event import Asked, Configured, Created, Event, Reported, Told
from luthier.history.fold import Fold
from luthier.problem import Problem
from luthier.space import Space
from luthier.trial import Config, Reason, State, Trial


@dataclass(slots=True)
class _Log:
    """The events that all histories of a study share, with the fold of all of them."""

    space: Space  # at the beginning
    events: list[Event]
    fold: Fold
    digests: list[bytes] = field(default_factory=list)  # of the first, second, … visible event, computed when asked for
    digested: int = 0  # how many events the digests cover


class History:
    """The first `length` events of a study, folded. Immutable, and without timestamps.

    Args:
        space: the space at the beginning (a `Changed` event replaces it).
    """

    __slots__ = ("_fold", "_keep", "_log", "_trials", "length")

    def __init__(self, space: Space) -> None:
        self._log = _Log(space, [], Fold(space))
        self._fold: Fold | None = None
        self._keep: Callable[[Trial], bool] | None = None
        self._trials: tuple[Trial, ...] | None = None
        self.length = 0

    # --- growing and cutting ------------------------------------------------------------------------

    def apply(self, event: Event) -> History:
        """Give the history with one more event. Cost O(1) for the newest history of a study."""
        return self.extend((event,))

    def extend(self, added: Sequence[Event]) -> History:
        """Give the history with more events, in order."""
        log = self._log
        if self.length != len(log.events):  # somebody else went on from here: branch off
            fresh = History(log.space)
            return fresh.extend([*log.events[: self.length], *added])
        for event in added:
            log.fold.add(event)
            log.events.append(event)
        return self._view(len(log.events))

    def upto(self, length: int) -> History:
        """Give the history as it was when the log had `length` events. Cost O(length), once."""
        return self._view(length) if length < self.length else self

    def where(self, keep: Callable[[Trial], bool]) -> History:
        """Give the history in which only the trials that `keep` accepts are seen (a bracket, a rung, a fold)."""
        view = self._view(self.length)
        before = self._keep
        view._keep = keep if before is None else lambda trial: before(trial) and keep(trial)
        return view

    # --- what a method sees ---------------------------------------------------------------------------

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, in order of number."""
        if self._trials is None:
            keep = self._keep
            trials = self._state.trials
            self._trials = tuple(trials) if keep is None else tuple(trial for trial in trials if keep(trial))
        return self._trials

    def __len__(self) -> int:
        """Count the trials asked for so far."""
        return len(self._state.trials)

    @property
    def finished(self) -> int:
        """Count the trials that have an outcome."""
        return self._state.finished

    def has(self, identity: str) -> bool:
        """Tell whether the configuration of this `Space.identity` is done or pending. Cost O(1)."""
        return self._state.identities[identity] > 0

    @property
    def distinct(self) -> int:
        """Count the distinct configurations that are done or pending."""
        return len(self._state.identities)

    @property
    def digest(self) -> bytes:
        """Name what a method can see of this history: a hash chain over its visible events. Cost O(new events)."""
        log = self._log
        while log.digested < self.length:
            event = log.events[log.digested]
            before = log.digests[-1] if log.digests else b""
            seen = _visible(event)
            log.digests.append(hashlib.blake2b(before + seen, digest_size=16).digest() if seen else before)
            log.digested += 1
        return log.digests[self.length - 1] if self.length else b""

    def data(self, problem: Problem) -> Data:
        """Give the arrays a model learns from: finished trials in order of number, crashes, and pending trials.

        Trials that taught nothing (lost, outside the present space, pruned without a value) are left out.
        """
        done: list[tuple[Config, tuple[float, ...], Trial]] = []
        failed: list[Config] = []
        pending: list[Config] = []
        for trial, config in self._read():
            if trial.state is not State.FINISHED:
                pending.append(config)
            elif trial.outcome is not None and trial.outcome.reason.is_crash:
                failed.append(config)
            elif trial.outcome is not None and trial.outcome.values:
                done.append((config, problem.losses(trial.outcome.values), trial))
        return _arrays(problem.space, len(problem.objectives), done, failed, pending)

    def _read(self) -> Iterator[tuple[Trial, Config]]:
        """Pair the trials with their configurations as the present space reads them."""
        keep, state = self._keep, self._state
        for trial, config in zip(state.trials, state.configs, strict=True):
            if config is not None and (keep is None or keep(trial)):
                yield trial, config

    # --- what the study sees --------------------------------------------------------------------------

    def trial(self, number: int) -> Trial:
        """Give the trial of a number, or raise TrialNotFound."""
        trials = self._state.trials
        if not 0 <= number < len(trials):
            raise TrialNotFound(f"there is no trial {number}; the study has {len(trials)}")
        return trials[number]

    @property
    def events(self) -> Sequence[Event]:
        """The events themselves."""
        return self._log.events[: self.length]

    def event(self, position: int) -> Event:
        """Give the event at a position of the log."""
        return self._log.events[position]

    @property
    def space(self) -> Space:
        """The space that the study searches now."""
        return self._state.space

    @property
    def created(self) -> Created | None:
        """The first event, once there is one."""
        return self._state.created

    @property
    def configured(self) -> tuple[int, Configured] | None:
        """The event that named the present method, and its position."""
        return self._state.configured

    @property
    def running(self) -> tuple[int, ...]:
        """The numbers of the trials that have a lease."""
        return tuple(self._state.running)

    @property
    def waiting(self) -> tuple[int, ...]:
        """The numbers of the trials that wait to be run again, the longest waiting first."""
        return tuple(self._state.waiting)

    @property
    def queue(self) -> tuple[tuple[str, Config], ...]:
        """The enqueued configurations that were not asked for yet, by ticket, in order."""
        return tuple(self._state.queue.items())

    def ticketed(self, ticket: str) -> bool:
        """Tell whether something was enqueued under this ticket before."""
        return ticket in self._state.tickets

    def alive_at(self, number: int) -> int:
        """Give the position of the event that last showed the worker of a running trial alive."""
        return self._state.renewed[number]

    def problem(self) -> Problem:
        """Give the problem as the log states it."""
        return self._state.read_problem()

    # --- sharing --------------------------------------------------------------------------------------

    @property
    def _state(self) -> Fold:
        if self._log.fold.length == self.length:
            return self._log.fold
        if self._fold is None:
            fold = Fold(self._log.space)
            for event in self._log.events[: self.length]:
                fold.add(event)
            self._fold = fold
        return self._fold

    def _view(self, length: int) -> History:
        view = History.__new__(History)
        view._log, view._keep, view._fold, view._trials, view.length = self._log, self._keep, None, None, length
        return view


def _visible(event: Event) -> bytes:
    """Write down what a method can see of an event; nothing where it sees nothing."""
    if isinstance(event, Asked):
        event = Asked(event.number, event.config, 0, event.origin)
    elif isinstance(event, Told):
        if event.reason == Reason.LOST:
            return b""
        event = Told(event.number, 0, event.reason, event.values, event.violations, event.duration_s)
    elif isinstance(event, Reported):
        event = Reported(event.number, 0, event.step, event.value)
    elif not isinstance(event, events.VISIBLE):
        return b""
    return events.encode(event)


def _arrays(
    space: Space,
    objectives: int,
    done: Sequence[tuple[Config, tuple[float, ...], Trial]],
    failed: Sequence[Config],
    pending: Sequence[Config],
) -> Data:
    outcomes = [trial.outcome for _, _, trial in done if trial.outcome is not None]
    limits = sorted({name for outcome in outcomes for name in outcome.violations})
    losses = np.array([loss for _, loss, _ in done], dtype=np.float64).reshape(len(done), objectives)
    violations = [[outcome.violations.get(name, np.nan) for name in limits] for outcome in outcomes]
    costs = [np.nan if outcome.duration_s is None else outcome.duration_s for outcome in outcomes]
    noise = [outcome.extra.get("variance") for outcome in outcomes]
    known = bool(noise) and all(isinstance(value, int | float) for value in noise)
    return Data(
        columns=space.columns,
        x=_encoded(space, [config for config, _, _ in done]),
        losses=losses,
        violations=np.array(violations, dtype=np.float64).reshape(len(done), len(limits)),
        noise=np.array(noise, dtype=np.float64) if known else None,
        costs=np.array(costs, dtype=np.float64),
        failed=_encoded(space, failed),
        pending=_encoded(space, pending),
    )


def _encoded(space: Space, configs: Sequence[Config]) -> Floats:
    return space.encode(configs) if configs else np.empty((0, space.dimensions))
