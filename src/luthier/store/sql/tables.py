"""The tables of a store on a database server, and the version of their schema."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    inspect,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.mysql import LONGBLOB

from luthier.errors import StoreError, StoreTooNew, StoreTooOld
from luthier.store.sql.dialects import ServerDialect

SCHEMA = 2
"""The version of the tables below, kept in the table `luthier_schema`."""

OLDEST = 1
"""The oldest version that is worked with as it is."""

WITH_SNAPSHOTS = 2
"""The version from which on there is a table of snapshots; without it there are none."""

_BYTES = LargeBinary().with_variant(LONGBLOB(), "mysql", "mariadb")
_REAL: Double[float] = Double()
_INNODB: dict[str, Any] = {
    f"{server}_{key}": value
    for server in ("mysql", "mariadb")
    for key, value in (("engine", "InnoDB"), ("charset", "utf8mb4"))
}
_META = MetaData()

VERSION = Table("luthier_schema", _META, Column("version", Integer, primary_key=True, autoincrement=False), **_INNODB)

# Names and events are bytes: no collation, no character set and no escape of a server's changes them. A name is found
# by its digest, as an index takes no text of any length; the length shows when the end of a log is missing.
STUDIES = Table(
    "luthier_studies",
    _META,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", _BYTES, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("latest", _REAL, nullable=False),
    **_INNODB,
)

# `mark` is the random number of the append: by it a writer finds its own events where it never heard of their commit.
EVENTS = Table(
    "luthier_events",
    _META,
    Column("study", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", _REAL, nullable=False),
    Column("checksum", BigInteger, nullable=False),
    Column("body", _BYTES, nullable=False),
    Column("mark", BigInteger, nullable=False),
    **_INNODB,
)

RENEWALS = Table(
    "luthier_renewals",
    _META,
    Column("study", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("token", BigInteger, primary_key=True, autoincrement=False),
    Column("at", _REAL, nullable=False),
    **_INNODB,
)

# A snapshot is one row for each quarter of a mebibyte: a server takes no message of any length.
SNAPSHOTS = Table(
    "luthier_snapshots",
    _META,
    Column("study", BigInteger, primary_key=True, autoincrement=False),
    Column("piece", Integer, primary_key=True, autoincrement=False),
    Column("body", _BYTES, nullable=False),
    **_INNODB,
)


class Statements:
    """The statements of a store, for one kind of server.

    Args:
        dialect: the kind.
    """

    def __init__(self, dialect: ServerDialect) -> None:
        clock: Any = literal_column(dialect.clock)
        digest: Any = bindparam("digest")
        study: Any = bindparam("of_study")
        number, token = bindparam("of_number", type_=BigInteger), bindparam("of_token", type_=BigInteger)
        lease = (RENEWALS.c.study == study, RENEWALS.c.number == number, RENEWALS.c.token == token)
        row = (EVENTS.c.study, EVENTS.c.position, EVENTS.c.at, EVENTS.c.checksum, EVENTS.c.body)
        joined = STUDIES.outerjoin(EVENTS, (EVENTS.c.study == STUDIES.c.id) & (EVENTS.c.position >= bindparam("after")))
        found = (STUDIES.c.id, STUDIES.c.length, STUDIES.c.latest, clock)
        self.clock = select(clock)
        self.names = select(STUDIES.c.name).order_by(STUDIES.c.id)
        self.find = select(*found).where(STUDIES.c.digest == digest)
        self.lock = self.find.with_for_update()
        # Of all that wait for the row, those whose length it is not any more get it not at all.
        self.lock_at = self.find.where(STUDIES.c.length == bindparam("expect", type_=BigInteger)).with_for_update()
        self.begin = insert(STUDIES)
        grown: Any = {"length": bindparam("now_long"), "latest": bindparam("now_at")}
        self.grow = update(STUDIES).where(STUDIES.c.id == study).values(grown)
        self.insert = insert(EVENTS)
        self.mark = select(EVENTS.c.mark).where(EVENTS.c.study == study, EVENTS.c.position == bindparam("at_position"))
        # One statement, so of one moment. Where there is nothing new, one row comes, with nothing but the study.
        self.read = (
            select(*row, STUDIES.c.length, STUDIES.c.id)
            .select_from(joined)
            .where(STUDIES.c.digest == digest)
            .order_by(EVENTS.c.position)
        )
        self.renewed = select(RENEWALS.c.at).where(*lease)
        self.renew = update(RENEWALS).where(*lease).values(at=bindparam("now_at"))
        self.first_renewal = insert(RENEWALS)
        self.forget = [table.delete().where(table.c.study == study) for table in (EVENTS, RENEWALS)]
        self.remove = STUDIES.delete().where(STUDIES.c.id == study)
        self.studies = select(STUDIES.c.id, STUDIES.c.name, STUDIES.c.length).order_by(STUDIES.c.id)
        self.scan = (
            select(*row)
            .where(EVENTS.c.study == study, EVENTS.c.position >= bindparam("after"))
            .order_by(EVENTS.c.position)
            .limit(bindparam("limit", type_=Integer))
        )
        self.lost = (
            select(EVENTS.c.study)
            .distinct()
            .where(EVENTS.c.study.not_in(select(STUDIES.c.id)))
            .order_by(EVENTS.c.study)
        )


def version(connection: Connection) -> int | None:
    """Give the version of the schema; None where there are no tables, or not all of them."""
    if not inspect(connection).has_table(VERSION.name):
        return None
    found = connection.execute(select(VERSION.c.version)).scalars().all()
    return max(found) if found else None


def make_tables(connection: Connection) -> None:
    """Make those that are missing, and write down their version last."""
    _META.create_all(connection)
    connection.execute(insert(VERSION).values(version=SCHEMA))


def check_schema(found: int, where: str) -> None:
    """Raise StoreTooNew or StoreTooOld unless this version of Luthier knows the schema."""
    if found > SCHEMA:
        raise StoreTooNew(
            f"the store {where} has schema {found}, made by a newer Luthier; this one knows schema {SCHEMA}. "
            "Nothing was changed. Upgrade with: pip install --upgrade luthier"
        )
    if found < OLDEST:
        raise StoreTooOld(
            f"the store {where} has schema {found}, and this Luthier works with {OLDEST} to {SCHEMA}. Nothing was "
            f"changed. Bring it up to date, once all workers are stopped, with: luthier upgrade {where}"
        )


def missing(where: str) -> StoreError:
    """Make the error of opening a store that must exist, and does not."""
    return StoreError(f"there is no store of Luthier's in {where}: check the URL, or run a study there first")
