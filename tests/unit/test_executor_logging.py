"""Log records of executors, which hold no user data."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import Future

import pytest

from luthier.errors import ExecutorError
from luthier.executor import Executor, Futures, Limits, Processes, Task, TaskResult, Threads
from luthier.trial import Reason

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "luthier.executor")
    return caplog


def _deadly(trial):
    if trial["how"] == "exit":
        os._exit(3)
    if trial["how"] == "fail":
        raise ValueError(trial["password"])
    while trial["how"] == "wait" and not trial.should_stop():
        __import__("time").sleep(0.01)
    return 1.0


_deadly.__module__ = "__main__"  # sent by its code: workers need not import pytest


def _run(executor: Executor, number: int, how: str, limits: Limits = Limits(grace_s=0.2)) -> TaskResult:  # noqa: B008
    executor.submit(Task(number, 1, {"how": how, "password": SECRET}, limits))
    (result,) = executor.poll(60.0)
    assert isinstance(result, TaskResult)
    return result


def _messages(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_starts_deaths_and_limits_of_workers_are_logged(records: pytest.LogCaptureFixture) -> None:
    with Processes(_deadly, 1) as executor:
        assert _run(executor, 0, "fail").reason is Reason.FAILED
        assert _run(executor, 1, "exit").reason is Reason.FAILED
        assert _run(executor, 2, "wait", Limits(time_s=0.1, grace_s=0.2)).reason is Reason.TIMEOUT
    starts, warnings = _messages(records, logging.INFO), _messages(records, logging.WARNING)
    assert len(starts) == 2
    assert all(text.startswith("worker process ") and text.endswith(" has started") for text in starts)
    assert len(warnings) == 2
    assert "died during trial 1: the objective ended its process with exit code 3" in warnings[0]
    assert warnings[1] == "trial 2 ran longer than its limit of 0.1 s"
    assert SECRET not in records.text
    assert {record.name for record in records.records} == {
        "luthier.executor.processes.worker_thread",
        "luthier.executor.processes.limit_monitor",
    }


def test_a_worker_that_cannot_start_is_logged(
    records: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Processes(_deadly, 1) as executor:
        _run(executor, 7, "return")
        with pytest.raises(ExecutorError):
            executor.poll(60.0)
    assert _messages(records, logging.WARNING) == ["a worker process could not be started for trial 7"]


def test_a_thread_over_its_time_is_logged(records: pytest.LogCaptureFixture) -> None:
    with Threads(_deadly, 1) as executor:
        assert _run(executor, 4, "wait", Limits(time_s=0.05)).reason is Reason.TIMEOUT
    assert _messages(records, logging.WARNING) == ["trial 4 ran longer than its limit of 0.05 s"]
    assert SECRET not in records.text


def test_a_trial_that_a_foreign_executor_loses_is_logged(records: pytest.LogCaptureFixture) -> None:
    class Broken:
        def submit(self, *arguments: object) -> Future[TaskResult]:
            future: Future[TaskResult] = Future()
            future.set_exception(RuntimeError(SECRET))
            return future

    with Futures(Broken(), _deadly, 1) as executor:
        assert _run(executor, 5, "return").reason is Reason.LOST
    assert _messages(records, logging.WARNING) == ["the executor lost trial 5: RuntimeError"]


def test_a_program_that_does_not_configure_logging_sees_nothing() -> None:
    program = (
        "import os; from luthier.executor import Processes, Task\n"
        "with Processes(lambda trial: os._exit(3), 1) as executor:\n"
        "    executor.submit(Task(0, 1, {})); print(executor.poll(60.0)[0].reason)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("failed\n", "")
