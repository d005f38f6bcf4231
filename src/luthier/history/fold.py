"""The fold: what a list of events amounts to. Private to `luthier.history`, which keeps it behind an immutable face."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from luthier.errors import StoreCorrupt
from luthier.event import (
    Asked,
    Changed,
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
from luthier.problem import Objective, Problem
from luthier.space import Space, migrate
from luthier.trial import Config, Lease, Outcome, Reason, Report, State, Trial


class Fold:
    """Accumulate events. Mutable, and owned by exactly one log (see `History`)."""

    __slots__ = (
        "configs",
        "configured",
        "created",
        "finished",
        "identities",
        "length",
        "problem",
        "queue",
        "renewed",
        "running",
        "space",
        "tickets",
        "trials",
        "waiting",
    )

    def __init__(self, space: Space) -> None:
        self.space = space
        self.length = 0
        self.created: Created | None = None
        self.configured: tuple[int, Configured] | None = None
        self.problem: Problem | None = None  # as the log states it now, once asked for
        self.trials: list[Trial] = []
        self.configs: list[Config | None] = []  # as the present space reads them; None where it cannot
        self.identities: Counter[str] = Counter()
        self.finished = 0
        self.running: dict[int, None] = {}
        self.waiting: deque[int] = deque()
        self.queue: dict[str, Config] = {}  # enqueued and not yet asked, by ticket, in order
        self.tickets: set[str] = set()
        self.renewed: dict[int, int] = {}  # number -> position of the event that last showed its worker alive

    def add(self, event: Event) -> None:
        """Take in the event at position `length`."""
        _ADD[type(event)](self, event)
        self.length += 1

    def read_problem(self) -> Problem:
        """Give the problem as the log states it. Cost O(1) until the space or the method changes."""
        if self.problem is None:
            created = self.created
            if created is None:
                raise StoreCorrupt("the log does not begin with the event that creates a study")
            objectives = tuple(Objective(name, maximize) for name, maximize in created.objectives)
            horizon = self.configured[1].horizon if self.configured else created.horizon
            self.problem = Problem(self.space, objectives, created.noisy, horizon)
        return self.problem

    # --- one method a kind of event ---------------------------------------------------------------

    def _created(self, event: Created) -> None:
        if self.created is not None:
            raise StoreCorrupt(f"the log has a second beginning at position {self.length}")
        self.created, self.problem = event, None

    def _configured(self, event: Configured) -> None:
        self.configured, self.problem = (self.length, event), None

    def _changed(self, event: Changed) -> None:
        old, self.space, self.problem = self.space, Space.from_plain(event.space), None
        self.configs = [None if c is None else migrate(c, old, self.space) for c in self.configs]
        self.identities = Counter(self.space.identity(c) for c in self.configs if c is not None)
        migrated = {ticket: migrate(config, old, self.space) for ticket, config in self.queue.items()}
        self.queue = {ticket: config for ticket, config in migrated.items() if config is not None}

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
        self.identities[self.space.identity(event.config)] += 1
        self.running[number] = None
        self.renewed[number] = self.length
        if event.ticket:
            self.queue.pop(event.ticket, None)
            self.tickets.add(event.ticket)

    def _retried(self, event: Retried) -> None:
        trial = self.trials[event.number]
        before = trial.lease or Lease("", 0, None, 0)
        lease = Lease(event.owner, self.length, event.ttl_s, before.attempt + 1, before.lost)
        self.trials[event.number] = replace(trial, state=State.RUNNING, lease=lease, reports=())
        if event.number in self.waiting:
            self.waiting.remove(event.number)
        self.running[event.number] = None
        self.renewed[event.number] = self.length

    def _renewed(self, event: Renewed) -> None:
        if event.number in self.renewed:
            self.renewed[event.number] = self.length

    def _freed(self, event: Freed) -> None:
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
        reports = (*trial.reports, Report(event.step, event.value))
        self.trials[event.number] = replace(trial, reports=reports)
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
        self.running.pop(number, None)
        self.renewed.pop(number, None)
        if trial.state is State.WAITING:
            self.waiting.remove(number)

    def _enqueued(self, event: Enqueued) -> None:
        if event.ticket not in self.tickets:
            self.tickets.add(event.ticket)
            self.queue[event.ticket] = event.config


_ADD: Mapping[type, Callable[..., None]] = {
    Created: Fold._created,
    Configured: Fold._configured,
    Changed: Fold._changed,
    Asked: Fold._asked,
    Retried: Fold._retried,
    Renewed: Fold._renewed,
    Freed: Fold._freed,
    Reported: Fold._reported,
    Told: Fold._told,
    Enqueued: Fold._enqueued,
}
