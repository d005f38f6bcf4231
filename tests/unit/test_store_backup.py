"""Backups and upgrades of stores: exact, read back, never over anything, and never by themselves."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import luthier as lt
from luthier.cli.program import program
from luthier.errors import InvalidSetting, StoreBusy, StoreCorrupt, StoreError, StoreTooNew, StoreTooOld
from luthier.event import Told
from luthier.store import JSONLines, Memory, SQLite, Store, back_up, open_store, upgrade_store
from luthier.store.sqlite.file_upgrade import upgrade_file
from luthier.store.sqlite.library import sqlite3
from luthier.testing.sample_events import EVENTS

NAN = Told(3, 0, "done", {"loss": math.nan})


def fill(store: Store) -> None:
    store.append("wine", EVENTS, 0)
    store.append("gone", EVENTS, 0)
    store.append("beer", [NAN], 0)
    store.append("wine", [NAN], len(EVENTS))
    store.delete("gone")


def call(*words: str) -> Result:
    return CliRunner().invoke(program, list(words))


@pytest.mark.parametrize("kind", ["db", "jsonl"])
@pytest.mark.parametrize("into", ["db", "jsonl"])
def test_a_backup_is_put_back(kind: str, into: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        with lt.Study(name, {"x": lt.Float(0, 1)}, minimize="y", store="s.db", seed=1, method=lt.Random()) as study:
            study.run(lambda trial: trial["x"], trials=4)
            if name == "b":
                study.ask()
                said = call("backup", "s.db", f"copy.{kind}").output
    assert f"to put it back: luthier restore copy.{kind} s.db\n" in said
    done = call("restore", f"copy.{kind}", f"new.{into}")
    assert done.exit_code == 0 and f"a: restored in new.{into}, 4 trials: 4 done\n" in done.output
    assert "1 that ran when the backup was made wait to be run again: luthier run goes on" in done.output
    for name in ("a", "b"):
        with lt.Study(name, store="s.db") as before, lt.Study(name, store=f"new.{into}") as after:
            assert after.history.digest == before.history.digest and after.verify().ok
            count = before.history.length - (name == "b")  # which gave its trial back after the backup
            assert after.reader.stamps[:count] == before.reader.stamps[:count]
            assert after.ask().number == 4  # also where that trial was running


def test_restoring_overwrites_nothing_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        with lt.Study(name, {"x": lt.Float(0, 1)}, minimize="y", store="s.db", seed=1, method=lt.Random()) as study:
            study.run(lambda trial: trial["x"], trials=2)
    assert call("backup", "s.db", "copy.jsonl").exit_code == 0
    assert call("restore", "copy.jsonl", "t.db", "--study", "b").exit_code == 0
    refused = call("restore", "copy.jsonl", "t.db")
    assert "t.db has 'b' already, and nothing is overwritten" in str(refused.exception)
    with open_store("t.db") as store:
        assert store.names() == ("b",)
    assert "is the backup itself" in str(call("restore", "copy.jsonl", "./copy.jsonl").exception)
    assert "has no study 'c'" in str(call("restore", "copy.jsonl", "u.db", "--study", "c").exception)
    assert "there is no store" in str(call("restore", "typo.jsonl", "u.db").exception)
    open_store("empty.db").close()
    assert "has no studies to restore" in str(call("restore", "empty.db", "u.db").exception)
    monkeypatch.setattr(SQLite, "restore", lambda *_: (_ for _ in ()).throw(StoreBusy("full")))
    assert "full" in str(call("restore", "copy.jsonl", "u.db").exception)
    assert not Path("u.db").exists()


def test_a_backup_is_put_back_where_a_study_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.toml").write_text(
        '[study]\nminimize = "y"\n[objective]\ncommand = "echo {x}"\n[space]\nx = {float = [0, 1]}\n'
        '[method]\nuse = "Random"\n[budget]\ntrials = 2\n'
    )
    assert call("run", "a.toml", "--quiet").exit_code == 0
    assert call("backup", "a.toml", "copy.db").exit_code == 0
    Path("a.db").unlink()
    done = call("restore", "copy.db", "a.toml")
    assert done.exit_code == 0 and "a: restored in a.db, 2 trials: 2 done" in done.output
    assert call("run", "a.toml", "--trials", "3", "--quiet").exit_code == 0


@pytest.mark.parametrize("source", ["s.db", "s.jsonl"])
@pytest.mark.parametrize("target", ["t.db", "t.jsonl"])
def test_a_backup_has_every_study_as_it_is(source: str, target: str, tmp_path: Path) -> None:
    with open_store(tmp_path / source) as one, open_store(tmp_path / target) as other:
        fill(one)
        assert back_up(one, other) == {"wine": len(EVENTS) + 1, "beer": 1}
        assert other.names() == ("wine", "beer") and other.check() == ()
        for name in one.names():
            assert repr(one.read(name)) == repr(other.read(name))
        with pytest.raises(InvalidSetting, match="has 2 studies already"):
            back_up(one, other)


def test_a_backup_that_is_not_what_was_written_is_none(tmp_path: Path) -> None:
    class Forgetful(Memory):
        def restore(self, study: str, records: object) -> None:
            super().restore(study, records[:-1])  # type: ignore[index]

    with SQLite(tmp_path / "s.db") as store:
        fill(store)
        with pytest.raises(StoreCorrupt, match="is not what was written"):
            back_up(store, Forgetful())


def test_the_command_copies_a_store_and_overwrites_nothing(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="loss", store=place, seed=1, method=lt.Random()) as study:
        study.run(lambda trial: trial["x"], trials=4)
        held = study.ask()
        done = CliRunner().invoke(program, ["backup", str(place), str(tmp_path / "t.jsonl")])
        assert done.exit_code == 0 and "1 study, " in done.output and "backed up in" in done.output
        study.tell(held, 0.5)
    with JSONLines(tmp_path / "t.jsonl") as copy:
        assert copy.length("s") == 11
    again = CliRunner().invoke(program, ["backup", str(place), str(tmp_path / "t.jsonl")])
    assert again.exit_code == 1 and "is not overwritten" in str(again.exception or again.output)
    beside = CliRunner().invoke(program, ["backup", str(place)])
    assert beside.exit_code == 0
    assert len(list(tmp_path.glob("s-20*Z.db"))) == 1
    server = CliRunner().invoke(program, ["backup", "postgresql://ada:lovelace@host/db"])
    assert server.exit_code == 2 and "lovelace" not in server.output


def test_half_a_backup_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SQLite(tmp_path / "s.db") as store:
        fill(store)
    monkeypatch.setattr(JSONLines, "check", lambda self: ("a fault",))
    done = CliRunner().invoke(program, ["backup", str(tmp_path / "s.db"), str(tmp_path / "t.jsonl")])
    assert done.exit_code == 1 and not (tmp_path / "t.jsonl").exists()


def test_a_store_of_this_version_needs_no_upgrade(tmp_path: Path) -> None:
    for name in ("s.db", "s.jsonl"):
        with open_store(tmp_path / name) as store:
            fill(store)
        before = (tmp_path / name).read_bytes()
        done = CliRunner().invoke(program, ["upgrade", str(tmp_path / name)])
        assert done.exit_code == 0 and "schema 1, which is the newest: nothing to do" in done.output
        assert (tmp_path / name).read_bytes() == before
    with pytest.raises(StoreError, match="there is no store"):
        upgrade_store(tmp_path / "none.db")


def make_older(place: Path, schema: int) -> None:
    with closing(sqlite3.connect(place)) as file:
        file.execute(f"PRAGMA user_version = {schema}")


STEPS = {
    1: ("ALTER TABLE events ADD COLUMN extra TEXT", "UPDATE events SET extra = 'new'"),
    2: ("CREATE TABLE more (x)",),
}


def test_an_upgrade_goes_step_by_step_and_keeps_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    with SQLite(place) as store:
        fill(store)
        written = repr(store.read("wine"))
    assert upgrade_file(place, STEPS, 3) == (1, 3, f"{place}.schema1")
    with closing(sqlite3.connect(place)) as file:
        assert file.execute("SELECT DISTINCT extra FROM events").fetchall() == [("new",)]
        assert file.execute("PRAGMA user_version").fetchall() == [(3,)]
    with pytest.raises(StoreTooNew, match="newer Luthier"):
        SQLite(place)
    with pytest.raises(StoreTooNew, match="newer Luthier"):
        upgrade_store(place)
    with SQLite(f"{place}.schema1") as kept:
        assert repr(kept.read("wine")) == written and kept.check() == ()
    make_older(place, 1)
    assert upgrade_file(place, {1: ()}, 2)[2] == f"{place}.schema1-2"


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    with SQLite(place) as store:
        fill(store)
    before = place.read_bytes()
    with pytest.raises(StoreError):
        upgrade_file(place, {1: ("CREATE TABLE more (x)", "no statement at all")}, 2)
    with SQLite(place) as store:
        assert store.check() == ()
    assert place.read_bytes()[100:] == before[100:]
    make_older(place, 0)
    with pytest.raises(StoreTooOld, match="luthier upgrade"):
        SQLite(place)
    with pytest.raises(StoreTooOld, match="no way from 0 to 1"):
        upgrade_store(place)


def test_an_upgrade_waits_for_no_writer_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "s.db"
    with SQLite(place) as store:
        fill(store)
    monkeypatch.setattr("luthier.store.sqlite.file_upgrade._PATIENCE_S", 0.2)
    with closing(sqlite3.connect(place, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            upgrade_file(place, STEPS, 3)
