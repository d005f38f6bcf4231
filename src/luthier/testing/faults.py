"""A store that fails on demand: full, busy, or dead in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from luthier.errors import StoreError
from luthier.event import Event, Record
from luthier.store import Identifying, Restoring, Store


class Crash(BaseException):
    """The death of a process, for a test that goes on afterwards. No ``except Exception`` catches it."""


class FaultyStore:
    """Pass everything to a store, except for the appends that are to fail.

    Appends are counted from 1, whether they succeed or not. A fault *before* an append leaves the store as it was; a
    fault *after* it happens when everything is stored, but the caller never hears of it.

    >>> from luthier.store import Memory
    >>> store = FaultyStore(Memory())
    >>> store.fail(3, Crash())
    >>> store.appends
    0

    Args:
        store: the real one. It is not closed when a fault happens, so it can be opened again by another study.
    """

    def __init__(self, store: Store) -> None:
        self.inner = store
        self.appends = 0
        self._faults: dict[int, tuple[BaseException | type[BaseException], bool]] = {}

    def fail(self, number: int, error: BaseException | type[BaseException] = Crash, *, after: bool = False) -> None:
        """Let the append of that number raise `error`, before (or `after`) it is done."""
        self._faults[number] = (error, after)

    def fail_next(self, error: BaseException | type[BaseException] = Crash, *, after: bool = False) -> None:
        """Let the next append raise `error`."""
        self.fail(self.appends + 1, error, after=after)

    def append(self, study: str, events: Sequence[Event], expect: int) -> int:
        """See `Store.append`."""
        self.appends += 1
        fault = self._faults.pop(self.appends, None)
        if fault is None:
            return self.inner.append(study, events, expect)
        error, after = fault
        if after:
            self.inner.append(study, events, expect)
        raise error

    def renew(self, study: str, number: int, token: int) -> None:
        """See `Store.renew`."""
        self.inner.renew(study, number, token)

    def renewed(self, study: str, number: int, token: int) -> float | None:
        """See `Store.renewed`."""
        return self.inner.renewed(study, number, token)

    def read(self, study: str, after: int = 0) -> tuple[Record, ...]:
        """See `Store.read`."""
        return self.inner.read(study, after)

    def restore(self, study: str, records: Sequence[Record]) -> None:
        """See `Restoring.restore`."""
        if not isinstance(self.inner, Restoring):
            raise StoreError(f"{self.inner!r} takes no whole logs")
        self.inner.restore(study, records)

    def identify(self, study: str, after: int = 0) -> tuple[int, tuple[Record, ...]]:
        """See `Identifying.identify`; of a store without that ability, the number is the same for all studies."""
        if isinstance(self.inner, Identifying):
            return self.inner.identify(study, after)
        return 0, self.inner.read(study, after)

    def length(self, study: str) -> int:
        """See `Store.length`."""
        return self.inner.length(study)

    def names(self) -> tuple[str, ...]:
        """See `Store.names`."""
        return self.inner.names()

    def now(self) -> float:
        """See `Store.now`."""
        return self.inner.now()

    def delete(self, study: str) -> None:
        """See `Store.delete`."""
        self.inner.delete(study)

    def check(self) -> tuple[str, ...]:
        """See `Store.check`."""
        return self.inner.check()

    def close(self) -> None:
        """See `Store.close`."""
        self.inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"FaultyStore({self.inner!r})"
