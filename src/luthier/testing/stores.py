"""The contract of stores, as a class of tests.

Test a store of your own by

    class TestMyStore(StoreContract):
        def open(self, folder):
            return MyStore(folder / "logs")

in a file that pytest collects.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import pytest

from luthier.errors import Conflict, InvalidResult, InvalidSetting, StoreError, StudyNotFound
from luthier.event import Enqueued, Record, Reported, Told
from luthier.store import Identifying, Queueing, Restoring, Store
from luthier.testing.sample_events import EVENTS, HARD_VALUES, STUDY
from luthier.testing.store_abilities import check_abilities


def event(number: int = 0, **values: Any) -> Told:
    """Make an event that carries `values`."""
    return Told(number, 0, "done", values)


class StoreContract(ABC):
    """Tests of a store; a subclass opens one."""

    @abstractmethod
    def open(self, folder: Path) -> Store:
        """Open the store that is kept in `folder`, an empty one at first."""

    def test_is_a_store(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            assert isinstance(store, Store)

    def test_begins_empty(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            assert store.names() == ()
            assert store.check() == ()

    def test_gives_back_every_kind_of_event(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            assert store.append(STUDY, EVENTS, 0) == len(EVENTS)
            assert tuple(record.event for record in store.read(STUDY)) == EVENTS
            assert store.length(STUDY) == len(EVENTS)
            assert store.names() == (STUDY,)
            assert store.check() == ()

    def test_appends_one_by_one_and_many_at_once(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            events = [event(i) for i in range(7)]
            assert store.append(STUDY, events[:1], 0) == 1
            assert store.append(STUDY, events[1:2], 1) == 2
            assert store.append(STUDY, events[2:], 2) == 7
            assert [record.event for record in store.read(STUDY)] == events

    def test_reads_on_from_a_position(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            store.append(STUDY, EVENTS, 0)
            everything = store.read(STUDY)
            for after in range(len(EVENTS) + 1):
                assert store.read(STUDY, after) == everything[after:]

    @pytest.mark.parametrize("value", HARD_VALUES, ids=repr)
    def test_keeps_hard_values(self, tmp_path: Path, value: object) -> None:
        with self.open(tmp_path) as store:
            store.append(STUDY, [event(x=value)], 0)
            (record,) = store.read(STUDY)
            assert isinstance(record.event, Told)
            assert repr(record.event.values) == repr({"x": value})
            assert store.check() == ()

    def test_keeps_nan(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            store.append(STUDY, [event(x=math.nan)], 0)
            (record,) = store.read(STUDY)
            assert isinstance(record.event, Told)
            assert math.isnan(record.event.values["x"])

    def test_keeps_a_long_event(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            long = Told(0, 0, "failed", error="Zeile ü\n" * 50_000)
            store.append(STUDY, [event(), long, event(2)], 0)
            assert store.read(STUDY, 1)[0].event == long

    @pytest.mark.parametrize("expect", [0, 2, 100])
    def test_refuses_an_append_to_another_length(self, tmp_path: Path, expect: int) -> None:
        with self.open(tmp_path) as store:
            store.append(STUDY, [event()], 0)
            with pytest.raises(Conflict, match=f"'{STUDY}' has 1 events, not the expected {expect}"):
                store.append(STUDY, [event(1)], expect)
            assert store.length(STUDY) == 1

    def test_refuses_to_go_on_with_what_never_began(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            with pytest.raises(Conflict):
                store.append(STUDY, [event()], 3)
            assert store.names() == ()

    def test_no_events_change_nothing(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            assert store.append(STUDY, [], 0) == 0
            assert store.names() == ()
            store.append(STUDY, [event()], 0)
            assert store.append(STUDY, [], 1) == 1
            with pytest.raises(Conflict):
                store.append(STUDY, [], 0)
            assert len(store.read(STUDY)) == 1

    def test_refuses_what_it_cannot_give_back(self, tmp_path: Path) -> None:
        """Also where it keeps events as they are: a program must not depend on the store that it was tried with."""
        with self.open(tmp_path) as store:
            store.append(STUDY, [event()], 0)
            for value in (object(), {1: 2}, b"bytes", 1j, "\udfff"):
                with pytest.raises(InvalidResult):
                    store.append(STUDY, [event(1), event(2, x=value)], 1)
            for wrong in (Reported(0, 1, 1.5, 0.5), Enqueued({}, 5), Told(0, 1, "done", duration_s="3")):  # type: ignore[arg-type]
                with pytest.raises(InvalidResult):
                    store.append(STUDY, [event(1), wrong], 1)
            assert store.length(STUDY) == 1

    def test_takes_a_whole_log_with_its_times(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            if not isinstance(store, Restoring):
                return
            records = [Record(1e9 + place, one) for place, one in enumerate(EVENTS)]
            store.restore(STUDY, records)
            assert list(store.read(STUDY)) == records
            with pytest.raises(Conflict):
                store.restore(STUDY, records[:1])
            with pytest.raises(InvalidResult):
                store.restore("other", [Record(1.0, event(1, x=object()))])
            assert store.names() == (STUDY,) and store.length(STUDY) == len(EVENTS)
            assert store.append(STUDY, [event()], len(EVENTS)) == len(EVENTS) + 1
            assert store.read(STUDY, len(EVENTS))[0].at >= records[-1].at

    def test_tells_a_study_from_one_that_was_removed(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            if not isinstance(store, Identifying):
                return
            for name in ("a", "b"):
                store.append(name, [event()], 0)
            before = [store.identify(name)[0] for name in ("a", "b")]
            assert len(set(before)) == 2
            store.append("b", [event()], 1)
            assert [store.identify(name)[0] for name in ("a", "b")] == before
            assert store.identify("b", 1) == (before[1], store.read("b", 1)) and len(store.read("b", 1)) == 1
            store.delete("b")
            with pytest.raises(StudyNotFound, match="no study 'b'"):
                store.identify("b")
            store.append("b", [event()], 0)
            assert store.identify("b")[0] not in before and store.identify("a")[0] == before[0]

    def test_has_the_abilities_that_it_has(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            check_abilities(store, event)

    def test_says_which_studies_there_are(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            store.append("wine", [event()], 0)
            for ask in (store.read, store.length, store.delete):
                with pytest.raises(StudyNotFound, match=r"no study 'beer' in .*'wine'"):
                    ask("beer")

    def test_keeps_studies_apart(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            names = ("b", "a", "Ü 'quoted\" \\ % \U0001f3bb", " ", "A", "a/b")
            for i, name in enumerate(names):
                store.append(name, [event(i)], 0)
            for i, name in enumerate(names):
                store.append(name, [event(100 + i)], 1)
            assert store.names() == names
            for i, name in enumerate(names):
                assert [record.event for record in store.read(name)] == [event(i), event(100 + i)]

    @pytest.mark.parametrize("name", ["", "a\0b", "\ud800", 3, None])
    def test_refuses_a_name_that_is_none(self, tmp_path: Path, name: Any) -> None:
        with self.open(tmp_path) as store:
            with pytest.raises(InvalidSetting, match="name"):
                store.append(name, [event()], 0)
            assert store.names() == ()

    def test_deletes(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            store.append("a", [event(i) for i in range(5)], 0)
            store.append("b", [event(7)], 0)
            store.delete("a")
            assert store.names() == ("b",)
            with pytest.raises(StudyNotFound):
                store.read("a")
            assert [record.event for record in store.read("b")] == [event(7)]
            store.append("a", [event(9)], 0)
            assert [record.event for record in store.read("a")] == [event(9)]
            assert store.names() == ("b", "a")
            assert store.check() == ()

    def test_notices_a_log_that_became_shorter(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            store.append(STUDY, [event(i) for i in range(5)], 0)
            store.delete(STUDY)
            store.append(STUDY, [event()], 0)
            with pytest.raises(StudyNotFound, match="1 events, fewer than the 5 already read"):
                store.read(STUDY, 5)
            assert store.read(STUDY, 1) == ()

    def test_stamps_never_decrease(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            before = store.now()
            for i in range(5):
                store.append(STUDY, [event(i)], i)
            after = store.now()
            stamps = [record.at for record in store.read(STUDY)]
            assert before <= stamps[0]
            assert stamps == sorted(stamps)
            assert stamps[-1] <= after

    def test_events_of_one_append_have_one_stamp(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            store.append(STUDY, EVENTS, 0)
            assert len({record.at for record in store.read(STUDY)}) == 1

    def test_keeps_when_a_lease_was_renewed_and_leaves_the_log_alone(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            store.append(STUDY, EVENTS, 0)
            everything = store.read(STUDY)
            assert store.renewed(STUDY, 0, 4) is None
            before = store.now()
            store.renew(STUDY, 0, 4)
            at = store.renewed(STUDY, 0, 4)
            assert at is not None and before <= at <= store.now()
            assert store.renewed(STUDY, 0, 3) is None and store.renewed(STUDY, 1, 4) is None
            store.renew(STUDY, 0, 3)  # a late sign of life of an earlier holder
            store.renew(STUDY, 7, 2**40)
            store.renew(STUDY, 0, 4)
            again = store.renewed(STUDY, 0, 4)
            assert again is not None and at <= again
            assert store.read(STUDY) == everything and store.length(STUDY) == len(EVENTS)
            assert store.check() == ()

    def test_renewals_belong_to_their_study(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            for name in ("a", "b"):
                store.append(name, [event()], 0)
            store.renew("a", 0, 1)
            assert store.renewed("a", 0, 1) is not None and store.renewed("b", 0, 1) is None
            store.delete("a")
            store.append("a", [event()], 0)
            assert store.renewed("a", 0, 1) is None
            with pytest.raises(StudyNotFound, match="no study 'c'"):
                store.renew("c", 0, 1)
            with pytest.raises(StudyNotFound, match="no study 'c'"):
                store.renewed("c", 0, 1)

    def test_threads_lose_nothing(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            threads = [threading.Thread(target=_append_patiently, args=(store, i * 100, 10)) for i in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            told = [record.event.number for record in store.read(STUDY) if isinstance(record.event, Told)]
            assert sorted(told) == sorted(i * 100 + j for i in range(4) for j in range(10))
            for i in range(4):
                assert [number for number in told if number // 100 == i] == [i * 100 + j for j in range(10)]

    def test_a_turn_keeps_nobody_from_appending(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            if not isinstance(store, Queueing):
                return
            with store.turn(STUDY), store.turn("other"):
                assert store.append(STUDY, [event()], 0) == 1
            with pytest.raises(ValueError, match="no"), store.turn(STUDY):
                raise ValueError("no")
            with store.turn(STUDY):
                assert store.append(STUDY, [event()], 1) == 2

    def test_is_closed_for_good(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.append(STUDY, [event()], 0)
        store.close()
        store.close()
        for use in (store.names, store.now, store.check):
            with pytest.raises(StoreError, match="closed"):
                use()
        for ask in (store.read, store.length, store.delete):
            with pytest.raises(StoreError, match="closed"):
                ask(STUDY)
        with pytest.raises(StoreError, match="closed"):
            store.append(STUDY, [event()], 1)
        for lease in (store.renew, store.renewed):
            with pytest.raises(StoreError, match="closed"):
                lease(STUDY, 0, 1)


class LastingStoreContract(StoreContract):
    """Further tests of a store that outlives its process and is shared by several."""

    def test_is_there_when_opened_again(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as store:
            store.append(STUDY, EVENTS, 0)
            store.renew(STUDY, 0, 4)
            written, renewed = store.read(STUDY), store.renewed(STUDY, 0, 4)
        with self.open(tmp_path) as store:
            assert store.read(STUDY) == written
            assert store.renewed(STUDY, 0, 4) == renewed
            assert store.append(STUDY, [event()], len(EVENTS)) == len(EVENTS) + 1

    def test_is_seen_by_another(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as one, self.open(tmp_path) as other:
            one.append(STUDY, [event(0)], 0)
            assert other.append(STUDY, [event(1)], 1) == 2
            with pytest.raises(Conflict):
                one.append(STUDY, [event(2)], 1)
            assert [record.event for record in one.read(STUDY, 1)] == [event(1)]
            assert one.read(STUDY) == other.read(STUDY)
            one.renew(STUDY, 0, 1)
            assert other.renewed(STUDY, 0, 1) == one.renewed(STUDY, 0, 1) is not None
            other.delete(STUDY)
            assert one.names() == ()

    def test_keeps_names_of_studies_in_order(self, tmp_path: Path) -> None:
        with self.open(tmp_path) as one, self.open(tmp_path) as other:
            for i in range(6):
                (one, other)[i % 2].append(f"study {9 - i}", [event()], 0)
            assert one.names() == other.names() == tuple(f"study {9 - i}" for i in range(6))


def _append_patiently(store: Store, first: int, count: int) -> None:
    """Append events by compare-and-set, as studies do."""
    for number in range(first, first + count):
        while True:
            try:
                expect = store.length(STUDY)
            except StudyNotFound:
                expect = 0
            try:
                store.append(STUDY, [event(number)], expect)
                break
            except Conflict:
                continue
