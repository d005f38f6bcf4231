"""Reentrant lock that threads get in turn, and that a fork leaves in order."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from types import TracebackType

from luthier._runtime.fork_lock import FORK_PATIENCE_S, track


class FairLock:
    """A reentrant lock that threads get in turn: one that lets go and asks again comes after those that wait.

    A plain lock goes to whoever asks while it is free, which may be the same thread time after time. Before a fork it
    is acquired, so that no other thread is in the middle of what it guards; in the child it is free.

    Args:
        restore: a method, called in a forked child where that could not be had: what is guarded may be half changed.
    """

    __slots__ = ("__weakref__", "_depth", "_owner", "_restore", "_turn", "at_once", "rank")

    def __init__(self, restore: Callable[[], object] | None = None) -> None:
        self.at_once = threading.RLock()
        """The lock beneath, to be taken for a moment without waiting in turn."""
        self._turn = threading.Lock()  # held by the thread that waits for the other lock
        self._restore = None if restore is None else weakref.WeakMethod(restore)
        self._owner = 0
        self._depth = 0
        self.rank = (0, track(self))

    @property
    def wanted(self) -> bool:
        """Whether a thread waits for it."""
        return self._turn.locked()

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._owner != me:
            with self._turn:
                self.at_once.acquire()
            self._owner = me
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = 0
            self.at_once.release()

    def prepare(self) -> bool:
        """See `ForkAware.prepare`; a thread that thinks for long is not waited for to the end."""
        return self.at_once.acquire(timeout=FORK_PATIENCE_S)

    def release(self) -> None:
        """See `ForkAware.release`."""
        self.at_once.release()

    def renew(self, prepared: bool) -> None:
        """See `ForkAware.renew`. The forking thread goes on in the child, with what it held."""
        self._turn = threading.Lock()
        if self._owner != threading.get_ident():
            self._owner = self._depth = 0
        if prepared:
            self.at_once.release()
            return
        self.at_once = threading.RLock()
        restore = self._restore and self._restore()
        if restore:
            restore()
