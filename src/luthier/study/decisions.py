"""Decisions about what to append to the log: asked trials, results, lost trials. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

import msgspec

from luthier._runtime.fingerprint import fingerprint
from luthier._runtime.single_thread import on_one_thread
from luthier.errors import InvalidSetting
from luthier.event import (
    Asked,
    Claimed,
    Configured,
    Event,
    Freed,
    Resumed,
    Retried,
    Told,
    proposal_key,
)
from luthier.history import History, SerialOrder, TrialOrder
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, ModelBased, Random, to_plain
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.stop import Rule, Scheduler
from luthier.study.rulings import told
from luthier.trial import Config, Outcome, Reason, Ruling

RETHINKS = 3
"""How many times a method thinks again after its proposals were overtaken, before they are drawn uniformly instead.

Workers that want the same points of a small space might overtake each other for ever; draws that cost nothing end that.
"""


class Configuration:
    """The budgets that methods plan for, and the latest event that names these, the method and the rule.

    Args:
        problem: has the budgets of the latest run.
    """

    def __init__(self, problem: Problem) -> None:
        self._budgets = (problem.horizon, problem.cost_budget)
        self._made: tuple[Method, Rule | None, tuple[int | None, float | None], Configured] | None = None

    def plan(self, horizon: int | None, cost_budget: float | None) -> None:
        """Set the budgets of a run: the number of trials, and what the study may cost."""
        self._budgets = (horizon, cost_budget)

    def event(self, method: Method, rule: Rule | None) -> Configured:
        """Give the event; made anew only where one of these is another one."""
        made, (horizon, cost_budget) = self._made, self._budgets
        if made is None or made[0] is not method or made[1] is not rule or made[2] != self._budgets:
            stop = None if rule is None else to_plain(rule)
            event = Configured(to_plain(method), horizon, fingerprint(), stop, cost_budget)
            made = self._made = (method, rule, self._budgets, event)
        return made[3]


RunLimits: TypeAlias = tuple[int | None, float | None, int | None]
"""The trials, the cost and the evaluations of a study in the end; None for no limit."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Numbers that are claimed, and the history to think from.

    Args:
        number: the first one.
        count: how many.
        view: the history that the method sees, which no other thread touches.
        again: how many times their proposals were overtaken.
    """

    number: int
    count: int
    view: History
    again: int = 0

    @property
    def token(self) -> int:
        """The position of the event that claims them, which comes right after what the method sees."""
        return self.view.length


@dataclass(frozen=True, slots=True)
class Decider:
    """The decisions of one study object: its method, and the leases that it will take.

    Args:
        method: makes the proposals.
        configured: says what the method is; written down before its first proposal.
        key: the root of the study's randomness.
        memo: the process's cache.
        owner: will hold the leases of the trials.
        ttl_s: how long a lease lasts without renewal.
        limit: how many trials the study may have, besides imported ones; retries are always made.
        claimant: will hold the claims.
        claim_ttl_s: how long a claim lasts without renewal.
        scheduler: says what new trials may spend, and which paused ones go on; None: all trials get all.
        order: in which trials begin and outcomes are seen in a deterministic run; None: as they come.
        cost_limit: no trial begins once this is spent, or committed to the trials that run; None for no limit.
        evaluation_limit: the same of the cases of a study with instances.
    """

    method: Method
    configured: Configured
    key: Key
    memo: Memo
    owner: str
    ttl_s: float | None
    limit: int | None = None
    claimant: str = ""
    claim_ttl_s: float | None = None
    scheduler: Scheduler | None = None
    order: TrialOrder | SerialOrder | None = None
    cost_limit: float | None = None
    evaluation_limit: int | None = None

    def begin(self, history: History, count: int) -> list[Event] | None:
        """Decide which trials begin without a thought: waiting ones, else promoted ones, else enqueued ones.

        Returns:
            What begins up to `count` of them; nothing where the limit is reached, or others run a trial that is to end
            first; None where the method is to propose.
        """
        if isinstance(self.order, SerialOrder):
            if not self.order.is_complete(history):
                return []
            count = 1
        if self.cost_limit is not None and self._is_spent(history):
            return []
        backlog = history.backlog
        if backlog:
            waiting = history.waiting
            if waiting:
                return [self.again(history, number) for number in waiting[:count]]
        if self.scheduler is not None and history.paused and (resumed := self._resumed(history, self.scheduler)):
            return resumed
        room = self._room(history, count)
        if room < 1:
            return []
        if backlog:
            queue = history.queue[:room]
            return self._given(history, [self._asked(history, i, c, "enqueued", t) for i, (t, c) in enumerate(queue)])
        return None

    def propose(self, history: History, count: int) -> list[Event]:
        """Have the method propose the next `count` trials, fewer where it finds or the limit leaves fewer.

        Raises:
            SpaceExhausted, Infeasible: as `Method.suggest` does.
        """
        if isinstance(self.order, TrialOrder):
            return self._propose_in_order(history, self.order)
        number, size = history.free_numbers(self._room(history, count))
        news = self._news(history)
        problem = self._problem(history)
        if self.scheduler is not None:
            problem = with_first_units(problem, history, self.scheduler)
        proposals = propose(problem, history, self.method, self.key, self.memo, number, size)
        return [*news, *self._trials(history, proposals, number, size, history.length + len(news))]

    def _propose_in_order(self, history: History, order: TrialOrder) -> list[Event]:
        """Have the method propose the next trial from what stands before it in the order of the trials, if it does."""
        if not order.is_complete(history):
            return []
        news = self._news(history)
        view, number = order.at(history), len(history)
        known = (number, view.length, view.digest, self.configured)
        if order.latest is None or order.latest[0] != known:
            problem = self._problem(view)
            order.latest = known, propose(problem, view, self.method, self.key, self.memo, number, 1)
        found = self._trials(history, order.latest[1], number, 1, history.length + len(news))
        return [*news, *(msgspec.structs.replace(event, window=order.window) for event in found)]

    def claim(self, history: History, count: int) -> tuple[list[Event], Claim]:
        """Claim up to `count` numbers, to think of them while others go on."""
        number, size = history.free_numbers(self._room(history, count))
        return self._claimed(history, number, size)

    def think(self, claim: Claim) -> tuple[Proposal, ...]:
        """Make the proposals for claimed numbers. Needs no lock: others may append meanwhile.

        Raises:
            SpaceExhausted, Infeasible: as `Method.suggest` does.
        """
        view, method = claim.view, self.method
        problem = with_first_units(view.problem(), view, self.scheduler)
        return propose(problem, view, method, self.key, self.memo, claim.number, claim.count, claim.again)

    def settle(self, history: History, claim: Claim, proposals: Sequence[Proposal]) -> tuple[list[Event], Claim | None]:
        """Decide what becomes of the proposals for a claim, whatever was appended since.

        They stand up to the first one whose configuration was asked for meanwhile (law 5). From that one on the numbers
        are claimed once more, and drawn anew from what is known now; likewise where the claim was lost, or the study
        went on in another space.

        Returns:
            What to append, and the next claim.
        """
        if not history.holds(claim.token):
            return self.claim(history, claim.count) if self._room(history, claim.count) > 0 else ([], None)
        standing = _standing(history, claim, proposals)
        # Another process may have named its own scheduler meanwhile; the method is that of the claim.
        events = self._news(history) if standing and self.scheduler is not None else []
        events += self._trials(history, proposals[:standing], claim.number, claim.count, claim.token, claim.again)
        if standing == claim.count:
            return events, None
        events.append(Freed(claim.number, claim.token, str(Reason.INTERRUPTED)))
        if standing == len(proposals):
            return events, None
        rest = history.fork().extend(events)
        more, again = self._claimed(rest, claim.number + standing, len(proposals) - standing, claim.again + 1)
        return [*events, *more], again

    def give_up(self, history: History, claim: Claim) -> list[Event]:
        """Decide how claimed numbers are given back."""
        return [Freed(claim.number, claim.token, str(Reason.INTERRUPTED))] if history.holds(claim.token) else []

    def given(self, history: History, configs: Sequence[Config]) -> list[Event]:
        """Begin trials of the configurations that the caller insists on."""
        return self._given(history, [self._asked(history, i, config, "user") for i, config in enumerate(configs)])

    def _given(self, history: History, asked: Sequence[Event]) -> list[Event]:
        """Name the scheduler before what it gives to trials that no method proposed."""
        return [*asked] if self.scheduler is None else [*self._news(history), *asked]

    def _room(self, history: History, count: int) -> int:
        """How many of `count` trials the limit leaves; those that others are thinking of count as begun."""
        if self.cost_limit is not None and self._is_spent(history):
            return 0
        return count if self.limit is None else min(count, self.limit - history.asked - history.claimed)

    def _problem(self, history: History) -> Problem:
        """Give the problem with the horizon and the budget that are about to be logged."""
        problem, horizon, budget = history.problem(), self.configured.horizon, self.configured.cost_budget
        if (problem.horizon, problem.cost_budget) == (horizon, budget):
            return problem
        return replace(problem, horizon=horizon, cost_budget=budget)

    def _is_spent(self, history: History) -> bool:
        """Tell whether the study has spent what it may, the trials that run or are thought of included."""
        if self.evaluation_limit is not None and history.committed_evaluations >= self.evaluation_limit:
            return True
        if self.cost_limit is None:
            return False
        seen = history if self.order is None else self.order.at(history)  # else it would depend on the timing
        return seen.committed >= self.cost_limit

    def _resumed(self, history: History, scheduler: Scheduler) -> list[Event]:
        """Have a paused trial go on, where the scheduler promotes one."""
        news = self._news(history)
        seen = history.length + len(news)
        for number in history.paused:  # a promotion that its worker did not make use of
            trial = history.trial(number)
            if trial.ruling is Ruling.PROMOTE and trial.until is not None and history.config(number) is not None:
                return [*news, Resumed(number, seen, trial.until, self.owner, self.ttl_s)]
        found = scheduler.promotion(self._problem(history), history)
        return [] if found is None else [*news, Resumed(found.number, seen, found.until, self.owner, self.ttl_s)]

    def _until(self, history: History, place: int, scheduler: Scheduler) -> int:
        """Give what the trial at a place among those that begin now may spend."""
        return scheduler.first(self._problem(history), history.asked + place)

    def _news(self, history: History) -> list[Event]:
        """Name the method, where the log does not say that it is this one."""
        logged = history.configured
        return [self.configured] if logged is None or logged[1] != self.configured else []

    def _claimed(self, history: History, number: int, count: int, again: int = 0) -> tuple[list[Event], Claim]:
        news = self._news(history)
        view = history.fork().extend(news)
        event = Claimed(number, view.length, count, self.claimant, self.claim_ttl_s)
        return [*news, event], Claim(number, count, view, again)

    def again(self, history: History, number: int) -> Event:
        """Run a waiting trial again; one that the present space cannot hold ends."""
        if history.config(number) is not None:
            return Retried(number, self.owner, self.ttl_s)
        lease = history.trial(number).lease
        error = "its worker was lost, and then the study was changed to a space that cannot hold its configuration"
        return Told(number, lease.token if lease else 0, str(Reason.LOST), error=error)

    def _trials(
        self, history: History, proposals: Sequence[Proposal], number: int, size: int, seen: int, again: int = 0
    ) -> list[Event]:
        """Begin trials of proposals that were drawn `size` at once for `number` and those after it."""
        first = len(history)
        return [
            Asked(
                first + i,
                dict(proposal.config),
                seen,
                batch=(first, size) if size > 1 else None,
                owner=self.owner,
                ttl_s=self.ttl_s,
                note=dict(proposal.note),
                claim=None if number == first else number,
                again=again,
                until=None if self.scheduler is None else self._until(history, i, self.scheduler),
            )
            for i, proposal in enumerate(proposals)
        ]

    def _asked(self, history: History, place: int, config: Config, origin: str, ticket: str = "") -> Asked:
        given = (len(history) + place, dict(config), history.length, origin)
        until = None if self.scheduler is None else self._until(history, place, self.scheduler)
        return Asked(*given, owner=self.owner, ttl_s=self.ttl_s, ticket=ticket, until=until)


def with_first_units(problem: Problem, history: History, scheduler: Scheduler | None) -> Problem:
    """Say what the trial may spend first that is proposed from a history; the first one of a batch."""
    return problem if scheduler is None else replace(problem, first_units=scheduler.first(problem, history.asked))


def propose(
    problem: Problem, history: History, method: Method, root: Key, memo: Memo, number: int, count: int, again: int = 0
) -> tuple[Proposal, ...]:
    """Make the proposals of a batch of trials, for the first time or once more; on one thread.

    Args:
        problem: what is optimized.
        history: what is known.
        method: proposes, unless it was overtaken too often (see `RETHINKS`).
        root: the root of the study's randomness.
        memo: skips work that was done before.
        number: whose randomness it is.
        count: of proposals.
        again: how many times they were overtaken.
    """
    stream = proposal_key(root, number, again)
    if again > RETHINKS:
        drawn = Random().suggest(problem, history, stream, count, memo)
        return tuple(replace(proposal, note={**proposal.note, "by": "rest"}) for proposal in drawn)

    def compute() -> tuple[Proposal, ...]:
        return method.suggest(problem, history, stream, count, memo)

    return on_one_thread(compute, memo.clear, *_libraries(type(method)))


@cache
def _libraries(kind: type) -> tuple[str, ...]:
    """Name the modules that a kind of method will load."""
    return ("scipy.linalg",) if issubclass(kind, ModelBased) else ()


def _standing(history: History, claim: Claim, proposals: Sequence[Proposal]) -> int:
    """Count the proposals before the first one that cannot begin any more."""
    if history.space is not claim.view.space:
        return 0
    if history.problem().noisy:
        return len(proposals)
    known = (history.has(history.space.identity(proposal.config)) for proposal in proposals)
    return next((place for place, taken in enumerate(known) if taken), len(proposals))


@dataclass(frozen=True, slots=True)
class KnownResult:
    """A result that is known from elsewhere. Under one ticket, unless it is empty, only one result is recorded."""

    config: Config
    outcome: Outcome
    ticket: str = ""


def add_many(history: History, results: Sequence[KnownResult]) -> list[Event]:
    """Decide how results that are known from elsewhere are recorded, as imported trials in their order.

    Raises:
        InvalidSetting: a ticket is that of an enqueued configuration, of which there is no trial yet.
    """
    found: list[Event] = []
    number, tickets = len(history), set[str]()
    for result in results:
        if result.ticket and history.ticketed(result.ticket) and history.ticket(result.ticket) is None:
            raise InvalidSetting(
                f"the ticket {result.ticket!r} is that of an enqueued configuration, which was not tried yet: "
                "give the result a ticket of its own"
            )
        if result.ticket and (history.ticketed(result.ticket) or result.ticket in tickets):
            continue
        tickets.add(result.ticket)
        token = history.length + len(found)
        found.append(Asked(number, dict(result.config), token, "imported", ticket=result.ticket))
        found.append(told(number, token, result.outcome))
        number += 1
    return found
