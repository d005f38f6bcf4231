"""The log that all histories of a study share, and what a method sees of an event."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from luthier import event as events
from luthier.event import Asked, Event, Reported, Told
from luthier.history.log_state import LogState
from luthier.history.packed.packed_list import PackedList
from luthier.history.packed.packing import ReadAgain, StoredEvents
from luthier.space import Space
from luthier.trial import Outcome, Reason

DIGEST = 16
"""The number of bytes of a digest."""
_MARKED = 64  # so many events lie between two histories whose digests are kept
_RECENT = 16


@dataclass(slots=True)
class SharedLog:
    """The events that all histories of a study share, with the state after all of them."""

    spaces: tuple[Space, ...]  # the first is the space at the beginning
    events: PackedList[Event]
    fold: LogState
    digests: bytearray = field(default_factory=bytearray)  # of every 64th history, computed when asked for
    recent: dict[int, bytes] = field(default_factory=dict)  # those asked for lately, by length
    uses: set[str] = field(default_factory=set)  # what was computed when asked for; shared with the forks

    def leave_old_events(self, read: ReadAgain, in_file: bool) -> None:
        """Keep no old events: `read` reads them again; and old trials, where so wanted, in a temporary file."""
        self.events = PackedList(self.events, packing=StoredEvents(read))
        if in_file:
            self.fold.trials.leave_memory()

    def take(self, added: Sequence[Event]) -> None:
        """Fold and keep more events, all or none."""
        before = self.fold.length
        try:
            for event in added:
                self.fold.add(event)
            self.events.extend(added)
        except BaseException:  # also Ctrl-C: a state that is ahead of its events is of no use any more
            self.events.truncate(before)
            self.fold = self.folded(before)
            raise

    def digest(self, length: int) -> bytes:
        """Give the digest of the first events. Cost O(events of which it was not asked for yet)."""
        self.uses.add("digest")
        near = max((known for known in self.recent if known <= length), default=0)
        marked = min(len(self.digests) // DIGEST, length // _MARKED)
        begin, found = marked * _MARKED, bytes(self.digests[DIGEST * (marked - 1) : DIGEST * marked]) if marked else b""
        if near >= begin:
            begin, found = near, self.recent.get(near, b"")
        for place, event in enumerate(self.events[begin:length] if begin < length else (), begin + 1):
            seen = visible(event)
            found = hashlib.blake2b(found + seen, digest_size=DIGEST).digest() if seen else found
            if place % _MARKED == 0 and len(self.digests) // DIGEST == place // _MARKED - 1:
                self.digests += found
        if len(self.recent) >= _RECENT:
            self.recent = {}
        self.recent[length] = found
        return found

    def marks(self, length: int) -> bytearray:
        """Give the digests that are kept of the first so many events."""
        return self.digests[: DIGEST * (length // _MARKED)]

    def compute_used(self, state: LogState) -> None:
        """Compute what histories were asked for, up to the length of a state: forks need not do so each."""
        state.read_identities()
        if "digest" in self.uses:
            self.digest(state.length)
        if "data" in self.uses:
            state.table.encode(state.space, state.configs)

    def folded(self, length: int) -> LogState:
        """Fold the first events anew. Cost O(length)."""
        fold = LogState(self.spaces)
        for event in self.events[:length]:
            fold.add(event)
        return fold


def visible(event: Event) -> bytes:
    """Write down what a method can see of an event; nothing where it sees nothing."""
    if isinstance(event, Asked):
        event = Asked(event.number, event.config, 0, event.origin, note=event.note)
    elif isinstance(event, Told):
        # How a trial failed decides whether it is laid to a broken program; the rest of the text is for people.
        way = "" if event.values else Outcome(Reason(event.reason), error=event.error).failure[1]
        values = (event.values, event.violations, event.duration_s)
        event = Told(event.number, 0, event.reason, *values, error=way, extra=event.extra)
    elif isinstance(event, Reported):
        event = Reported(event.number, 0, event.step, event.value, event.others)
    elif not isinstance(event, events.VISIBLE):
        return b""
    return events.encode(event)
