"""The index that is kept beside a store of JSON lines: the same as the one that reading every line gives, or none."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.errors import StoreCorrupt
from luthier.event import Freed
from luthier.store import JSONLines
from luthier.store.jsonl import line_index
from luthier.store.jsonl.kept_index import KeptIndex
from luthier.store.jsonl.line_format import HEADER
from luthier.store.jsonl.line_index import LineIndex

START = len(HEADER)


def filled(place: Path) -> bytes:
    """Have a store in which studies begin, end and begin again; gives its file."""
    with JSONLines(place) as store:
        for number in range(60):
            name = f"study {number % 4}"
            length = store.length(name) if name in store.names() else 0
            store.append(name, [Freed(number, 0, "lost")] * (1 + number % 3), expect=length)
            if number % 17 == 16:
                store.delete(name)
    return place.read_bytes()


def indexed(data: bytes) -> LineIndex:
    index = LineIndex()
    index.take(data[START:], START)
    return index


def state(index: LineIndex) -> list[Any]:
    studies = [
        (one.number, one.name, one.length, one.latest, one.broken, one.until, one.arrays)
        for one in index.studies.values()
    ]
    return [index.end, index.last, index.checksum, index.highest, index.damaged, index.next_number, studies]


def test_what_is_kept_and_then_goes_on_is_what_reading_all_lines_gives(tmp_path: Path) -> None:
    place = tmp_path / "s.jsonl"
    data = filled(place)
    kept = KeptIndex(place)
    ends = [place for place, byte in enumerate(data) if byte == 10]
    for end in ends[1::7]:
        kept.write(indexed(data[: end + 1]))
        found = kept.read(data[START:], START)
        assert found is not None and found.end == end + 1
        found.take(data[found.end :], found.end)
        assert state(found) == state(indexed(data))


@pytest.mark.parametrize("where", [0, 25, 40, 60, 200, -1])
def test_one_that_is_damaged_is_none(tmp_path: Path, where: int) -> None:
    place = tmp_path / "s.jsonl"
    data = filled(place)
    kept, beside = KeptIndex(place), place.with_name("s.jsonl.index")
    kept.write(indexed(data))
    whole = beside.read_bytes()
    changed = bytearray(whole)
    changed[where] ^= 4
    for torn in (bytes(changed), whole[:where], b""):
        beside.write_bytes(torn)
        assert kept.read(data[START:], START) is None
    beside.write_bytes(whole)
    assert kept.read(data[START:], START) is not None


def test_one_whose_numbers_are_half_numbers_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another version might write it, with the right checksum."""
    place = tmp_path / "s.jsonl"
    data = filled(place)
    kept, index = KeptIndex(place), indexed(data)
    with monkeypatch.context() as other:
        other.setattr("luthier.store.jsonl.line_index.IndexedStudy.arrays", [array("b", [1, 2, 3])] * 4)
        kept.write(index)
    assert kept.read(data[START:], START) is None


@pytest.mark.parametrize("where", [START + 60, 700, -30])
def test_one_of_another_file_is_none(tmp_path: Path, where: int) -> None:
    place = tmp_path / "s.jsonl"
    data = filled(place)
    kept = KeptIndex(place)
    kept.write(indexed(data))
    changed = bytearray(data)
    changed[where] ^= 1
    assert kept.read(bytes(changed[START:]), START) is None
    assert kept.read(data[START:-40], START) is None


def grown(place: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """Have a study with a snapshot and with an index; gives its trials."""
    monkeypatch.setattr("luthier.study.stored.log_snapshots._LEAST", 40)
    monkeypatch.setattr("luthier.study.log._PACKED_AFTER", 1)
    with lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), store=place, seed=3) as study:
        for _ in range(60):
            trial = study.ask()
            study.tell(trial, float(trial["x"]))
        return study.history.trials


def test_a_store_with_one_reads_only_the_lines_that_came_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = grown(tmp_path / "s.jsonl", monkeypatch)
    lines: list[bytes] = []
    read = line_index.read_start
    monkeypatch.setattr(line_index, "read_start", lambda line: lines.append(line) or read(line))
    with lt.Study("s", store=tmp_path / "s.jsonl") as study:
        assert study.history.trials == trials
    assert 0 < len(lines) < 60
    (tmp_path / "s.jsonl.index").unlink()
    with lt.Study("s", store=tmp_path / "s.jsonl") as study:
        assert study.history.trials == trials
    assert len(lines) > 120


def test_a_damaged_line_is_found_though_the_index_was_made_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "s.jsonl"
    grown(place, monkeypatch)
    data = bytearray(place.read_bytes())
    data[len(data) // 3] ^= 1
    place.write_bytes(data)
    with pytest.raises(StoreCorrupt, match="damaged"):
        lt.Study("s", store=place)
    with JSONLines(place) as store:
        assert store.check()
