"""Decisions about what to append to the log: asked trials, results, lost trials. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from luthier._runtime.single_thread import on_one_thread
from luthier.errors import InvalidResult, InvalidSetting, LeaseLost, TrialFinished
from luthier.event import Asked, Claimed, Configured, Event, Freed, Reported, Retried, Told, proposal_key
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, ModelBased, Random
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.trial import Config, Outcome, Reason, Report, State, Trial

RETHINKS = 3
"""How many times a method thinks again after its proposals were overtaken, before they are drawn uniformly instead.

Workers that want the same points of a small space might overtake each other for ever; draws that cost nothing end that.
"""


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

    def begin(self, history: History, count: int) -> list[Event] | None:
        """Decide which trials begin without a thought: waiting ones, else enqueued ones.

        Returns:
            What begins up to `count` of them; nothing where the limit is reached; None where the method is to propose.
        """
        backlog = history.backlog
        if backlog:
            waiting = history.waiting
            if waiting:
                return [self._again(history, number) for number in waiting[:count]]
        room = self._room(history, count)
        if room < 1:
            return []
        if backlog:
            first, queue = len(history), history.queue[:room]
            return [self._asked(history, first + i, config, "enqueued", t) for i, (t, config) in enumerate(queue)]
        return None

    def propose(self, history: History, count: int) -> list[Event]:
        """Have the method propose the next `count` trials, fewer where it finds or the limit leaves fewer.

        Raises:
            SpaceExhausted, Infeasible: as `Method.suggest` does.
        """
        number, size = history.free_numbers(self._room(history, count))
        news = self._news(history)
        problem = history.problem()
        if problem.horizon != self.configured.horizon:
            problem = replace(problem, horizon=self.configured.horizon)
        proposals = propose(problem, history, self.method, self.key, self.memo, number, size)
        return [*news, *self._trials(history, proposals, number, size, history.length + len(news))]

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
        return propose(view.problem(), view, method, self.key, self.memo, claim.number, claim.count, claim.again)

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
        events: list[Event] = []
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
        first = len(history)
        return [self._asked(history, first + i, config, "user") for i, config in enumerate(configs)]

    def _room(self, history: History, count: int) -> int:
        """How many of `count` trials the limit leaves; those that others are thinking of count as begun."""
        return count if self.limit is None else min(count, self.limit - history.asked - history.claimed)

    def _news(self, history: History) -> list[Event]:
        """Name the method, where the log does not say that it is this one."""
        logged = history.configured
        return [self.configured] if logged is None or logged[1] != self.configured else []

    def _claimed(self, history: History, number: int, count: int, again: int = 0) -> tuple[list[Event], Claim]:
        news = self._news(history)
        view = history.fork().extend(news)
        event = Claimed(number, view.length, count, self.claimant, self.claim_ttl_s)
        return [*news, event], Claim(number, count, view, again)

    def _again(self, history: History, number: int) -> Event:
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
            )
            for i, proposal in enumerate(proposals)
        ]

    def _asked(self, history: History, number: int, config: Config, origin: str, ticket: str = "") -> Asked:
        return Asked(number, dict(config), history.length, origin, owner=self.owner, ttl_s=self.ttl_s, ticket=ticket)


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


def tell(
    history: History, number: int, token: int | None, outcome: Outcome, reports: Sequence[tuple[int, float]] = ()
) -> list[Event]:
    """Decide how a result is recorded.

    Args:
        history: everything that is known.
        number: the trial.
        token: the fencing token of the caller's lease; None: that of the present lease.
        outcome: what came of it.
        reports: all intermediate results (step, value) of this attempt; those not recorded yet are now.

    Returns:
        One event, after those of the reports; no event where exactly this was recorded before under the same token.

    Raises:
        TrialFinished: the trial has another outcome.
        LeaseLost: the trial was taken from the caller.
    """
    trial = history.trial(number)
    if trial.outcome is not None:
        same = (trial.outcome.reason, _comparable(trial.outcome)) == (outcome.reason, _comparable(outcome))
        if token is not None and trial.lease is not None and trial.lease.token == token and same:
            return []
        raise TrialFinished(f"trial {number} already ended as {trial.outcome.reason}; it keeps that outcome")
    token = _held(trial, token)
    late = reports[len(_of_attempt(trial)) :] if reports else ()
    return [*(Reported(number, token, step, value) for step, value in late), told(number, token, outcome)]


def told(number: int, token: int, outcome: Outcome) -> Told:
    """Make the event of an outcome."""
    return Told(
        number,
        token,
        str(outcome.reason),
        dict(outcome.values),
        dict(outcome.violations),
        outcome.duration_s,
        outcome.error,
        dict(outcome.extra),
    )


def report(history: History, number: int, token: int, step: int | None, value: float) -> list[Event]:
    """Decide how an intermediate value is recorded; without a `step`, as that after the latest of this attempt.

    Raises:
        LeaseLost, TrialFinished, InvalidResult: it cannot be recorded.
    """
    trial = history.trial(number)
    if trial.outcome is not None:
        raise TrialFinished(f"trial {number} already ended as {trial.outcome.reason}: it takes no more reports")
    if step is None:
        reports = _of_attempt(trial)
        step = reports[-1].step + 1 if reports else 0
    if not 0 <= step < 2**63:
        raise InvalidResult(f"the steps of reports count from 0, not {step}")
    return [Reported(number, _held(trial, token), step, value)]


def _held(trial: Trial, token: int | None) -> int:
    lease = trial.lease
    if trial.state is not State.RUNNING or lease is None or (token is not None and token != lease.token):
        raise LeaseLost(
            f"trial {trial.number} was taken from this worker, whose lease had ended: its late result is refused. "
            "The trial is run again with the same configuration"
        )
    return lease.token


def _of_attempt(trial: Trial) -> tuple[Report, ...]:
    """Give the reports of the present attempt."""
    attempt = trial.lease.attempt if trial.lease else 1
    return tuple(report for report in trial.reports if report.attempt == attempt)


def _comparable(outcome: Outcome) -> dict[str, str]:
    return {name: "nan" if math.isnan(value) else repr(value) for name, value in outcome.values.items()}
