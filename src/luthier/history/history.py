"""Histories: the first events of a study's log as immutable values.

A history behaves as if every event had been applied to a copy, at the cost of applying it in place. All histories of
one study share one log. The newest of them shares the log's state; one that was overtaken folds its own prefix again
when it is needed (Baker 1978, Shallow binding in LISP 1.5, gives the trick for arrays).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from types import MappingProxyType

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.data import Data
from luthier.errors import TrialNotFound
from luthier.event import Claimed, Configured, Created, Event, RunEnded, Transferred
from luthier.history.log_marks import FREE, first_free
from luthier.history.log_state import LogState
from luthier.history.logged_problem import root_of
from luthier.history.packed import PackedList
from luthier.history.packed.packing import ReadAgain
from luthier.history.remarks import Remarks
from luthier.history.shared_log import DIGEST, SharedLog
from luthier.history.snapshot import LogSnapshot, take_snapshot
from luthier.history.tables.trial_fields import TrialFields
from luthier.problem import Problem
from luthier.space import Space
from luthier.trial import Config, Trial


class History:
    """The first `length` events of a study, folded. Immutable, and without timestamps.

    Args:
        space: the space at the beginning (a `Changed` event replaces it).
        known: other spaces of the study that are at hand as objects, with the objects and predicates that the log's
            text of them cannot hold.
    """

    __slots__ = ("_fold", "_keep", "_log", "_trials", "length")

    def __init__(self, space: Space, known: Sequence[Space] = ()) -> None:
        spaces = (space, *known)
        self._log = SharedLog(spaces, PackedList(), LogState(spaces))
        self._fold: LogState | None = None
        self._keep: Callable[[Trial], bool] | None = None
        self._trials: tuple[Trial, ...] | None = None
        self.length = 0

    # --- growing and cutting ------------------------------------------------------------------------

    def apply(self, event: Event) -> History:
        """Give the history with one more event. Cost O(1) for the newest history of a study."""
        return self.extend((event,))

    def extend(self, added: Sequence[Event]) -> History:
        """Give the history with more events, in order.

        Raises:
            StoreCorrupt: an event makes no sense where it stands.
        """
        log = self._log
        if self.length != log.fold.length:  # another history went on from here: branch off
            grown = self.begin().extend([*log.events[: self.length], *added])
        else:
            log.take(added)
            grown = self._view(log.fold.length)
        grown._keep = self._keep
        return grown

    def knowing(self, space: Space) -> History:
        """Give the same history, to which this space is known as an object. Cost O(1). Branches know it as well."""
        self._log.spaces = (*self._log.spaces, space)
        self._log.fold.spaces = self._log.spaces
        return self

    def leave_old_events(self, read: ReadAgain, in_file: bool = False) -> History:
        """Give the same history, of which `pack` keeps no old events; `in_file`: old trials go to a temporary file."""
        self._log.leave_old_events(read, in_file)
        return self

    def restore(self, snapshot: LogSnapshot, read: ReadAgain) -> History:
        """Give the history of a log by its snapshot, in the same spaces; `read` reads its events when needed."""
        fresh = self.begin()
        fresh._log, fresh.length = snapshot.restored(self._log, read), snapshot.length
        return fresh

    def snapshot(self, stamps: Sequence[float], log_sum: int) -> bytearray | None:
        """Write the state of the newest history of a study; see `take_snapshot`."""
        return take_snapshot(self._log, stamps, log_sum) if self.length == len(self._log.events) else None

    def begin(self) -> History:
        """Give the history of nothing, in the same spaces, to fold a log anew."""
        return History(self._log.spaces[0], self._log.spaces[1:])

    def fork(self) -> History:
        """Give an equal history with a log of its own, which another thread may read while this one's log grows.

        Cost O(trials), small: nothing is folded, and what forks were asked for is not computed by each of them.
        """
        state, log = self._state, self._log
        log.compute_used(state)
        fresh = History.__new__(History)
        past = log.events.copy() if self.length == log.fold.length else PackedList(log.events[: self.length])
        fresh._log = SharedLog(log.spaces, past, state.copy(), log.marks(self.length), uses=log.uses)
        fresh._fold, fresh._keep, fresh._trials, fresh.length = None, self._keep, None, self.length
        return fresh

    def pack(self) -> None:
        """Make what is old of the newest history small, a little at each call. Nothing that is read changes."""
        self._log.events.pack()
        self._log.fold.trials.pack()

    def upto(self, length: int) -> History:
        """Give the history as it was when the log had `length` events. Cost O(length), once."""
        if length >= self.length:
            return self
        view = self._view(length)
        view._keep = self._keep
        return view

    def where(self, keep: Callable[[Trial], bool]) -> History:
        """Give the history in which only the trials that `keep` accepts are seen (a bracket, a rung, a fold).

        `trials`, `data`, `measured` and `digest` are cut; `has`, the counts and what the study sees stay as they are.
        """
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
        """Tell whether the configuration of this `Space.identity` is done or pending (and counts). Cost O(1)."""
        return identity in self._state.read_identities()

    @property
    def forgotten(self) -> tuple[int, ...]:
        """The numbers of the trials that count for nothing, in the order in which they were forgotten."""
        return tuple(self._state.forgotten)

    @property
    def reopened(self) -> Mapping[int, int]:
        """How often trials were to be run again after they had ended, by number."""
        return MappingProxyType(self._state.reopened)

    @property
    def distinct(self) -> int:
        """Count the distinct configurations that are done or pending."""
        return len(self._state.read_identities())

    @property
    def digest(self) -> bytes:
        """The name of what a method can see of this history: a hash chain over its visible events.

        Cost O(new events); of a history cut by `where`, O(trials).
        """
        whole = self._log.digest(self.length)
        if self._keep is None:
            return whole
        kept = ",".join(str(trial.number) for trial in self.trials)
        return hashlib.blake2b(whole + kept.encode(), digest_size=DIGEST).digest()

    def data(self, problem: Problem) -> Data:
        """Give the arrays a model learns from: finished trials by number, crashes, pending and pruned ones.

        Trials that teach nothing (forgotten, outside the present space) are left out, and so are their reports.
        Cost O(trials · d + reports); no configuration is encoded twice.
        """
        state, keep = self._state, self._keep and np.array([*map(self._keep, self._state.trials)], dtype=bool)
        self._log.uses.add("data")
        cached = problem.space is state.space or problem.space == state.space
        features = None if problem.instances is None else problem.instances.feature_matrix(root_of(state.created))
        data = state.table.data(problem.space, state.configs, keep, cached, problem.fidelity, features)
        if not state.sources:
            return data
        goals = state.read_problem().objectives
        return replace(data, sources=tuple(source.data(problem.space, goals) for source in state.sources.values()))

    def measured(self) -> tuple[int, ...]:
        """Give the numbers of the trials in the rows of `data`, in their order. Cost O(trials)."""
        state, numbers = self._state, self._state.table.measured()
        held = filter(state.configs.holds, numbers)
        return tuple(n for n in held if self._keep is None or self._keep(state.trials[n]))

    def valued(self) -> tuple[Integers, Floats, Bools]:
        """Give (n,) the trials that have values and count, (n, m) their losses, and (n,) which can be the best."""
        numbers, losses, kept = self._state.table.valued()
        configs = self._state.configs
        return numbers, losses, kept & [configs.holds(n) for n in numbers.tolist()] if configs.is_mixed else kept

    def losses_at(self, step: int, *, or_later: bool = False, finished: bool = False) -> tuple[Integers, Floats]:
        """Give the losses that trials reported at a step, of the first objective; reports that are not finite are none.

        Args:
            step: of the reports.
            or_later: whether the first report after the step counts for a trial that has none at it.
            finished: whether only trials that have a value count.

        Returns:
            (t,) the numbers of the trials, ascending, and (t,) their losses. Cost O(reports), small.
        """
        numbers, losses = self._state.table.losses_at(step, or_later, finished)
        return numbers, losses[:, 0]

    def rung_losses(self, level: int) -> tuple[Integers, Floats]:
        """Give (t,) trials that reported at a rung or after it, and (t, m) their losses there; NaN: not reported."""
        return self._state.table.losses_at(level, or_later=True, finished=False)

    def loss_sums(self, number: int) -> Sequence[float]:
        """Give the sums of a trial's losses over its first 1, 2, … cases; empty in a study without instances."""
        return race.sums(number) if (race := self._state.race) else ()

    # --- what the study sees --------------------------------------------------------------------------

    def trial(self, number: int) -> Trial:
        """Give the trial of a number, or raise TrialNotFound."""
        trials = self._state.trials
        if (type(number) is int or isinstance(number, Integral)) and number >= 0:
            try:
                return trials[number]
            except IndexError:
                pass
        raise TrialNotFound(f"there is no trial {number!r}; the study has {len(trials)}")

    @property
    def events(self) -> Sequence[Event]:
        """The events themselves."""
        return self._log.events[: self.length]

    def event(self, position: int) -> Event:
        """Give the event at a position of the log."""
        return self._log.events[position]

    def is_held(self, number: int) -> bool:
        """Tell whether the present space can hold a trial's configuration."""
        return self._state.configs.holds(number)

    @property
    def fields(self) -> TrialFields:
        """The fields of all trials as columns."""
        return TrialFields(self._state.trials, self._state.configs)

    def config(self, number: int) -> Config | None:
        """Give a trial's configuration as the present space reads it; None where that cannot hold it."""
        return self._state.configs[number]

    @property
    def asked(self) -> int:
        """Count the trials that were begun for this study, the imported ones left out. Budgets count these."""
        return len(self._state.trials) - self._state.imported

    @property
    def spent(self) -> float:
        """What the trials of this study have cost, as far as known: in seconds, or the unit of its cost. Cost O(1)."""
        return self._state.spending.total

    @property
    def committed(self) -> float:
        """What is spent, and what the running and claimed trials will cost at the mean of those before. Cost O(1)."""
        state = self._state
        return state.spending.total + (len(state.running) + self.claimed) * state.spending.mean

    @property
    def ended(self) -> RunEnded | None:
        """How a rule ended the latest of the runs that one ended."""
        return self._state.remarks.ended

    @property
    def best(self) -> int | None:
        """The number of the best trial that keeps the outcome constraints, where there is one objective. Cost O(1).

        In a study with instances it is the incumbent of the race, which may have had only some of the cases.
        """
        return self._state.leader.number

    @property
    def since_best(self) -> int:
        """Count the trials of this study that ended after its best one. Cost O(1)."""
        return self._state.leader.since

    @property
    def encoded(self) -> int:
        """Of how many trials the points that models read are known, the first ones. Cost O(1)."""
        return self._state.table.encoded

    @property
    def ends(self) -> Integers:
        """The position of the event that ended each trial; -1: none has since it was begun last. Cost O(trials)."""
        return self._state.table.ends

    @property
    def sources(self) -> tuple[Transferred, ...]:
        """The results of other tasks that are known, the latest ones of each source."""
        return tuple(one.event for one in self._state.sources.values())

    @property
    def evaluations(self) -> int:
        """Count the cases that all trials had; 0 in a study without instances."""
        return race.evaluations if (race := self._state.race) else 0

    @property
    def reigns(self) -> Sequence[tuple[int, int]]:
        """The incumbents of a race over instances in the order in which they took over; empty in other studies.

        Each stands with the latest trial that had had a case by then. A trial that was overtaken may take over again.
        """
        return race.reigns if (race := self._state.race) else ()

    @property
    def committed_evaluations(self) -> int:
        """Count `evaluations`, and those that the running and claimed trials may have yet. Cost O(running)."""
        most, running = len(self.problem().instances or ()), [self.trial(number) for number in self.running]
        due = [(trial.until or most) - len(self.loss_sums(trial.number)) for trial in running]
        return self.evaluations + sum(count for count in due if count > 0) + self.claimed

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
    def paused(self) -> tuple[int, ...]:
        """The numbers of the trials that were paused by a scheduler, the longest paused first."""
        return tuple(self._state.paused)

    @property
    def leased(self) -> bool:
        """Whether there is any lease: of a trial or of a claim. Cost O(1)."""
        state = self._state
        return bool(state.running or state.claims)

    @property
    def claims(self) -> tuple[tuple[int, Claimed], ...]:
        """The claims whose holders are thinking, each with its token, in order."""
        return tuple(self._state.claims.items())

    @property
    def claimed(self) -> int:
        """Count the numbers that are held by claims: as many trials are about to begin."""
        return sum(token != FREE for token in self._state.drawn.values())

    def holds(self, token: int) -> bool:
        """Tell whether the claim of this token is still held."""
        return token in self._state.claims

    def free_numbers(self, count: int) -> tuple[int, int]:
        """Give the numbers whose randomness comes next, at most `count` in a row: (the first one, how many).

        Numbers whose claimant was lost come first. Where no claim is open, they are those of the next trials.
        """
        state = self._state
        return (state.drawn and first_free(state.drawn, count)) or (state.fresh, count)

    @property
    def backlog(self) -> bool:
        """Whether a trial waits to be run again, or a configuration is enqueued. Cost O(1)."""
        state = self._state
        return bool(state.waiting or state.queue)

    @property
    def queue(self) -> tuple[tuple[str, Config], ...]:
        """The enqueued configurations that were not asked for yet, by ticket, in order."""
        return tuple(self._state.queue.items())

    def ticketed(self, ticket: str) -> bool:
        """Tell whether something was enqueued under this ticket."""
        return ticket in self._state.tickets

    def ticket(self, ticket: str) -> int | None:
        """Give the number of the trial that was begun under a ticket; None where there is none (yet)."""
        return self._state.tickets.get(ticket)

    def answers(self, ticket: str) -> tuple[tuple[int, int], ...]:
        """Give what was begun for a request of this ticket: the numbers of trials and the tokens of their leases."""
        return self._state.requests.get(ticket, ())

    def alive_at(self, number: int) -> int:
        """Give the position of the event that last showed the worker of a running trial alive."""
        return self._state.renewed[number]

    @property
    def remarks(self) -> Remarks:
        """What people noted of the study, and their latest orders to its workers: a copy."""
        return self._state.remarks.copy()

    def problem(self) -> Problem:
        """Give the problem as the log states it."""
        return self._state.read_problem()

    # --- sharing --------------------------------------------------------------------------------------

    @property
    def _state(self) -> LogState:
        fold = self._log.fold
        if fold.length == self.length:
            return fold
        if self._fold is None:
            self._fold = self._log.folded(self.length)
        return self._fold

    def _view(self, length: int) -> History:
        view = History.__new__(History)
        view._log, view._keep, view._fold, view._trials, view.length = self._log, self._keep, None, None, length
        return view
