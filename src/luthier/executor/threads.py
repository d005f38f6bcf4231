"""Run trials in threads of this process."""

from __future__ import annotations

import threading
import time
from typing import final

from luthier.errors import InvalidSetting
from luthier.executor.protocol import Answer, Task, TaskReport, TaskResult
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial, perform
from luthier.executor.task_book import TaskBook
from luthier.trial import Reason


@final
class Threads:
    """Run each trial in a thread of its own: for objectives that wait, or that compute outside of Python's lock.

    A thread cannot be killed. A trial that is cancelled or over its time is given up: its outcome comes at once, its
    `should_stop` says True, what it still returns is dropped, and it goes on in the background (it does not keep
    Python from exiting). A limit of memory cannot be kept and is refused; use `Processes` for hard limits.

    Args:
        objective: called with a `RunningTrial`; from several threads at once.
        workers: how many trials at once.
    """

    def __init__(self, objective: ObjectiveFunction, workers: int = 2) -> None:
        self._objective = objective
        self._desk = TaskBook("Threads", workers)
        self._lock = threading.Lock()
        self._runs: dict[int, _Run] = {}

    @property
    def capacity(self) -> int:
        """How many trials run at once."""
        return self._desk.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        if task.limits.memory_mb is not None:
            raise InvalidSetting("Threads cannot keep a limit of memory: threads share theirs. Use Processes")
        self._desk.admit(task)
        run = _Run(task, self._desk)
        with self._lock:
            self._runs[task.number] = run
        threading.Thread(
            target=run.execute, args=(self._objective,), name=f"luthier-trial-{task.number}", daemon=True
        ).start()

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskResult | TaskReport, ...]:
        """See `Executor.poll`."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            now_s = time.monotonic()
            ends = [run.end_s for run in self._open_runs() if run.end_s is not None]
            for run in self._open_runs():
                if run.end_s is not None and run.end_s <= now_s:
                    run.abandon(Reason.TIMEOUT, f"ran longer than its limit of {run.task.limits.time_s:g} s")
            news = self._desk.collect(min([deadline_s, *ends]) - now_s, answer, self._relay)
            if news or not self._desk.open() or time.monotonic() >= deadline_s:
                return news

    def _open_runs(self) -> list[_Run]:
        open_numbers = {task.number for task in self._desk.open()}
        with self._lock:
            self._runs = {number: run for number, run in self._runs.items() if number in open_numbers}
            return list(self._runs.values())

    def _relay(self, progress: TaskReport, stop: bool) -> None:
        with self._lock:
            run = self._runs.get(progress.number)
        if run is not None:
            run.answer(stop)

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`; the trial is given up, as the class says."""
        for run in self._open_runs():
            if run.task.number == number:
                run.abandon(Reason.INTERRUPTED, "cancelled")

    def close(self) -> None:
        """See `Executor.close`; trials that still run are given up, as the class says."""
        if self._desk.close():
            for run in self._open_runs():
                run.abandon(Reason.INTERRUPTED, "the executor was closed while the trial ran")

    def __enter__(self) -> Threads:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Run:
    """One trial in its thread."""

    def __init__(self, task: Task, desk: TaskBook) -> None:
        self.task = task
        self.end_s = None if task.limits.time_s is None else time.monotonic() + task.limits.time_s
        self._desk = desk
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # entered by the lock: an exception may come in between
        self._unanswered = 0
        self._stop = False
        self._start_s = time.monotonic()

    def execute(self, objective: ObjectiveFunction) -> None:
        """Run the trial (in its own thread)."""
        self._desk.deliver(perform(objective, RunningTrial(self.task, self._send, self._ask)))

    def answer(self, stop: bool) -> None:
        """Take the caller's answer to a report."""
        with self._lock:
            self._unanswered -= 1
            self._stop = self._stop or stop
            self._changed.notify_all()

    def abandon(self, reason: Reason, why: str) -> None:
        """Give the trial up."""
        with self._lock:
            self._stop = True
            self._changed.notify_all()
        ran_s = time.monotonic() - self._start_s
        self._desk.deliver(TaskResult(self.task.number, self.task.token, reason, error=why, duration_s=ran_s))

    def _send(self, step: int, value: float) -> None:
        with self._lock:
            self._unanswered += 1
        self._desk.deliver(TaskReport(self.task.number, self.task.token, step, value))

    def _ask(self) -> bool:
        with self._lock:
            if self.task.answered:
                self._changed.wait_for(lambda: self._stop or self._unanswered == 0)
            return self._stop
