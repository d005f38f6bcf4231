"""Keep the leases of this process alive while their trials run."""

from __future__ import annotations

import os
import threading
import weakref

from luthier.errors import LuthierError
from luthier.event import Renewed
from luthier.study.log import StudyLog


class Heartbeat:
    """Renew leases from a daemon thread, at a third of their time to live. A trial shorter than that costs nothing.

    Args:
        ledger: the study's log.
        ttl_s: seconds that a lease lasts.
    """

    def __init__(self, ledger: StudyLog, ttl_s: float) -> None:
        self._ledger = ledger
        self._interval_s = ttl_s / 3
        self._pid = os.getpid()
        self._held: dict[int, int] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, number: int, token: int) -> None:
        """Renew this lease from now on."""
        if os.getpid() != self._pid:  # a fork has copied the leases of its parent, but they are not the fork's
            self._pid, self._held, self._thread = os.getpid(), {}, None
        self._held[number] = token
        if self._thread is None or not self._thread.is_alive():
            self._stop = threading.Event()
            weakref.finalize(self, self._stop.set)
            self._thread = threading.Thread(
                target=_beat,
                args=(weakref.ref(self), self._stop, self._interval_s),
                name="luthier-heartbeat",
                daemon=True,
            )
            self._thread.start()

    def drop(self, number: int) -> None:
        """Renew this lease no longer."""
        self._held.pop(number, None)

    def held(self) -> dict[int, int]:
        """Give the leases that are renewed: tokens by trial number."""
        return self._held.copy() if os.getpid() == self._pid else {}

    def close(self) -> None:
        """End the thread."""
        self._held.clear()
        self._stop.set()

    def beat(self) -> None:
        """Renew every held lease once."""
        held = self.held()
        if held:
            self._ledger.renew([Renewed(number, token) for number, token in held.items()])


def _beat(reference: weakref.ref[Heartbeat], stop: threading.Event, interval_s: float) -> None:
    while not stop.wait(interval_s):
        heartbeat = reference()
        if heartbeat is None:
            return
        try:
            heartbeat.beat()
        except LuthierError:
            # A store that fails now may be well again at the next beat; what is told meanwhile says so itself.
            continue
        finally:
            del heartbeat
