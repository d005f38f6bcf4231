"""The account of open tasks, the bell, the wardens' decisions, and what may be sent to another process."""

from __future__ import annotations

import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

import luthier.executor
from luthier.errors import ExecutorError, InvalidSetting, StoreError
from luthier.executor import Limits, Task, TaskReport, TaskResult
from luthier.executor.pickling import pack_objective, pack_task
from luthier.executor.processes import worker_thread
from luthier.executor.processes.limit_monitor import TaskRun, Termination
from luthier.executor.task_book import TaskBook
from luthier.executor.wakeup import WakeUp
from luthier.trial import Reason


def _nothing(progress: TaskReport, stop: bool) -> None:
    return None


def test_late_news_of_a_task_that_is_over_are_dropped() -> None:
    desk = TaskBook("Test", 2)
    desk.admit(Task(0, 7, {}))
    desk.deliver(TaskResult(0, 6, Reason.DONE))  # of an earlier attempt
    desk.deliver(TaskResult(0, 7, Reason.DONE, 1.0))
    desk.deliver(TaskResult(0, 7, Reason.DONE, 2.0))
    desk.deliver(TaskReport(0, 7, 0, 1.0))
    desk.deliver(TaskResult(5, 7, Reason.DONE))
    assert desk.collect(0.0, None, _nothing) == (TaskResult(0, 7, Reason.DONE, 1.0),)
    assert desk.collect(30.0, None, _nothing) == ()


def test_a_number_is_taken_until_its_outcome_is_collected() -> None:
    desk = TaskBook("Test", 2)
    desk.admit(Task(0, 1, {}))
    desk.deliver(TaskResult(0, 1, Reason.DONE))
    with pytest.raises(ExecutorError, match="trial 0 is already running in this Test"):
        desk.admit(Task(0, 2, {}))
    desk.admit(Task(1, 1, {}))
    with pytest.raises(ExecutorError, match="full"):
        desk.admit(Task(2, 1, {}))
    desk.collect(0.0, None, _nothing)
    desk.admit(Task(0, 2, {}))
    desk.withdraw(0)
    desk.admit(Task(0, 3, {}))


def test_an_error_comes_after_the_news_and_to_stay() -> None:
    desk = TaskBook("Test", 3)
    desk.admit(Task(0, 1, {}))
    desk.admit(Task(1, 1, {}))
    desk.deliver(TaskResult(0, 1, Reason.DONE))
    desk.fail(StoreError("broken"))
    assert len(desk.collect(0.0, None, _nothing)) == 1
    for _ in range(2):
        with pytest.raises(StoreError, match="broken"):
            desk.collect(30.0, None, _nothing)
    with pytest.raises(StoreError, match="broken"):
        desk.admit(Task(2, 1, {}))
    assert desk.close()
    assert not desk.close()
    assert desk.collect(0.0, None, _nothing) == ()


def test_an_answer_that_raises_loses_nothing_and_asks_again() -> None:
    desk = TaskBook("Test", 1)
    desk.admit(Task(0, 1, {}))
    news = (TaskReport(0, 1, 0, 0.5), TaskReport(0, 1, 1, 0.25), TaskResult(0, 1, Reason.DONE))
    for item in news:
        desk.deliver(item)
    asked: list[int] = []
    relayed: list[tuple[int, bool]] = []

    def answer(progress: TaskReport) -> bool:
        asked.append(progress.step)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return progress.step == 1

    def relay(progress: TaskReport, stop: bool) -> None:
        relayed.append((progress.step, stop))

    with pytest.raises(KeyboardInterrupt):
        desk.collect(0.0, answer, relay)
    assert desk.collect(0.0, answer, relay) == news
    assert asked == [0, 1, 1]
    assert relayed == [(0, False), (1, True)]


def test_collecting_waits_for_another_thread() -> None:
    desk = TaskBook("Test", 1)
    desk.admit(Task(0, 1, {}))
    threading.Timer(0.02, desk.deliver, [TaskResult(0, 1, Reason.DONE)]).start()
    assert len(desk.collect(float("inf"), None, _nothing)) == 1


def test_a_bell_that_is_not_rung_is_no_hindrance() -> None:
    asked: list[None] = []
    WakeUp().wait_until(lambda: len(asked) == 2 or asked.append(None) is not None)
    assert len(asked) == 2
    WakeUp().wait_until(lambda: False, 0.01)


def test_the_first_verdict_stands_and_a_finished_run_has_none() -> None:
    run = TaskRun(Task(0, 1, {}), b"")
    run.terminate(Termination(Reason.TIMEOUT, "late"), 5.0)
    run.terminate(Termination(Reason.INTERRUPTED, "cancelled"), 0.0)
    assert run.verdict == (Reason.TIMEOUT, "late")
    assert not run.detach()
    assert not run.finish()
    done = TaskRun(Task(0, 1, {}), b"")
    assert done.detach()
    assert done.finish()
    done.terminate(Termination(Reason.TIMEOUT, "late"), 5.0)
    assert done.verdict is None


def test_a_run_is_due_at_its_limit_and_then_at_its_end_by_force() -> None:
    run = TaskRun(Task(0, 1, {}, Limits(time_s=3.0)), b"")
    assert run.due_s() == float("inf")
    run.begun_s = 100.0
    assert run.due_s() == 103.0
    run.terminate(Termination(Reason.TIMEOUT, "late"), 5.0)
    assert run.due_s() == run.kill_s < float("inf")
    before = run.kill_s
    run.bring_forward(100.0)
    assert run.kill_s == before
    run.bring_forward(0.0)
    assert run.kill_s < before


@pytest.mark.parametrize(
    ("code", "oom_kills", "reason", "word"),
    [
        (-9, 3, Reason.MEMORY, "the system ran out of memory"),
        (-9, 2, Reason.FAILED, "SIGKILL"),
        (-11, 3, Reason.FAILED, "SIGSEGV"),
        (-15, 2, Reason.LOST, "SIGTERM"),
        (-200, 2, Reason.FAILED, "signal 200"),
        (3, 3, Reason.FAILED, "exit code 3"),
    ],
)
def test_a_death_is_explained(
    monkeypatch: pytest.MonkeyPatch, code: int, oom_kills: int, reason: Reason, word: str
) -> None:
    monkeypatch.setattr(worker_thread.process_tree, "oom_kills", lambda: oom_kills)
    found, why = worker_thread._exit_reason(SimpleNamespace(oom_kills=2), code)
    assert found is reason
    assert word in why


def test_parcels_refuse_what_cannot_leave() -> None:
    with pytest.raises(InvalidSetting, match="not a function of a running trial"):
        pack_objective(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidSetting, match=r"the parameters of trial 4 cannot be sent"):
        pack_task(Task(4, 1, {"x": threading.Lock()}))


def test_executors_are_loaded_when_they_are_asked_for() -> None:
    for name in luthier.executor.__all__:
        assert getattr(luthier.executor, name).__name__ in (name, "Callable")
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        luthier.executor.Nothing  # noqa: B018
    program = "import sys, luthier.executor; print([name for name in sys.modules if 'executor.' in name])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "processes" not in loaded
    assert "cloudpickle" not in loaded
