"""Backups: all studies of a store, copied as they are into an empty one."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.errors import InvalidSetting, StoreCorrupt, StudyNotFound
from luthier.event import Record, checked
from luthier.store.protocol import Restoring, Store


def back_up(source: Store, target: Store) -> dict[str, int]:
    """Copy every study of a store with all times, leases included, and read the copy back.

    Others may go on writing meanwhile: of each study the copy has all that was there when it was read.

    Args:
        source: the store.
        target: a store of any kind, with nothing in it.

    Returns:
        The number of events of each study, by name.

    Raises:
        InvalidSetting: the target has studies already, or takes no whole logs.
        StoreCorrupt: the source is damaged, or the copy is not what was written.

    Cost O(events).
    """
    if not isinstance(target, Restoring):
        raise InvalidSetting(f"{target} takes no whole logs (see luthier.store.Restoring): back up into another store")
    if there := target.names():
        raise InvalidSetting(f"{target} has {len(there)} studies already: give a backup a new place of its own")
    copied = {}
    for name in source.names():
        try:
            records = source.read(name, 0)
        except StudyNotFound:  # it was removed meanwhile
            continue
        target.restore(name, records)
        copied[name] = len(records)
        if _written(target.read(name, 0)) != _written(records):
            raise StoreCorrupt(f"the copy of study {name!r} in {target} is not what was written: use another disk")
    if faults := target.check():
        raise StoreCorrupt(f"the backup {target} is damaged ({faults[0]}): use another disk")
    return copied


def _written(records: Sequence[Record]) -> list[tuple[float, bytes]]:
    """Give records in a form that tells all of them apart, and NaN from no NaN."""
    return [(record.at, checked(record.event)) for record in records]
