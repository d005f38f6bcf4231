"""What an SQLite store makes of files that are not, or no longer, what they should be."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import luthier as lt
from luthier.errors import (
    InvalidSetting,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreTooOld,
    StudyNotFound,
)
from luthier.event import Told
from luthier.store import SQLite, open_store
from luthier.store.rows import Row
from luthier.store.sqlite.connection import Connection
from luthier.store.sqlite.error_translation import translate
from luthier.store.sqlite.library import sqlite3
from luthier.store.sqlite.schema import APPLICATION, SCHEMA, journal_mode
from luthier.trial import Reason

PAGE = 4096


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "studies.db"


def event(number: int) -> Told:
    return Told(number, 0, "done", {"loss": number / 8})


def fill(place: Path, count: int = 100) -> None:
    with SQLite(place) as store:
        store.append("wine", [event(i) for i in range(count)], 0)
        store.append("beer", [event(0)], 0)


def tamper(place: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(place)
    with connection:
        connection.execute(statement, values)
    connection.close()


# --- the file itself ---------------------------------------------------------------------------------


def test_file_is_marked_as_ours(place: Path) -> None:
    SQLite(place).close()
    head = place.read_bytes()[:100]
    assert head[68:72] == b"Luth"
    assert int.from_bytes(head[60:64], "big") == SCHEMA


def test_an_empty_file_is_a_new_store(place: Path) -> None:
    place.touch()
    with SQLite(place) as store:
        assert store.append("wine", [event(0)], 0) == 1


def test_opening_a_store_does_not_change_it(place: Path) -> None:
    fill(place)
    before = place.read_bytes()
    with SQLite(place) as store:
        store.read("wine")
        store.check()
    assert place.read_bytes() == before


def test_nothing_is_left_beside_the_file(place: Path) -> None:
    fill(place)
    left = {path.name for path in place.parent.iterdir()}
    assert left <= {place.name, f"{place.name}-journal"}
    assert (
        not (place.parent / f"{place.name}-journal").exists()
        or not (place.parent / f"{place.name}-journal").read_bytes()
    )


def test_every_append_is_flushed(place: Path) -> None:
    with SQLite(place) as store:
        assert store._link is not None
        assert store._link.execute("PRAGMA synchronous") == [(2,)]
        assert store._link.execute("PRAGMA journal_mode") == [(journal_mode().encode(),)]


@pytest.mark.parametrize("mode", ["wal", "persist"])
def test_only_what_may_be_lost_with_the_machine_waits_for_the_disk(
    place: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.store.sqlite.store.journal_mode", lambda: mode)
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=place, method=lt.Random(), seed=0) as study:
        store = study.reader._log.store
        assert isinstance(store, SQLite) and store._link is not None

        def flushed(act: Callable[[], object]) -> bool:
            act()
            assert store._link is not None
            return store._link.execute("PRAGMA synchronous") == [(2,)]

        held = [study.ask()]
        soon = mode == "wal"
        assert flushed(lambda: held.append(study.ask())) != soon
        assert flushed(lambda: study.tell(held[0], 1.0))  # and with it all that came before
        assert flushed(lambda: held.append(study.ask())) != soon
        assert flushed(lambda: study.ask(lease_s=60))  # who has it may live on elsewhere
        assert flushed(lambda: held.append(study.ask())) != soon
        assert flushed(lambda: study.ask(ticket="a request"))  # which may be repeated from elsewhere
        assert flushed(lambda: held.append(study.ask())) != soon
        assert flushed(lambda: study.report(held[-1], 1.0))
        assert flushed(lambda: study.enqueue({"x": 0.5}))


def test_a_failure_of_power_after_a_result_loses_what_was_begun_since_and_no_result(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.store.sqlite.store.journal_mode", lambda: "wal")
    later = tmp_path / "later"
    later.mkdir()
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=place, method=lt.Random(), seed=0) as study:
        first, second = study.ask(), study.ask()
        study.tell(second, 2.0)
        for file in place.parent.glob(f"{place.name}*"):  # what the flush of the result has brought to the disk
            (later / file.name).write_bytes(file.read_bytes())
        lost = study.ask()
        with lt.Study("s", store=later / place.name) as again:
            again.release(first.number, reason=Reason.LOST)  # its process is gone as well
            assert again.trial(second.number).value == 2.0 and len(again) == 2
            assert again.ask().number == first.number
            assert again.ask().params == lost.params and again.verify().ok


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ((3, 40, 1), "persist"),
        ((3, 44, 5), "persist"),
        ((3, 44, 6), "wal"),
        ((3, 45, 0), "persist"),
        ((3, 50, 6), "persist"),
        ((3, 50, 7), "wal"),
        ((3, 51, 2), "persist"),
        ((3, 51, 3), "wal"),
        ((3, 53, 0), "wal"),
        ((4, 0, 0), "wal"),
    ],
)
def test_journal_mode_follows_the_version_of_the_library(version: tuple[int, ...], mode: str) -> None:
    assert journal_mode(version) == mode


def test_both_journal_modes_take_over_from_each_other(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for length, mode in enumerate(("wal", "persist", "truncate", "wal", "truncate", "persist", "wal")):
        monkeypatch.setattr("luthier.store.sqlite.store.journal_mode", lambda mode=mode: mode)
        with SQLite(place) as store, SQLite(place) as other:
            assert store._link is not None
            assert store._link.execute("PRAGMA journal_mode") == [(mode.encode(),)]
            assert store.append("wine", [event(length)], length) == length + 1
            assert other.length("wine") == length + 1


def test_a_mode_that_is_not_safe_here_is_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.store.sqlite.store.journal_mode", lambda: "wal")
    with SQLite(place) as store:
        assert store.names() == ()
        monkeypatch.setattr("luthier.store.sqlite.store.journal_mode", lambda: "persist")
        with pytest.raises(StoreBusy, match="another version of SQLite"):
            SQLite(place, patience_s=0.05)


def test_versions_that_keep_the_journal_in_other_ways_use_one_file_at_once(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = []
    for mode in ("persist", "truncate", "delete", "persist"):
        monkeypatch.setattr("luthier.store.sqlite.store.journal_mode", lambda mode=mode: mode)
        stores.append(SQLite(place))
    for length in range(20):
        assert stores[length % 4].append("wine", [event(length)], length) == length + 1
        assert [store.length("wine") for store in stores] == [length + 1] * 4
    for store in stores:
        store.close()
    assert sorted(file.name for file in place.parent.iterdir()) == [place.name]


def test_a_journal_does_not_stay_as_long_as_the_longest_transaction(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.store.sqlite.store.journal_mode", lambda: "persist")
    journal = place.with_name(place.name + "-journal")
    with SQLite(place) as store:
        fill = [Told(number, 0, "done", {"loss": 1.0}, error="x" * 400) for number in range(8000)]
        store.append("wine", fill, 0)
        store.delete("wine")  # the journal takes the pages as they were
        assert 2**19 < journal.stat().st_size <= 2**20
    assert not journal.exists()


# --- files that are something else -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [b"xy", b"hello\n", b"C,gamma,loss\n" * 1000, b"\0" * 5000, b"SQLite format 2\0" * 300]
)
def test_refuses_what_is_no_sqlite_file(place: Path, text: bytes) -> None:
    place.write_bytes(text)
    with pytest.raises(StoreCorrupt, match=r"studies\.db' is (not an|an) SQLite file"):
        SQLite(place)
    assert place.read_bytes() == text


def test_refuses_the_database_of_another_program(place: Path) -> None:
    tamper(place, "CREATE TABLE trials (number)")
    before = place.read_bytes()
    with pytest.raises(StoreCorrupt, match="not a store of Luthier's"):
        SQLite(place)
    assert place.read_bytes() == before


def test_refuses_an_empty_database_that_another_program_has_marked(place: Path) -> None:
    tamper(place, "PRAGMA application_id = 7")
    with pytest.raises(StoreCorrupt, match="another program"):
        SQLite(place)


def test_refuses_a_newer_schema_and_says_what_to_do(place: Path) -> None:
    fill(place)
    tamper(place, f"PRAGMA user_version = {SCHEMA + 1}")
    before = place.read_bytes()
    with pytest.raises(StoreTooNew, match=rf"schema {SCHEMA + 1}.*pip install --upgrade luthier"):
        SQLite(place)
    assert place.read_bytes() == before


def test_refuses_an_older_schema(place: Path) -> None:
    fill(place)
    tamper(place, "PRAGMA user_version = 0")
    with pytest.raises(StoreTooOld, match="schema 0"):
        SQLite(place)


# --- damage ------------------------------------------------------------------------------------------


def test_finds_a_changed_digit(place: Path) -> None:
    fill(place)
    data = place.read_bytes()
    place.write_bytes(data.replace(b'"loss":4.625', b'"loss":5.625'))  # what was left on a page that was split, too
    with SQLite(place) as store:
        with pytest.raises(
            StoreCorrupt, match=r"studies\.db' is damaged: study 'wine': event 37 is damaged.*put back a copy"
        ):
            store.read("wine")
        assert store.check() == ("study 1: event 37 is damaged (its checksum is wrong)",)
        assert len(store.read("wine", 38)) == 62  # what is not damaged can be read
        assert len(store.read("beer")) == 1


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM events WHERE study = 1 AND position = 4", "event 4 is missing (the next one is 5)"),
        ("UPDATE events SET at = at + 1 WHERE study = 1 AND position = 4", "event 4 is damaged"),
        ("UPDATE events SET body = '{}' WHERE study = 1 AND position = 4", "event 4 is damaged"),
        ("UPDATE events SET body = 7 WHERE study = 1 AND position = 4", "event 4 is damaged"),
        ("UPDATE events SET at = 'now' WHERE study = 1 AND position = 4", "event 4 is damaged"),
        ("UPDATE events SET body = x'ff00' WHERE study = 1 AND position = 4", "event 4 is damaged"),
        ("UPDATE events SET checksum = 'none' WHERE study = 1 AND position = 4", "event 4 is damaged"),
        ("UPDATE events SET position = 'x' WHERE study = 1 AND position = 4", "event 4 is missing"),
        ("UPDATE events SET position = x'ff', at = 'now' WHERE study = 1 AND position = 99", "event 99 is missing"),
        ("UPDATE events SET position = position + 10000 WHERE study = 1 AND position >= 4", "event 4 is missing"),
    ],
)
def test_finds_a_damaged_row(place: Path, statement: str, found: str) -> None:
    fill(place)
    tamper(place, statement)
    with SQLite(place) as store:
        with pytest.raises(StoreCorrupt) as error:
            store.read("wine")
        assert found in str(error.value)
        assert any(found in line for line in store.check())


def test_finds_rows_that_were_exchanged(place: Path) -> None:
    fill(place, 3)
    tamper(place, "UPDATE events SET position = 103 - position WHERE study = 1 AND position > 0")
    tamper(place, "UPDATE events SET position = position - 100 WHERE study = 1 AND position > 100")
    with SQLite(place) as store:
        assert [line.split(" is ")[0] for line in store.check()] == ["study 1: event 1", "study 1: event 2"]


def test_finds_an_event_of_a_later_luthier(place: Path) -> None:
    from luthier.store.checksum import checksum

    fill(place, 1)
    body = b'{"type":"dreamt"}'
    tamper(place, "INSERT INTO events VALUES (1, 1, 9e9, ?, ?)", checksum(1, 1, 9e9, body), body.decode())
    tamper(place, "UPDATE studies SET length = 2 WHERE id = 1")
    with SQLite(place) as store:
        with pytest.raises(StoreTooNew, match="event 1: an event of the kind 'dreamt'"):
            store.read("wine", 1)
        assert "event 1: an event of the kind 'dreamt'" in store.check()[0]


def test_finds_a_stamp_that_goes_back(place: Path) -> None:
    from luthier.event import encode
    from luthier.store.rows import make

    fill(place, 1)
    (row,) = make(1, 1, 5.0, [encode(event(1))])
    tamper(place, "INSERT INTO events VALUES (?, ?, ?, ?, ?)", *row)
    tamper(place, "UPDATE studies SET length = 2 WHERE id = 1")
    with SQLite(place) as store:
        assert store.check() == ("study 1: event 1 is stamped before the one ahead of it",)


def test_finds_studies_without_events_and_events_without_study(place: Path) -> None:
    fill(place)
    tamper(place, "DELETE FROM studies WHERE name = 'wine'")
    tamper(place, "INSERT INTO studies (name, length) VALUES ('void', 3)")
    with SQLite(place) as store:
        assert set(store.check()) == {
            "study 3 ('void') has 0 of its 3 events",
            "there are events of study 1, but no such study",
        }
        with pytest.raises(StoreCorrupt, match="event 2 is missing"):
            store.append("void", [event(0)], 3)


def test_finds_columns_that_are_no_numbers(place: Path) -> None:
    fill(place)
    tamper(place, "UPDATE events SET at = 'now' WHERE study = 1 AND position = 99")
    with SQLite(place) as store, pytest.raises(StoreCorrupt, match="'wine': b'now' stands where a number was written"):
        store.append("wine", [event(1)], 100)
    tamper(place, "UPDATE studies SET length = x'ff'")
    with SQLite(place) as store:
        for use in (store.read, store.length):
            with pytest.raises(StoreCorrupt, match=r"'wine': b'\\xff' stands where"):
                use("wine")
        assert len(store.check()) == 3


def test_checks_more_than_one_part(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SQLite(place) as store:
        for name in ("a", "b"):
            store.append(name, [event(i) for i in range(10_050)], 0)
        assert store.check() == ()
    tamper(place, "DELETE FROM events WHERE study = 2 AND position = 9_999".replace("_", ""))
    with SQLite(place) as store:
        assert store.check() == (
            "study 2 ('b') has 10049 of its 10050 events",
            "study 2: event 9999 is missing (the next one is 10000)",
        )


@pytest.mark.parametrize(("was", "now"), [(b"CREATE TABLE ev", b"CREATE\xd5TABLE ev"), (b"length INT", b"lungth INT")])
def test_finds_damaged_descriptions_of_tables(place: Path, was: bytes, now: bytes) -> None:
    fill(place)
    place.write_bytes(place.read_bytes().replace(was, now))
    with pytest.raises(StoreCorrupt, match="is damaged"), SQLite(place) as store:
        store.read("wine")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_file_is_found(place: Path, share: float) -> None:
    fill(place, 1000)
    data = place.read_bytes()
    place.write_bytes(data[: int(len(data) * share) // PAGE * PAGE])
    with pytest.raises(StoreCorrupt, match="damaged"):
        SQLite(place)


@pytest.mark.parametrize("count", [1, 99, 100])
def test_a_log_that_lost_its_end_is_found(place: Path, count: int) -> None:
    fill(place)
    tamper(place, "DELETE FROM events WHERE study = 1 AND position >= ?", 100 - count)
    with SQLite(place) as store:
        with pytest.raises(StoreCorrupt, match="damaged"):
            store.read("wine")
        with pytest.raises(StoreCorrupt, match="event 99 is missing"):
            store.append("wine", [event(1)], 100)
        assert store.check() == (f"study 1 ('wine') has {100 - count} of its 100 events",)


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_give_the_truth_or_an_error(place: Path, seed: int) -> None:
    import random

    generator = random.Random(seed)
    fill(place, 200)
    data = bytearray(place.read_bytes())
    with SQLite(place) as store:
        truth = store.read("wine")
    page = generator.randrange(len(data) // PAGE)
    for _ in range(generator.choice([1, 8, 200])):
        data[page * PAGE + generator.randrange(PAGE)] ^= generator.randrange(1, 256)
    place.write_bytes(data)
    try:
        with SQLite(place) as store:
            found = store.check()
            assert isinstance(found, tuple)
            assert store.read("wine") == truth
    except StoreError as error:
        assert str(place) in str(error)  # where it is


# --- a file that changes under an open store ---------------------------------------------------------


def test_a_deleted_file_is_noticed(place: Path) -> None:
    fill(place)
    with SQLite(place) as store:
        place.unlink()
        for use in (
            lambda: store.read("wine"),
            lambda: store.append("wine", [event(1)], 100),
            store.names,
            store.check,
        ):
            with pytest.raises(StoreError, match="deleted"):
                use()
    assert not place.exists()


def test_a_replaced_file_is_noticed(place: Path) -> None:
    fill(place)
    fill(place.with_name("other.db"))
    with SQLite(place) as store:
        place.with_name("other.db").replace(place)
        with pytest.raises(StoreError, match="replaced"):
            store.append("wine", [event(1)], 100)
    with SQLite(place) as store:
        assert store.length("wine") == 100


def test_a_file_that_is_deleted_during_an_append_is_not_acknowledged(place: Path) -> None:
    fill(place)

    def clock() -> float:
        place.unlink(missing_ok=True)
        return time.time()

    with SQLite(place, clock=clock) as store, pytest.raises(StoreError, match=r"deleted|could not be used"):
        store.append("wine", [event(1)], 100)


# --- locks -------------------------------------------------------------------------------------------


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback journal, whatever the library: with WAL readers and a writer do not wait for each other."""
    monkeypatch.setattr("luthier.store.sqlite.store.journal_mode", lambda: "persist")


@pytest.mark.usefixtures("journal")
def test_says_when_the_file_stays_locked(place: Path) -> None:
    fill(place)
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with SQLite(place.with_name("own.db"), patience_s=0.05):
        pass
    with pytest.raises(StoreBusy, match=r"locked by other processes for 0\.05 s"):
        SQLite(place, patience_s=0.05)
    other.execute("ROLLBACK")
    with SQLite(place, patience_s=0.05) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy):
            store.append("wine", [event(1)], 100)
        assert len(store.read("wine")) == 100
        other.execute("ROLLBACK")
        assert store.append("wine", [event(1)], 100) == 101
    other.close()


@pytest.mark.usefixtures("journal")
def test_waits_for_readers_before_it_commits(place: Path) -> None:
    fill(place)
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM events").fetchone()
    with SQLite(place, patience_s=0.05) as store:
        with pytest.raises(StoreBusy):
            store.append("wine", [event(1)], 100)
        other.execute("ROLLBACK")
        assert store.length("wine") == 100
        assert store.append("wine", [event(1)], 100) == 101
    other.close()


# --- no space, no permission -------------------------------------------------------------------------


def test_a_full_file_keeps_what_was_acknowledged(place: Path) -> None:
    with SQLite(place) as store:
        length = store.append("wine", [event(0)], 0)
        assert store._link is not None
        store._link.execute("PRAGMA max_page_count = 12")
        with pytest.raises(StoreFull, match=r"nothing that was acknowledged is lost"):
            while True:
                length = store.append("wine", [event(i) for i in range(length, length + 7)], length)
        assert store.length("wine") == len(store.read("wine")) == length
        assert store.check() == ()
        store._link.execute("PRAGMA max_page_count = 1000000")
        assert store.append("wine", [event(length)], length) == length + 1


