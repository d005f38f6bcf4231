"""The protocol of stores: append-only logs of events, one a study, with compare-and-set on the length.

A store knows events, and nothing of methods, studies or histories. Beside each log it keeps when leases were renewed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from luthier.errors import Conflict, InvalidSetting, StoreError, StudyNotFound
from luthier.event import Event, Record


@runtime_checkable
class Store(Protocol):
    """Logs of events, by the name of their study. Every method may be called from any thread."""

    def append(self, study: str, events: Sequence[Event], expect: int) -> int:
        """Append `events`, all or none, if the log's length is `expect`; durable on return.

        Args:
            study: the study's name; with `expect` 0 it begins here.
            events: in order; an empty sequence changes nothing, and begins no study.
            expect: the length of the log that the caller has read, 0 when there is no such study.

        Returns:
            The new length.

        Raises:
            Conflict: the log has another length; nothing was appended.
            InvalidResult: an event holds a value that cannot be stored; nothing was appended.
            StoreBusy, StoreFull, StoreReadOnly: nothing was acknowledged; everything acknowledged before is kept.
        """
        ...

    def renew(self, study: str, number: int, token: int) -> None:
        """Note that the holder of a lease is alive now, on the store's clock; the log stays as it is.

        Args:
            study: the study's name.
            number: of the trial, or the first number of the claim.
            token: of the lease. Whether the lease still holds is for the log to say, not for the store.

        Raises:
            StudyNotFound: there is no such study.
        """
        ...

    def renewed(self, study: str, number: int, token: int) -> float | None:
        """Give when a lease was last renewed: seconds since 1970 UTC on the store's clock; None where it never was.

        Raises:
            StudyNotFound: there is no such study.
        """
        ...

    def read(self, study: str, after: int = 0) -> tuple[Record, ...]:
        """Read the records from position `after` (counted from 0) to the end.

        Raises:
            StudyNotFound: there is no such study, or it is shorter than `after` and so another of the same name.
            StoreCorrupt: what is stored is damaged; the message says where.
        """
        ...

    def length(self, study: str) -> int:
        """Count the events of a study. Raises `StudyNotFound`."""
        ...

    def names(self) -> tuple[str, ...]:
        """Name the studies, in the order in which they began."""
        ...

    def now(self) -> float:
        """Read the store's clock: seconds since 1970 UTC, never before a stamp that this object has given or read."""
        ...

    def delete(self, study: str) -> None:
        """Forget a study, and the renewals of its leases. Raises `StudyNotFound`."""
        ...

    def check(self) -> tuple[str, ...]:
        """Look for damage in everything stored, and describe what is found. Empty when all is well."""
        ...

    def close(self) -> None:
        """Release everything. Idempotent; afterwards every other method raises `StoreError`."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class Identifying(Protocol):
    """An ability of stores that are shared: telling a study from one of its name that was removed."""

    def identify(self, study: str, after: int = 0) -> tuple[int, tuple[Record, ...]]:
        """Read as `Store.read` does; give the study's number, too, which no other one of the store has or had."""
        ...


@runtime_checkable
class Restoring(Protocol):
    """An ability of stores: taking a whole log with the times of its events, as a copy of a study is made of."""

    def restore(self, study: str, records: Sequence[Record]) -> None:
        """Begin a study with a log, all of it or nothing; durable on return.

        Args:
            study: the study's name.
            records: at least one, with stamps that never decrease.

        Raises:
            Conflict: there is a study of this name; nothing was changed.
            InvalidResult: an event holds a value that cannot be stored; nothing was changed.
        """
        ...


@runtime_checkable
class Rereading(Protocol):
    """An ability of stores: reading a part of a log, so that nobody need keep in memory what is old."""

    def between(self, number: int, first: int, last: int) -> tuple[Record, ...]:
        """Read the records from position `first` up to `last`, which are there.

        Args:
            number: of the study, as `Identifying.identify` gives it: another study of its name is not meant.
            first: from 0.
            last: at most the length of the log.

        Raises:
            StudyNotFound: the study was removed.
            StoreCorrupt: what is stored is damaged; the message says where.
        """
        ...


@runtime_checkable
class Snapshotting(Protocol):
    """An ability of stores: keeping a snapshot of what follows from a log beside it. The log alone is the truth."""

    def log_sum(self, number: int, length: int) -> int | None:
        """Sum up the first `length` events of a study by number, without reading them; None where they are fewer.

        An event that is another one, elsewhere, or stamped otherwise changes the sum, but for a chance of 2**-32. It is
        None, too, where a store of an earlier version has no place for snapshots.
        """
        ...

    def keep_snapshot(self, number: int, data: bytes | bytearray) -> None:
        """Keep a snapshot of a study in place of an earlier one, all of it or nothing of it."""
        ...

    def snapshot(self, study: str) -> tuple[int, bytes] | None:
        """Give the number of a study and its snapshot, which may be damaged; None where there is none."""
        ...


@runtime_checkable
class Deferring(Protocol):
    """An ability of stores on the machine of those who write: appending what is of no use once that has failed."""

    def append_soon(self, study: str, events: Sequence[Event], expect: int) -> int:
        """Append as `Store.append` does, but for the disk, where the events are once the next `append` has returned.

        Processes that are killed lose nothing of it. Only where the machine itself fails before, the end of the log may
        be missing: these events, and never anything that `append` has acknowledged.
        """
        ...


@runtime_checkable
class Queueing(Protocol):
    """An ability of stores that many processes write to: letting those who were overtaken go on in turn."""

    def turn(self, study: str) -> AbstractContextManager[None]:
        """Wait for a turn to write to a study: nobody else who asks for one has it meanwhile.

        It is a courtesy, and no lock: appends without a turn are possible, and one that takes too long is passed over.
        Without it, of k writers that try again at once k - 1 have tried in vain.
        """
        ...


Clock = Callable[[], float]
"""Seconds since 1970 UTC."""


_SLEWED = 0.5
"""How fast the time of a store goes on that is ahead of the system's clock, until that has caught up."""


class Stamps:
    """A clock that never shows a time before a stamp that it has given or seen.

    So the age of an event is never negative, and stamps never decrease, though the system's clock is set back. Nor does
    the time stand still then: it goes on at half the speed until the system's clock has caught up, so that leases end.
    """

    __slots__ = ("_clock", "_latest", "_read")

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._latest = 0.0
        self._read = 0.0  # what the clock showed when the latest stamp was given or seen

    def now(self) -> float:
        """Read the clock."""
        read = self._clock()
        return read if read >= self._latest else self._slewed(read)

    def stamp(self, latest: float) -> float:
        """Make the stamp of an event that comes after one stamped `latest`."""
        read = self._clock()
        at = read if read >= self._latest else self._slewed(read)
        if at < latest:
            at = latest
        if at > self._latest:
            self._latest, self._read = at, read
        return at

    def seen(self, at: float) -> None:
        """Note a stamp."""
        if at > self._latest:
            self._latest, self._read = at, self._clock()

    def _slewed(self, read: float) -> float:
        """Give the time where the system's clock shows `read`, which is before the latest stamp."""
        if read < self._read:
            self._read = read
        return self._latest + _SLEWED * (read - self._read)


def check_name(study: str) -> None:
    """Raise `InvalidSetting` unless every store can hold `study`: text that is not empty, without NUL or surrogates."""
    if not isinstance(study, str) or not study or "\0" in study:
        raise InvalidSetting(f"a study's name is text that is not empty and holds no NUL, not {study!r}")
    if not study.isascii():
        try:
            study.encode()
        except UnicodeEncodeError:
            raise InvalidSetting(
                f"the study's name {study!r} is not Unicode text: it has half a character in it"
            ) from None


def conflict(study: str, length: int, expect: int) -> Conflict:
    """Make the error of an append that came too late."""
    return Conflict(
        f"the log of study {study!r} has {length} events, not the expected {expect}: another process wrote to it; "
        "read on from the length you know, decide again and append again"
    )


def not_found(study: str, names: Sequence[str], where: str) -> StudyNotFound:
    """Make the error of asking for a study that is not there."""
    known = ", ".join(map(repr, names[:10])) + (", …" if len(names) > 10 else "")
    return StudyNotFound(f"no study {study!r} in {where}" + (f"; it has {known}" if known else ", which is empty"))


def replaced(study: str, length: int, after: int, where: str) -> StudyNotFound:
    """Make the error of reading on in a log that is shorter than what was already read of it."""
    return StudyNotFound(
        f"study {study!r} in {where} has {length} events, fewer than the {after} already read: it was deleted and "
        "begun anew by another process; open it again"
    )


def removed(number: int, where: str) -> StudyNotFound:
    """Make the error of reading on in a study that was removed."""
    return StudyNotFound(f"study number {number} in {where} was removed while it was open here: nothing is left of it")


def another(study: str, where: str) -> StudyNotFound:
    """Make the error of going on with a study that was removed, where another one of its name has begun since."""
    return StudyNotFound(
        f"study {study!r} in {where} was removed and begun anew since it was opened here: nothing was written; "
        "open it again to go on with the new one"
    )


def closed(where: str) -> StoreError:
    """Make the error of using a store that was closed."""
    return StoreError(f"{where} was closed; open it again with luthier.store.open_store")


def not_sent(where: str) -> InvalidSetting:
    """Make the error of copying or pickling an open store."""
    return InvalidSetting(
        f"{where} is open in this process, and cannot be copied, pickled or sent to another one: "
        "give the path or URL of a store, and open it there with luthier.store.open_store"
    )
