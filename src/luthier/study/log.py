"""A study's log in its store, and the history that it amounts to."""

from __future__ import annotations

import logging
import random
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress

from luthier._hints import suggest
from luthier._runtime.collection_pause import COLLECTION_PAUSE
from luthier._runtime.fair_lock import FairLock
from luthier.errors import Conflict, InvalidSetting, StoreBusy, StoreError, StudyMismatch, StudyNotFound
from luthier.event import (
    Asked,
    Changed,
    Claimed,
    Configured,
    Created,
    Event,
    Forgotten,
    Freed,
    Record,
    Reopened,
    Resumed,
    Retried,
)
from luthier.history import History, LogSnapshot
from luthier.scalar import short
from luthier.space import Space
from luthier.store import Deferring, Identifying, Memory, Queueing, Rereading, Store, another
from luthier.study.stored import EventTimes, LogSnapshots, find_snapshot

Decide = Callable[[History], Sequence[Event]]
"""What to append, given everything that is known. It is called again whenever the log grew meanwhile."""

PATIENCE_S = 300.0
_LONGEST_PAUSE_S = 0.02
_PART = 128  # events that are read again at once: they are objects for a moment
_PACKED_AFTER = 64  # events, between two looks at whether something is old enough to be packed
_PACKED = 256  # events that one such look makes small at most

