"""Ctrl-C and SIGTERM as requests to end a run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Count SIGINT and SIGTERM instead of ending the process, while the `with` block lasts.

    A person's Ctrl-C can wait for what runs. SIGTERM comes from a system that takes the machine away, or ends a
    service: within seconds SIGKILL follows, so it counts as two.

    Only the main thread can take signals: elsewhere this does nothing. A signal that the process ignores stays ignored.

    Args:
        notice: called with a message for the person when a signal came.
    """

    def __init__(self, notice: Callable[[str], None]) -> None:
        self._notice = notice
        self._before: dict[signal.Signals, Any] = {}
        self._told = 0
        self.count = 0
        self.last: signal.Signals = signal.SIGINT
        self.raising = False
        """Whether the second signal raises KeyboardInterrupt: while an objective runs in this very thread."""
        self.ordered = False
        """Whether it was `end_objective` that raised, and no signal from outside."""
        self._sent = False

    @property
    def drain(self) -> bool:
        """Tell whether no more trials are to be begun."""
        return self.count >= 1

    @property
    def kill(self) -> bool:
        """Tell whether the running trials are to be ended."""
        return self.count >= 2

    def tell(self) -> None:
        """Report the signal that came and what will be done, once."""
        if self.count > self._told:
            self._told = self.count
            again = " again" if self.last is signal.SIGINT else ""
            self._notice(
                f"{self.last.name}: no new trials; waiting for those that run (again to end them now)"
                if self.count == 1
                else f"{self.last.name}{again}: ending the running trials; they will be run again on resume"
            )

    def end_objective(self) -> None:
        """Raise KeyboardInterrupt in the objective that runs in the main thread, from another thread.

        A signal it is, which ends a call that waits; where the process takes none of SIGTERM, nothing happens.
        """
        if self.raising and signal.SIGTERM in self._before and hasattr(signal, "pthread_kill"):
            self._sent = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._sent and number == signal.SIGTERM:
            self._sent = False
            if self.raising:
                self.ordered = True
                raise KeyboardInterrupt
            return
        self.last = signal.Signals(number)
        before, self.count = self.count, max(self.count + 1, 2 if number == signal.SIGTERM else 1)
        if self.count >= 3 or (before < 2 <= self.count and self.raising):
            raise KeyboardInterrupt
        if self.raising:
            # The loop cannot report it before the objective returns. A handler must not write: it may have interrupted
            # just that.
            threading.Thread(target=self.tell, name="luthier-notice", daemon=True).start()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                if handler is not None and handler is not signal.SIG_IGN:
                    self._before[number] = handler
                    signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
