"""The clock of a database server, read when it answers and carried on in between."""

from __future__ import annotations

import time

_FRESH_S = 10.0


class ServerClock:
    """A clock that shows the server's time without asking it every time.

    Between answers the time goes on by the monotonic clock of this machine, whose own time of day plays no part.
    """

    __slots__ = ("_offset_s", "_read_s")

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._read_s = -float("inf")

    def __call__(self) -> float:
        """Read it."""
        return time.monotonic() + self._offset_s

    @property
    def is_stale(self) -> bool:
        """Whether the server should be asked again: it has said nothing for ten seconds."""
        return time.monotonic() - self._read_s > _FRESH_S

    def note(self, shown: float) -> None:
        """Note what the server has just said."""
        self._read_s = time.monotonic()
        self._offset_s = shown - self._read_s
