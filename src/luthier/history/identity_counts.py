"""Counts of the configurations that a study has begun."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Integers
from luthier.space import Space
from luthier.trial import Config

_MERGED = 1024  # so many counts are kept as objects, some 100 bytes each, before they go into the arrays


class IdentityCounts:
    """Counts by identity, of which 64 bits are kept: of a million configurations, two share them once in 10**7 studies.

    What begins is counted when somebody asks, so that reading a log need not wait for it. Older counts are two sorted
    arrays, 9 bytes a configuration, which are never written to: copies share them.
    """

    __slots__ = ("_counts", "_distinct", "_found", "_latest", "_read", "_sorted")

    def __init__(self) -> None:
        self._sorted: NDArray[np.uint64] = np.empty(0, np.uint64)  # identities
        self._counts: NDArray[np.generic] = np.empty(0, np.uint8)  # of these
        self._latest: dict[int, int] = {}  # what has come to the counts of these arrays since
        self._distinct = 0
        self._found = ("", 0, 0)  # the identity that was looked for last
        self._read = 0  # the first so many trials are counted

    def __len__(self) -> int:
        """Count the configurations."""
        return self._distinct

    def __contains__(self, identity: str) -> bool:
        _, brief, older = self._find(identity)
        return self._latest.get(brief, 0) + older > 0

    def read(self, configs: Sequence[Config | None], space: Space, without: Container[int]) -> None:
        """Count the trials that are new, but for those that count for nothing. Cost O(new trials)."""
        first, length = self._read, len(configs)
        if length == first + 1:  # one that begins
            config = configs[first]
            if config is not None and first not in without:
                self._add(space.identity(config), 1)
            self._read = length
        elif length > first:
            news = enumerate(configs[first:], first)
            kept = space.identities([one for number, one in news if one is not None and number not in without])
            self._read = length
            if len(kept) > _MERGED:
                self._merge(np.array([*map(_brief, kept)], np.uint64), np.ones(len(kept), np.int64))
            else:
                for identity in kept:
                    self._add(identity, 1)

    def change(self, number: int, config: Config | None, space: Space, more: int) -> None:
        """Count a trial once more (1), or not any longer (-1)."""
        if number < self._read and config is not None:
            self._add(space.identity(config), more)

    def copy(self) -> IdentityCounts:
        """Give an independent copy. Cost O(1)."""
        twin = IdentityCounts()
        twin._sorted, twin._counts, twin._latest = self._sorted, self._counts, self._latest.copy()
        twin._distinct, twin._read = self._distinct, self._read
        return twin

    def _find(self, identity: str) -> tuple[str, int, int]:
        """Give an identity, its 64 bits and its count in the arrays; most begin right after somebody asked for them."""
        if self._found[0] != identity:
            brief = _brief(identity)
            self._found = (identity, brief, self._older(brief) if len(self._sorted) else 0)
        return self._found

    def _older(self, brief: int) -> int:
        known = self._sorted
        place = int(known.searchsorted(np.uint64(brief)))
        return int(self._counts[place].item()) if place < len(known) and known[place] == brief else 0

    def _add(self, identity: str, more: int) -> None:
        _, brief, older = self._find(identity)
        since = self._latest.get(brief, 0)
        self._latest[brief] = since + more
        self._distinct += (older + since + more > 0) - (older + since > 0)
        if len(self._latest) > _MERGED:
            self._merge(np.empty(0, np.uint64), np.empty(0, np.int64))

    def _merge(self, identities: NDArray[np.uint64], counts: Integers) -> None:
        """Take more counts, and the latest ones, into the arrays. Cost O(configurations)."""
        latest = np.fromiter(self._latest, np.uint64, len(self._latest))
        changes = np.fromiter(self._latest.values(), np.int64, len(self._latest))
        every, places = np.unique(np.concatenate([self._sorted, latest, identities]), return_inverse=True)
        sums = np.bincount(places, np.concatenate([self._counts, changes, counts]), len(every))
        kept = sums > 0
        narrow = np.uint8 if sums.max(initial=0) < 256 else np.int32
        self._sorted, self._counts, self._latest, self._found = every[kept], sums[kept].astype(narrow), {}, ("", 0, 0)
        self._distinct = len(self._sorted)


def _brief(identity: str) -> int:
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest())
