"""The state of a study's log: the fold of its events. Mutable, and private to `luthier.history`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from luthier.errors import StoreCorrupt
from luthier.event import (
    Asked,
    Changed,
    Claimed,
    Configured,
    Created,
    Enqueued,
    Event,
    Freed,
    Renewed,
    Reported,
    Retried,
    Told,
)
from luthier.history.arrays import TrialArrays
from luthier.history.incumbent import Incumbent
from luthier.problem import Objective, Problem
from luthier.space import Space, migrate
from luthier.trial import Config, Lease, Outcome, Reason, Report, State, Trial

METHOD = "method"
"""The origin of a trial that a method proposed."""

IMPORTED = "imported"
"""The origin of a trial that was not run for this study."""

FREE = -1
"""What stands for the token of a claim where the number is not claimed any more, or not yet."""


class LogState:
    """Accumulate events. Mutable, and owned by exactly one log (see `History`).

    Args:
        spaces: the space at the beginning, and other spaces that are at hand as objects. A space that the log names
            is looked up among them first: text cannot hold everything (objects, predicates).
    """

    __slots__ = (
        "claims",
        "configs",
        "configured",
        "created",
        "drawn",
        "finished",
        "identified",
        "identities",
        "imported",
        "leader",
        "length",
        "problem",
        "queue",
        "renewed",
        "running",
        "space",
        "spaces",
        "table",
        "tickets",
        "trials",
        "waiting",
    )

    def __init__(self, spaces: Sequence[Space]) -> None:
        self.spaces = spaces
        self.space = spaces[0]
        self.length = 0
        self.created: Created | None = None
        self.configured: tuple[int, Configured] | None = None
        self.problem: Problem | None = None  # as the log states it now, once asked for
        self.trials: list[Trial] = []
        self.configs: list[Config | None] = []  # as the present space reads them; None where it cannot
        self.table = TrialArrays(())
        self.leader = Incumbent(None)
        self.identities: Counter[str] = Counter()  # of the first `identified` trials, the others when asked for
        self.identified = 0
        self.finished = 0
        self.imported = 0
        self.running: dict[int, None] = {}
        self.waiting: deque[int] = deque()
        self.queue: dict[str, Config] = {}  # enqueued and not yet asked, by ticket, in order
        self.tickets: dict[str, int | None] = {}  # every ticket, and the number of its trial once there is one
        self.renewed: dict[int, int] = {}  # number -> position of the event that last showed its worker alive
        self.claims: dict[int, Claimed] = {}  # by token, as long as numbers of them are held
        self.drawn: dict[int, int] = {}  # number claimed and not drawn from -> token of the claim; FREE: of none

    def copy(self) -> LogState:
        """Give an independent copy. Cost O(trials), without a look at any of them."""
        twin = LogState(self.spaces)
        for name in self.__slots__:
            value = getattr(self, name)
            setattr(twin, name, value.copy() if isinstance(value, _MUTABLE) else value)
        return twin

    def add(self, event: Event) -> None:
        """Take in the event at position `length`."""
        try:
            _ADD[type(event)](self, event)
        except (IndexError, KeyError, ValueError, TypeError) as error:
            raise StoreCorrupt(f"the event at position {self.length} makes no sense there: {error}") from error
        self.length += 1

    def read_problem(self) -> Problem:
        """Give the problem as the log states it. Cost O(1) until the space or the method changes."""
        if self.problem is None:
            created = self.created
            if created is None:
                raise StoreCorrupt("the log does not begin with the event that creates a study")
            horizon = self.configured[1].horizon if self.configured else created.horizon
            self.problem = Problem(self.space, _objectives(created), created.noisy, horizon)
        return self.problem

    def read_identities(self) -> Counter[str]:
        """Give how often each configuration was begun. Cost O(new trials): reading a log need not wait for it."""
        for config in self.configs[self.identified :] if self.identified < len(self.configs) else ():
            if config is not None:
                self.identities[self.space.identity(config)] += 1
            self.identified += 1
        return self.identities

    @property
    def fresh(self) -> int:
        """The first number whose randomness was neither used nor claimed: the next trial's, where no claim is open."""
        return len(self.trials) + len(self.drawn)

    def _read_space(self, plain: Any) -> Space:
        for space in self.spaces:
            if space.to_plain() == plain:
                return space
        return Space.from_plain(plain)

    # --- one method a kind of event ---------------------------------------------------------------

    def _created(self, event: Created) -> None:
        if self.created is not None:
            raise StoreCorrupt(f"the log has a second beginning at position {self.length}")
        self.created, self.problem = event, None
        objectives = _objectives(event)
        self.table = TrialArrays(objectives)
        self.leader = Incumbent(objectives[0] if len(objectives) == 1 else None)

    def _configured(self, event: Configured) -> None:
        self.configured, self.problem = (self.length, event), None

    def _changed(self, event: Changed) -> None:
        old, self.space, self.problem = self.space, self._read_space(event.space), None
        self.configs = [None if c is None else migrate(c, old, self.space) for c in self.configs]
        self.identities, self.identified = Counter(), 0
        migrated = {ticket: migrate(config, old, self.space) for ticket, config in self.queue.items()}
        self.queue = {ticket: config for ticket, config in migrated.items() if config is not None}
        self.table.forget_points()
        self.leader.restart(trial for trial, c in zip(self.trials, self.configs, strict=True) if c is not None)

    def _claimed(self, event: Claimed) -> None:
        for number in range(event.number, event.number + event.count):
            if self.drawn.get(number, FREE if number == self.fresh else None) != FREE:
                raise StoreCorrupt(f"number {number} is claimed at position {self.length}, and it is not free")
            self.drawn[number] = self.length
        self.claims[self.length] = event

    def _draw(self, number: int) -> None:
        """Note that a trial was drawn from a number."""
        token = self.drawn.pop(number, FREE)
        if token != FREE and token not in self.drawn.values():
            del self.claims[token]

    def _asked(self, event: Asked) -> None:
        number = event.number
        if number != len(self.trials):
            raise StoreCorrupt(
                f"trial {number} is asked for at position {self.length}, after {len(self.trials)} trials"
            )
        lease = Lease(event.owner, self.length, event.ttl_s)
        trial = Trial(number, event.config, event.origin, State.RUNNING, None, lease, (), event.note, event.seen)
        self.trials.append(trial)
        self.configs.append(event.config)
        self.table.begin()
        self.imported += event.origin == IMPORTED
        self.running[number] = None
        self.renewed[number] = self.length
        if self.drawn and event.origin == METHOD:
            self._draw((event.first if event.claim is None else event.claim) + event.place)
        if event.ticket:
            self.queue.pop(event.ticket, None)
            self.tickets[event.ticket] = number

    def _retried(self, event: Retried) -> None:
        trial = self.trials[event.number]
        before = trial.lease or Lease("", 0, None, 0)
        lease = Lease(event.owner, self.length, event.ttl_s, before.attempt + 1, before.lost)
        self.trials[event.number] = replace(trial, state=State.RUNNING, lease=lease)
        if event.number in self.waiting:
            self.waiting.remove(event.number)
        self.running[event.number] = None
        self.renewed[event.number] = self.length

    def _renewed(self, event: Renewed) -> None:
        # A worker renewed without a look at the log: it may have lost the lease before.
        if event.number in self.renewed:
            lease = self.trials[event.number].lease
            if lease is not None and lease.token == event.token:
                self.renewed[event.number] = self.length

    def _freed(self, event: Freed) -> None:
        if event.token in self.claims:
            del self.claims[event.token]
            self.drawn = {n: FREE if token == event.token else token for n, token in self.drawn.items()}
            return
        trial = self.trials[event.number]
        lease = trial.lease
        if lease is not None and event.reason == Reason.LOST:
            lease = replace(lease, lost=lease.lost + 1)
        self.trials[event.number] = replace(trial, state=State.WAITING, lease=lease)
        self.running.pop(event.number, None)
        self.renewed.pop(event.number, None)
        self.waiting.append(event.number)

    def _reported(self, event: Reported) -> None:
        trial = self.trials[event.number]
        attempt = trial.lease.attempt if trial.lease else 1
        reports = (*trial.reports, Report(event.step, event.value, attempt))
        self.trials[event.number] = replace(trial, reports=reports)
        self.table.report(event.number, event.step, event.value)
        self.renewed[event.number] = self.length

    def _told(self, event: Told) -> None:
        number = event.number
        trial = self.trials[number]
        if trial.outcome is not None:
            raise StoreCorrupt(f"trial {number} has a second outcome at position {self.length}")
        reason = Reason(event.reason)
        outcome = Outcome(reason, event.values, event.violations, event.duration_s, event.error, event.extra)
        self.trials[number] = Trial(
            number,
            trial.config,
            trial.origin,
            State.FINISHED,
            outcome,
            trial.lease,
            trial.reports,
            trial.note,
            trial.seen,
        )
        self.finished += 1
        self.table.end(number, outcome)
        if self.configs[number] is not None:
            self.leader.end(number, outcome, trial.origin != IMPORTED)
        self.running.pop(number, None)
        self.renewed.pop(number, None)
        if trial.state is State.WAITING:
            self.waiting.remove(number)

    def _enqueued(self, event: Enqueued) -> None:
        if event.ticket not in self.tickets:
            self.tickets[event.ticket] = None
            self.queue[event.ticket] = event.config


def _objectives(created: Created) -> tuple[Objective, ...]:
    return tuple(Objective(name, maximize) for name, maximize in created.objectives)


_MUTABLE = (list, dict, deque, TrialArrays, Incumbent)  # a Counter is a dict

_ADD: Mapping[type, Callable[..., None]] = {
    Created: LogState._created,
    Configured: LogState._configured,
    Changed: LogState._changed,
    Claimed: LogState._claimed,
    Asked: LogState._asked,
    Retried: LogState._retried,
    Renewed: LogState._renewed,
    Freed: LogState._freed,
    Reported: LogState._reported,
    Told: LogState._told,
    Enqueued: LogState._enqueued,
}
