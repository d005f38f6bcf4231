"""Copies of a study's log, within a store or into another one."""

from __future__ import annotations

from luthier.errors import Conflict, InvalidSetting
from luthier.event import Freed, Record
from luthier.history import History
from luthier.space import Space
from luthier.store import Restoring, Store
from luthier.trial import Reason

_WHY = "it was running when the study was copied"


def copy_log(records: tuple[Record, ...], source: Space, target: Store, name: str) -> int:
    """Copy a whole log with its time stamps: all of it in one transaction, or nothing.

    The events are those of the original, so the history that a method sees, and its digest, are the same. Trials that
    are running stay with those who run them in the original: in the copy their leases are freed by events at the end,
    and they wait to be run again.

    Args:
        records: the log.
        source: the space at its beginning.
        target: the store that is to have the copy.
        name: of the study in it.

    Returns:
        The number of trials that wait to be run again as they were running.

    Raises:
        InvalidSetting: the store has a study of this name, or cannot take a log as a whole.

    Cost O(events).
    """
    if not isinstance(target, Restoring):
        raise InvalidSetting(
            f"{target} cannot take a whole log with its times (see luthier.store.Restoring): copy into another store"
        )
    freed = _freed(History(source).extend([record.event for record in records]))
    at = max(records[-1].at, target.now())
    try:
        target.restore(name, (*records, *(Record(at, event) for event in freed)))
    except Conflict:
        raise InvalidSetting(
            f"{target} has a study {name!r} already, which is not overwritten: give the copy another name"
        ) from None
    return sum(event.error == _WHY for event in freed)


def _freed(history: History) -> list[Freed]:
    """Free the leases of trials and claims, whose holders know nothing of the copy."""
    reason = str(Reason.INTERRUPTED)
    tokens = {number: lease.token for number in history.running if (lease := history.trial(number).lease) is not None}
    trials = [Freed(number, token, reason, _WHY) for number, token in tokens.items()]
    return [*trials, *(Freed(claim.number, token, reason) for token, claim in history.claims)]
