"""Upgrades of the tables on a database server, step by step from schema to schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from sqlalchemy import Table
from sqlalchemy.exc import DBAPIError

from luthier.errors import StoreTooNew, StoreTooOld
from luthier.store.sql.dialects import DIALECTS, ServerDialect
from luthier.store.sql.server_errors import translate
from luthier.store.sql.server_link import ServerLink, make_engine
from luthier.store.sql.tables import EVENTS, RENEWALS, SCHEMA, SNAPSHOTS, STUDIES, VERSION, missing, version
from luthier.store.url_secrets import shown_place

Steps: TypeAlias = Mapping[int, tuple[str | Table, ...]]

STEPS: Steps = {1: (SNAPSHOTS,)}
"""What leads from a schema to the next one: tables to make, and statements in words that all servers know."""


def upgrade_tables(url: str, steps: Steps = STEPS, target: int = SCHEMA) -> tuple[int, int, str]:
    """Bring the tables to a schema, after copying them; gives the schemas before and after, and where the copies are.

    Args:
        url: of the store.
        steps: see `STEPS`.
        target: the schema that it is to have.

    Raises:
        StoreTooNew, StoreTooOld, StoreError: see `luthier.store.upgrade.upgrade_store`.
    """
    where, dialect = shown_place(url), DIALECTS[url.partition("://")[0].lower()]
    try:
        link = ServerLink(make_engine(url, dialect, where), dialect)
        try:
            with link.transaction():
                link.command(dialect.lock)
                found = version(link.connection)
                _check(found, target, steps, where)
                assert found is not None
                if found == target:
                    return found, target, ""
                copies = _copied(link, found)
                for schema in range(found, target):
                    for step in steps[schema]:
                        _take(link, step)
                link.command(f"UPDATE {VERSION.name} SET version = {target}")
        finally:
            _unlock(link, dialect)
            link.close()
    except DBAPIError as error:
        verdict = dialect.judge(error.orig, connecting=True, lost=error.connection_invalidated)
        raise translate(error, verdict, where) from None
    return found, target, f"the tables {copies}"


def _take(link: ServerLink, step: str | Table) -> None:
    """Take one step of an upgrade; a table may be there from one that was stopped, where its making is not undone."""
    if isinstance(step, Table):
        step.create(link.connection, checkfirst=True)
    else:
        link.command(step)


def _check(found: int | None, target: int, steps: Steps, where: str) -> None:
    if found is None:
        raise missing(where)
    if found > target:
        raise StoreTooNew(
            f"the store {where} has schema {found}, made by a newer Luthier; this one knows {target}. Nothing was "
            "changed. Upgrade Luthier itself with: pip install --upgrade luthier"
        )
    if without := [schema for schema in range(found, target) if schema not in steps]:
        raise StoreTooOld(
            f"the store {where} has schema {found}, and there is no way from {without[0]} to {without[0] + 1}. Nothing "
            "was changed. Read it with the version that wrote it"
        )


def _copied(link: ServerLink, schema: int) -> str:
    """Copy the tables beside themselves."""
    names = []
    for table in (STUDIES, EVENTS, RENEWALS):
        names.append(f"{table.name}_schema{schema}")
        link.command(f"DROP TABLE IF EXISTS {names[-1]}")
        link.command(f"CREATE TABLE {names[-1]} AS SELECT * FROM {table.name}")
    return ", ".join(names)


def _unlock(link: ServerLink, dialect: ServerDialect) -> None:
    if dialect.unlock and link.is_usable():
        link.command(dialect.unlock)
