"""A store in the memory of one process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count
from typing import NoReturn

from luthier._closing import Closing
from luthier._hints import translating_settings
from luthier._runtime.fork_lock import ForkSafeLock
from luthier.event import Event, Record, check
from luthier.store.protocol import Clock, Stamps, check_name, closed, conflict, not_found, not_sent, removed, replaced


@translating_settings
class Memory(Closing):
    """Logs in memory: the fastest store, gone with its process.

    Events are kept as they are, without encoding; one that could not be stored in a file is refused here, too.
    """

    def __init__(self, *, clock: Clock = time.time) -> None:
        self._logs: dict[str, list[Record]] = {}
        self._renewals: dict[tuple[str, int, int], float] = {}
        self._numbers: dict[str, int] = {}
        self._count = count(1)
        self._stamps = Stamps(clock)
        self._guard = ForkSafeLock()
        self._closed = False

    def append(self, study: str, events: Sequence[Event], expect: int) -> int:
        """See `Store.append`. Cost O(events)."""
        with self._guard:
            log = self._logs.get(study)
            if log is None:
                self._open()
            length = len(log) if log else 0
            if length != expect:
                raise conflict(study, length, expect)
            if not events:
                return length
            for event in events:
                check(event)
            if log is None:
                log = self._begun(study)
            at = self._stamps.stamp(log[-1].at if log else 0.0)
            log += [Record(at, event) for event in events]
            return len(log)

    def restore(self, study: str, records: Sequence[Record]) -> None:
        """See `Restoring.restore`. Cost O(events)."""
        with self._guard:
            self._open()
            if study in self._logs:
                raise conflict(study, len(self._logs[study]), 0)
            for record in records:
                check(record.event)
            self._begun(study).extend(records)
            self._stamps.seen(records[-1].at)

    def renew(self, study: str, number: int, token: int) -> None:
        """See `Store.renew`. Cost O(1)."""
        with self._guard:
            self._log(study)
            self._renewals[study, number, token] = self._stamps.now()

    def renewed(self, study: str, number: int, token: int) -> float | None:
        """See `Store.renewed`. Cost O(1)."""
        with self._guard:
            self._log(study)
            return self._renewals.get((study, number, token))

    def read(self, study: str, after: int = 0) -> tuple[Record, ...]:
        """See `Store.read`. Cost O(records read)."""
        log = self._logs.get(study) or self._log(study)  # no lock: a list that only grows
        length = len(log)
        if after > length:
            raise replaced(study, length, after, str(self))
        return tuple(log[after:]) if after < length else ()

    def identify(self, study: str, after: int = 0) -> tuple[int, tuple[Record, ...]]:
        """See `Identifying.identify`."""
        number = self._numbers.get(study)
        if number is None:
            raise closed(str(self)) if self._closed else not_found(study, tuple(self._logs), str(self))
        return number, self.read(study, after)

    def between(self, number: int, first: int, last: int) -> tuple[Record, ...]:
        """See `Rereading.between`."""
        with self._guard:
            self._open()
            for study, known in self._numbers.items():
                if known == number:
                    return tuple(self._logs[study][first:last])
        raise removed(number, repr(self))

    def length(self, study: str) -> int:
        """See `Store.length`."""
        with self._guard:
            return len(self._log(study))

    def names(self) -> tuple[str, ...]:
        """See `Store.names`."""
        with self._guard:
            self._open()
            return tuple(self._logs)

    def now(self) -> float:
        """See `Store.now`."""
        if self._closed:
            raise closed(str(self))
        return self._stamps.now()

    def delete(self, study: str) -> None:
        """See `Store.delete`."""
        with self._guard:
            self._log(study)
            del self._logs[study], self._numbers[study]
            self._renewals = {lease: at for lease, at in self._renewals.items() if lease[0] != study}

    def check(self) -> tuple[str, ...]:
        """See `Store.check`. Nothing in memory can be found damaged."""
        self._open()
        return ()

    def close(self) -> None:
        """Forget everything."""
        with self._guard:
            self._closed = True
            self._logs.clear()
            self._numbers.clear()
            self._renewals.clear()

    def __reduce__(self) -> NoReturn:
        raise not_sent("a store in memory")

    def __repr__(self) -> str:
        return "Memory()"

    def __str__(self) -> str:
        return "the store in memory"

    def _open(self) -> None:
        if self._closed:
            raise closed(str(self))

    def _begun(self, study: str) -> list[Record]:
        check_name(study)
        self._numbers[study] = next(self._count)
        return self._logs.setdefault(study, [])

    def _log(self, study: str) -> list[Record]:
        self._open()
        log = self._logs.get(study)
        if log is None:
            raise not_found(study, tuple(self._logs), str(self))
        return log
