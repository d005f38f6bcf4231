"""Orders of people to those who run a study, through its store."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

import luthier as lt
from luthier.event import Directed, Freed
from luthier.run import End
from luthier.store import Memory, open_store
from luthier.study import Order, StudyEditor
from luthier.trial import State

SPACE = {"x": lt.Float(0, 1)}
LOOK_S = 0.1


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have runs look for orders often: what they do then is tested, and not after how many seconds."""
    monkeypatch.setattr("luthier.run.loop._LOOK_S", LOOK_S)


class Run:
    """A run in a thread, and an editor of the same study."""

    def __init__(self, objective: Any, **settings: Any) -> None:
        self.store = Memory()
        self.study = lt.Study("s", SPACE, minimize="y", store=self.store, method=lt.Random(), seed=1)
        self.editor = StudyEditor.open(self.store, "s")
        self.notices: list[str] = []
        self.ends: list[End] = []
        self._thread = threading.Thread(target=self._run, args=(objective, {"trials": 200, **settings}))
        self._thread.start()

    def _run(self, objective: Any, settings: dict[str, Any]) -> None:
        reporter = lt.run.SilentReporter()
        reporter.notice = self.notices.append  # type: ignore[method-assign]
        self.ends.append(self.study.run(objective, progress=reporter, **settings))

    def until(self, condition: Any) -> None:
        deadline_s = time.monotonic() + 30
        while not condition(self.editor.reader.history):
            assert time.monotonic() < deadline_s
            time.sleep(0.01)

    def end(self) -> End:
        self._thread.join(30)
        return self.ends[0]


def brief(trial: lt.RunningTrial) -> float:
    time.sleep(0.01)
    return float(trial["x"])


def test_paused_it_begins_nothing_until_it_is_to_go_on() -> None:
    run = Run(brief, trials=60)
    run.until(lambda history: history.finished >= 5)
    assert run.editor.direct(Order.PAUSE)
    run.until(lambda history: run.notices and not history.running)  # a trial may begin at the moment of the order
    asked = len(run.editor.reader)
    time.sleep(3 * LOOK_S)
    assert len(run.editor.reader) == asked < 60
    assert run.editor.direct(Order.GO_ON) and not run.editor.direct(Order.GO_ON)
    assert run.end() is End.TRIALS
    assert [notice.partition(":")[0] for notice in run.notices] == ["paused", "going on"]


def test_stopped_it_finishes_what_runs_and_a_later_run_is_not_meant() -> None:
    run = Run(brief, executor="threads", workers=3)
    run.until(lambda history: history.finished >= 5)
    run.editor.direct(Order.STOP)
    assert run.end() is End.STOPPED
    history = run.editor.reader.history
    assert not history.running and not history.waiting and len(history) < 200
    assert run.study.run(brief, trials=len(history) + 3) is End.TRIALS


def test_cancelled_it_gives_back_what_runs() -> None:
    gone = threading.Event()
    run = Run(lambda trial: gone.wait(30), executor="threads", workers=3)
    run.until(lambda history: len(history.running) == 3)
    run.editor.direct(Order.CANCEL)
    assert run.end() is End.STOPPED
    history = run.editor.reader.history
    assert [trial.state for trial in history.trials] == [State.WAITING] * 3
    assert [event.reason for event in history.events if isinstance(event, Freed)] == ["interrupted"] * 3
    gone.set()


def test_cancelled_it_gives_back_what_runs_in_this_thread(tmp_path: Path) -> None:
    place = str(tmp_path / "s.db")

    def order() -> None:
        with open_store(place, must_exist=True) as store:
            StudyEditor.open(store, "s").direct(Order.CANCEL)

    def objective(trial: lt.RunningTrial) -> float:
        if trial.attempt == 1:
            threading.Timer(0.1, order).start()
            time.sleep(20)
        return float(trial["x"])

    with lt.Study("s", SPACE, minimize="y", store=place, method=lt.Random(), seed=1) as study:
        assert study.run(objective, trials=2) is End.STOPPED
        assert [trial.state for trial in study.history.trials] == [State.WAITING]
        assert [event.reason for event in study.history.events if isinstance(event, Freed)] == ["interrupted"]
        assert study.run(brief, trials=2) is End.TRIALS


def test_a_worker_whose_trials_fail_pauses_itself_and_no_other() -> None:
    broken = threading.Event()
    broken.set()

    def objective(trial: lt.RunningTrial) -> float:
        if broken.is_set():
            raise OSError("no GPU")
        return float(trial["x"])

    run = Run(objective, trials=20, on_error="pause", give_up_after=4)
    run.until(lambda history: history.remarks.paused_workers)
    time.sleep(3 * LOOK_S)
    history = run.editor.reader.history
    assert history.finished == 4 and len(history.remarks.paused_workers) == 1
    assert "4 trials in a row failed here" in run.notices[1] and "OSError: no GPU" in run.notices[1]
    with lt.Study("s", store=run.store) as other:  # a worker that is well
        other.run(brief, trials=8)
    assert len(run.editor.reader) == 8
    broken.clear()
    run.editor.direct(Order.GO_ON)
    assert run.end() is End.TRIALS and len(run.study) == 20
    orders = [event for event in run.editor.reader.history.events if isinstance(event, Directed)]
    assert [(event.order, event.failures) for event in orders] == [("pause", 4), ("go on", 0)]


def test_who_begins_while_a_study_is_paused_waits() -> None:
    store = Memory()
    study = lt.Study("s", SPACE, minimize="y", store=store, method=lt.Random())
    editor = StudyEditor.open(store, "s")
    editor.direct(Order.PAUSE)
    threading.Timer(3 * LOOK_S, lambda: editor.direct(Order.GO_ON)).start()
    start = time.monotonic()
    study.run(brief, trials=2)
    assert time.monotonic() - start >= 2 * LOOK_S


def test_reaping_takes_back_the_trials_of_the_dead() -> None:
    store = Memory()
    study = lt.Study("s", SPACE, minimize="y", store=store, method=lt.Random())
    first, _ = study.ask(), study.ask()
    editor = StudyEditor.open(store, "s")
    assert editor.reap() == ()
    study.tell(first, 1.0)
    study._asking._owner.retire()
    assert editor.reap() == (1,) and editor.reap() == ()


@pytest.mark.parametrize("order", Order)
def test_orders_are_kept_by_a_store(order: Order) -> None:
    store = Memory()
    lt.Study("s", SPACE, minimize="y", store=store)
    StudyEditor.open(store, "s").direct(order)
    given = StudyEditor.open(store, "s").reader.history.remarks.direction
    assert given is None if order is Order.GO_ON else given is not None and given[1] == Directed(str(order))
