"""The stores on database servers keep the contract of stores: PostgreSQL and MariaDB, started by the tests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from databases import DatabaseServer
from luthier.store import Store, open_store
from luthier.testing.stores import LastingStoreContract

pytestmark = pytest.mark.slow


def place(folder: Path) -> str:
    """Name a database for a folder."""
    return "t" + hashlib.sha256(str(folder).encode()).hexdigest()[:20]


class TestPostgreSQL(LastingStoreContract):
    @pytest.fixture(autouse=True)
    def server(self, postgresql: DatabaseServer) -> None:
        self.database = postgresql

    def open(self, folder: Path) -> Store:
        return open_store(self.database.url(place(folder)))


class TestMariaDB(LastingStoreContract):
    @pytest.fixture(autouse=True)
    def server(self, mariadb: DatabaseServer) -> None:
        self.database = mariadb

    def open(self, folder: Path) -> Store:
        return open_store(self.database.url(place(folder)))
