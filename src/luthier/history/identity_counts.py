"""Counts of the configurations that a study has begun."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Container, Sequence

from luthier.space import Space
from luthier.trial import Config


class IdentityCounts:
    """Counts by identity, of which 64 bits are kept: of a million configurations, two share them once in 10**7 studies.

    What begins is counted when somebody asks, so that reading a log need not wait for it.
    """

    __slots__ = ("_counts", "_read")

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()  # of the first `_read` trials
        self._read = 0

    def __len__(self) -> int:
        """Count the configurations."""
        return len(self._counts)

    def __contains__(self, identity: str) -> bool:
        return self._counts[_brief(identity)] > 0

    def read(self, configs: Sequence[Config | None], space: Space, without: Container[int]) -> None:
        """Count the trials that are new, but for those that count for nothing. Cost O(new trials)."""
        for number in range(self._read, len(configs)):
            config = configs[number]
            identity = None if config is None or number in without else _brief(space.identity(config))
            if identity is not None:
                self._counts[identity] += 1
            self._read = number + 1

    def change(self, number: int, config: Config | None, space: Space, more: int) -> None:
        """Count a trial once more (1), or not any longer (-1)."""
        if number < self._read and config is not None:
            identity = _brief(space.identity(config))
            self._counts[identity] += more
            if not self._counts[identity]:
                del self._counts[identity]

    def copy(self) -> IdentityCounts:
        """Give an independent copy."""
        twin = IdentityCounts()
        twin._counts, twin._read = self._counts.copy(), self._read
        return twin


def _brief(identity: str) -> int:
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest())
