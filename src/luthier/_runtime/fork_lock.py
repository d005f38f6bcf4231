"""A lock for what a process must not be in the middle of when it forks.

A child that is forked while another thread holds a lock would wait for it for ever, and a connection to SQLite must
not be carried into a child at all (sqlite.org/howtocorrupt.html, 2.6). So before a fork every guard is taken, and what
it guards may put itself in order; afterwards, in parent and child, it is given back.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from itertools import count
from types import TracebackType

from luthier.errors import StoreBusy

_FORK_PATIENCE_S = 10.0
_numbers = count()
_guards: weakref.WeakSet[ForkSafeLock] = weakref.WeakSet()
_taken: list[ForkSafeLock] = []


class ForkSafeLock:
    """A lock that is free in a forked child, and that a thread which uses it all the time leaves to others in turn.

    Args:
        timeout_s: how long to wait for it before `StoreBusy`.
        before_fork: called with the guard held, in the parent, before it forks.
    """

    __slots__ = ("__weakref__", "_before_fork", "_lock", "_timeout_s", "_turn", "number")

    def __init__(self, timeout_s: float = -1.0, before_fork: Callable[[], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # held by the one who waits for the other lock
        self._timeout_s = timeout_s
        self._before_fork = before_fork
        self.number = next(_numbers)  # guards are taken in this order, so that two forks cannot wait for each other
        _guards.add(self)

    def __enter__(self) -> None:
        if not self._acquire(self._timeout_s):
            raise StoreBusy(f"another thread of this process has been using the store for over {self._timeout_s:g} s")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def prepare(self) -> bool:
        """Take the lock for a fork. False when it cannot be had: this very thread may be inside (a signal handler)."""
        if not self._acquire(_FORK_PATIENCE_S):
            return False
        if self._before_fork is not None:
            self._before_fork()
        return True

    def release(self) -> None:
        """Give the lock back after a fork."""
        self._lock.release()

    def renew(self) -> None:
        """Forget, in a child, a lock that some thread of the parent held."""
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def _acquire(self, timeout_s: float) -> bool:
        if not self._turn.acquire(timeout=timeout_s):
            return False
        try:
            return self._lock.acquire(timeout=timeout_s)
        finally:
            self._turn.release()


def _before() -> None:
    _taken.extend(guard for guard in sorted(_guards, key=lambda guard: guard.number) if guard.prepare())


def _after_in_parent() -> None:
    taken = _taken.copy()
    _taken.clear()
    for guard in taken:
        guard.release()


def _after_in_child() -> None:
    _taken.clear()
    for guard in list(_guards):
        guard.renew()


if sys.platform != "win32":
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
