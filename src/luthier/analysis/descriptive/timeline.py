"""Timeline of a study: who ran which trial when, and how well the workers were used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

import numpy as np

from luthier._typing import Floats
from luthier.analysis.descriptive.trial_table import plain_form
from luthier.errors import NoResult
from luthier.event import Asked, Claimed, Event, Freed, Renewed, Reported, Resumed, Retried, Told
from luthier.render import ResultForm, seconds
from luthier.trial import Reason

PAUSE_S = 60.0
"""Pauses of more seconds than this, in which nothing ran, are cut out of the use of workers: the study was stopped."""


@dataclass(frozen=True, slots=True)
class TrialSpan:
    """One attempt of a trial.

    Args:
        number: of the trial.
        attempt: 1 for its first run.
        worker: the place of its lane, from 0: attempts that overlap have different ones.
        owner: the process that held the lease: ``host/pid/…``; empty where the trial was told from outside.
        start_s: seconds after the first attempt began.
        end_s: likewise; of an attempt that still runs, the end of the timeline.
        outcome: the reason why it ended; ``running``.
    """

    number: int
    attempt: int
    worker: int
    owner: str
    start_s: float
    end_s: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Timeline(ResultForm):
    """The attempts of all trials, by when they ran, and the use of workers.

    Args:
        spans: in order of beginning.
        workers: the most attempts that ran at once.
        end_s: the end of the timeline, in seconds after the first attempt began.
        busy_s: the seconds of all attempts together.
        use: the share of the time of `workers` workers in which they evaluated something, in [0, 1]; pauses in which
            the study was stopped are left out.
    """

    spans: tuple[TrialSpan, ...]
    workers: int
    end_s: float
    busy_s: float
    use: float

    def running(self) -> tuple[Floats, Floats]:
        """Give how many attempts ran when: the times in seconds at which that changed, and the number from then on."""
        times = np.array([[span.start_s, span.end_s] for span in self.spans]).ravel()
        changes = np.tile([1.0, -1.0], len(self.spans))
        order = np.lexsort((changes, times))
        moments, places = np.unique(times[order], return_index=True)
        total = np.cumsum(changes[order])
        return moments, total[np.append(places[1:], len(total)) - 1]

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        return (
            f"{len(self.spans):,} attempts in {seconds(self.end_s)}, at most {self.workers} at once; "
            f"workers were used {self.use:.0%} of the time"
        )

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        reasons: dict[str, float] = {}
        for span in self.spans:
            reasons[span.outcome] = reasons.get(span.outcome, 0.0) + span.end_s - span.start_s
        return [(outcome, seconds(spent)) for outcome, spent in sorted(reasons.items(), key=lambda item: -item[1])]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        form: dict[str, Any] = plain_form(self)
        return form


def timeline(events: Sequence[Event], stamps: Sequence[float], now: float) -> Timeline:
    """Give the attempts of all trials that were run for this study; imported results took no time and are left out.

    Args:
        events: the log.
        stamps: when each event was appended, on the store's clock, in seconds.
        now: on the store's clock.

    Raises:
        NoResult: no trial was begun.

    Cost O(n log n).
    """
    begun: dict[int, tuple[float, int, str]] = {}
    attempts: dict[int, int] = {}
    alive: dict[int, float] = {}
    raw: list[tuple[float, float, int, int, str, str]] = []

    def end(number: int, at: float, outcome: str, ran_s: float | None) -> None:
        start, attempt, owner = begun.pop(number)
        if outcome == Reason.LOST:  # it ran to its last sign of life, and not until somebody noticed
            at = max(alive[number], start + (ran_s or 0.0))
        raw.append((start, max(at, start), number, attempt, owner, outcome))

    claims: set[int] = set()
    for position, (at, event) in enumerate(zip(stamps, events, strict=False)):
        if isinstance(event, Claimed):
            claims.add(position)
        elif isinstance(event, Retried | Resumed) or (
            isinstance(event, Asked) and (event.owner or event.ttl_s is not None)
        ):
            attempts[event.number] = attempts.get(event.number, 0) + 1
            begun[event.number] = (at, attempts[event.number], event.owner)
            alive[event.number] = at
        elif isinstance(event, Renewed | Reported):
            alive[event.number] = at
        elif isinstance(event, Told) and event.number in begun:
            end(event.number, at, event.reason, event.duration_s)
        elif isinstance(event, Freed) and event.number in begun and event.token not in claims:
            end(event.number, at, event.reason, event.ran_s)
    for number, (start, attempt, owner) in begun.items():
        raw.append((start, max(now, start), number, attempt, owner, "running"))
    if not raw:
        raise NoResult("no trial was run for this study: there is no timeline")
    return _laid_out(sorted(raw))


def run_seconds(events: Sequence[Event]) -> dict[int, float]:
    """Give for how many seconds each trial ran, all its runs together: those that were paused, or lost, as well.

    Trials of which no duration is known are left out. Cost O(n).
    """
    found: dict[int, float] = {}
    for event in events:
        if isinstance(event, Freed):
            ran_s = event.ran_s
        elif isinstance(event, Told):
            ran_s = event.duration_s
        else:
            continue
        if ran_s is not None:
            found[event.number] = found.get(event.number, 0.0) + ran_s
    return found


def _laid_out(raw: Sequence[tuple[float, float, int, int, str, str]]) -> Timeline:
    """Put attempts on lanes: each on the first lane that is free when it begins."""
    busy_lanes: list[tuple[float, int]] = []
    free: list[int] = []
    lanes, zero = 0, raw[0][0]
    spans = []
    for start, end, number, attempt, owner, outcome in raw:
        while busy_lanes and busy_lanes[0][0] <= start:
            heappush(free, heappop(busy_lanes)[1])
        lane = heappop(free) if free else lanes
        lanes = max(lanes, lane + 1)
        heappush(busy_lanes, (end, lane))
        spans.append(TrialSpan(number, attempt, lane, owner, start - zero, end - zero, outcome))
    busy = sum(span.end_s - span.start_s for span in spans)
    last = max(span.end_s for span in spans)
    open_s = _open_seconds(spans) * lanes
    return Timeline(tuple(spans), lanes, last, busy, min(1.0, busy / open_s) if open_s > 0 else 1.0)


def _open_seconds(spans: Sequence[TrialSpan]) -> float:
    """Add up the time in which anything ran, and the pauses of at most `PAUSE_S` between."""
    total, until = 0.0, float("-inf")
    for span in spans:
        start = until if span.start_s - until <= PAUSE_S else span.start_s
        total += max(0.0, span.end_s - start)
        until = max(until, span.end_s)
    return total
