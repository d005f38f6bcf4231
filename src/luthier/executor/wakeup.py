"""Condition variable that survives an exception at any moment of the wait."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import final

_LONGEST_WAIT_S = 0.2
"""Seconds between two checks: a signal delivered to another thread than the main one does not interrupt a wait."""


@final
class WakeUp:
    """Wakes the thread that waits for a condition to become true.

    In the main thread, Ctrl-C can leave a `threading.Condition` locked or unlocked, and `Thread.join` can report a
    running thread as ended (CPython 3.11). Here an exception can lose at most one notification, and the condition is
    checked several times a second anyway.
    """

    def __init__(self) -> None:
        self._notifications: SimpleQueue[None] = SimpleQueue()

    def notify(self) -> None:
        """Announce that something has changed; call it in a thread that Ctrl-C does not interrupt."""
        self._notifications.put(None)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = math.inf) -> None:
        """Wait until `condition()` is true, checked at every notification and several times a second, or a timeout."""
        deadline_s = time.monotonic() + timeout_s
        while not condition() and (left_s := deadline_s - time.monotonic()) > 0:
            with suppress(Empty):
                self._notifications.get(timeout=min(left_s, _LONGEST_WAIT_S))
