"""The account of the open tasks that every executor keeps."""

from __future__ import annotations

import threading
from collections.abc import Callable

from luthier.errors import ExecutorError, InvalidSetting, LuthierError
from luthier.executor.protocol import Answer, Task, TaskReport, TaskResult
from luthier.executor.wakeup import WakeUp
from luthier.trial import Reason


class TaskBook:
    """Tasks go in at most `capacity` at a time, and each comes out as exactly one outcome.

    All methods may be called from any thread. Ctrl-C may come at any moment in the thread that collects: see `WakeUp`.

    Args:
        name: of the executor, for messages.
        capacity: how many tasks may be open.

    Raises:
        InvalidSetting: `capacity` is not a whole number from 1 on.
    """

    def __init__(self, name: str, capacity: int) -> None:
        if isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 1:
            raise InvalidSetting(f"{name}(workers={capacity!r}): give a whole number of workers, 1 or more")
        self.capacity = capacity
        self._name = name
        self._lock = threading.Lock()
        self._bell = WakeUp()
        self._open: dict[int, Task] = {}  # no outcome yet
        self._taken: set[int] = set()  # admitted, outcome not yet collected
        self._news: list[TaskResult | TaskReport] = []
        self._answered = 0  # so many of them need no answer any more
        self._closed = False
        self._error: LuthierError | None = None

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def admit(self, task: Task) -> None:
        """Open a task.

        Raises:
            ExecutorError: closed, broken, full, or the number is open already.
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
        """Give the task of that number that has no outcome yet, if there is one."""
        with self._lock:
            return self._open.get(number)

    def open(self) -> tuple[Task, ...]:
        """Give the tasks that have no outcome yet."""
        with self._lock:
            return tuple(self._open.values())

    def deliver(self, news: TaskResult | TaskReport) -> None:
        """Put in news of a task; late ones, of a task that has its outcome or of another attempt, are dropped."""
        with self._lock:
            task = self._open.get(news.number)
            if task is None or task.token != news.token:
                return
            self._news.append(news)
            if isinstance(news, TaskResult):
                del self._open[news.number]
        self._bell.ring()

    def interrupt(self, task: Task, why: str) -> None:
        """End a task as interrupted."""
        self.deliver(TaskResult(task.number, task.token, Reason.INTERRUPTED, error=why))

    def fail(self, error: LuthierError) -> None:
        """Make every later `admit`, and `collect` once all news are given, raise `error`."""
        with self._lock:
            self._error = error
        self._bell.ring()

    def close(self) -> bool:
        """Refuse further tasks; tells whether it was open before."""
        with self._lock:
            was_open, self._closed = not self._closed, True
            return was_open

    def collect(
        self, timeout_s: float, answer: Answer | None, relay: Callable[[TaskReport, bool], None]
    ) -> tuple[TaskResult | TaskReport, ...]:
        """Give the news, waiting up to `timeout_s` for some; `relay` carries the answer to each report back.

        Raises:
            LuthierError: what `fail` was given, once there are no news.
        """
        self._bell.wait_until(lambda: bool(self._news) or not self._open or self._error is not None, timeout_s)
        if not self._news and self._error is not None and not self._closed:
            raise self._error
        while self._answered < len(self._news):  # an answer that raises loses nothing: the next call goes on from there
            news = self._news[self._answered]
            if isinstance(news, TaskReport):
                relay(news, answer is not None and bool(answer(news)))
            self._answered += 1
        with self._lock:
            given = tuple(self._news[: self._answered])
            self._taken -= {news.number for news in given if isinstance(news, TaskResult)}
            del self._news[: self._answered]
            self._answered = 0
        return given
