"""Account of the open tasks of an executor."""

from __future__ import annotations

import threading
from collections.abc import Callable

from luthier.errors import ExecutorError, InvalidSetting, LuthierError
from luthier.executor.protocol import Answer, Task, TaskAttributes, TaskReport, TaskResult, TaskUpdate
from luthier.executor.wakeup import WakeUp
from luthier.trial import Reason


class TaskBook:
    """Admits up to `capacity` tasks at a time, and returns exactly one result for each.

    All methods are thread-safe, and Ctrl-C may arrive at any moment in the thread that collects (see `WakeUp`).

    Args:
        name: the executor's name, for messages.
        capacity: maximal number of open tasks.

    Raises:
        InvalidSetting: `capacity` is not a positive integer.
    """

    def __init__(self, name: str, capacity: int) -> None:
        if isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 1:
            raise InvalidSetting(f"{name}(workers={capacity!r}): give a whole number of workers, 1 or more")
        self.capacity = capacity
        self._name = name
        self._lock = threading.Lock()
        self._wake_up = WakeUp()
        self._open: dict[int, Task] = {}  # no result yet
        self._taken: set[int] = set()  # admitted, and the result not yet collected
        self._updates: list[TaskUpdate] = []
        self._answered = 0  # how many of the updates need no answer any more
        self._closed = False
        self._error: LuthierError | None = None

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def admit(self, task: Task) -> None:
        """Open a task.

        Raises:
            ExecutorError: closed, broken or full, or the number is already open.
        """
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._closed:
                raise ExecutorError(f"{self._name} is closed: make a new one to run trial {task.number}")
            if task.number in self._taken:
                raise ExecutorError(f"trial {task.number} is already running in this {self._name}")
            if len(self._taken) >= self.capacity:
                raise ExecutorError(
                    f"{self._name} is full ({self.capacity} open): poll() until one comes back before the next submit()"
                )
            self._open[task.number] = task
            self._taken.add(task.number)

    def withdraw(self, number: int) -> None:
        """Forget a task whose submission failed."""
        with self._lock:
            self._open.pop(number, None)
            self._taken.discard(number)

    def find(self, number: int) -> Task | None:
        """Return the task of that number that has no result yet, or None."""
        with self._lock:
            return self._open.get(number)

    def open(self) -> tuple[Task, ...]:
        """Return the tasks that have no result yet."""
        with self._lock:
            return tuple(self._open.values())

    def deliver(self, update: TaskUpdate) -> None:
        """Record an update; drop it if the task has its result, or if it is of another attempt."""
        with self._lock:
            task = self._open.get(update.number)
            if task is None or task.token != update.token:
                return
            self._updates.append(update)
            if isinstance(update, TaskResult):
                del self._open[update.number]
        self._wake_up.notify()

    def interrupt(self, task: Task, why: str) -> None:
        """End a task as interrupted."""
        self.deliver(TaskResult(task.number, task.token, Reason.INTERRUPTED, error=why))

    def fail(self, error: LuthierError) -> None:
        """Make every later `admit` raise `error`, and `collect` too once all updates have been returned."""
        with self._lock:
            self._error = error
        self._wake_up.notify()

    def close(self) -> bool:
        """Refuse further tasks; return whether the book was open before."""
        with self._lock:
            was_open, self._closed = not self._closed, True
            return was_open

    def collect(
        self, timeout_s: float, answer: Answer | None, relay: Callable[[TaskReport, bool], None]
    ) -> tuple[TaskUpdate, ...]:
        """Return the updates, waiting up to `timeout_s` seconds for one; `relay` passes each report's answer back.

        Raises:
            LuthierError: the error given to `fail`, once there are no updates.
        """
        self._wake_up.wait_until(lambda: bool(self._updates) or not self._open or self._error is not None, timeout_s)
        if not self._updates and self._error is not None and not self._closed:
            raise self._error
        while self._answered < len(self._updates):  # if an answer raises, the next call goes on from there
            update = self._updates[self._answered]
            if isinstance(update, TaskReport):
                relay(update, answer is not None and bool(answer(update)))
            elif isinstance(update, TaskAttributes) and answer is not None:
                answer(update)
            self._answered += 1
        with self._lock:
            collected = tuple(self._updates[: self._answered])
            self._taken -= {update.number for update in collected if isinstance(update, TaskResult)}
            del self._updates[: self._answered]
            self._answered = 0
        return collected
