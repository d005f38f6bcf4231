"""The running time of a study, from the time stamps of its log alone."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.event import Asked, Claimed, Freed, Renewed, Reported, Retried, Told
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
        elif isinstance(event, Retried):
            began[event.number] = alive[event.number] = at
        elif isinstance(event, Renewed | Reported):
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
