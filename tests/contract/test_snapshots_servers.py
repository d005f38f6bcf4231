"""Snapshots on database servers keep their contract: PostgreSQL and MariaDB, started by the tests."""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from snapshot_contract import SnapshotContract

from databases import DatabaseServer
from luthier.errors import InvalidSetting
from luthier.event import Enqueued
from luthier.store import open_store
from luthier.store.sql.server_store import ServerStore
from luthier.study.stored import log_snapshots

pytestmark = pytest.mark.slow


def place(folder: Path) -> str:
    """Name a database for a folder."""
    return "n" + hashlib.sha256(str(folder).encode()).hexdigest()[:20]


class ServerSnapshotContract(SnapshotContract):
    """What holds on servers, too."""

    database: DatabaseServer

    def where(self, folder: Path) -> str:
        return self.database.url(place(folder))

    def change(self, folder: Path, statement: str) -> list[Any]:
        """Do something to the tables, behind the store's back."""
        if self.database.kind == "postgresql":
            return self.database.sql(f"SET search_path TO {place(folder)}; {statement}", database="luthier")
        return self.database.sql(statement, database=place(folder))

    def cut(self, folder: Path, length: int) -> None:
        self.change(folder, f"DELETE FROM luthier_events WHERE position >= {length}")
        latest = f"(SELECT max(at) FROM luthier_events WHERE position < {length})"
        self.change(folder, f"UPDATE luthier_studies SET length = {length}, latest = {latest}")

    def test_one_of_which_a_piece_is_missing_is_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("luthier.store.sql.server_snapshots.PIECE", 1000)
        trials = self.grown(tmp_path)
        assert len(self.stored(tmp_path)[1]) > 3000
        self.change(tmp_path, "DELETE FROM luthier_snapshots WHERE piece = 1")
        self.passed_over(tmp_path, monkeypatch, trials)

    @pytest.mark.timeout(120)
    def test_nobody_waits_for_a_server_that_is_away_because_of_a_snapshot(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trials = self.grown(tmp_path)
        study = self.opened(tmp_path)
        study.tell(study.ask(), 0.5)
        monkeypatch.setattr(log_snapshots, "_LEAST", 1)
        monkeypatch.setattr(log_snapshots, "_SHARE", 10**9)
        self.database.stop(immediate=True)
        try:
            study.close()  # does not wait the ten minutes for which a result waits
        finally:
            self.database.start()
        with self.opened(tmp_path) as study:
            assert study.history.trials[: len(trials)] == trials and study.verify().ok

    def test_a_store_that_is_open_is_not_sent(self, tmp_path: Path) -> None:
        with open_store(self.where(tmp_path)) as store, pytest.raises(InvalidSetting, match="open it there"):
            pickle.dumps(store)

    def test_a_study_that_is_removed_leaves_no_piece(self, tmp_path: Path) -> None:
        self.grown(tmp_path)
        with open_store(self.where(tmp_path)) as store:
            assert isinstance(store, ServerStore)
            number = store.identify("s")[0]
            store.delete("s")
            store.keep_snapshot(number, b"late")
        self.change(tmp_path, "DELETE FROM luthier_schema WHERE EXISTS (SELECT 1 FROM luthier_snapshots)")
        with open_store(self.where(tmp_path), must_exist=True) as store:  # the version is there: there was no piece
            assert store.names() == ()


class TestPostgreSQL(ServerSnapshotContract):
    @pytest.fixture(autouse=True)
    def server(self, postgresql: DatabaseServer) -> None:
        self.database = postgresql


class TestMariaDB(ServerSnapshotContract):
    @pytest.fixture(autouse=True)
    def server(self, mariadb: DatabaseServer) -> None:
        self.database = mariadb

    def test_one_that_is_longer_than_a_message_may_be_is_written_in_pieces(self, tmp_path: Path) -> None:
        ((before,),) = self.database.sql("SELECT @@global.max_allowed_packet")
        self.database.sql("SET GLOBAL max_allowed_packet = 1048576")
        try:
            with open_store(self.where(tmp_path)) as store:
                assert isinstance(store, ServerStore)
                store.append("s", [Enqueued({}, "t")], 0)
                number, data = store.identify("s")[0], os.urandom(11_000_000)
                store.keep_snapshot(number, data)
                assert store.snapshot("s") == (number, data)
        finally:
            self.database.sql(f"SET GLOBAL max_allowed_packet = {before}")
