"""Upgrades of SQLite files, step by step from schema to schema."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from luthier.errors import StoreCorrupt, StoreTooNew, StoreTooOld
from luthier.store.sqlite.connection import Connection
from luthier.store.sqlite.error_translation import translate
from luthier.store.sqlite.library import sqlite3
from luthier.store.sqlite.schema import APPLICATION, SCHEMA

STEPS: Mapping[int, tuple[str, ...]] = {}
"""The statements that lead from a schema to the next one."""

_PATIENCE_S = 10.0


def upgrade_file(
    place: Path, steps: Mapping[int, tuple[str, ...]] = STEPS, target: int = SCHEMA
) -> tuple[int, int, str]:
    """Bring a file to a schema, in one transaction, after copying it; gives the schemas before and after, and the copy.

    Args:
        place: the file.
        steps: see `STEPS`.
        target: the schema that it is to have.

    Raises:
        StoreTooNew, StoreTooOld, StoreCorrupt, StoreError: see `luthier.store.upgrade.upgrade_store`.
    """
    try:
        link = Connection(place, _PATIENCE_S, make=False)
        try:
            with link.transaction():  # from here on nobody else writes
                found = _schema(link, place)
                if found > target:
                    raise StoreTooNew(
                        f"{str(place)!r} has schema {found}, made by a newer Luthier; this one knows {target}. Nothing "
                        "was changed. Upgrade Luthier itself with: pip install --upgrade luthier"
                    )
                if found == target:
                    return found, target, ""
                if missing := [schema for schema in range(found, target) if schema not in steps]:
                    raise StoreTooOld(
                        f"{str(place)!r} has schema {found}, and there is no way from {missing[0]} to "
                        f"{missing[0] + 1}. Nothing was changed. Read it with the version that wrote it"
                    )
                copy = _copied(place, found)
                for schema in range(found, target):
                    for statement in steps[schema]:
                        link.execute(statement)
                link.execute(f"PRAGMA user_version = {target}")
            return found, target, str(copy)
        finally:
            link.close()
    except sqlite3.Error as error:
        raise translate(error, place) from error


def _schema(link: Connection, place: Path) -> int:
    ((application,),) = link.execute("PRAGMA application_id")
    ((schema,),) = link.execute("PRAGMA user_version")
    if application != APPLICATION:
        raise StoreCorrupt(f"{str(place)!r} is not a store of Luthier's: give the path of one")
    return int(schema)


def _copied(place: Path, schema: int) -> Path:
    """Copy a file that nobody writes to, by SQLite's own means, into one beside it."""
    copy, number = place.with_name(f"{place.name}.schema{schema}"), 1
    while copy.exists():
        number += 1
        copy = place.with_name(f"{place.name}.schema{schema}-{number}")
    with contextlib.closing(sqlite3.connect(place)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy
