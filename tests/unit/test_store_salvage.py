"""Logs with what is no longer accepted, damaged indexes, replaced studies, empty files, and clocks that were ahead."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier import codec
from luthier.errors import InvalidResult, StoreCorrupt, StoreError, StoreTooNew, StudyNotFound
from luthier.event import Asked, Claimed, Created, Enqueued, Event, Freed, Reported, SetAside, Told
from luthier.store import Memory, SQLite, open_store
from luthier.store.checksum import checksum
from luthier.store.protocol import Stamps
from luthier.store.salvage import salvage
from luthier.study import StudyReader

SPACE = {"x": lt.Float(0, 1)}


def _study(where: Any, name: str = "s", trials: int = 3, **settings: Any) -> lt.Study:
    study = lt.Study(name, SPACE, minimize="v", method=lt.Random(), store=where, seed=0, **settings)
    for _ in range(trials):
        study.tell(study.ask(), 0.5)
    return study


def _write(place: Path, *plain: dict[str, Any]) -> None:
    """Append events to the study in a file, unchecked, as an earlier version did."""
    with sqlite3.connect(place) as connection:
        ((number, length),) = connection.execute("SELECT id, length FROM studies")
        ((at,),) = connection.execute("SELECT max(at) FROM events")
        for position, one in enumerate(plain, length):
            body = codec.dumps(one)
            row = (number, position, at, checksum(number, position, at, body), body.decode())
            connection.execute("INSERT INTO events (study, position, at, checksum, body) VALUES (?, ?, ?, ?, ?)", row)
        connection.execute("UPDATE studies SET length = ?", (length + len(plain),))
    connection.close()


ODD = [
    ({"type": "reported", "number": 3, "token": 8, "step": 1.5, "value": 1.0}, SetAside),
    ({"type": "reported", "number": 3, "token": 8, "step": "3", "value": 1.0}, SetAside),
    ({"type": "reported", "number": 3, "token": 8, "step": True, "value": 1.0}, Reported(3, 8, 1, 1.0)),
    ({"type": "reported", "number": 3, "token": 8, "step": 2.0, "value": 1}, Reported(3, 8, 2, 1.0)),
    ({"type": "told", "number": 3, "token": 8, "reason": "done", "values": {"v": 1.0}, "duration_s": "3"}, None),
    ({"type": "told", "number": 3, "token": 8, "reason": "failed", "error": 5}, Told(3, 8, "failed", error="5")),
    ({"type": "freed", "number": 3, "token": 8, "reason": "lost", "error": 1.5}, Freed(3, 8, "lost", "1.5")),
    ({"type": "enqueued", "config": {"x": 0.5}, "ticket": 5}, Enqueued({"x": 0.5}, "5")),
    ({"type": "enqueued", "config": {"x": 0.5}, "ticket": ["a"]}, SetAside),
]


@pytest.mark.parametrize(("plain", "expected"), ODD)
def test_what_an_earlier_version_accepted_does_not_hide_the_log_around_it(
    plain: dict[str, Any], expected: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "s.db"
    with _study(place) as study:
        study.ask(lease_s=1e9)
    asked = {
        "type": "asked",
        "number": 4,
        "config": {"x": 0.25},
        "seen": 0,
        "origin": "user",
        "ttl_s": True,
        "ticket": 7,
    }
    _write(place, plain, asked)
    with caplog.at_level(logging.WARNING, "luthier"), StudyReader.open(place) as reader:
        odd, after = reader.events[-2:]
    assert after == Asked(4, {"x": 0.25}, 0, "user", ttl_s=1.0, ticket="7")
    if expected is None:
        expected = Told(3, 8, "done", {"v": 1.0})
    assert odd == expected or (expected is SetAside and isinstance(odd, SetAside))
    assert "event 9 is read as far as it can be" in caplog.text
    with lt.Study("s", store=place) as again:
        assert [trial.number for trial in again.trials] == [0, 1, 2, 3, 4]
        again.tell(again.ask(), 0.5)
        assert again.verify().ok
    with SQLite(place) as store:
        assert store.check() == ()


def test_a_study_that_was_noisy_in_another_word_is_read(tmp_path: Path) -> None:
    text = '{"type":"created","name":"s","space":{},"objectives":[["v",false]],"seed":0,"noisy":%s}'
    for word, noisy in (("1", True), ('"yes"', True), ("0", False), ("null", False), ("true", True)):
        read, _ = salvage(text % word)
        assert isinstance(read, Created) and read.noisy is noisy


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"type":5}', '{"type":"enqueued","config":{"a":{"$tuple":3}}}'])
def test_what_is_no_event_is_damage_all_the_same(text: str) -> None:
    with pytest.raises(StoreCorrupt):
        salvage(text)


def test_an_event_of_a_later_version_says_so(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    _study(place).close()
    _write(place, {"type": "dreamt", "number": 1})
    for read in (lambda: StudyReader.open(place), lambda: lt.Study("s", store=place)):
        with pytest.raises(StoreTooNew, match=r"s\.db.*'s'.*event 8.*'dreamt'.*pip install --upgrade"):
            read()


CHECKED: list[Event] = [
    Told(0, 1, "done", {"v": object()}),
    Told(0, 1, "done", {1: 2.0}),  # type: ignore[dict-item]
    Told(0, 1, "done", {"v": 1.0}, duration_s="3"),  # type: ignore[arg-type]
    Told(0, 1, "failed", error="\udcff"),
    Told(0, 1, "done", {"\udcff": 1.0}),
    Reported(0, 1, 1.5, 1.0),  # type: ignore[arg-type]
    Reported(0, 1, True, 1.0),
    Enqueued({}, 5),  # type: ignore[arg-type]
    Asked(0, {"x": b"x"}, 3),
    Asked(0, {}, 3, batch=(1, "2")),  # type: ignore[arg-type]
    Claimed(0, 1, 2, "", True),
]


@pytest.mark.parametrize("wrong", CHECKED, ids=range(len(CHECKED)))
def test_every_store_refuses_what_could_not_be_read_back(wrong: Event, tmp_path: Path) -> None:
    for store in (Memory(), SQLite(tmp_path / "s.db")):
        store.append("s", [Told(0, 0, "done")], 0)
        with pytest.raises(InvalidResult):
            store.append("s", [Told(1, 0, "done"), wrong], 1)
        assert store.length("s") == 1


def _flips(content: bytes) -> list[tuple[int, int]]:
    """Name the bits of the header and of the cells of a page."""
    first = int.from_bytes(content[5:7], "big")
    return [(place, bit) for place in (*range(12), *range(first, len(content))) for bit in range(8)]


@pytest.mark.parametrize(("kind", "every"), [("index", 1), ("table", 7)])
def test_no_flipped_bit_in_the_tables_of_names_begins_a_study_anew(kind: str, every: int, tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    _study(place, "wine").close()
    with sqlite3.connect(place) as connection:
        ((page,),) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'studies' AND type = ?", (kind,)
        )
    connection.close()
    whole = place.read_bytes()
    start = 4096 * (page - 1)
    for at, bit in _flips(whole[start : start + 4096])[::every]:
        damaged = bytearray(whole)
        damaged[start + at] ^= 1 << bit
        place.write_bytes(damaged)
        try:
            with SQLite(place) as store:
                assert store.names(), (at, bit)
                with lt.Study("wine", SPACE, minimize="v", method=lt.Random(), store=store, seed=0) as study:
                    assert len(study.trials) == 3, (at, bit)
        except StoreError:
            pass


@pytest.mark.parametrize("kind", ["memory", "sqlite", "shared"])
def test_a_study_that_was_removed_and_begun_anew_is_not_taken_for_the_old_one(kind: str, tmp_path: Path) -> None:
    where: Any = (
        Memory() if kind == "memory" else open_store(tmp_path / "s.db") if kind == "shared" else tmp_path / "s.db"
    )
    old = _study(where, trials=5)
    trial = old.ask()
    other = where if kind != "sqlite" else open_store(where)
    other.delete("s")
    new = _study(where if kind != "sqlite" else other, trials=5)
    mine = new.ask()
    for act in (lambda: old.tell(trial, 1.0), lambda: old.ask(), lambda: old.enqueue({"x": 0.5}), lambda: old.trials):
        with pytest.raises(StudyNotFound, match=r"'s'.*removed and begun anew.*open it again"):
            act()
    assert new.trials[5].reason is None
    new.tell(mine, 0.25)
    assert new.best.value == 0.25


def test_a_handle_that_was_not_used_yet_knows_its_study(tmp_path: Path) -> None:
    store = SQLite(tmp_path / "s.db")
    handles = [_study(store, trials=0), lt.Study("s", store=store)]
    readers = [StudyReader.open(store, "s")]
    store.delete("s")
    _study(store, trials=0)
    for handle in handles:
        with pytest.raises(StudyNotFound, match="begun anew"):
            handle.ask()
    with pytest.raises(StudyNotFound, match="begun anew"):
        _ = readers[0].trials


def test_an_empty_file_is_not_written_to_by_those_who_read(tmp_path: Path) -> None:
    place = tmp_path / "empty.db"
    place.touch()
    for read in (lambda: StudyReader.open(place), lambda: open_store(place, must_exist=True)):
        with pytest.raises(StoreError, match=r"empty\.db' is empty"):
            read()
        assert place.stat().st_size == 0
    _study(place).close()
    assert StudyReader.open(place).best.value == 0.5


def test_nothing_is_left_beside_a_file_that_is_closed(tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    study = _study(place)
    reader = StudyReader.open(place)
    study.close()
    assert len(reader.trials) == 3
    reader._log.store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]
    with SQLite(place) as one, SQLite(place) as other:  # others go on while one leaves
        one.append("t", [Told(0, 0, "done")], 0)
        other.append("t", [Told(1, 0, "done")], 1)
        one.close()
        other.append("t", [Told(2, 0, "done")], 2)
    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]


def test_leases_end_although_the_clock_was_far_ahead_once() -> None:
    time_s = [1e9]
    store = Memory(clock=lambda: time_s[0])
    study = _study(store, trials=1)
    time_s[0] = 1000.0  # it was 20 years ahead
    first = study.ask(lease_s=10.0)
    assert study.ask(lease_s=10.0).number == first.number + 1
    time_s[0] += 30.0
    again = study.ask(lease_s=10.0)
    assert (again.number, again.attempt) == (first.number, 2)


def test_a_clock_that_is_set_back_goes_on_and_is_caught_up_with() -> None:
    time_s = [100.0]
    stamps = Stamps(lambda: time_s[0])
    shown = [stamps.stamp(0.0)]
    for step_s in (-60.0, 10.0, 0.0, 10.0, -5.0, 10.0, 200.0):
        time_s[0] += step_s
        shown += [stamps.now(), stamps.stamp(shown[-1])]
    assert shown == sorted(shown)
    assert shown[3] == 105.0  # half as fast
    assert shown[-1] == time_s[0]
