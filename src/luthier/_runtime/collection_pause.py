"""Pause of Python's search for garbage while very many objects are made that all stay."""

from __future__ import annotations

import gc
import os
import threading
from types import TracebackType
from typing import Final


class _CollectionPause:
    """Keep the collector of cycles from running as long as any thread is within the context.

    As a million objects are made that stay, it would look at all of them again and again, which takes as long as making
    them. A collector that the program switched off stays off.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._was_enabled = False

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                self._restore()

    def renew(self) -> None:
        """End the pause in a forked child, where the threads that wanted it are no more."""
        self._lock = threading.Lock()
        if self._depth:
            self._depth = 0
            self._restore()

    def _restore(self) -> None:
        if self._was_enabled:
            gc.enable()


COLLECTION_PAUSE: Final = _CollectionPause()
"""The one of this process: ``with COLLECTION_PAUSE: …``."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=COLLECTION_PAUSE.renew)
