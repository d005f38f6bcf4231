"""A connection that was opened before there were tables finds them, however busy the file is."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from luthier.store.sqlite.connection import Connection
from luthier.store.sqlite.library import choose_library, sqlite3


def test_tables_made_by_another_process_are_seen_while_the_file_is_locked(tmp_path: Path) -> None:
    """SQLite compares what it remembers of the tables with the file only where it gets to read it."""
    place = tmp_path / "s.db"
    link = Connection(place, 5.0, make=True)
    assert link.execute("SELECT count(*) FROM sqlite_master") == [(0,)]
    other = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE studies (name TEXT)")
    other.execute("BEGIN EXCLUSIVE")
    later = threading.Timer(0.1, other.execute, ["COMMIT"])
    later.start()
    try:
        assert link.execute("SELECT count(*) FROM studies") == [(0,)]
    finally:
        later.join()
        other.close()
        link.close()


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    link = Connection(tmp_path / "s.db", 5.0, make=True)
    with pytest.raises(sqlite3.OperationalError, match="no such table: studies"):
        link.execute("SELECT count(*) FROM studies")
    link.close()


def test_a_wait_for_other_processes_is_written_to_the_logging_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "luthier.store.sqlite.connection")
    place = tmp_path / "s.db"
    link = Connection(place, 5.0, make=True)
    link.execute("CREATE TABLE studies (name TEXT)")
    assert caplog.records == []
    other = sqlite3.connect(place, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    later = threading.Timer(0.1, other.execute, ["COMMIT"])
    later.start()
    try:
        link.execute("BEGIN IMMEDIATE")
    finally:
        later.join()
        other.close()
        link.close()
    assert [record.getMessage() for record in caplog.records] == [
        f"{place} is locked by another process: trying for up to 5 s"
    ]


@pytest.mark.parametrize(
    ("own", "other", "chosen"),
    [
        ((3, 40, 1), (3, 53, 4), "pysqlite3"),
        ((3, 40, 1), (3, 51, 1), "own"),
        ((3, 40, 1), None, "own"),
        ((3, 51, 3), (3, 53, 4), "own"),
        ((3, 44, 6), (3, 53, 4), "own"),
    ],
)
def test_a_current_library_is_used_where_pythons_own_has_a_bug(
    own: tuple[int, ...], other: tuple[int, ...] | None, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {"sqlite3": SimpleNamespace(sqlite_version_info=own, name="own")}
    if other is not None:
        modules["pysqlite3.dbapi2"] = SimpleNamespace(sqlite_version_info=other, name="pysqlite3")

    def imported(name: str) -> Any:
        if name not in modules:
            raise ImportError(name)
        return modules[name]

    monkeypatch.setattr("luthier.store.sqlite.library.importlib.import_module", imported)
    assert choose_library().name == chosen
