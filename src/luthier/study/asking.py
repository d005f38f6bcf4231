"""Decisions about the log: what to append to ask for a trial, to tell of one, to take back a lost one. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from luthier.errors import InvalidResult, LeaseLost, TrialFinished
from luthier.event import Asked, Event, Freed, Reported, Retried, Told
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.protocol import Method
from luthier.trial import Config, Outcome, Reason, State, Trial

MAX_LOST = 5
"""How many workers a trial may cost before it ends as LOST: a trial that takes its machine down must not do so for ever."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and with what method.

    Args:
        method: makes the proposals.
        key: the root of the study's randomness.
        memo: the process's cache.
        owner: who will hold the leases.
        ttl_s: how long a lease lasts without renewal.
    """

    method: Method
    key: Key
    memo: Memo
    owner: str
    ttl_s: float | None

    def ask(self, history: History, count: int, given: Sequence[Config] = ()) -> list[Event]:
        """Decide what the next `count` trials are: waiting ones, then enqueued ones, then the method's.

        Args:
            history: everything that is known.
            count: how many are wanted; fewer come back where a method proposes fewer.
            given: configurations the caller insists on, instead of all that.
        """
        first = len(history)
        if given:
            return [self._asked(history, first + i, config, "user") for i, config in enumerate(given)]
        events: list[Event] = [Retried(number, self.owner, self.ttl_s) for number in history.waiting[:count]]
        if len(events) == count:
            return events
        for ticket, config in history.queue[: count - len(events)]:
            number = first + sum(isinstance(event, Asked) for event in events)
            events.append(self._asked(history, number, config, "enqueued", ticket=ticket))
        # What was taken from the queue is not in the history yet, so the method is asked only in a call of its own.
        return events or self._proposed(history, first, count)

    def _proposed(self, history: History, first: int, count: int) -> list[Event]:
        proposals = propose(history, self.method, self.key, self.memo, first, count)
        batch = (first, count) if count > 1 else None
        return [
            Asked(
                first + i,
                dict(proposal.config),
                history.length,
                batch=batch,
                owner=self.owner,
                ttl_s=self.ttl_s,
                note=dict(proposal.note),
            )
            for i, proposal in enumerate(proposals)
        ]

    def _asked(self, history: History, number: int, config: Config, origin: str, ticket: str = "") -> Asked:
        return Asked(number, dict(config), history.length, origin, owner=self.owner, ttl_s=self.ttl_s, ticket=ticket)


def propose(history: History, method: Method, key: Key, memo: Memo, first: int, count: int):  # type: ignore[no-untyped-def]
    """Make the proposals of a batch of trials again, or for the first time."""
    return method.suggest(history.problem(), history, key.fold("trial", first), count, memo)


def tell(history: History, number: int, token: int | None, outcome: Outcome) -> list[Event]:
    """Decide how a result is written down.

    Args:
        history: everything that is known.
        number: the trial.
        token: the fencing token of the teller's lease, or None for whoever holds the trial now.
        outcome: what came of it.

    Returns:
        One event; none where exactly this was told before under the same token.

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
    return [
        Told(
            number,
            token,
            str(outcome.reason),
            dict(outcome.values),
            dict(outcome.violations),
            outcome.duration_s,
            outcome.error,
            dict(outcome.extra),
        )
    ]


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
    for number in history.running:
        lease = history.trial(number).lease
        if lease is None:
            continue
        dead = is_dead(lease.owner) if lease.owner else None
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
