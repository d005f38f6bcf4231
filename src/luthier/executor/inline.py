"""Executor that runs each trial in the calling thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from luthier._closing import Closing
from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.executor.protocol import Answer, Task, TaskAttributes, TaskReport, TaskUpdate
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial, perform, task_result
from luthier.executor.task_book import TaskBook
from luthier.trial import Reason, ReportValue


class _AnswerFailed(BaseException):
    """Carries an exception of the caller's `answer` past the objective, which did not cause it."""

    def __init__(self, error: Exception) -> None:
        self.error = error


@translating_settings
@final
class Inline(Closing):
    """Run each trial inside `poll`, in the calling thread: the simplest executor, and the one to debug with.

    Ctrl-C in the objective leaves `poll` as KeyboardInterrupt; the trial's result, INTERRUPTED, comes with the next
    `poll`. A process cannot enforce limits on itself, so a task with a limit of time or memory is refused.

    Args:
        objective: called with a `RunningTrial`.
    """

    def __init__(self, objective: ObjectiveFunction) -> None:
        self._objective = objective
        self._task_book = TaskBook("Inline", 1)

    @property
    def capacity(self) -> int:
        """One."""
        return self._task_book.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        if task.limits.time_s is not None or task.limits.memory_mb is not None:
            raise InvalidSetting(
                "Inline cannot keep limits of time or memory: a trial in this process cannot be ended. Use Processes"
            )
        self._task_book.admit(task)

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskUpdate, ...]:
        """Run the open task, if there is one, to its end (see `Executor.poll`)."""
        for task in () if self._task_book.closed else self._task_book.open():
            self._run(task, answer)
        return self._task_book.collect(0.0, None, lambda report, stop: None)

    def _run(self, task: Task, answer: Answer | None) -> None:
        stop = False

        def tell(update: TaskReport | TaskAttributes) -> bool:
            self._task_book.deliver(update)
            try:
                return answer is not None and bool(answer(update))
            except Exception as error:  # noqa: BLE001 - the caller's, handed on to the caller
                raise _AnswerFailed(error) from None

        def send(step: int, value: ReportValue) -> None:
            nonlocal stop
            stop = tell(TaskReport(task.number, task.token, step, value))

        def note(values: Mapping[str, Any]) -> None:
            tell(TaskAttributes(task.number, task.token, values))

        running = RunningTrial(task, send, lambda: stop, note)
        try:
            self._task_book.deliver(perform(self._objective, running, passing=(KeyboardInterrupt, _AnswerFailed)))
        except KeyboardInterrupt:
            self._task_book.deliver(task_result(running, Reason.INTERRUPTED, None, "interrupted by Ctrl-C", None))
            raise
        except _AnswerFailed as failed:
            message = "a report could not be answered"
            self._task_book.deliver(task_result(running, Reason.INTERRUPTED, None, message, None))
            raise failed.error from None

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`; a trial that has begun cannot be cancelled."""
        if (task := self._task_book.find(number)) is not None:
            self._task_book.interrupt(task, "cancelled before it began")

    def close(self) -> None:
        """See `Executor.close`."""
        if self._task_book.close():
            for task in self._task_book.open():
                self._task_book.interrupt(task, "the executor was closed before the trial began")
