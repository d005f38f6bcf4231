"""The state of a study's log: the fold of its events. Mutable, and private to `luthier.history`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from luthier.errors import StoreCorrupt
from luthier.event import (
    Annotated,
    Asked,
    Attributed,
    Changed,
    Claimed,
    Configured,
    Created,
    Directed,
    Enqueued,
    Event,
    Forgotten,
    Freed,
    Paused,
    Preferred,
    Promoted,
    Pruned,
    Renewed,
    Reopened,
    Reported,
    Resumed,
    Retried,
    RunEnded,
    SetAside,
    Told,
    Transferred,
)
from luthier.history.broken_program import EarlyFailures
from luthier.history.identity_counts import IdentityCounts
from luthier.history.incumbent import Incumbent
from luthier.history.instance_race import InstanceRace
from luthier.history.log_marks import FREE, IMPORTED, METHOD, PAUSED
from luthier.history.logged_problem import logged_objectives, logged_problem
from luthier.history.logged_source import LoggedSource
from luthier.history.packed.packed_list import PackedList
from luthier.history.packed.packing import PackedTrials
from luthier.history.present_configs import PresentConfigs
from luthier.history.remarks import Remarks
from luthier.history.spending import Spending
from luthier.history.tables import TrialArrays
from luthier.history.ticket_numbers import TicketNumbers
from luthier.problem import Problem
from luthier.space import Space, migrate
from luthier.trial import Config, Lease, Outcome, Reason, Report, Ruling, State, Trial


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
        "failures",
        "finished",
        "forgotten",
        "identities",
        "imported",
        "leader",
        "length",
        "outside",
        "paused",
        "problem",
        "queue",
        "remarks",
        "renewed",
        "reopened",
        "requests",
        "running",
        "sources",
        "space",
        "spaces",
        "spending",
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
        self.trials: PackedList[Trial] = PackedList((), _is_finished, PackedTrials())
        self.configs = PresentConfigs(self.trials)
        self.table = TrialArrays(())
        self.leader: Incumbent | InstanceRace = Incumbent(None)
        # By number or ticket, with the last space to hold them:
        self.outside: dict[int | str, tuple[Config, Space]] = {}
        self.identities = IdentityCounts()
        self.finished = 0
        self.forgotten: dict[int, None] = {}
        self.reopened: Counter[int] = Counter()  # how often, by number
        self.failures = EarlyFailures()
        self.spending = Spending()
        self.sources: dict[tuple[str, str], LoggedSource] = {}  # by the name and the origin of their studies
        self.imported = 0
        self.running: dict[int, None] = {}
        self.waiting: deque[int] = deque()
        self.paused: dict[int, None] = {}  # the longest paused first
        self.queue: dict[str, Config] = {}  # enqueued and not yet asked, by ticket, in order
        self.tickets = TicketNumbers()
        self.requests: dict[str, tuple[tuple[int, int], ...]] = {}  # numbers and tokens of what was begun, by ticket
        self.renewed: dict[int, int] = {}  # number -> position of the event that last showed its worker alive
        self.claims: dict[int, Claimed] = {}  # by token, as long as numbers of them are held
        self.remarks = Remarks()
        self.drawn: dict[int, int] = {}  # number claimed and not drawn from -> token of the claim; FREE: of none

    def copy(self) -> LogState:
        """Give an independent copy. Cost O(trials), without a look at any of them."""
        twin = LogState(self.spaces)
        for name in self.__slots__:
            value = getattr(self, name)
            setattr(twin, name, value.copy() if isinstance(value, _MUTABLE) else value)
        twin.configs = self.configs.of(twin.trials)
        return twin

    def add(self, event: Event) -> None:
        """Take in the event at position `length`."""
        try:
            _ADD[type(event)](self, event)
        except (IndexError, KeyError, ValueError, TypeError, OverflowError) as error:
            raise StoreCorrupt(f"the event at position {self.length} makes no sense there: {error}") from error
        self.length += 1

    def read_problem(self) -> Problem:
        """Give the problem as the log states it. Cost O(1) until the space or the method changes."""
        if self.problem is None:
            configured = self.configured[1] if self.configured else None
            self.problem = logged_problem(self.created, configured, self.space)
        return self.problem

    def read_identities(self) -> IdentityCounts:
        """Give how often each configuration was begun. Cost O(new trials): reading a log need not wait for it."""
        self.identities.read(self.configs, self.space, self.forgotten)
        return self.identities

    @property
    def fresh(self) -> int:
        """The first number whose randomness was neither used nor claimed: the next trial's, where no claim is open."""
        return len(self.trials) + len(self.drawn)

    @property
    def race(self) -> InstanceRace | None:
        """That of a study with instances."""
        return self.leader if isinstance(self.leader, InstanceRace) else None

    def _read_space(self, plain: Any) -> Space:
        for space in self.spaces:
            if space.to_plain() == plain:
                return space
        return Space.from_plain(plain)

    def _created(self, event: Created) -> None:
        if self.created is not None:
            raise StoreCorrupt(f"the log has a second beginning at position {self.length}")
        self.created, self.problem = event, None
        objectives = logged_objectives(event)
        self.table, self.spending = TrialArrays(objectives, event.cost), Spending(event.cost)
        self.leader = Incumbent(objectives[0] if len(objectives) == 1 else None)
        if event.instances:
            self.leader = InstanceRace(objectives[0])

    def _configured(self, event: Configured) -> None:
        self.configured, self.problem = (self.length, event), None

    def _changed(self, event: Changed) -> None:
        old, self.space, self.problem = self.space, self._read_space(event.space), None
        self.configs.replace([self._migrated(number, config, old) for number, config in enumerate(self.configs)])
        self.identities = IdentityCounts()
        migrated = {ticket: self._migrated(ticket, config, old) for ticket, config in self.queued()}
        self.queue = {ticket: config for ticket, config in migrated.items() if config is not None}
        self.table.forget_points()
        self._lead_anew()

    def _transferred(self, event: Transferred) -> None:
        self.sources[event.source, event.origin] = LoggedSource(event, self.space)

    def _lead_anew(self) -> None:
        """Find the best trial among those that count."""
        held = zip(self.trials, self.configs, strict=True)
        self.leader.restart(trial for trial, config in held if config is not None and not trial.forgotten)

    def _migrated(self, what: int | str, config: Config | None, old: Space) -> Config | None:
        """Read a configuration in the present space, or else keep it: a later space may be able to hold it."""
        if config is None:
            config, old = self.outside[what]
        found = migrate(config, old, self.space)
        if found is None:
            self.outside[what] = (config, old)
        else:
            self.outside.pop(what, None)
        return found

    def queued(self) -> list[tuple[str, Config | None]]:
        """Give the enqueued configurations in order, by ticket, with those that the present space cannot hold."""
        return [(ticket, self.queue.get(ticket)) for ticket in self.tickets.waiting]

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
        given = (number, event.config, event.origin, State.RUNNING, None, lease, (), event.note, event.seen)
        trial = Trial(*given) if event.until is None else Trial(*given, until=event.until)
        self.trials.append(trial)
        self.table.begin()
        self.imported += event.origin == IMPORTED
        self.running[number] = None
        self.renewed[number] = self.length
        if self.drawn and event.origin == METHOD:
            self._draw((event.first if event.claim is None else event.claim) + event.place)
        if event.ticket:
            self.queue.pop(event.ticket, None)
            self.tickets.begin(event.ticket, number)
        if event.request:
            self._answer(event)

    def _answer(self, event: Asked | Retried | Resumed) -> None:
        """Note what was begun for a request; of a trial that was begun anew for it, the latest lease."""
        tokens = dict(self.requests.get(event.request, ())) | {event.number: self.length}
        self.requests[event.request] = tuple(tokens.items())

    def _retried(self, event: Retried) -> None:
        trial = self.trials[event.number]
        before = trial.lease or Lease("", 0, None, 0)
        lease = Lease(event.owner, self.length, event.ttl_s, before.attempt + 1, before.lost)
        if event.number in self.waiting:
            self.waiting.remove(event.number)
        self._lease_anew(event, replace(trial, state=State.RUNNING, lease=lease, ruling=Ruling.GO_ON))

    def _resumed(self, event: Resumed) -> None:
        trial = self.trials[event.number]
        del self.paused[event.number]
        lease = Lease(event.owner, self.length, event.ttl_s, trial.lease.attempt + 1 if trial.lease else 2)
        trial = replace(trial, lease=lease, until=event.until, ruling=Ruling.GO_ON, state=State.RUNNING)
        self._lease_anew(event, trial)

    def _lease_anew(self, event: Retried | Resumed, trial: Trial) -> None:
        self.trials[event.number] = trial
        self.table.begin_again(event.number)
        self.running[event.number], self.renewed[event.number] = None, self.length
        if event.request:
            self._answer(event)

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
        self.spending.freed(event.number, event.ran_s, event.cost)
        lease = trial.lease
        if lease is not None and event.reason == Reason.LOST:
            lease = replace(lease, lost=lease.lost + 1)
        # A trial that was to pause has done what it was to do, also where its worker was lost before it returned.
        pausing = trial.ruling is Ruling.PAUSE or event.reason == PAUSED
        state = State.PAUSED if pausing else State.WAITING
        self.trials[event.number] = replace(trial, state=state, lease=lease)
        self.running.pop(event.number, None)
        self.renewed.pop(event.number, None)
        if pausing:
            self.paused[event.number] = None
        else:
            self.waiting.append(event.number)

    def _reported(self, event: Reported) -> None:
        trial = self.trials[event.number]
        attempt = trial.lease.attempt if trial.lease else 1
        reports, mean, value = (
            (*trial.reports, Report(event.step, event.value, attempt, event.others)),
            None,
            event.value,
        )
        if isinstance(self.leader, InstanceRace):  # models and schedulers see the mean of the cases so far
            mean = value = self.leader.report(event.number, event.step, event.value)
        self.trials[event.number] = replace(trial, reports=reports, mean=mean)
        self.table.report(event.number, event.step, value, event.others)
        self.renewed[event.number] = self.length

    def _judged(self, event: Pruned | Paused | Promoted) -> None:
        trial, ruling = self.trials[event.number], Ruling.PAUSE
        if isinstance(event, Promoted):
            trial, ruling = replace(trial, until=event.until), Ruling.PROMOTE
        elif isinstance(event, Pruned):
            ruling = Ruling.FINISH if event.counts else Ruling.STOP
        self.trials[event.number] = replace(trial, ruling=ruling)

    def _told(self, event: Told) -> None:
        number = event.number
        trial = self.trials[number]
        if trial.outcome is not None:
            raise StoreCorrupt(f"trial {number} has a second outcome at position {self.length}")
        reason = _REASONS[event.reason]
        outcome = Outcome(reason, event.values, event.violations, event.duration_s, event.error, event.extra)
        self.trials[number] = replace(trial, state=State.FINISHED, outcome=outcome, forgotten=False)
        self.finished += 1
        self.table.end(number, outcome, self.length)
        if self.configs.holds(number):
            self.leader.end(number, outcome, trial.origin != IMPORTED)
        self.running.pop(number, None)
        self.renewed.pop(number, None)
        if trial.state is State.WAITING:
            self.waiting.remove(number)
        elif trial.state is State.PAUSED:
            del self.paused[number]
        if trial.origin != IMPORTED:
            self.spending.told(number, outcome)
            for failed in self.failures.end(number, reason, self.trials):
                self._forget(failed)

    def _forgotten(self, event: Forgotten) -> None:
        if self.trials[event.number].outcome is None:
            raise StoreCorrupt(f"trial {event.number} is forgotten at position {self.length}, before it ended")
        if event.number not in self.forgotten:
            self._forget(event.number)

    def _forget(self, number: int) -> None:
        self.trials[number] = replace(self.trials[number], forgotten=True)
        self.forgotten[number] = None
        self.table.forget(number)
        self.identities.change(number, self.configs[number], self.space, -1)
        self._withdraw(number)

    def _reopened(self, event: Reopened) -> None:
        number = event.number
        trial = self.trials[number]
        if trial.outcome is None:
            raise StoreCorrupt(f"trial {number} is to be run again at position {self.length}, before it ended")
        if trial.forgotten:
            del self.forgotten[number]
            self.identities.change(number, self.configs[number], self.space, 1)
        lease = replace(trial.lease, lost=0) if trial.lease else None
        self.trials[number] = replace(
            trial, state=State.WAITING, outcome=None, lease=lease, forgotten=False, ruling=Ruling.GO_ON, mean=None
        )
        self.finished -= 1
        self.reopened[number] += 1
        self.table.reopen(number)
        self.waiting.append(number)
        self._withdraw(number)
        if isinstance(self.leader, InstanceRace):
            self.leader.begin_again(number)

    def _withdraw(self, number: int) -> None:
        """Take back what the outcome of a trial made of the best trial, and of the failures."""
        if isinstance(self.leader, InstanceRace):
            self.leader.drop(number)
        elif self.leader.number == number:
            self._lead_anew()
        self.failures.withdraw(number)

    def _remark(self, event: Annotated | Directed | RunEnded) -> None:
        self.remarks.add(event, self.length)

    def _noted(self, event: SetAside | Preferred) -> None:
        """Leave out what trials do not follow from, or what cannot be read; it keeps its position."""

    def _attributed(self, event: Attributed) -> None:
        trial = self.trials[event.number]
        self.trials[event.number] = replace(trial, attributes={**trial.attributes, **event.values})
        self.spending.note(event.number, event.values)
        if event.number in self.running:
            self.renewed[event.number] = self.length

    def _enqueued(self, event: Enqueued) -> None:
        if event.ticket not in self.tickets:
            self.tickets.waiting[event.ticket] = None
            self.queue[event.ticket] = event.config


