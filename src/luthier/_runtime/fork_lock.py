"""Locks that are consistent across a fork of the process.

A child that is forked while another thread holds a lock would wait for it for ever, and a connection to SQLite must
not be carried into a child at all (sqlite.org/howtocorrupt.html, 2.6). So before a fork every lock is acquired, and its
owner is called to prepare; afterwards the locks are released in the parent and replaced in the child.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Protocol

from luthier.errors import StoreBusy

FORK_PATIENCE_S = 10.0
_numbers = count()
_locks: weakref.WeakSet[ForkAware] = weakref.WeakSet()
_taken: list[ForkAware] = []


class ForkAware(Protocol):
    """A lock that is acquired before a fork, and free afterwards in both processes."""

    @property
    def rank(self) -> tuple[int, int]:
        """Its place in the order in which locks are acquired, so that two threads cannot wait for each other."""
        ...

    def prepare(self) -> bool:
        """Acquire the lock for a fork; False if that fails."""
        ...

    def release(self) -> None:
        """Release the lock after a fork."""
        ...

    def renew(self, prepared: bool) -> None:
        """Replace the lock in a child, where a thread of the parent may have held it unless it was prepared."""
        ...


def track(lock: ForkAware) -> int:
    """Have a lock looked after at forks, as long as it lives; gives it a number, later ones being larger."""
    _locks.add(lock)
    return next(_numbers)


class ForkSafeLock:
    """A lock that is free in a forked child, and fair to other threads when one thread uses it all the time.

    Args:
        timeout_s: the longest wait, after which `StoreBusy` is raised; negative: no limit.
        before_fork: called in the parent before it forks, with the lock held.
    """

    __slots__ = ("__weakref__", "_before_fork", "_lock", "_timeout_s", "_turn", "rank")

    def __init__(self, timeout_s: float = -1.0, before_fork: Callable[[], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # held by the thread that waits for the other lock
        self._timeout_s = timeout_s
        self._before_fork = before_fork
        self.rank = (1, track(self))  # after those of studies, which are held while a store is used

    def __enter__(self) -> None:
        if not self._turn.locked() and self._lock.acquire(False):  # nobody waits
            return
        if not self._acquire(self._timeout_s):
            raise StoreBusy(f"another thread of this process has been using the store for over {self._timeout_s:g} s")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def prepare(self) -> bool:
        """Acquire the lock for a fork; False if that fails, as when this thread holds it (in a signal handler)."""
        if not self._acquire(FORK_PATIENCE_S):
            return False
        if self._before_fork is not None:
            self._before_fork()
        return True

    def release(self) -> None:
        """Release the lock after a fork."""
        self._lock.release()

    def renew(self, prepared: bool) -> None:
        """See `ForkAware.renew`."""
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
    _taken.extend(lock for lock in sorted(_locks, key=lambda lock: lock.rank) if lock.prepare())


def _after_in_parent() -> None:
    taken = _taken.copy()
    _taken.clear()
    for lock in taken:
        lock.release()


def _after_in_child() -> None:
    prepared = {id(lock) for lock in _taken}
    _taken.clear()
    for lock in list(_locks):
        lock.renew(id(lock) in prepared)


if sys.platform != "win32":
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
