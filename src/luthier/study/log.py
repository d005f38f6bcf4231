"""A study's log and what it folds to, kept in step with a store that others write to as well."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence

from luthier.errors import Conflict, StoreBusy
from luthier.event import Event, Record, Renewed
from luthier.history import History
from luthier.space import Space
from luthier.store import Store

Decision = Callable[[History], Sequence[Event]]
"""What to append, given all that is known. It is called again whenever the log grew meanwhile."""

PATIENCE_S = 300.0
_LONGEST_PAUSE_S = 0.1


class StudyLog:
    """Read a study's log incrementally and append to it by compare-and-set.

    Args:
        store: where the log is.
        name: the study's name in it.
        space: the space at the beginning of the log.
        known: other spaces of the study that are at hand as objects.
    """

    def __init__(self, store: Store, name: str, space: Space, known: Sequence[Space] = ()) -> None:
        self.store = store
        self.name = name
        self.history = History(space, known)
        self.stamps: list[float] = []  # when each event was appended, on the store's clock
        self.lock = threading.RLock()

    def refresh(self) -> History:
        """Take in what others have appended. Cost O(new events)."""
        with self.lock:
            records = self.store.read(self.name, self.history.length)
            if records:
                self.take(records)
            return self.history

    def take(self, records: Sequence[Record]) -> None:
        """Take in what was read of the log."""
        grown = self.history.extend([record.event for record in records])
        self.stamps[self.history.length :] = [record.at for record in records]
        self.history = grown

    def commit(self, decide: Decision, *, heed_renewals: bool = False) -> History:
        """Append what `decide` wants on top of all that is known; nothing where it wants nothing.

        Args:
            decide: says what to append.
            heed_renewals: whether it depends on the signs of life of workers. If not, a decision that was overtaken by
                nothing else stands, so that a method that thinks for long is not asked in vain.

        Returns:
            The history right after the appended events; their first position is its length less their number.

        Raises:
            StoreBusy: others kept getting ahead for five minutes.
        """
        patience = Backoff(self.name)
        with self.lock:
            events = decide(self.history)
            while events:
                try:
                    return self._append(events)
                except Conflict:
                    patience.wait()
                    before = self.history.length
                    after = self.refresh()
                    news = (after.event(place) for place in range(before, after.length))
                    if heed_renewals or not all(isinstance(event, Renewed) for event in news):
                        events = decide(after)
            return self.history

    def renew(self, events: Sequence[Renewed]) -> None:
        """Append signs of life without a look at the log, so that a method that thinks for long does not delay them.

        Raises:
            StoreBusy: others kept getting ahead for five minutes.
        """
        patience = Backoff(self.name)
        while True:
            try:
                self.store.append(self.name, events, self.store.length(self.name))
            except Conflict:
                patience.wait()
            else:
                return

    def _append(self, events: Sequence[Event]) -> History:
        before = self.history.length
        self.store.append(self.name, events, before)
        grown = self.history.extend(events)
        # The stamps of what was just written are needed only to judge leases, for which "now" is early enough.
        self.stamps[before:] = [self.store.now()] * len(events)
        self.history = grown
        return grown


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
        time.sleep(random.uniform(0, self._pause_s))
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
