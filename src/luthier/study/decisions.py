"""Decide what to append to the log: to ask for a trial, to tell of one, to take back a lost one. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from luthier._runtime.single_thread import on_one_thread
from luthier.errors import InvalidResult, LeaseLost, TrialFinished
from luthier.event import Asked, Configured, Event, Freed, Reported, Retried, Told
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method, ModelBased
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.trial import Config, Outcome, Reason, State, Trial

MAX_LOST = 5
"""How many workers a trial may cost before it ends as LOST: it might be what takes them down."""


@dataclass(frozen=True, slots=True)
class Decider:
    """Who asks, and with what method.

    Args:
        method: makes the proposals.
        configured: says what the method is; written down before its first proposal.
        key: the root of the study's randomness.
        memo: the process's cache.
        owner: who will hold the leases.
        ttl_s: how long a lease lasts without renewal.
        limit: how many trials the study may have, besides those that were imported; retries are always made.
    """

    method: Method
    configured: Configured
    key: Key
    memo: Memo
    owner: str
    ttl_s: float | None
    limit: int | None = None

    def ask(self, history: History, count: int) -> list[Event]:
        """Decide what the next `count` trials are: waiting ones, else enqueued ones, else the method's.

        Fewer come back where one of these has fewer; none where the limit is reached.
        """
        waiting = history.waiting
        if waiting:
            return [self._again(history, number) for number in waiting[:count]]
        room = count if self.limit is None else min(count, self.limit - history.asked)
        if room < 1:
            return []
        queue = history.queue
        if queue:
            first = len(history)
            return [self._asked(history, first + i, c, "enqueued", t) for i, (t, c) in enumerate(queue[:room])]
        return self._proposed(history, room)

    def given(self, history: History, configs: Sequence[Config]) -> list[Event]:
        """Begin trials of the configurations that the caller insists on."""
        first = len(history)
        return [self._asked(history, first + i, config, "user") for i, config in enumerate(configs)]

    def _again(self, history: History, number: int) -> Event:
        if history.config(number) is not None:
            return Retried(number, self.owner, self.ttl_s)
        lease = history.trial(number).lease
        error = "its worker was lost, and then the study was changed to a space that cannot hold its configuration"
        return Told(number, lease.token if lease else 0, str(Reason.LOST), error=error)

    def _proposed(self, history: History, count: int) -> list[Event]:
        first, logged = len(history), history.configured
        news = logged is None or logged[1] != self.configured
        problem = history.problem()
        if problem.horizon != self.configured.horizon:
            problem = replace(problem, horizon=self.configured.horizon)
        proposals = propose(problem, history, self.method, self.key, self.memo, first, count)
        seen = history.length + news
        batch = (first, count) if count > 1 else None
        asked: list[Event] = [self.configured] if news else []
        asked.extend(
            Asked(
                first + i,
                dict(proposal.config),
                seen,
                batch=batch,
                owner=self.owner,
                ttl_s=self.ttl_s,
                note=dict(proposal.note),
            )
            for i, proposal in enumerate(proposals)
        )
        return asked

    def _asked(self, history: History, number: int, config: Config, origin: str, ticket: str = "") -> Asked:
        return Asked(number, dict(config), history.length, origin, owner=self.owner, ttl_s=self.ttl_s, ticket=ticket)


def propose(
    problem: Problem, history: History, method: Method, key: Key, memo: Memo, first: int, count: int
) -> tuple[Proposal, ...]:
    """Make the proposals of a batch of trials, for the first time or again; on one thread."""
    stream = key.fold("trial", first)

    def compute() -> tuple[Proposal, ...]:
        return method.suggest(problem, history, stream, count, memo)

    return on_one_thread(compute, memo.clear, *_libraries(type(method)))


@cache
def _libraries(kind: type) -> tuple[str, ...]:
    """Give what a kind of method will load."""
    return ("scipy.linalg",) if issubclass(kind, ModelBased) else ()


def tell(
    history: History, number: int, token: int | None, outcome: Outcome, reports: Sequence[tuple[int, float]] = ()
) -> list[Event]:
    """Decide how a result is written down.

    Args:
        history: everything that is known.
        number: the trial.
        token: the fencing token of the teller's lease, or None for whoever holds the trial now.
        outcome: what came of it.
        reports: all intermediate results (step, value) of this run of the trial; those not written down yet are now.

    Returns:
        One event, after those of the reports; none where exactly this was told before under the same token.

    Raises:
        TrialFinished: the trial has another outcome.
        LeaseLost: the trial was taken from the teller.
    """
    trial = history.trial(number)
    if trial.outcome is not None:
        same = (trial.outcome.reason, _comparable(trial.outcome)) == (outcome.reason, _comparable(outcome))
        if token is not None and trial.lease is not None and trial.lease.token == token and same:
            return []
        raise TrialFinished(f"trial {number} already ended as {trial.outcome.reason}; it keeps that outcome")
    token = _held(trial, token)
    late = [Reported(number, token, step, value) for step, value in reports[len(trial.reports) :]]
    return [*late, told(number, token, outcome)]


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


def report(history: History, number: int, token: int, step: int, value: float) -> list[Event]:
    """Decide how an intermediate value is written down; raises LeaseLost, TrialFinished or InvalidResult."""
    trial = history.trial(number)
    if trial.outcome is not None:
        raise TrialFinished(f"trial {number} already ended as {trial.outcome.reason}: it takes no more reports")
    if step < 0:
        raise InvalidResult(f"the steps of reports count from 0, not {step}")
    return [Reported(number, _held(trial, token), step, value)]


def free(history: History, number: int, token: int, reason: Reason, error: str = "") -> list[Event]:
    """Decide how a lease ends without an outcome: the trial waits to be run again, unless it cost too many workers."""
    trial = history.trial(number)
    if trial.state is not State.RUNNING or trial.lease is None or trial.lease.token != token:
        return []  # somebody else was faster
    if reason is Reason.LOST and trial.lease.lost + 1 >= MAX_LOST:
        text = error or "its worker vanished"
        return [Told(number, token, str(Reason.LOST), error=f"{text}; that was worker {MAX_LOST} of this trial")]
    return [Freed(number, token, str(reason), error)]


def abandoned(
    history: History, stamps: Sequence[float], now: float, is_dead: Callable[[str], bool | None]
) -> list[tuple[int, int]]:
    """Find the leases whose holders are gone: (number, token) of each. Cost O(running trials)."""
    found = []
    judged: dict[str, bool | None] = {"": None}
    for number in history.running:
        lease = history.trial(number).lease
        if lease is None:
            continue
        if lease.owner not in judged:
            judged[lease.owner] = is_dead(lease.owner)
        dead = judged[lease.owner]
        if dead is None and lease.ttl_s is not None:
            dead = now > stamps[history.alive_at(number)] + lease.ttl_s
        if dead:
            found.append((number, lease.token))
    return found


def _held(trial: Trial, token: int | None) -> int:
    lease = trial.lease
    if trial.state is not State.RUNNING or lease is None or (token is not None and token != lease.token):
        raise LeaseLost(
            f"trial {trial.number} was taken from this worker, whose lease had ended; its late result is refused. "
            "The trial is run again with the same configuration"
        )
    return lease.token


def _comparable(outcome: Outcome) -> dict[str, str]:
    return {name: "nan" if math.isnan(value) else repr(value) for name, value in outcome.values.items()}
