"""Upgrades of a store to the schema of this version of Luthier: asked for, locked and backed up."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from luthier.errors import StoreError
from luthier.store.registry import find_factory
from luthier.store.url_secrets import shown_place


class StoreUpgrade(NamedTuple):
    """What an upgrade did.

    Args:
        before: the schema that the store had.
        after: the schema that it has.
        backup: where everything is as it was before; empty where nothing was changed.
    """

    before: int
    after: int
    backup: str


def upgrade_store(where: str | os.PathLike[str]) -> StoreUpgrade:
    """Bring a store up to the schema that this version works with; all workers must have been stopped.

    Nobody can write meanwhile. What was there is kept: of an SQLite file in a file beside it, of a server's tables in
    tables beside them.

    Args:
        where: a path or a URL.

    Raises:
        StoreTooNew: the store is from a newer Luthier.
        StoreTooOld: there is no way from its schema to the present one.
        StoreError: there is no store, or others are writing to it.
    """
    text = os.fspath(where)
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("postgresql", "postgres", "mysql", "mariadb"):
        from luthier.store.sql.server_upgrade import upgrade_tables

        return StoreUpgrade(*upgrade_tables(text))
    if scheme in ("", "sqlite") and not text.endswith(".jsonl"):
        from luthier.store.sqlite.file_upgrade import upgrade_file

        place = Path(text.removeprefix("sqlite:///") if scheme else text).expanduser()
        if not place.is_file():
            raise StoreError(f"there is no store {shown_place(text)!r}: check the path")
        return StoreUpgrade(*upgrade_file(place))
    factory = find_factory(scheme or "jsonl")
    if factory is None:
        raise StoreError(f"there is no store for {shown_place(text)!r}")
    factory(text if scheme else f"jsonl:///{text}", must_exist=True).close()  # raises where its schema is another one
    return StoreUpgrade(1, 1, "")
