"""The snapshots of a study's log: found when it is opened, and kept as it grows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from luthier._runtime.free_memory import give_back_memory
from luthier.errors import StoreError
from luthier.history import History, LogSnapshot
from luthier.store import Snapshotting, Store

_LEAST = 20_000
"""The events that come between two snapshots at least: fewer are read and folded within a fifth of a second."""
_SHARE = 4  # and a quarter of the log, so that all snapshots together cost what the log does

_logger = logging.getLogger(__name__)


class LogSnapshots:
    """The snapshots of one study in a store that can keep them.

    Nothing depends on one: what is damaged, of another version, or of another log is passed over, and the log is read
    instead; where none can be written, none is.

    Args:
        store: where the log is.
        name: of the study.
        kept: the snapshot that is there; None for none.
    """

    def __init__(self, store: Store, name: str, kept: LogSnapshot | None = None) -> None:
        self._store = store if isinstance(store, Snapshotting) else None
        self._name = name
        self._note(kept)
        self._begun: int | None = None  # the length of the log at the first append

    def _note(self, kept: LogSnapshot | None) -> None:
        """Note the length of the log at the snapshot that is there, and of how many trials it has points."""
        self._kept, self._encoded = (0, 0) if kept is None else (kept.length, kept.encoded)

    def is_due(self, history: History) -> bool:
        """Tell whether a log is to have another snapshot once it is closed: it grew, or has points now. Cost O(1)."""
        length = history.length
        grown = length - self._kept >= max(_LEAST, length // _SHARE)
        return self._store is not None and (grown or history.encoded - self._encoded >= _LEAST)

    def is_due_again(self, before: int, history: History) -> bool:
        """Tell whether it is to have one now, as it has grown so much meanwhile: the trials are packed already."""
        if self._begun is None:
            self._begun = before
        return history.length - self._begun >= _LEAST and self.is_due(history)

    def keep(self, number: int, history: History, stamps: Callable[[], Sequence[float]]) -> None:
        """Write a snapshot. Cost O(trials), a tenth of what it costs to fold the log.

        Args:
            number: of the study in the store.
            history: the newest one.
            stamps: tells when its events were appended, as the store has it; it may wait for a server that is away,
                and is asked only where that answers.
        """
        if self._store is None:
            return
        try:
            log_sum = self._store.log_sum(number, history.length)
            others = find_snapshot(self._store, self._name)
            self._note(others[1] if others is not None and others[0] == number else None)
            del others  # it may be large
            if not self.is_due(history):
                return  # another process was faster
            data = None if log_sum is None else history.snapshot(stamps()[: history.length], log_sum)
            if data is not None:
                self._store.keep_snapshot(number, data)
        except StoreError as error:  # a full disk, a file that can only be read, a server that is away
            _logger.debug("study %r: no snapshot is kept: %s", self._name, error)
        self._kept, self._encoded = history.length, history.encoded
        data = None
        give_back_memory()


def find_snapshot(store: object, name: str) -> tuple[int, LogSnapshot] | None:
    """Give the number of a study and the snapshot of its log, where there is one that fits it.

    Cost O(events), small: the store sums up the events that the snapshot stands for, and nobody reads them.
    """
    if not isinstance(store, Snapshotting):
        return None
    try:
        found = store.snapshot(name)
        snapshot = None if found is None else LogSnapshot.read(found[1])
        if found is None or snapshot is None:
            return None
        fits = store.log_sum(found[0], snapshot.length) == snapshot.log_sum
    except StoreError as error:
        _logger.debug("study %r: the snapshot cannot be read: %s", name, error)
        return None
    if not fits:
        _logger.debug("study %r: the snapshot is not one of this log", name)
    return (found[0], snapshot) if fits else None
