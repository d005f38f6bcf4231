"""The account of the open tasks that every executor keeps."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from luthier.errors import ExecutorError, InvalidSetting, LuthierError
from luthier.executor.task import Answer, Outcome, Progress, Task
from luthier.trial import Reason


class Desk:
    """Tasks go in at most `capacity` at a time, and each comes out as exactly one outcome.

    All methods may be called from any thread.

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
        self._changed = threading.Condition()
        self._open: dict[int, Task] = {}  # no outcome yet
        self._taken: set[int] = set()  # admitted, outcome not yet collected
        self._news: deque[Outcome | Progress] = deque()
        self._ready: list[Outcome | Progress] = []  # reports answered, not yet given back
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
        with self._changed:
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
        with self._changed:
            self._open.pop(number, None)
            self._taken.discard(number)

    def find(self, number: int) -> Task | None:
        """Give the task of that number that has no outcome yet, if there is one."""
        with self._changed:
            return self._open.get(number)

    def open(self) -> tuple[Task, ...]:
        """Give the tasks that have no outcome yet."""
        with self._changed:
            return tuple(self._open.values())

    def deliver(self, news: Outcome | Progress) -> None:
        """Put in news of a task; late ones, of a task that has its outcome or of another attempt, are dropped."""
        with self._changed:
            task = self._open.get(news.number)
            if task is None or task.token != news.token:
                return
            if isinstance(news, Outcome):
                del self._open[news.number]
            self._news.append(news)
            self._changed.notify_all()

    def interrupt(self, task: Task, why: str) -> None:
        """End a task as interrupted."""
        self.deliver(Outcome(task.number, task.token, Reason.INTERRUPTED, error=why))

    def fail(self, error: LuthierError) -> None:
        """Make every later `admit`, and `collect` once all news are given, raise `error`."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def close(self) -> bool:
        """Refuse further tasks; tells whether it was open before."""
        with self._changed:
            was_open, self._closed = not self._closed, True
            return was_open

    def collect(
        self, timeout_s: float, answer: Answer | None, relay: Callable[[Progress, bool], None]
    ) -> tuple[Outcome | Progress, ...]:
        """Give the news, waiting up to `timeout_s` for some; `relay` carries the answer to each report back.

        Raises:
            LuthierError: what `fail` was given, once there are no news.
        """
        deadline_s = time.monotonic() + min(max(timeout_s, 0.0), threading.TIMEOUT_MAX / 2)
        with self._changed:
            while not self._news and self._open and self._error is None:
                left_s = deadline_s - time.monotonic()
                if left_s <= 0 or not self._changed.wait(left_s):
                    break
            if not self._news and self._error is not None and not self._closed:
                raise self._error
        while self._news:  # an answer that raises, or Ctrl-C, loses nothing: the next call goes on from there
            news = self._news[0]
            if isinstance(news, Progress):
                relay(news, answer is not None and bool(answer(news)))
            self._ready.append(self._news.popleft())
        with self._changed:
            given, self._ready = tuple(self._ready), []
            self._taken -= {news.number for news in given if isinstance(news, Outcome)}
        return given