_logger = logging.getLogger(__name__)


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
        self._identifying = store if isinstance(store, Identifying) else None
        self._deferring = store if isinstance(store, Deferring) else None
        self._queueing = store if isinstance(store, Queueing) else None
        self._rereading = store if isinstance(store, Rereading) and self._identifying else None
        self._history = self._begun(History(space, known))
        self._is_stale = False  # whether it was left half changed by a fork
        self.stamps = EventTimes()  # when each event was appended, on the store's clock
        self.lock = FairLock(self._restore)
        self._identity: int | None = None
        self._guessed: int | None = None  # the first event whose stamp was not read from the store
        self._closed = False
        self._has_appended = False
        self.conflicts = 0
        self.append_s = 0.0
        self._snapshots = LogSnapshots(store, name)

    @property
    def history(self) -> History:
        """Everything that is known here."""
        if self._is_stale:
            whole = self._history
            self._history, self._is_stale = self._begun(whole.begin()).extend(whole.events), False
            self.stamps.truncate(self._history.length)
        return self._history

    @history.setter
    def history(self, grown: History) -> None:
        self._history = grown

    def _begun(self, history: History) -> History:
        """Have a history keep no old events in memory, where the store can read them again."""
        if self._rereading is None:
            return history
        return history.leave_old_events(self._old_events, in_file=not isinstance(self.store, Memory))

    def _old_events(self, first: int, last: int) -> Sequence[Event]:
        if self._rereading is None or self._identity is None:
            raise StoreError(f"the old events of study {self.name!r} cannot be read again: open the study again")
        try:
            return [record.event for record in self._rereading.between(self._identity, first, last)]
        except StoreError:
            if self._closed:
                raise self._was_closed() from None
            raise

    def restore(self, number: int, snapshot: LogSnapshot) -> None:
        """Begin with a snapshot of the log, which is that of the study of this number in the store."""
        self._identity = number
        self.history = self.history.restore(snapshot, self._old_events)
        self.stamps = EventTimes(snapshot.stamps)
        self._snapshots = LogSnapshots(self.store, self.name, snapshot)

    def refresh(self) -> History:
        """Take in what others have appended. Cost O(new events)."""
        with self.lock.at_once:
            try:
                records = self._news()
            except StoreError:
                if self._closed:  # and its store with it
                    raise self._was_closed() from None
                raise
            if records:
                self.take(records)
            return self._history

    def _news(self) -> Sequence[Record]:
        """Read what others have appended; raises StudyNotFound where this is not the study that was opened."""
        if self._identifying is None:
            return self.store.read(self.name, self.history.length)
        identity, records = self._identifying.identify(self.name, self.history.length)
        if identity != self._identity:
            self._identify(identity)
        return records

    def _was_closed(self) -> StoreError:
        return StoreError(f"this study {self.name!r} was closed: open it again with luthier.Study(…)")

    def close(self) -> None:
        """Refuse to append anything from now on; what is there can be read as long as the store is open."""
        if not self._closed and self._has_appended and self._snapshots.is_due(self._history):
            self._keep_snapshot()
        self._closed = True

    def _keep_snapshot(self) -> None:
        with self.lock.at_once, suppress(StoreError):
            if self._identity is not None:
                self._snapshots.keep(self._identity, self.history, self.exact_stamps)

    def take(self, records: Sequence[Record]) -> None:
        """Take in what was read of the log."""
        grown = self.history.extend([record.event for record in records])
        self.stamps.write(self.history.length, array("d", [record.at for record in records]))
        self.history = grown

    def exact_stamps(self) -> Sequence[float]:
        """Give when each event was appended, as the store has it. Cost O(what was appended here since)."""
        with self.lock.at_once:
            first, end = self._guessed, self.history.length
            if first is not None:
                if self._rereading is None or self._identity is None:
                    read = self.store.read(self.name, first)[: end - first]
                    self.stamps.write(first, array("d", [record.at for record in read]))
                else:  # a part at a time: the events are not needed
                    for begin in range(first, end, _PART):
                        read = self._rereading.between(self._identity, begin, min(begin + _PART, end))
                        self.stamps.write(begin, array("d", [record.at for record in read]))
                self._guessed = None
            return self.stamps

    def commit(self, decide: Decide) -> History:
        """Append what `decide` wants on top of everything that is known, in one transaction.

        Args:
            decide: says what to append, which may be nothing.

        Returns:
            The history right after the appended events; their first position is its length less their number.

        Raises:
            StoreBusy: others kept getting ahead for five minutes.
        """
        patience: Backoff | None = None
        with self.lock.at_once:
            if self._closed:
                raise self._was_closed()
            events = decide(self.history)
            while events:
                try:
                    return self._append(events)
                except Conflict:
                    self.conflicts += 1
                    patience = patience or Backoff(self.name)
                    patience.wait()
                if self._queueing is None:
                    events = decide(self.refresh())
                    continue
                with self._queueing.turn(self.name), suppress(Conflict):
                    events = decide(self.refresh())
                    if events:
                        return self._append(events)
            return self.history

    def renew(self, number: int, token: int) -> None:
        """Note beside the log that the holder of a lease is alive; another thread may be in the middle of a commit."""
        self.store.renew(self.name, number, token)

    def renewed(self, number: int, token: int) -> float | None:
        """Give when a lease was last renewed, on the store's clock."""
        return self.store.renewed(self.name, number, token)

    def _identify(self, identity: int) -> None:
        """Note which study of the store this is; raises StudyNotFound where it is not the one that was opened."""
        if self._identity is not None:
            raise another(self.name, str(self.store))
        self._identity = identity

    def _restore(self) -> None:
        """Have the log folded anew: a thread of the parent may have been in the middle of that."""
        self._is_stale = True

    def _append(self, events: Sequence[Event]) -> History:
        before, append = self._history.length, self.store.append
        if self._deferring is not None and all(map(_ends_with_its_machine, events)):
            append = self._deferring.append_soon
        if self.conflicts:
            start = time.perf_counter()
            append(self.name, events, before)
            append_s = time.perf_counter() - start
            self.append_s = min(self.append_s, append_s) if self.append_s else append_s
        else:
            append(self.name, events, before)
        self._has_appended = True
        grown = self._history.extend(events)
        # What was just written is stamped with a time a little later, which is early enough to judge leases.
        self.stamps.write(before, array("d", [self.store.now()] * len(events)))
        self._guessed = before if self._guessed is None else min(self._guessed, before)
        self._history = grown
        if grown.length % _PACKED_AFTER < len(events):
            for _ in range(1 + len(events) // _PACKED):
                grown.pack()
            if self._snapshots.is_due_again(before, grown):
                self._keep_snapshot()
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
        elif isinstance(event, Resumed):
            _logger.debug("study %r: trial %d is promoted up to %d", name, event.number, event.until)
        elif isinstance(event, Reopened):
            _logger.info("study %r: trial %d is to be run again", name, event.number)
        elif isinstance(event, Forgotten):
            _logger.info("study %r: trial %d is forgotten", name, event.number)
        elif isinstance(event, Freed):
            why = f" ({event.error})" if event.error else ""
            _logger.info("study %r: the lease %d of %d ended: %s%s", name, event.token, event.number, event.reason, why)


def _ends_with_its_machine(event: Event) -> bool:
    """Tell whether an event is of no use once this machine has failed: it begins what a process here was to do.

    A lease without an owner is held by somebody who may live on elsewhere, and a request may be repeated from there.
    """
    if isinstance(event, Claimed | Configured):
        return True
    return isinstance(event, Asked | Retried | Resumed) and bool(event.owner) and not event.request


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


def read_log(store: Store, name: str) -> StudyLog:
    """Open the log of a stored study, all of it read. Nothing is written.

    Raises:
        StudyNotFound: the store has no such study.
        StudyMismatch: what it has under this name is not a study.
    """
    with COLLECTION_PAUSE:
        found, records = stored_log(store, name)
        if not records and found is None:
            raise study_not_found(store, name)
        first = spaces_of(name, records)[0] if found is None else found[1].created
        return folded_log(StudyLog(store, name, Space.from_plain(first.space)), found, records)


def stored_log(store: Store, name: str) -> tuple[tuple[int, LogSnapshot] | None, Sequence[Record]]:
    """Read all that is stored of a study: a snapshot that fits, and what comes after it; nothing where it is not there.

    Where another space comes after it, the snapshot is of no use: which spaces are known is to be said before.
    """
    try:
        if (found := find_snapshot(store, name)) is not None:
            records = store.read(name, found[1].length)
            if not any(isinstance(record.event, Changed) for record in records):
                return found, records
        return None, store.read(name, 0)
    except StudyNotFound:
        return None, ()


def spaces_of(name: str, records: Sequence[Record]) -> tuple[Created, list[Changed]]:
    """Find the events that say which spaces a study searches."""
    first = records[0].event
    if not isinstance(first, Created):
        raise StudyMismatch(f"what the store has as {name!r} does not begin as a study")
    return first, [record.event for record in records if isinstance(record.event, Changed)]


def folded_log(log: StudyLog, found: tuple[int, LogSnapshot] | None, records: Sequence[Record]) -> StudyLog:
    if found is not None:
        log.restore(*found)
    log.take(records)
    log.refresh()  # notes which study it is
    return log


def study_not_found(store: Store, name: str, hint: str = "") -> StudyNotFound:
    """Return the error for a study that the store does not have; it says which ones there are."""
    names = [other for other in store.names() if other != name]  # it may have been begun at this very moment
    others = suggest(name, names) or ", and no others"
    if hint:
        others += f" {hint.capitalize()}" if others.endswith("?") else f"; {hint}"
    return StudyNotFound(f"the store has no study {name!r}{others}")


def checked_name(name: object) -> str:
    """Give the name of a study as plain text, or raise InvalidSetting where it can be none."""
    if not isinstance(name, str) or not name.strip():
        raise InvalidSetting(f"a study needs a name, a text that is not empty; not {short(name)}")
    if "\0" in name or not _is_unicode(str.__str__(name)):
        raise InvalidSetting(f"the name of a study is Unicode text without NUL, not {short(name)}")
    return str.__str__(name)


def _is_unicode(text: str) -> bool:
    """Tell whether a text can be written down: it has no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
