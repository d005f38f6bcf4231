"""Executor on top of an engine of a cluster, such as Dask."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeAlias, final

from luthier._closing import Closing
from luthier.errors import ExecutorError, LuthierError
from luthier.executor.protocol import Answer, Task, TaskReport, TaskResult, TaskUpdate
from luthier.executor.task_book import TaskBook
from luthier.trial import Reason

Tell: TypeAlias = Callable[[TaskUpdate], None]
"""Takes what an engine says of a task, in any thread."""


class Engine(Protocol):
    """The part of an executor that another library does: starting trials, and carrying words to and fro."""

    name: str

    def start(self, task: Task, tell: Tell) -> None:
        """Start a trial, and return at once; `tell` takes its reports as they come, and its result in the end.

        A trial whose process died is LOST, and the engine does not run it again by itself.
        """
        ...

    def answer(self, task: Task, answered: int, stop: bool) -> None:
        """Pass on how many reports of a trial were answered, and whether it is to stop."""
        ...

    def cancel(self, task: Task) -> None:
        """Have a trial ended, as far as that is possible; its result is of no interest any more."""
        ...

    def close(self) -> None:
        """Release everything that belongs to this engine."""
        ...


@final
class Remote(Closing):
    """Run each trial by an engine: Dask, Ray, Slurm.

    A trial that is cancelled is given up at once, and ended where it runs as far as the engine can do that:
    `should_stop` returns True there, and a trial with limits, which runs in a supervised process, is killed.

    Args:
        engine: starts the trials; is closed together with this.
        workers: maximal number of trials at once.
    """

    def __init__(self, engine: Engine, workers: int) -> None:
        self._engine = engine
        self._task_book = TaskBook(engine.name, workers)
        self._lock = threading.Lock()
        self._reported: dict[tuple[int, int], int] = {}  # by number and token: how many reports came
        self._answers: dict[tuple[int, int], tuple[int, bool]] = {}  # how many were answered, and whether it is to stop

    @property
    def capacity(self) -> int:
        """Maximal number of trials that are handed to the engine at once."""
        return self._task_book.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        self._task_book.admit(task)
        try:
            self._engine.start(task, self._tell)
        except LuthierError:
            self._task_book.withdraw(task.number)
            raise
        except Exception as error:
            self._task_book.withdraw(task.number)
            raise ExecutorError(f"{self._engine.name} does not take trial {task.number}: {error}") from error

    def _tell(self, update: TaskUpdate) -> None:
        which = (update.number, update.token)
        with self._lock:
            if isinstance(update, TaskReport):
                self._reported[which] = self._reported.get(which, 0) + 1
            elif isinstance(update, TaskResult):
                came = self._reported.pop(which, 0)
                self._answers.pop(which, None)
                for step, value in update.reports[came:]:  # those that were lost on the way
                    self._task_book.deliver(TaskReport(update.number, update.token, step, value))
            self._task_book.deliver(update)

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskUpdate, ...]:
        """See `Executor.poll`."""
        return self._task_book.collect(timeout_s, answer, self._relay)

    def _relay(self, report: TaskReport, stop: bool) -> None:
        task = self._task_book.find(report.number)
        if task is None or task.token != report.token:
            return
        which = (task.number, task.token)
        with self._lock:
            answered, stopped = self._answers.get(which, (0, False))
            self._answers[which] = answered, stop = answered + 1, stop or stopped
        if task.answered or (stop and not stopped):
            self._engine.answer(task, answered, stop)

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`."""
        if (task := self._task_book.find(number)) is not None:
            self._end(task, "cancelled")

    def close(self) -> None:
        """See `Executor.close`."""
        if self._task_book.close():
            for task in self._task_book.open():
                self._end(task, "the executor was closed while the trial ran")
            self._engine.close()

    def _end(self, task: Task, why: str) -> None:
        self._tell(TaskResult(task.number, task.token, Reason.INTERRUPTED, error=why))
        self._engine.cancel(task)


def lost(task: Task, why: str) -> TaskResult:
    """Give the result of a trial whose process died."""
    return TaskResult(task.number, task.token, Reason.LOST, error=why)
