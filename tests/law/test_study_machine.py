"""A study against a model of it: whatever is asked, told, lost, given back, enqueued, reopened, in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import luthier as lt
from luthier.errors import LeaseLost, SpaceExhausted, TrialFinished
from luthier.event import Told
from luthier.store import Memory
from luthier.study import ActiveTrial, AskTell
from luthier.trial import State

SIZE = 12
SPACE = lt.Space({"n": lt.Int(1, 4), "kind": lt.Choice("a", "b", "c")})


class StudyMachine(RuleBasedStateMachine):
    """Two open studies of one log, as two processes have them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.store = Memory(clock=lambda: self.now)
        self.studies = [self._open(), self._open()]
        self.held: dict[int, tuple[int, ActiveTrial]] = {}  # number -> who (study, or -1 for a timed lease), trial
        self.late: list[ActiveTrial] = []  # leases that ended
        self.values: dict[int, float] = {}
        self.waiting: list[int] = []
        self.queue: list[tuple[int, str]] = []
        self.count = 0

    def _open(self) -> AskTell:
        return AskTell("s", SPACE, minimize="loss", store=self.store, seed=4, method=lt.Random())

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
            tried = {(trial["n"], trial["kind"]) for trial in study.reader.trials}
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

    @rule(n=st.integers(1, 4), kind=st.sampled_from("abc"), ticket=st.integers(0, 30))
    def enqueue(self, n: int, kind: str, ticket: int) -> None:
        known = self.studies[0].history.ticketed(str(ticket))
        self.studies[1].editor.enqueue({"n": n, "kind": kind}, ticket=str(ticket))
        if not known:
            self.queue.append((n, kind))

    @rule(who=st.integers(0, 1))
    def die_and_reopen(self, who: int) -> None:
        """Let one process die: what it holds waits once somebody asks, which is done here to keep the model simple."""
        self.studies[who]._owner.retire()  # the trials that the model holds would keep the study alive
        self.studies[who] = self._open()
        dead = [number for number, (holder, _) in self.held.items() if holder == who]
        self._lose(dead)

    @rule()
    def time_passes(self) -> None:
        self.now += 11
        self._lose([number for number, (holder, _) in self.held.items() if holder == -1])

    def _lose(self, numbers: list[int]) -> None:
        for number in numbers:
            self.late.append(self.held.pop(number)[1])
        lost_before = {trial.number: trial.lease.lost for trial in self.studies[0].history.trials if trial.lease}
        self.studies[0]._reap(self.studies[0].history)
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
            good = [(value, number) for number, value in self.values.items() if value == value]
            assert history.best == (min(good)[1] if good else None)

    def teardown(self) -> None:
        """Laws 2, 5 and 7 at the end."""
        study = self.studies[0]
        assert study.verify().ok
        told = [event.number for event in study.history.events if isinstance(event, Told)]
        assert len(told) == len(set(told))
        proposed = [str(trial.trial.config) for trial in study.reader.trials if trial.trial.origin == "method"]
        assert len(proposed) == len(set(proposed))


TestStudy = StudyMachine.TestCase
TestStudy.settings = settings(max_examples=40, stateful_step_count=30)
