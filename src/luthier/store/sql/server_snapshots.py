"""The table of snapshots on a database server, beside the logs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, bindparam, func, insert, select

from luthier.store.sql.server_link import ServerLink
from luthier.store.sql.tables import EVENTS, SNAPSHOTS, STUDIES

PIECE = 2**18
"""The most bytes in one row. Written as text they are twice as many at most, and servers take a statement of 1 MiB."""

_STUDY: Any = bindparam("of_study")
_DROP = SNAPSHOTS.delete().where(SNAPSHOTS.c.study == _STUDY)
_KEEP = insert(SNAPSHOTS)
_IS_THERE = select(STUDIES.c.id).where(STUDIES.c.id == _STUDY)
# One statement, so of one moment.
_FIND = (
    select(STUDIES.c.id, SNAPSHOTS.c.body)
    .select_from(STUDIES.join(SNAPSHOTS, SNAPSHOTS.c.study == STUDIES.c.id))
    .where(STUDIES.c.digest == bindparam("digest"))
    .order_by(SNAPSHOTS.c.piece)
)
# The checksums cover the text, the stamp and the place of each event; 8,191 is prime, and no sum overflows.
_WEIGHTED = func.mod(EVENTS.c.checksum * (func.mod(EVENTS.c.position, 8191) + 1), 4294967291)
_SUM = select(func.count(), func.sum(_WEIGHTED)).where(
    EVENTS.c.study == _STUDY, EVENTS.c.position < bindparam("length", type_=BigInteger)
)


def log_sum(link: ServerLink, number: int, length: int) -> int | None:
    """See `luthier.store.protocol.Snapshotting.log_sum`. Cost O(length), a microsecond an event on the server."""
    row: Any = link.execute(_SUM, {"of_study": number, "length": length}).one()
    count, found = row
    return int(found) if count == length and found is not None else None


def keep_snapshot(link: ServerLink, number: int, data: bytes | bytearray) -> None:
    """Write a snapshot in one transaction, in pieces; nothing where the study was removed.

    Of two processes that write at once the second waits for the first one, and writes its own over it.
    """
    view = memoryview(data)
    with link.transaction():
        if link.execute(_IS_THERE, {"of_study": number}).first() is None:
            return
        link.execute(_DROP, {"of_study": number})
        for piece, begin in enumerate(range(0, len(view), PIECE)):
            row = {"study": number, "piece": piece, "body": bytes(view[begin : begin + PIECE])}
            link.execute(_KEEP, row)


def find_snapshot(link: ServerLink, digest: str) -> tuple[int, bytes] | None:
    """Give the number of a study, by the digest of its name, and its snapshot; None where there is none."""
    rows: list[Any] = list(link.execute(_FIND, {"digest": digest}))
    return (int(rows[0][0]), b"".join(bytes(piece) for _, piece in rows)) if rows else None


def drop_snapshot(link: ServerLink, number: int) -> None:
    """Remove the snapshot of a study within a transaction."""
    link.execute(_DROP, {"of_study": number})
