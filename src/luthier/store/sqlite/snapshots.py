"""The table of snapshots in an SQLite file, beside the logs."""

from __future__ import annotations

from luthier.store.rows import COLUMNS, Row
from luthier.store.sqlite.connection import Connection

# Files of earlier versions have no such table, and these leave it alone: it is made with the first snapshot.
_TABLE = "CREATE TABLE IF NOT EXISTS snapshots (study INTEGER PRIMARY KEY, body BLOB NOT NULL)"
_KEEP = "INSERT OR REPLACE INTO snapshots (study, body) SELECT id, ? FROM studies WHERE id = ?"
_FIND = "SELECT body FROM snapshots WHERE study = ?"
_BETWEEN = f"SELECT {COLUMNS} FROM events WHERE study = ? AND position >= ? AND position < ? ORDER BY position"
# The checksums cover the text, the stamp and the place of each event; 8,191 is prime, and no sum overflows.
_SUM = (
    "SELECT count(*), sum((checksum * (position % 8191 + 1)) % 4294967291) FROM events WHERE study = ? AND position < ?"
)


def has_snapshots(link: Connection) -> bool:
    """Tell whether the file has the table."""
    return bool(link.execute("SELECT 1 FROM sqlite_master WHERE name = 'snapshots'"))


def keep_snapshot(link: Connection, number: int, data: bytes | bytearray) -> None:
    """Write a snapshot within a transaction; nothing where the study was removed."""
    link.execute(_TABLE)
    link.execute(_KEEP, (data, number))
    link.execute(_KEEP, (b"", None))  # the statement is kept for later, with the megabytes that it was given last


def find_snapshot(link: Connection, number: int) -> bytes | None:
    """Read a snapshot; None where there is none."""
    rows = link.execute(_FIND, (number,)) if has_snapshots(link) else []
    return rows[0][0] if rows and isinstance(rows[0][0], bytes) else None


def drop_snapshot(link: Connection, number: int) -> None:
    """Remove the snapshot of a study within a transaction."""
    if has_snapshots(link):
        link.execute("DELETE FROM snapshots WHERE study = ?", (number,))


def log_sum(link: Connection, number: int, length: int) -> int | None:
    """See `luthier.store.protocol.Snapshotting.log_sum`. Cost O(length), a third of a microsecond an event."""
    ((count, found),) = link.execute(_SUM, (number, length))
    return found if count == length and isinstance(found, int) else None


def rows_between(link: Connection, number: int, first: int, last: int) -> list[Row]:
    """Read the rows of some events, as far as they are there."""
    return link.execute(_BETWEEN, (number, first, last))