def test_what_may_only_be_read_can_be_read(place: Path) -> None:
    fill(place)
    with SQLite(place) as store:
        assert store._link is not None
        store._link.execute("PRAGMA query_only = ON")
        assert len(store.read("wine")) == 100
        with pytest.raises(StoreError, match="readonly"):
            store.append("wine", [event(1)], 100)


def test_error_codes_have_their_errors(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The codes with details are the library's, which not every module of it names (sqlite.org/rescode.html).
    def error(code: int) -> sqlite3.OperationalError:
        made = sqlite3.OperationalError("what SQLite says")
        made.sqlite_errorcode = code
        made.sqlite_errorname = "SQLITE_NAME"
        return made

    assert type(translate(error(sqlite3.SQLITE_FULL), place)) is StoreFull
    assert type(translate(error(sqlite3.SQLITE_CORRUPT | 3 << 8), place)) is StoreCorrupt
    assert type(translate(error(sqlite3.SQLITE_BUSY | 2 << 8), place)) is StoreBusy
    assert type(translate(error(sqlite3.SQLITE_IOERR | 3 << 8), place)) is StoreError
    assert type(translate(error(sqlite3.SQLITE_CANTOPEN), place)) is StoreError
    monkeypatch.setattr("luthier.store.sqlite.error_translation.full", lambda place: True)
    assert type(translate(error(sqlite3.SQLITE_IOERR | 3 << 8), place)) is StoreFull
    monkeypatch.setattr("luthier.store.sqlite.error_translation.writable", lambda place: False)
    assert type(translate(error(sqlite3.SQLITE_READONLY | 4 << 8), place)) is StoreReadOnly
    assert type(translate(error(sqlite3.SQLITE_CANTOPEN), place)) is StoreReadOnly


# --- paths -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a b.db", "x?mode=memory", "50%41.db", "ü#1.db", "a'b\"c.db", "file:x.db", "&;.db"])
def test_a_path_may_have_any_letters(tmp_path: Path, name: str) -> None:
    fill(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} - {f"{name}-journal"} == {name}
    with SQLite(tmp_path / name, must_exist=True) as store:
        assert store.names() == ("wine", "beer")


def test_a_path_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.db")
    fill(tmp_path / name)
    with SQLite(tmp_path / name, must_exist=True) as store:
        assert store.length("wine") == 100


def test_a_link_leads_to_the_file(place: Path) -> None:
    fill(place)
    link = place.with_name("link.db")
    link.symlink_to(place)
    with SQLite(link) as one, SQLite(place) as other:
        one.append("wine", [event(1)], 100)
        assert other.length("wine") == 101


def test_refuses_folders_and_missing_folders(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="is a folder"):
        SQLite(tmp_path)
    with pytest.raises(InvalidSetting, match="there is no folder"):
        SQLite(tmp_path / "no" / "studies.db")


def test_makes_no_file_where_one_must_exist(place: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store .*studies\.db"):
        open_store(place, must_exist=True)
    assert not place.exists()


def test_names_itself(place: Path) -> None:
    with SQLite(place) as store:
        assert repr(store) == f"SQLite({str(place)!r})"
    assert APPLICATION == 0x4C757468


# --- files of earlier versions -----------------------------------------------------------------------


def forget_renewals(place: Path) -> None:
    """Make the file one from before there were renewals."""
    tamper(place, "DROP TABLE renewals")


def test_a_file_from_before_renewals_is_opened_unchanged_and_gets_them_at_the_first_one(place: Path) -> None:
    fill(place)
    forget_renewals(place)
    before = place.read_bytes()
    with SQLite(place) as store:
        assert len(store.read("wine")) == 100
        assert store.renewed("wine", 0, 1) is None
        assert store.check() == ()
    assert place.read_bytes() == before
    with SQLite(place) as one, SQLite(place) as other:
        one.renew("wine", 0, 1)
        assert other.renewed("wine", 0, 1) == one.renewed("wine", 0, 1) is not None
        other.renew("beer", 0, 1)
        assert one.check() == ()


def test_a_study_of_a_file_from_before_renewals_is_deleted(place: Path) -> None:
    fill(place)
    forget_renewals(place)
    with SQLite(place) as store:
        store.delete("wine")
        assert store.names() == ("beer",)


def test_a_renewal_that_is_damaged_is_found(place: Path) -> None:
    fill(place)
    with SQLite(place) as store:
        store.renew("wine", 0, 1)
    tamper(place, "UPDATE renewals SET at = 'noon'")
    with SQLite(place) as store, pytest.raises(StoreCorrupt, match="'noon' stands where a number was written"):
        store.renewed("wine", 0, 1)


def test_a_study_that_is_begun_while_it_is_looked_for_is_no_damage(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SQLite(place) as store:
        execute, begun = Connection.execute, list[bool]()

        def overtaken(self: Connection, statement: str, values: Sequence[object] = ()) -> list[Row]:
            rows = execute(self, statement, values)
            if "NOT INDEXED WHERE name" in statement and not begun:
                begun.append(True)
                lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", store=place).close()
            return rows

        monkeypatch.setattr(Connection, "execute", overtaken)
        with pytest.raises(StudyNotFound):
            store.length("s")
        assert begun and store.length("s") == 1
