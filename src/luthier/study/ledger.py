"""A study's log and what it folds to, kept in step with a store that others write to as well."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence

from luthier.errors import Conflict, StoreBusy
from luthier.event import Event
from luthier.history import History
from luthier.space import Space
from luthier.store import Store

Decision = Callable[[History], Sequence[Event]]
"""What to append, given all that is known. It is called again whenever the log grew meanwhile."""

PATIENCE_S = 300.0


class Ledger:
    """Read a study's log incrementally and append to it by compare-and-set.

    Args:
        store: where the log is.
        name: the study's name in it.
        space: the space at the beginning of the log.
    """

    def __init__(self, store: Store, name: str, space: Space) -> None:
        self.store = store
        self.name = name
        self.history = History(space)
        self.stamps: list[float] = []  # when each event was appended, on the store's clock
        self.lock = threading.RLock()

    def refresh(self) -> History:
        """Take in what others have appended. Cost O(new events)."""
        with self.lock:
            records = self.store.read(self.name, self.history.length)
            if records:
                self.stamps.extend(record.at for record in records)
                self.history = self.history.extend([record.event for record in records])
            return self.history

    def commit(self, decide: Decision) -> History:
        """Append what `decide` wants on top of all that is known; nothing where it wants nothing.

        Returns:
            The history right after the appended events; their first position is its length less their number.

        Raises:
            StoreBusy: others kept getting ahead for five minutes.
        """
        deadline = time.monotonic() + PATIENCE_S
        pause_s = 0.0005
        with self.lock:
            while True:
                events = decide(self.history)
                if not events:
                    return self.history
                try:
                    return self._append(events)
                except Conflict:
                    if time.monotonic() > deadline:
                        raise StoreBusy(
                            f"study {self.name!r}: other writers were faster for {PATIENCE_S:.0f} s; "
                            "use fewer workers, or longer trials"
                        ) from None
                    # Full jitter keeps many writers from meeting again and again; it never touches a result.
                    time.sleep(random.uniform(0, pause_s))
                    pause_s = min(2 * pause_s, 0.1)
                    self.refresh()

    def _append(self, events: Sequence[Event]) -> History:
        expect = self.history.length
        self.store.append(self.name, events, expect)
        # The stamps of what was just written are needed only to judge leases, for which "now" is early enough.
        self.stamps.extend([self.store.now()] * len(events))
        self.history = self.history.extend(events)
        return self.history
