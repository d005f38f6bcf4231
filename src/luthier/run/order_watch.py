"""Watch for an order to cancel, while an objective runs in the thread of the run."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import Self, final

from luthier.errors import LuthierError
from luthier.run.signals import Signals
from luthier.study import Direction, Order

LOOK_S = 2.0
"""Seconds between two looks at the log."""


@final
class OrderWatch:
    """Look for `luthier cancel` from a thread, while the run itself cannot, and interrupt the objective.

    Args:
        direction: has the orders; None: nobody can give any, and nothing is done.
        signals: of the run; only while its `raising` holds is there anything to look for.
    """

    def __init__(self, direction: Direction | None, signals: Signals) -> None:
        self._direction = direction
        self._signals = signals
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="luthier-orders", daemon=True)

    def _look(self) -> None:
        while self._direction is not None and not self._ended.wait(LOOK_S):
            if self._signals.raising:
                with suppress(LuthierError):  # the run itself finds out what is wrong with the store
                    if self._direction.refresh() is Order.CANCEL and not self._ended.is_set():
                        self._signals.end_objective()

    def __enter__(self) -> Self:
        if self._direction is not None and threading.current_thread() is threading.main_thread():
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
