"""A study against a model of it: asked, told, reported, lost, enqueued, crashed, retried, in whatever order.

On every store: two connections to it, as two processes have them, whose clock may be set forward and back, and whose
answers may be lost after the work was done. What is on database servers is in test_study_machine_servers.py.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import luthier as lt
from check_set import examples
from luthier.errors import InvalidSetting, LeaseLost, SpaceExhausted, StoreError, TrialFinished
from luthier.event import Reported, Told
from luthier.store import JSONLines, Memory, SQLite, Store
from luthier.study import ActiveTrial, AskTell
from luthier.study.leases import reap_leases
from luthier.testing.faults import FaultyStore
from luthier.trial import State

SIZE = 12
SPACE = lt.Space({"n": lt.Int(1, 4), "kind": lt.Choice("a", "b", "c")})


class StudyMachine(RuleBasedStateMachine):
    """Two open studies of one log, as two processes have them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.behind = 0.0  # by how much the clock was set back
        self.folder = Path(tempfile.mkdtemp(prefix="luthier-machine-"))
        self.prepare()
        self.stores: dict[int, FaultyStore] = {}
        self.studies = [self._open(0), self._open(1)]
        self.held: dict[int, tuple[int, ActiveTrial]] = {}  # number -> who (study, or -1 for a timed lease), trial
        self.late: list[ActiveTrial] = []  # leases that ended
        self.values: dict[int, float] = {}
        self.waiting: list[int] = []
        self.queue: list[tuple[int, str]] = []
        self.forgotten: set[int] = set()  # now
        self.once_forgotten: set[int] = set()
        self.reopened: Counter[int] = Counter()
        self.reports: Counter[int] = Counter()
        self.count = 0

    def prepare(self) -> None:
        """Make the store, with nothing in it."""
        self.memory = Memory(clock=lambda: self.now)

    def connect(self) -> Store:
        """Open the store, as one more process."""
        return self.memory

    def disconnect(self, store: Store) -> None:
        """Let a process die, and its connection with it."""

    def _open(self, who: int) -> AskTell:
        self.stores[who] = FaultyStore(self.connect())
        return AskTell("s", SPACE, minimize="loss", store=self.stores[who], seed=4, method=lt.Random())

    def _take(self, who: int, trial: ActiveTrial) -> None:
        if self.waiting:
            assert trial.number == self.waiting.pop(0) and trial.attempt > 1
        else:
            assert trial.number == self.count
            self.count += 1
            if self.queue:
                n, kind = self.queue.pop(0)
                assert (trial["n"], trial["kind"]) == (n, kind)
        self.held[trial.number] = (who, trial)

    @rule(who=st.integers(0, 1), timed=st.booleans())
    def ask(self, who: int, timed: bool) -> None:
        study = self.studies[who]
        try:
            trial = study.ask(lease_s=10) if timed else study.ask()
        except SpaceExhausted:
            assert not self.waiting and not self.queue
            tried = {(trial["n"], trial["kind"]) for trial in study.reader.trials if not trial.forgotten}
            assert len(tried) == SIZE
            return
        self._take(-1 if timed else who, trial)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), value=st.integers(-5, 5), teller=st.integers(0, 1))
    def tell(self, data: st.DataObject, value: int, teller: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.held)))
        _, trial = self.held.pop(number)
        assert self.studies[teller].tell(trial, value).value == value
        self.values[number] = float(value)
        self.late.append(trial)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), value=st.integers(-5, 5), teller=st.integers(0, 1))
    def tell_twice(self, data: st.DataObject, value: int, teller: int) -> None:
        """The answer to a result is lost; when it is told again, it is there once."""
        number = data.draw(st.sampled_from(sorted(self.held)))
        _, trial = self.held.pop(number)
        self.stores[teller].fail_next(StoreError("the answer was lost"), after=True)
        with pytest.raises(StoreError, match="the answer was lost"):
            self.studies[teller].tell(trial, value)
        assert self.studies[teller].tell(trial, value).value == value
        self.values[number] = float(value)
        self.late.append(trial)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), value=st.integers(-5, 5), teller=st.integers(0, 1), lost=st.booleans())
    def report(self, data: st.DataObject, value: int, teller: int, lost: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.held)))
        _, trial = self.held[number]
        if lost:  # it is not known whether the report is there, and it was not
            self.stores[teller].fail_next(StoreError("the question was lost"))
            with pytest.raises(StoreError, match="the question was lost"):
                self.studies[teller].report(trial, value)
        self.studies[teller].report(trial, value)
        self.reports[number] += 1

    @precondition(lambda self: self.late)
    @rule(data=st.data(), teller=st.integers(0, 1))
    def tell_late(self, data: st.DataObject, teller: int) -> None:
        trial = data.draw(st.sampled_from(self.late))
        before = self.studies[0].history.length
        with pytest.raises((LeaseLost, TrialFinished)):
            self.studies[teller].tell(trial, 99.0)
        assert self.studies[0].history.length == before

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.held)))
        _, trial = self.held.pop(number)
        self.studies[0].release(trial)
        self.late.append(trial)
        self.waiting.append(number)

    @precondition(lambda self: self.count)
    @rule(data=st.data(), who=st.integers(0, 1))
    def retry(self, data: st.DataObject, who: int) -> None:
        """A trial that ended waits; one that waits goes on waiting; one that runs is left alone."""
        number = data.draw(st.integers(0, self.count - 1))
        if number in self.held:
            with pytest.raises(InvalidSetting, match="running"):
                self.studies[who].editor.retry(number)
            return
        assert self.studies[who].editor.retry(number) == (number,)
        if self.values.pop(number, None) is not None:
            self.waiting.append(number)
            self.reopened[number] += 1
        self.forgotten.discard(number)

    @precondition(lambda self: self.count)
    @rule(data=st.data(), who=st.integers(0, 1))
    def forget(self, data: st.DataObject, who: int) -> None:
        """A trial counts for nothing, and is not run any more where it waited; one that runs is left alone."""
        number = data.draw(st.integers(0, self.count - 1))
        if number in self.held:
            with pytest.raises(InvalidSetting, match="running"):
                self.studies[who].editor.forget(number)
            return
        assert self.studies[who].editor.forget([number]) == (number,)
        if number in self.waiting:
            self.waiting.remove(number)
            self.values[number] = float("nan")
        self.forgotten.add(number)
        self.once_forgotten.add(number)

    @rule(n=st.integers(1, 4), kind=st.sampled_from("abc"), ticket=st.integers(0, 30), lost=st.booleans())
    def enqueue(self, n: int, kind: str, ticket: int, lost: bool) -> None:
        known = self.studies[0].history.ticketed(str(ticket))
        if lost and not known:  # the answer; so it is asked for once more
            self.stores[1].fail_next(StoreError("the answer was lost"), after=True)
            with pytest.raises(StoreError, match="the answer was lost"):
                self.studies[1].editor.enqueue({"n": n, "kind": kind}, ticket=str(ticket))
        self.studies[1].editor.enqueue({"n": n, "kind": kind}, ticket=str(ticket))
        if not known:
            self.queue.append((n, kind))

    @rule(who=st.integers(0, 1))
    def die_and_reopen(self, who: int) -> None:
        """Let one process die: what it holds waits once somebody asks, which is done here to keep the model simple."""
        self.studies[who]._owner.retire()  # the trials that the model holds would keep the study alive
        self.disconnect(self.stores[who].inner)
        self.studies[who] = self._open(who)
        dead = [number for number, (holder, _) in self.held.items() if holder == who]
        self._lose(dead)

    @rule()
    def time_passes(self) -> None:
        self.now += self.behind + 11
        self.behind = 0.0
        self._lose([number for number, (holder, _) in self.held.items() if holder == -1])

    @rule(seconds=st.sampled_from([0.5, 5.0]))
    def clock_is_set_back(self, seconds: float) -> None:
        """No stamp decreases, and no lease ends later than by the store's own time."""
        self.now -= seconds
        self.behind += seconds

    def _lose(self, numbers: list[int]) -> None:
        for number in numbers:
            self.late.append(self.held.pop(number)[1])
        lost_before = {trial.number: trial.lease.lost for trial in self.studies[0].history.trials if trial.lease}
        reap_leases(self.studies[0]._log, self.studies[0].history)
        for number in sorted(numbers, key=lambda number: self._order(number)):
            if lost_before[number] >= 4:
                self.values[number] = float("nan")  # given up
            else:
                self.waiting.append(number)

    def _order(self, number: int) -> Any:
        """Say when a lost trial was freed: the order of the log."""
        waiting = self.studies[0].history.waiting
        return waiting.index(number) if number in waiting else -1

    @invariant()
    def studies_agree_with_the_model(self) -> None:
        for study in self.studies:
            history = study.history
            assert len(history) == self.count and history.finished == len(self.values)
            assert set(history.running) == set(self.held) and list(history.waiting) == self.waiting
            assert [(c["n"], c["kind"]) for _, c in history.queue] == self.queue
            for number, value in self.values.items():
                trial = history.trial(number)
                assert trial.state is State.FINISHED
                assert value != value or trial.outcome.values == {"loss": value}  # type: ignore[union-attr]
            assert self.forgotten <= set(history.forgotten)  # those of a broken program are forgotten by themselves
            known = self.values.items()
            good = [(value, number) for number, value in known if value == value and number not in self.forgotten]
            assert history.best == (min(good)[1] if good else None)

    def teardown(self) -> None:
        """Laws 2, 5 and 7 at the end."""
        study = self.studies[0]
        assert study.verify().ok
        told = Counter(event.number for event in study.history.events if isinstance(event, Told))
        assert all(count <= 1 + self.reopened[number] for number, count in told.items())
        assert Counter(e.number for e in study.history.events if isinstance(e, Reported)) == +self.reports
        assert study.history.reopened == {number: count for number, count in self.reopened.items() if count}
        counted = [trial for trial in study.reader.trials if trial.number not in self.once_forgotten]
        proposed = [str(trial.config) for trial in counted if trial.trial.origin == "method"]
        assert len(proposed) == len(set(proposed))
        stamps = [record.at for record in self.stores[0].read("s")]
        assert stamps == sorted(stamps) and self.stores[0].check() == ()
        for store in self.stores.values():
            self.disconnect(store.inner)
        shutil.rmtree(self.folder)


class SQLiteStudyMachine(StudyMachine):
    """The same on a file."""

    def connect(self) -> Store:
        return SQLite(self.folder / "s.db", clock=lambda: self.now)

    def disconnect(self, store: Store) -> None:
        store.close()


class JSONLinesStudyMachine(StudyMachine):
    """The same on a file of lines."""

    def connect(self) -> Store:
        return JSONLines(self.folder / "s.jsonl", clock=lambda: self.now)

    def disconnect(self, store: Store) -> None:
        store.close()


TestStudy = StudyMachine.TestCase
TestStudy.settings = settings(max_examples=examples(40), stateful_step_count=30)
TestStudyOnSQLite = SQLiteStudyMachine.TestCase
TestStudyOnSQLite.settings = settings(max_examples=examples(15), stateful_step_count=25)
TestStudyOnJSONLines = JSONLinesStudyMachine.TestCase
TestStudyOnJSONLines.settings = settings(max_examples=examples(15), stateful_step_count=25)
