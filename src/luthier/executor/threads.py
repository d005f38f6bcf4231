"""Executor that runs each trial in a thread of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, final

from luthier._closing import Closing
from luthier._hints import translating_settings
from luthier._runtime.logger import silent_logger
from luthier.errors import InvalidSetting
from luthier.executor.protocol import Answer, Task, TaskAttributes, TaskReport, TaskResult, TaskUpdate
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial, perform
from luthier.executor.task_book import TaskBook
from luthier.trial import Reason, ReportValue

_log = silent_logger(__name__)


@translating_settings
@final
class Threads(Closing):
    """Run each trial in a thread of its own: for objectives that wait, or that compute without Python's lock.

    A thread cannot be killed. A trial that is cancelled or exceeds its time limit is abandoned: its result comes at
    once, its `should_stop` returns True, its return value is dropped, and it goes on in the background (it does not
    keep Python from exiting). A memory limit cannot be enforced and is refused; use `Processes` for hard limits.

    Args:
        objective: called with a `RunningTrial`, from several threads at once.
        workers: maximal number of trials at once.
    """

    def __init__(self, objective: ObjectiveFunction, workers: int = 2) -> None:
        self._objective = objective
        self._task_book = TaskBook("Threads", workers)
        self._lock = threading.Lock()
        self._runs: dict[int, _ThreadRun] = {}

    @property
    def capacity(self) -> int:
        """Maximal number of trials at once."""
        return self._task_book.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        if task.limits.memory_mb is not None:
            raise InvalidSetting("Threads cannot keep a limit of memory: threads share theirs. Use Processes")
        self._task_book.admit(task)
        run = _ThreadRun(task, self._task_book)
        with self._lock:
            self._runs[task.number] = run
        threading.Thread(
            target=run.execute, args=(self._objective,), name=f"luthier-trial-{task.number}", daemon=True
        ).start()

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskUpdate, ...]:
        """See `Executor.poll`."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            now_s = time.monotonic()
            ends = [run.end_s for run in self._open_runs() if run.end_s is not None]
            for run in self._open_runs():
                if run.end_s is not None and run.end_s <= now_s:
                    why = f"ran longer than its limit of {run.task.limits.time_s:g} s"
                    _log.warning("trial %d %s", run.task.number, why)
                    run.abandon(Reason.TIMEOUT, why)
            updates = self._task_book.collect(min([deadline_s, *ends]) - now_s, answer, self._relay)
            if updates or not self._task_book.open() or time.monotonic() >= deadline_s:
                return updates

    def _open_runs(self) -> list[_ThreadRun]:
        open_numbers = {task.number for task in self._task_book.open()}
        with self._lock:
            self._runs = {number: run for number, run in self._runs.items() if number in open_numbers}
            return list(self._runs.values())

    def _relay(self, report: TaskReport, stop: bool) -> None:
        with self._lock:
            run = self._runs.get(report.number)
        if run is not None:
            run.answer(stop)

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`; the trial is abandoned, see the class."""
        for run in self._open_runs():
            if run.task.number == number:
                run.abandon(Reason.INTERRUPTED, "cancelled")

    def close(self) -> None:
        """See `Executor.close`; running trials are abandoned, see the class."""
        if self._task_book.close():
            for run in self._open_runs():
                run.abandon(Reason.INTERRUPTED, "the executor was closed while the trial ran")


@final
class _ThreadRun:
    """One trial in its thread."""

    def __init__(self, task: Task, task_book: TaskBook) -> None:
        self.task = task
        self.end_s = None if task.limits.time_s is None else time.monotonic() + task.limits.time_s
        self._task_book = task_book
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # entered by the lock: an exception may arrive in between
        self._unanswered = 0
        self._stop = False
        self._start_s = time.monotonic()

    def execute(self, objective: ObjectiveFunction) -> None:
        """Run the trial (in its own thread)."""
        self._task_book.deliver(perform(objective, RunningTrial(self.task, self._send, self._ask, self._note)))

    def answer(self, stop: bool) -> None:
        """Record the caller's answer to a report."""
        with self._lock:
            self._unanswered -= 1
            self._stop = self._stop or stop
            self._changed.notify_all()

    def abandon(self, reason: Reason, why: str) -> None:
        """End the trial for the caller, although its thread goes on."""
        with self._lock:
            self._stop = True
            self._changed.notify_all()
        ran_s = time.monotonic() - self._start_s
        self._task_book.deliver(TaskResult(self.task.number, self.task.token, reason, error=why, duration_s=ran_s))

    def _send(self, step: int, value: ReportValue) -> None:
        with self._lock:
            self._unanswered += 1
        self._task_book.deliver(TaskReport(self.task.number, self.task.token, step, value))

    def _note(self, values: Mapping[str, Any]) -> None:
        self._task_book.deliver(TaskAttributes(self.task.number, self.task.token, values))

    def _ask(self) -> bool:
        with self._lock:
            if self.task.answered:
                self._changed.wait_for(lambda: self._stop or self._unanswered == 0)
            return self._stop