def _is_finished(trial: Trial) -> bool:
    return trial.state is State.FINISHED


_REASONS = {reason.value: reason for reason in Reason}

_OWN = (EarlyFailures, IdentityCounts, Incumbent, InstanceRace, PackedList, Remarks, Spending, TrialArrays)
_MUTABLE = (list, dict, deque, TicketNumbers, *_OWN)  # a Counter is a dict

_ADD: Mapping[type, Callable[..., None]] = {
    Created: LogState._created,
    Configured: LogState._configured,
    Changed: LogState._changed,
    Transferred: LogState._transferred,
    Claimed: LogState._claimed,
    Asked: LogState._asked,
    Retried: LogState._retried,
    Renewed: LogState._renewed,
    Freed: LogState._freed,
    Reported: LogState._reported,
    Pruned: LogState._judged,
    Paused: LogState._judged,
    Promoted: LogState._judged,
    Resumed: LogState._resumed,
    Told: LogState._told,
    Reopened: LogState._reopened,
    Forgotten: LogState._forgotten,
    Attributed: LogState._attributed,
    Annotated: LogState._remark,
    Directed: LogState._remark,
    Preferred: LogState._noted,
    RunEnded: LogState._remark,
    Enqueued: LogState._enqueued,
    SetAside: LogState._noted,
}
