"""Every store keeps the contract, and SQLite does whatever Memory does, through any number of connections."""

from __future__ import annotations

import copy
import pickle
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from check_set import examples
from luthier.errors import InvalidSetting, LuthierError
from luthier.event import Enqueued, Event, Record, Reported, Told, encode
from luthier.store import JSONLines, Memory, SQLite, Store, open_store
from luthier.testing.faults import FaultyStore
from luthier.testing.stores import LastingStoreContract, StoreContract


class TestMemory(StoreContract):
    def open(self, folder: Path) -> Store:
        return open_store(None)


class TestSQLite(LastingStoreContract):
    def open(self, folder: Path) -> Store:
        return open_store(folder / "studies.db")


class TestSQLiteInWALMode(LastingStoreContract):
    """What it does where the SQLite library is new enough; this mode works with any."""

    @pytest.fixture(autouse=True)
    def mode(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("luthier.store.sqlite.store.journal_mode", lambda: "wal")

    def open(self, folder: Path) -> Store:
        return open_store(folder / "studies.db")


class TestJSONLines(LastingStoreContract):
    def open(self, folder: Path) -> Store:
        return open_store(folder / "studies.jsonl")


class TestFaultyStoreWithoutFaults(LastingStoreContract):
    def open(self, folder: Path) -> Store:
        return FaultyStore(SQLite(folder / "studies.db"))


def test_contract_finds_a_store_that_ignores_the_expected_length(tmp_path: Path) -> None:
    class Careless(Memory):
        def append(self, study: str, events: Any, expect: int) -> int:
            return super().append(study, events, self.length(study) if study in self.names() else 0)

    class Suite(StoreContract):
        def open(self, folder: Path) -> Store:
            return Careless()

    with pytest.raises(pytest.fail.Exception):
        Suite().test_refuses_an_append_to_another_length(tmp_path, 0)


@pytest.mark.parametrize("where", [None, "s.db", "s.jsonl"])
@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_store_that_is_open_is_neither_copied_nor_sent(
    tmp_path: Path, where: str | None, act: Callable[[object], object]
) -> None:
    with (
        open_store(None if where is None else tmp_path / where) as store,
        pytest.raises(InvalidSetting, match="open it there"),
    ):
        act(store)


NAMES = st.sampled_from(["a", "b", "Ü", "the study"])
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
EVENT: st.SearchStrategy[Event] = st.one_of(
    st.builds(Told, st.integers(0, 9), st.integers(0, 9), st.just("done"), st.dictionaries(st.just("loss"), PLAIN)),
    st.builds(Reported, st.integers(0, 9), st.integers(0, 9), st.integers(0, 99), st.floats(allow_nan=False, width=32)),
    st.builds(Enqueued, st.dictionaries(st.sampled_from("xyz"), PLAIN), st.just("t")),
)


class DoesWhatMemoryDoes(RuleBasedStateMachine):
    """Two connections to one store answer as one store in memory does: the same values, the same kinds of errors."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="luthier-stores-"))
        self.time_s = 1000.0

    @initialize()
    def begin(self) -> None:
        self.model = Memory(clock=lambda: self.time_s)
        self.stores = [self.connect(), self.connect()]

    def connect(self) -> Store:
        raise NotImplementedError

    def both(self, which: int, act: Callable[[Store], Any]) -> None:
        outcomes = []
        for store in (self.model, self.stores[which]):
            try:
                outcomes.append((None, act(store)))
            except LuthierError as error:
                outcomes.append((type(error), None))
        assert outcomes[0] == outcomes[1]
        assert _written(outcomes[0][1]) == _written(outcomes[1][1])  # tells 1 from True and 0.0 from -0.0

    @rule(
        which=st.integers(0, 1),
        name=NAMES,
        events=st.lists(EVENT, max_size=4),
        off=st.sampled_from([0, 0, 0, 0, 1, -1]),
    )
    def append(self, which: int, name: str, events: list[Event], off: int) -> None:
        expect = max(self.model.length(name) if name in self.model.names() else 0, 0) + off
        self.both(which, lambda store: store.append(name, events, expect))

    @rule(which=st.integers(0, 1), name=NAMES, after=st.integers(0, 6))
    def read(self, which: int, name: str, after: int) -> None:
        self.both(which, lambda store: store.read(name, after))

    @rule(which=st.integers(0, 1), name=NAMES)
    def length(self, which: int, name: str) -> None:
        self.both(which, lambda store: store.length(name))

    @rule(which=st.integers(0, 1), name=NAMES, number=st.integers(0, 1), token=st.integers(0, 1))
    def renew(self, which: int, name: str, number: int, token: int) -> None:
        self.both(which, lambda store: store.renew(name, number, token))

    @rule(which=st.integers(0, 1), name=NAMES, number=st.integers(0, 1), token=st.integers(0, 1))
    def renewed(self, which: int, name: str, number: int, token: int) -> None:
        self.both(which, lambda store: store.renewed(name, number, token))

    @rule(which=st.integers(0, 1), name=NAMES)
    def delete(self, which: int, name: str) -> None:
        self.both(which, lambda store: store.delete(name))

    @rule(seconds=st.sampled_from([0.1, 5.0, -3.0]))
    def pass_time(self, seconds: float) -> None:
        self.time_s += seconds

    @rule(which=st.integers(0, 1))
    def reopen(self, which: int) -> None:
        self.stores[which].close()
        self.stores[which] = self.connect()

    @rule(which=st.integers(0, 1))
    def check(self, which: int) -> None:
        self.both(which, lambda store: store.check())

    @invariant()
    def same_names(self) -> None:
        if hasattr(self, "stores"):
            assert self.model.names() == self.stores[0].names() == self.stores[1].names()

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        shutil.rmtree(self.folder)


def _written(answer: Any) -> list[bytes]:
    return [encode(item.event) for item in answer if isinstance(item, Record)] if isinstance(answer, tuple) else []


class SQLiteDoesWhatMemoryDoes(DoesWhatMemoryDoes):
    def connect(self) -> Store:
        return SQLite(self.folder / "s.db", clock=lambda: self.time_s)


class JSONLinesDoWhatMemoryDoes(DoesWhatMemoryDoes):
    def connect(self) -> Store:
        return JSONLines(self.folder / "s.jsonl", clock=lambda: self.time_s)


SQLiteDoesWhatMemoryDoes.TestCase.settings = settings(max_examples=examples(20), stateful_step_count=15)
TestSQLiteDoesWhatMemoryDoes = SQLiteDoesWhatMemoryDoes.TestCase
JSONLinesDoWhatMemoryDoes.TestCase.settings = settings(max_examples=examples(20), stateful_step_count=15)
TestJSONLinesDoWhatMemoryDoes = JSONLinesDoWhatMemoryDoes.TestCase
