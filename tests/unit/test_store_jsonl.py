"""The store of JSON lines: torn, damaged, foreign and overtaken lines, full disks, and its renewals."""

from __future__ import annotations

import errno
import json
import logging
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from luthier.errors import InvalidSetting, StoreCorrupt, StoreError, StoreFull, StoreReadOnly, StoreTooNew
from luthier.event import Told
from luthier.store import JSONLines, Store, open_store
from luthier.store.jsonl.line_format import HEADER, make_line
from luthier.store.jsonl.renewal_slots import RenewalSlots


def told(number: int) -> Told:
    return Told(number, 0, "done", {"loss": number / 8})


def numbers(store: Store, study: str = "a") -> list[int]:
    return [record.event.number for record in store.read(study) if isinstance(record.event, Told)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "s.jsonl"
    with JSONLines(place) as store:
        store.append("a", [told(0)], 0)
        store.append("b", [told(10)], 0)
        store.append("a", [told(1), told(2)], 1)
    return place


def test_every_line_is_json(place: Path) -> None:
    lines = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == {"luthier": "log", "schema": 1}
    assert [(line["study"], line["first"], line["count"]) for line in lines[1:]] == [(1, 0, 1), (2, 0, 1), (1, 1, 2)]
    assert lines[3]["events"][1] == {
        "type": "told",
        "number": 2,
        "token": 0,
        "reason": "done",
        "values": {"loss": 0.25},
    }


def test_is_named_by_its_ending_or_its_url(tmp_path: Path) -> None:
    absolute = tmp_path / "a.jsonl"
    for where in (absolute, str(absolute), f"jsonl:///{absolute}"):
        with open_store(where) as store:
            assert isinstance(store, JSONLines) and store.path == absolute
            assert repr(store) == f"JSONLines({str(absolute)!r})"
    with open_store(f"jsonl:///{tmp_path / 'any.name'}") as store:
        assert isinstance(store, JSONLines)
    for wrong in ("jsonl://", "jsonl:///", "jsonl://a.jsonl", "jsonl:///a.jsonl?x=1"):
        with pytest.raises(InvalidSetting, match=r"third slash|path|no options"):
            open_store(wrong)
    with pytest.raises(StoreError, match="there is no store"):
        open_store(tmp_path / "none.jsonl", must_exist=True)
    assert not (tmp_path / "none.jsonl").exists()


def test_a_last_line_that_is_torn_anywhere_is_set_aside(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = place.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(start, len(whole) - 1):
        place.write_bytes(whole[: cut + 1])
        with JSONLines(place) as store:
            assert numbers(store) == [0]  # a reader passes over it
            assert store.check() == ()
            assert place.read_bytes() == whole[: cut + 1]
            assert store.append("a", [told(7)], 1) == 2
            assert numbers(store) == [0, 7]
        with JSONLines(place) as store:
            assert numbers(store) == [0, 7] and store.check() == ()
    torn = place.with_name("s.jsonl.torn").read_bytes().split(b"\n")
    assert torn[0] == whole[start : start + 1] and torn[-2] == whole[start:-1]
    assert "the last line was not whole" in caplog.text


def test_a_last_line_of_zeros_is_set_aside(place: Path) -> None:
    """So a file may look after a failure of power: it has its length, and not what was written."""
    whole = place.read_bytes()
    place.write_bytes(whole + b"\0" * 100)
    with JSONLines(place) as store:
        assert store.append("a", [told(3)], 3) == 4
    place.write_bytes(whole + b"\0" * 99 + b"\n")
    with JSONLines(place) as store:
        assert "next writer will set it aside" in store.check()[0]
        assert store.append("a", [told(3)], 3) == 4
        assert store.check() == ()


@pytest.mark.parametrize("length", range(len(HEADER)))
def test_a_first_line_that_is_torn_is_written_again(tmp_path: Path, length: int) -> None:
    place = tmp_path / "s.jsonl"
    place.write_bytes(HEADER[:length])
    with pytest.raises(StoreError, match="is empty"):
        JSONLines(place, must_exist=True)
    with JSONLines(place) as store:
        assert store.append("a", [told(0)], 0) == 1
    assert place.read_bytes().startswith(HEADER)


def test_damage_in_the_middle_is_of_one_study(place: Path) -> None:
    whole = place.read_bytes()
    with JSONLines(place) as store:
        store.append("c", [told(5)], 0)
    lines = place.read_bytes().splitlines(keepends=True)
    for number, studies in ((1, "a"), (2, "b"), (3, "a")):
        changed = [line.replace(b"0.", b"9.") if i == number else line for i, line in enumerate(lines)]
        changed[number] = changed[number].replace(b'"done"', b'"dome"')
        place.write_bytes(b"".join(changed))
        with JSONLines(place) as store:
            for name in "abc":
                if name == studies and name in store.names():
                    with pytest.raises(StoreCorrupt, match="damaged"):
                        store.read(name)
                    with pytest.raises(StoreCorrupt, match="damaged"):
                        store.append(name, [told(9)], 1)
                elif name != studies:
                    assert numbers(store, name)
            assert "damaged" in store.check()[0]
    assert whole  # nothing was written to it meanwhile


def test_a_missing_line_is_noticed(place: Path) -> None:
    lines = place.read_bytes().splitlines(keepends=True)
    with JSONLines(place) as store:
        store.append("a", [told(3)], 3)
    rest = place.read_bytes().splitlines(keepends=True)[4:]
    place.write_bytes(b"".join([*lines[:3], *rest]))
    with JSONLines(place) as store:
        with pytest.raises(StoreCorrupt, match="events 1 to 2 are missing"):
            store.read("a")
        assert numbers(store, "b") == [10]


def test_a_line_of_a_writer_that_was_overtaken_counts_for_nothing(place: Path) -> None:
    """The position in a line is its fencing token: what does not go on with the log is void for every reader."""
    late = make_line(1, 1, [5.0], [b'{"type":"told","number":9,"token":0,"reason":"done"}'])
    with place.open("ab") as file:
        file.write(late)
    with JSONLines(place) as store:
        assert numbers(store) == [0, 1, 2] and store.check() == ()
        assert store.append("a", [told(3)], 3) == 4
        assert numbers(store) == [0, 1, 2, 3]


def test_two_readers_and_a_writer_see_one_log(place: Path) -> None:
    with JSONLines(place) as one, JSONLines(place) as other:
        with place.open("ab") as file:
            file.write(b'{"crc":"0')  # a writer is in the middle of it
        assert numbers(one) == numbers(other) == [0, 1, 2]
        assert one.append("a", [told(3)], 3) == 4
        assert numbers(other) == [0, 1, 2, 3]


def test_refuses_what_is_no_store_and_a_newer_one(tmp_path: Path) -> None:
    place = tmp_path / "s.jsonl"
    for text in (b'{"a": 1}\n', b"SQLite format 3\0", b"x" * 1000, b'{"luthier":"log","schema":one}\n'):
        place.write_bytes(text)
        with pytest.raises(StoreCorrupt, match="is not a store of Luthier's"):
            JSONLines(place)
        assert place.read_bytes() == text
    place.write_bytes(HEADER.replace(b"1", b"2"))
    with pytest.raises(StoreTooNew, match="schema 2, made by a newer Luthier"):
        JSONLines(place)


def test_notices_a_file_that_was_replaced_removed_or_cut(place: Path) -> None:
    with JSONLines(place) as store:
        store.append("a", [told(3)], 3)
        text = place.read_bytes()
        os.truncate(place, len(text) - 100)
        with pytest.raises(StoreCorrupt, match="has become shorter"):
            store.read("a")
    place.write_bytes(text)
    with JSONLines(place) as store:
        other = place.with_name("other")
        other.write_bytes(text)
        other.replace(place)
        with pytest.raises(StoreError, match="was replaced by another file"):
            store.append("a", [told(4)], 4)
        place.unlink()
        with pytest.raises(StoreError, match="was deleted"):
            store.names()


def test_a_full_disk_leaves_nothing_behind(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place.read_bytes()
    with JSONLines(place) as store:
        write = os.pwrite

        def full(file: int, data: bytes, offset: int) -> int:
            if offset == len(before):
                return write(file, data[:10], offset)
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "pwrite", full)
        with pytest.raises(StoreFull, match="no space is left"):
            store.append("a", [told(3)], 3)
        assert place.read_bytes() == before
        monkeypatch.undo()
        assert store.append("a", [told(3)], 3) == 4


def test_a_file_that_may_grow_no_further_is_full(tmp_path: Path) -> None:
    """With the system's own limit, in a process of its own."""
    code = (
        "import resource, signal, sys; from luthier.store import JSONLines; from luthier.event import Told; "
        "from luthier.errors import StoreFull\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "store, n = JSONLines(sys.argv[1]), 0\n"
        "try:\n    while True: n = store.append('a', [Told(n, 0, 'done')], n)\n"
        "except StoreFull: print(n, store.length('a'))\n"
    )
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "s.jsonl")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    acknowledged, stored = map(int, done.stdout.split())
    assert acknowledged == stored > 3
    with JSONLines(tmp_path / "s.jsonl") as store:
        assert store.length("a") == stored and store.check() == ()


def test_what_may_only_be_read_is_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def refusing(path: str | Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, flags, mode)

    monkeypatch.setattr(os, "open", refusing)
    with JSONLines(place) as store:
        assert numbers(store) == [0, 1, 2]
        with pytest.raises(StoreReadOnly, match="cannot be written"):
            store.append("a", [told(3)], 3)


def test_is_refused_on_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.store.path_checks.network", lambda place, mounts: "nfs4")
    with pytest.raises(InvalidSetting, match=r"network file system \(nfs4\).*store='postgresql://"):
        JSONLines(tmp_path / "s.jsonl")


def test_a_renewal_that_is_half_written_is_none(tmp_path: Path) -> None:
    log, place = tmp_path / "s.jsonl", tmp_path / "s.jsonl.renewals"
    log.touch()
    slots = RenewalSlots(log)
    assert slots.read((1, 0, 3)) is None
    for token in range(5):
        slots.write((1, 0, token), 1e9 + token)
    for token in range(5):
        slots.write((1, 0, token), 2e9 + token / 7)
    other = RenewalSlots(log)
    assert [other.read((1, 0, token)) for token in range(5)] == [2e9 + token / 7 for token in range(5)]
    size = place.stat().st_size
    data = bytearray(place.read_bytes())
    data[100] ^= 1
    place.write_bytes(bytes(data))
    third = RenewalSlots(log)
    assert third.read((1, 0, 1)) is None and other.read((1, 0, 1)) is None and third.read((1, 0, 2)) == 2e9 + 2 / 7
    third.write((1, 0, 1), 3e9)
    assert third.read((1, 0, 1)) == RenewalSlots(log).read((1, 0, 1)) == 3e9
    place.unlink()
    assert other.read((1, 0, 2)) is None
    other.write((1, 0, 2), 4e9)
    assert other.read((1, 0, 2)) == 4e9 and place.stat().st_size <= size + 96


def test_renewals_that_were_put_there_anew_are_read_anew(tmp_path: Path) -> None:
    log, other = tmp_path / "s.jsonl", tmp_path / "other.jsonl"
    log.touch(), other.touch()
    slots, others = RenewalSlots(log), RenewalSlots(other)
    slots.write((1, 0, 1), 1e9)
    for token in range(5, 0, -1):
        others.write((1, 0, token), 2e9 + token)
    other.with_name("other.jsonl.renewals").replace(tmp_path / "s.jsonl.renewals")
    assert slots.read((1, 0, 1)) == 2e9 + 1 and slots.read((1, 0, 5)) == 2e9 + 5


@pytest.mark.parametrize("habits", [0o000, 0o022, 0o077])
def test_what_lies_beside_a_store_is_for_those_for_whom_the_store_is(place: Path, habits: int) -> None:
    """A store of a group is of use to all of it, and nobody else may read a part of a private one."""
    for rights in (0o600, 0o660, 0o640):
        place.chmod(rights)
        if os.geteuid() == 0:
            os.chown(place, 4711, 4712)
        before = os.umask(habits)
        try:
            with place.open("ab") as file:
                file.write(b'{"crc":"0')
            with JSONLines(place) as store:
                number = store.identify("a")[0]
                store.append("b", [told(3)], store.length("b"))  # it sets the torn line aside
                store.renew("a", 1, 2)
                store.keep_snapshot(number, b"a snapshot")
        finally:
            os.umask(before)
        beside = [one for one in place.parent.iterdir() if one != place]
        assert len(beside) == 4
        for one in beside:
            state, log = one.stat(), place.stat()
            assert (state.st_mode, state.st_uid, state.st_gid) == (log.st_mode, log.st_uid, log.st_gid), one
            one.unlink()


def test_of_a_group_that_may_not_be_given_nobody_else_reads(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(file: int, owner: int, group: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refusing)
    place.chmod(0o664)
    with JSONLines(place) as store:
        store.renew("a", 1, 2)
    assert place.with_name("s.jsonl.renewals").stat().st_mode & 0o777 == 0o604


def test_what_is_wrong_with_a_file_beside_it_is_said_of_that_file(place: Path) -> None:
    place.with_name("s.jsonl.renewals").mkdir()
    with JSONLines(place) as store, pytest.raises(StoreError, match=r"s\.jsonl\.renewals' could not be used"):
        store.renew("a", 1, 2)


def written_over(place: Path, length: int) -> None:
    """Put back an earlier copy in place of the file, and have another process go on from there."""
    copy = b"".join(place.read_bytes().splitlines(keepends=True)[:3])
    with place.open("r+b") as file:  # as `cp` does it: no other file, another text
        file.truncate(0)
        file.write(copy)
    with JSONLines(place) as other:
        for number in range(1, length):
            other.append("a", [Told(number, 0, "done", {"loss": 9.0 + number})], number)


@pytest.mark.parametrize("length", range(1, 9))
def test_a_file_that_was_written_over_while_it_was_open_is_not_gone_on_with(place: Path, length: int) -> None:
    with JSONLines(place) as store:
        for number in range(3, 7):
            store.append("a", [told(number)], number)
        written_over(place, length)
        before = place.read_bytes()
        for act in (lambda: store.read("a"), lambda: store.append("a", [told(9)], 7), lambda: store.between(1, 0, 2)):
            with pytest.raises(StoreCorrupt, match=r"while it was open.*open it again"):
                act()
        assert place.read_bytes() == before
    with JSONLines(place) as store:
        assert numbers(store) == list(range(length)) and store.check() == ()


@pytest.mark.parametrize("long", [True, False])
def test_an_event_that_was_changed_while_the_file_was_open_is_not_believed(
    place: Path, long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.store.jsonl.line_parts.LONG", 100 if long else 2**20)
    with JSONLines(place) as store:
        assert numbers(store) == [0, 1, 2] and len(store.between(1, 1, 3)) == 2
        store.append("b", [told(11)], 1)
        text = place.read_bytes()
        place.write_bytes(text.replace(b"0.125", b"7.125"))
        for act in (lambda: store.read("a"), lambda: store.between(1, 1, 2)):
            with pytest.raises(StoreCorrupt, match=r"study 'a': .* is not what it was"):
                act()
        assert numbers(store, "b") == [10, 11]
        place.write_bytes(text)
        assert numbers(store) == [0, 1, 2]


def test_a_study_whose_beginning_is_damaged_hides_no_other_one(tmp_path: Path) -> None:
    place = tmp_path / "s.jsonl"
    with JSONLines(place) as store:
        store.append("study 2", [told(0)], 0)
        store.append("b", [told(1)], 0)
        store.append("b", [told(2)], 1)
    lines = place.read_bytes().splitlines(keepends=True)
    place.write_bytes(b"".join([*lines[:2], lines[2].replace(b"done", b"dome"), *lines[3:]]))
    with JSONLines(place) as store:
        assert numbers(store, "study 2") == [0]
        assert len(store.names()) == 2
        with pytest.raises(StoreCorrupt, match="damaged"):
            store.read(store.names()[1])


def test_says_nothing_unless_something_is_wrong(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "luthier"), JSONLines(place) as store:
        store.append("a", [told(3)], 3)
    assert caplog.text == ""
