"""The times of a study and of its trials, from the time stamps of its log alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from luthier.event import Asked, Attributed, Claimed, Freed, Renewed, Reported, Resumed, Retried, Told
from luthier.history import History
from luthier.trial import Reason

PAUSE_S = 60.0
"""Between two trials that are less than this many seconds apart, the study counts as running (a method thinks)."""


def elapsed_s(history: History, stamps: Sequence[float], now: float) -> float:
    """Add up the time during which trials ran, and the pauses of under a minute between them.

    A trial ran from its `Asked` (or `Retried`) to its `Told` (or `Freed`); one whose worker was lost, to the last sign
    of life; one that still runs, until now.

    Args:
        history: the log.
        stamps: when each of its events was appended, on the store's clock.
        now: on the store's clock.

    Cost O(n log n).
    """
    began: dict[int, float] = {}
    alive: dict[int, float] = {}
    spans: list[tuple[float, float]] = []
    claims: set[int] = set()
    for position, (at, event) in enumerate(zip(stamps, history.events, strict=False)):
        if isinstance(event, Claimed):
            claims.add(position)
        elif isinstance(event, Asked):
            if event.owner or event.ttl_s is not None:
                began[event.number] = alive[event.number] = at
        elif isinstance(event, Retried | Resumed):
            began[event.number] = alive[event.number] = at
        elif isinstance(event, Renewed | Reported | Attributed):
            alive[event.number] = at
        elif isinstance(event, Told | Freed) and event.token not in claims and event.number in began:
            start, end = began.pop(event.number), at
            if event.reason == Reason.LOST:
                ran_s = (event.ran_s if isinstance(event, Freed) else event.duration_s) or 0.0
                end = max(alive[event.number], start + ran_s)
            spans.append((start, end))
    spans += [(start, now) for start in began.values()]
    total, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        total += max(0.0, stop - (end if start - end < PAUSE_S else start))
        end = max(end, stop)
    return total


@dataclass(frozen=True, slots=True)
class TrialTimes:
    """When a trial was evaluated, how often, and by whom.

    Args:
        begun: when it was begun last, UTC.
        ended: when it ended; None where it has not.
        attempts: how often it was begun: more than once where a worker was lost or interrupted.
        worker: the process that it was leased to last: ``host/pid/…``; empty where it was told from outside.
    """

    begun: datetime
    ended: datetime | None
    attempts: int
    worker: str

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON, the times in ISO 8601."""
        ended = self.ended.isoformat() if self.ended else None
        return {"begun": self.begun.isoformat(), "ended": ended, "attempts": self.attempts, "worker": self.worker}


def trial_times(history: History, stamps: Sequence[float]) -> dict[int, TrialTimes]:
    """Give the times of all trials, by number. Cost O(trials).

    Args:
        history: the log.
        stamps: when each of its events was appended, on the store's clock.
    """
    found: dict[int, TrialTimes] = {}
    for trial, end in zip(history.trials, history.ends.tolist(), strict=True):
        lease = trial.lease
        if lease is not None and lease.token < len(stamps):
            ended = utc(stamps[end]) if 0 <= end < len(stamps) else None
            found[trial.number] = TrialTimes(utc(stamps[lease.token]), ended, lease.attempt, lease.owner)
    return found


def utc(stamp: float) -> datetime:
    """Give a time stamp of the store's clock as a time of day."""
    return datetime.fromtimestamp(stamp, UTC)
