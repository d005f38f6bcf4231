"""Checks of the abilities that some stores have: parts of logs, snapshots, appends flushed later."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from luthier.errors import Conflict, StudyNotFound
from luthier.event import Event
from luthier.store import Deferring, Identifying, Rereading, Snapshotting, Store

MakeEvent = Callable[[int], Event]


def check_abilities(store: Store, event: MakeEvent) -> None:
    """Check all that an empty store says that it can do.

    Args:
        store: without studies.
        event: makes an event of a number.
    """
    if isinstance(store, Identifying) and isinstance(store, Rereading):
        _check_parts(store, store, store, event)
    if isinstance(store, Identifying) and isinstance(store, Snapshotting):
        _check_snapshots(store, store, store, event)
    if isinstance(store, Deferring):
        _check_deferred(store, store, event)


def _check_parts(store: Store, identifying: Identifying, rereading: Rereading, event: MakeEvent) -> None:
    for name in ("a", "b"):
        store.append(name, [event(place) for place in range(9)], 0)
    number, records = identifying.identify("b")
    for first, last in ((0, 9), (2, 5), (4, 4)):
        assert rereading.between(number, first, last) == records[first:last]
    store.delete("b")
    store.append("b", [event(100)], 0)
    with pytest.raises(StudyNotFound, match="removed"):
        rereading.between(number, 0, 1)
    store.delete("a")
    store.delete("b")


def _check_snapshots(store: Store, identifying: Identifying, keeping: Snapshotting, event: MakeEvent) -> None:
    sums = []
    for name in ("a", "b"):
        store.append(name, [event(place) for place in range(9)], 0)
        assert keeping.snapshot(name) is None
        sums.append(keeping.log_sum(identifying.identify(name)[0], 9))
    number = identifying.identify("b")[0]
    assert None not in sums and sums[0] != sums[1] and keeping.log_sum(number, 8) not in (None, *sums)
    assert keeping.log_sum(number, 10) is None
    for data in (b"first", b"\0second" * 100_000):
        keeping.keep_snapshot(number, data)
        assert keeping.snapshot("b") == (number, data)
    assert keeping.snapshot("a") is None and keeping.snapshot("c") is None
    assert store.length("b") == 9 and store.check() == ()
    store.append("b", [event(9)], 9)
    assert keeping.log_sum(number, 9) == sums[1] != keeping.log_sum(number, 10)
    store.delete("b")
    store.append("b", [event(0)], 0)
    keeping.keep_snapshot(number, b"late")
    assert keeping.snapshot("b") is None
    store.delete("a")
    store.delete("b")


def _check_deferred(store: Store, deferring: Deferring, event: MakeEvent) -> None:
    assert deferring.append_soon("a", [event(0)], 0) == 1
    assert deferring.append_soon("a", [event(1), event(2)], 1) == 3
    with pytest.raises(Conflict):
        deferring.append_soon("a", [event(3)], 1)
    assert store.append("a", [event(3)], 3) == 4
    assert [record.event for record in store.read("a")] == [event(place) for place in range(4)]
    store.delete("a")
