"""The account of open tasks, and the wait for another thread."""

from __future__ import annotations

import threading

import pytest

from luthier.errors import ExecutorError, InvalidSetting, StoreError
from luthier.executor import Task, TaskReport, TaskResult
from luthier.executor.task_book import TaskBook
from luthier.executor.wakeup import WakeUp
from luthier.trial import Reason


def _nothing(progress: TaskReport, stop: bool) -> None:
    return None


@pytest.mark.parametrize("capacity", [0, -1, 1.0, True])
def test_a_capacity_is_a_positive_integer(capacity: int) -> None:
    with pytest.raises(InvalidSetting, match=r"Test\(workers="):
        TaskBook("Test", capacity)


def test_late_updates_of_a_task_that_is_over_are_dropped() -> None:
    book = TaskBook("Test", 2)
    book.admit(Task(0, 7, {}))
    book.deliver(TaskResult(0, 6, Reason.DONE))  # of an earlier attempt
    book.deliver(TaskResult(0, 7, Reason.DONE, 1.0))
    book.deliver(TaskResult(0, 7, Reason.DONE, 2.0))
    book.deliver(TaskReport(0, 7, 0, 1.0))
    book.deliver(TaskResult(5, 7, Reason.DONE))
    assert book.collect(0.0, None, _nothing) == (TaskResult(0, 7, Reason.DONE, 1.0),)
    assert book.collect(30.0, None, _nothing) == ()


def test_a_number_is_taken_until_its_outcome_is_collected() -> None:
    book = TaskBook("Test", 2)
    book.admit(Task(0, 1, {}))
    book.deliver(TaskResult(0, 1, Reason.DONE))
    with pytest.raises(ExecutorError, match="trial 0 is already running in this Test"):
        book.admit(Task(0, 2, {}))
    book.admit(Task(1, 1, {}))
    with pytest.raises(ExecutorError, match="full"):
        book.admit(Task(2, 1, {}))
    book.collect(0.0, None, _nothing)
    book.admit(Task(0, 2, {}))
    book.withdraw(0)
    book.admit(Task(0, 3, {}))


def test_an_error_comes_after_the_updates_and_to_stay() -> None:
    book = TaskBook("Test", 3)
    book.admit(Task(0, 1, {}))
    book.admit(Task(1, 1, {}))
    book.deliver(TaskResult(0, 1, Reason.DONE))
    book.fail(StoreError("broken"))
    assert len(book.collect(0.0, None, _nothing)) == 1
    for _ in range(2):
        with pytest.raises(StoreError, match="broken"):
            book.collect(30.0, None, _nothing)
    with pytest.raises(StoreError, match="broken"):
        book.admit(Task(2, 1, {}))
    assert book.close()
    assert not book.close()
    assert book.collect(0.0, None, _nothing) == ()


def test_an_answer_that_raises_loses_nothing_and_asks_again() -> None:
    book = TaskBook("Test", 1)
    book.admit(Task(0, 1, {}))
    updates = (TaskReport(0, 1, 0, 0.5), TaskReport(0, 1, 1, 0.25), TaskResult(0, 1, Reason.DONE))
    for item in updates:
        book.deliver(item)
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
        book.collect(0.0, answer, relay)
    assert book.collect(0.0, answer, relay) == updates
    assert asked == [0, 1, 1]
    assert relayed == [(0, False), (1, True)]


def test_collecting_waits_for_another_thread() -> None:
    book = TaskBook("Test", 1)
    book.admit(Task(0, 1, {}))
    threading.Timer(0.02, book.deliver, [TaskResult(0, 1, Reason.DONE)]).start()
    assert len(book.collect(float("inf"), None, _nothing)) == 1


def test_a_condition_is_checked_without_a_notification_too() -> None:
    asked: list[None] = []
    WakeUp().wait_until(lambda: len(asked) == 2 or asked.append(None) is not None)
    assert len(asked) == 2
    WakeUp().wait_until(lambda: False, 0.01)
