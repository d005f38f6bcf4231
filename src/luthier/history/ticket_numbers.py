"""Numbers of the trials that were begun under tickets, and the tickets that wait for a trial."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_MERGED = 1024  # so many are kept as objects, some 100 bytes each, before they go into the arrays


class TicketNumbers:
    """The tickets of a log. Of those whose trial has begun 64 bits are kept, as of identities (see `IdentityCounts`).

    Older ones are two sorted arrays, 12 bytes a ticket, which are never written to: copies share them. Those that wait
    for their trial are kept as they are, in order.
    """

    __slots__ = ("_latest", "_numbers", "_sorted", "waiting")

    def __init__(self) -> None:
        self._sorted: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._numbers: NDArray[np.int32] = np.empty(0, np.int32)
        self._latest: dict[int, int] = {}
        self.waiting: dict[str, None] = {}
        """Those of which there is no trial yet, in the order in which they came."""

    def __contains__(self, ticket: str) -> bool:
        return ticket in self.waiting or self.get(ticket) is not None

    def get(self, ticket: str) -> int | None:
        """Give the number of the trial that was begun under a ticket; None where there is none (yet)."""
        brief = _brief(ticket)
        if brief in self._latest:
            return self._latest[brief]
        place = int(self._sorted.searchsorted(np.uint64(brief))) if len(self._sorted) else 0
        found = place < len(self._sorted) and self._sorted[place] == brief
        return int(self._numbers[place]) if found else None

    def begin(self, ticket: str, number: int) -> None:
        """Note under which ticket a trial was begun. Cost O(1), amortised."""
        self.waiting.pop(ticket, None)
        self._latest[_brief(ticket)] = number
        if len(self._latest) > max(_MERGED, len(self._sorted) // 16):
            self._merge()

    def copy(self) -> TicketNumbers:
        """Give an independent copy. Cost O(waiting tickets)."""
        twin = TicketNumbers()
        twin._sorted, twin._numbers = self._sorted, self._numbers
        twin._latest, twin.waiting = self._latest.copy(), self.waiting.copy()
        return twin

    def _merge(self) -> None:
        """Take the latest ones into the arrays. Cost O(tickets)."""
        count = len(self._latest)
        briefs = np.concatenate([np.fromiter(self._latest, np.uint64, count), self._sorted])
        numbers = np.concatenate([np.fromiter(self._latest.values(), np.int32, count), self._numbers])
        self._sorted, first = np.unique(briefs, return_index=True)  # of equal ones the first: the latest
        self._numbers, self._latest = numbers[first], {}


def _brief(ticket: str) -> int:
    return int.from_bytes(hashlib.blake2b(ticket.encode("utf-8", "surrogatepass"), digest_size=8).digest())
