"""A way to wait for another thread that Ctrl-C may interrupt at any moment."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import final

_LONGEST_WAIT_S = 0.2
"""A signal that the system hands to another thread than the main one does not end its wait: so it looks up."""


@final
class WakeUp:
    """Wakes the thread that waits for something to become true.

    In the main thread, where Ctrl-C raises, `threading.Condition` can be left locked or unlocked by it, and
    `Thread.join` takes a thread for ended that is not (CPython 3.11). Here nothing is lost but a ring, and a ring only
    saves time.
    """

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """Say that something has changed; in a thread that Ctrl-C does not interrupt."""
        self._rings.put(None)

    def wait_until(self, holds: Callable[[], bool], timeout_s: float = math.inf) -> None:
        """Wait until `holds`, asked at every ring and several times a second, or `timeout_s` seconds."""
        deadline_s = time.monotonic() + timeout_s
        while not holds() and (left_s := deadline_s - time.monotonic()) > 0:
            with suppress(Empty):
                self._rings.get(timeout=min(left_s, _LONGEST_WAIT_S))
