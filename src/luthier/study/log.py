"""A study's log in its store, and the history that it amounts to."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from luthier.errors import Conflict, StoreBusy
from luthier.event import Asked, Claimed, Event, Freed, Record, Retried
from luthier.history import History
from luthier.space import Space
from luthier.store import Store

Decision = Callable[[History], Sequence[Event]]
"""What to append, given everything that is known. It is called again whenever the log grew meanwhile."""

PATIENCE_S = 300.0
_LONGEST_PAUSE_S = 0.02

_logger = logging.getLogger(__name__)


class FairLock:
    """A reentrant lock that threads get in turn: one that lets go and asks again comes after those that wait.

    A plain lock goes to whoever asks while it is free, which may be the same thread time after time.

    Args:
        lock: the reentrant lock beneath, which may also be taken for a moment without waiting in turn.
    """

    __slots__ = ("_depth", "_lock", "_owner", "_turn")

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._turn = threading.Lock()  # held by the thread that waits for the other lock
        self._owner = 0
        self._depth = 0

    @property
    def wanted(self) -> bool:
        """Whether a thread waits for it."""
        return self._turn.locked()

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._owner != me:
            with self._turn:
                self._lock.acquire()
            self._owner = me
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = 0
            self._lock.release()


class StudyLog:
    """Read a study's log incrementally and append to it by compare-and-set.

    Args:
        store: where the log is.
        name: the study's name in it.
        space: the space at the beginning of the log.
        known: other spaces of the study that are at hand as objects.

    Attributes:
        conflicts: how often others appended first.
        append_s: the seconds that the quickest append since the first conflict took: what one costs; 0 before.
    """

    def __init__(self, store: Store, name: str, space: Space, known: Sequence[Space] = ()) -> None:
        self.store = store
        self.name = name
        self.history = History(space, known)
        self.stamps: list[float] = []  # when each event was appended, on the store's clock
        self._inner = threading.RLock()
        self.lock = FairLock(self._inner)
        self.conflicts = 0
        self.append_s = 0.0

    def refresh(self) -> History:
        """Take in what others have appended. Cost O(new events)."""
        with self._inner:
            records = self.store.read(self.name, self.history.length)
            if records:
                self.take(records)
            return self.history

    def take(self, records: Sequence[Record]) -> None:
        """Take in what was read of the log."""
        grown = self.history.extend([record.event for record in records])
        self.stamps[self.history.length :] = [record.at for record in records]
        self.history = grown

    def commit(self, decide: Decision) -> History:
        """Append what `decide` wants on top of everything that is known, in one transaction.

        Args:
            decide: says what to append, which may be nothing.

        Returns:
            The history right after the appended events; their first position is its length less their number.

        Raises:
            StoreBusy: others kept getting ahead for five minutes.
        """
        patience: Backoff | None = None
        with self._inner:
            events = decide(self.history)
            while events:
                try:
                    return self._append(events)
                except Conflict:
                    self.conflicts += 1
                    patience = patience or Backoff(self.name)
                    patience.wait()
                    events = decide(self.refresh())
            return self.history

    def renew(self, number: int, token: int) -> None:
        """Note beside the log that the holder of a lease is alive; another thread may be in the middle of a commit."""
        self.store.renew(self.name, number, token)

    def renewed(self, number: int, token: int) -> float | None:
        """Give when a lease was last renewed, on the store's clock."""
        return self.store.renewed(self.name, number, token)

    def _append(self, events: Sequence[Event]) -> History:
        before = self.history.length
        if self.conflicts:
            start = time.perf_counter()
            self.store.append(self.name, events, before)
            append_s = time.perf_counter() - start
            self.append_s = min(self.append_s, append_s) if self.append_s else append_s
        else:
            self.store.append(self.name, events, before)
        grown = self.history.extend(events)
        # The stamps of what was just written are needed only to judge leases, for which "now" is early enough.
        self.stamps[before:] = [self.store.now()] * len(events)
        self.history = grown
        if _logger.isEnabledFor(logging.INFO):
            for position, event in enumerate(events, before):
                self._report(position, event)
        return grown

    def _report(self, position: int, event: Event) -> None:
        """Write a change of a lease to the logging of the process."""
        name = self.name
        if isinstance(event, Asked):
            _logger.debug("study %r: trial %d is leased to %s, token %d", name, event.number, event.owner, position)
        elif isinstance(event, Claimed):
            last = event.number + event.count - 1
            _logger.debug("study %r: numbers %d to %d are claimed by %s", name, event.number, last, event.owner)
        elif isinstance(event, Retried):
            _logger.info("study %r: trial %d is taken over by %s, token %d", name, event.number, event.owner, position)
        elif isinstance(event, Freed):
            why = f" ({event.error})" if event.error else ""
            _logger.info("study %r: the lease %d of %d ended: %s%s", name, event.token, event.number, event.reason, why)


class Backoff:
    """Wait, ever longer, for a turn to write.

    Full jitter keeps many writers from meeting again and again; it never touches a result.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._deadline = time.monotonic() + PATIENCE_S
        self._pause_s = 0.0005

    def wait(self) -> None:
        """Pause once; raises StoreBusy after five minutes."""
        if time.monotonic() > self._deadline:
            raise StoreBusy(
                f"study {self._name!r}: other writers were faster for {PATIENCE_S:.0f} s; "
                "use fewer workers, or longer trials"
            )
        pause_s = random.uniform(0, self._pause_s)
        _logger.debug("study %r: another process appended first; trying again in %.4f s", self._name, pause_s)
        time.sleep(pause_s)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
