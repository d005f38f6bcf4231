"""Executor whose trials take simulated time, to try out schedules of many workers in seconds."""

from __future__ import annotations

import heapq
import math
import threading
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import Any, final

from luthier._closing import Closing
from luthier.errors import InvalidSetting
from luthier.executor.protocol import Answer, Task, TaskAttributes, TaskReport, TaskResult, TaskUpdate
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial, perform, task_result
from luthier.executor.task_book import TaskBook
from luthier.scalar import short, to_float
from luthier.trial import Reason, ReportValue


class _Ended(BaseException):
    """Leaves an objective whose trial has ended for the executor: cancelled, or over its limit."""


@final
class SimulatedClock:
    """A clock that stands still but where a trial sleeps by it; nothing waits for real.

    The objective says how long its parts take, by `sleep`. Trials on a `Simulated` executor of this clock overlap as
    they would on as many workers, in an order that depends on these durations only: a run is the same each time.

    Attributes:
        now_s: the simulated seconds since the beginning.

    Examples:
        >>> import luthier as lt
        >>> from luthier.executor import SimulatedClock
        >>> clock = SimulatedClock()
        >>> def objective(trial):
        ...     clock.sleep(3600 * trial["x"])  # as long as the training would take
        ...     return trial["x"]
        >>> study = lt.Study("simulated", {"x": lt.Float(0.5, 1)}, minimize="loss", method=lt.Random(), seed=0)
        >>> str(study.run(objective, trials=200, workers=50, executor=clock.executor))
        'trials'
        >>> 2 < clock.now_s / 3600 < 4  # hours, in which 50 workers ran four trials each
        True
    """

    def __init__(self) -> None:
        self.now_s = 0.0
        self._threads = threading.local()

    def time(self) -> float:
        """Give the simulated seconds since the beginning, for a store, too: ``Memory(clock=clock.time)``."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let a running trial take simulated seconds; other trials go on meanwhile.

        Args:
            seconds: 0 or more, finite.

        Raises:
            InvalidSetting: they are no such number, or it is no trial of a `Simulated` executor that calls.
        """
        span = to_float(seconds) if isinstance(seconds, Real) else None
        if span is None or not 0 <= span < math.inf:
            raise InvalidSetting(f"sleep({short(seconds)}): give a finite number of seconds, 0 or more")
        run: _SimulatedRun | None = getattr(self._threads, "run", None)
        if run is None:
            raise InvalidSetting("sleep() of a simulated clock is for objectives that a Simulated executor runs")
        run.sleep(span)

    def executor(self, objective: ObjectiveFunction, workers: int) -> Simulated:
        """Make an executor, as in ``study.run(objective, workers=100, executor=clock.executor)``."""
        return Simulated(objective, workers, self)

    def enter(self, run: _SimulatedRun) -> None:
        """Note which trial the present thread runs."""
        self._threads.run = run


@final
class Simulated(Closing):
    """Run trials one at a time, and as if they had run at once for the seconds that they sleep by a simulated clock.

    A limit of time is one of simulated seconds; one of memory is refused. What an objective does between its sleeps
    takes no simulated time, whatever it takes for real. A run's own budget ``time_s`` counts real seconds.

    Args:
        objective: called with a `RunningTrial`; sleeps by the clock.
        workers: the number of trials at once.
        clock: see `SimulatedClock`.
    """

    def __init__(self, objective: ObjectiveFunction, workers: int, clock: SimulatedClock) -> None:
        self._objective = objective
        self._clock = clock
        self._task_book = TaskBook("Simulated", workers)
        self._runs: dict[int, _SimulatedRun] = {}
        self._queue: list[tuple[float, int, _SimulatedRun]] = []  # who goes on when; of equals, the first to say so
        self._count = 0

    @property
    def capacity(self) -> int:
        """Maximal number of trials at once."""
        return self._task_book.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`; the trial begins at the next `poll`, at the present simulated time."""
        if task.limits.memory_mb is not None:
            raise InvalidSetting("Simulated cannot keep a limit of memory: its trials share this process")
        self._task_book.admit(task)
        run = _SimulatedRun(task, self._clock, self._task_book)
        self._runs[task.number] = run
        self._await(run, self._clock.now_s)

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskUpdate, ...]:
        """Let simulated time pass until a trial ends (see `Executor.poll`); real seconds count for nothing."""
        updates: list[TaskUpdate] = [*self._collect(answer)]
        while self._queue and not any(isinstance(update, TaskResult) for update in updates):
            at, _, run = heapq.heappop(self._queue)
            if run.ended:
                continue
            self._clock.now_s = max(self._clock.now_s, at)
            if run.is_late(at):
                self._end(run, Reason.TIMEOUT, f"ran longer than its limit of {run.task.limits.time_s:g} s")
            else:
                while run.go_on(self._objective):  # it said something, and waits for the answer
                    updates += self._collect(answer)
                if run.ended:
                    self._runs.pop(run.task.number, None)
                else:
                    self._await(run, run.until)
            updates += self._collect(answer)
        return tuple(updates)

    def _collect(self, answer: Answer | None) -> tuple[TaskUpdate, ...]:
        return self._task_book.collect(0.0, answer, self._relay)

    def _relay(self, report: TaskReport, stop: bool) -> None:
        run = self._runs.get(report.number)
        if run is not None:
            run.stop = stop

    def _await(self, run: _SimulatedRun, at: float) -> None:
        self._count += 1
        heapq.heappush(self._queue, (min(at, run.end), self._count, run))

    def _end(self, run: _SimulatedRun, reason: Reason, why: str) -> None:
        self._runs.pop(run.task.number, None)
        self._task_book.deliver(run.result(reason, why))
        run.leave()

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`."""
        if self._task_book.find(number) is not None:
            self._end(self._runs[number], Reason.INTERRUPTED, "cancelled")

    def close(self) -> None:
        """See `Executor.close`."""
        if self._task_book.close():
            for run in [*self._runs.values()]:
                self._end(run, Reason.INTERRUPTED, "the executor was closed")


class _SimulatedRun:
    """One trial, in a thread of its own that runs only while the executor waits for it."""

    def __init__(self, task: Task, clock: SimulatedClock, book: TaskBook) -> None:
        self.task = task
        self.stop = False
        self.ended = False
        self.until = clock.now_s  # when it goes on
        self.end = math.inf if task.limits.time_s is None else clock.now_s + task.limits.time_s
        self._begun_s = clock.now_s
        self._clock = clock
        self._task_book = book
        self._running = RunningTrial(task, self._send, lambda: self.stop, self._note)
        self._thread: threading.Thread | None = None
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._asks = self._leaves = False

    def is_late(self, at: float) -> bool:
        """Tell whether its limit ends it at a moment, and not a sleep."""
        return at >= self.end and self.until > self.end

    def go_on(self, objective: ObjectiveFunction) -> bool:
        """Let it run until it sleeps or ends; or until it says something, and then the result is True."""
        self._asks = False
        if self._thread is None:
            name = f"luthier-trial-{self.task.number}"
            self._thread = threading.Thread(target=self._perform, args=(objective,), name=name, daemon=True)
            self._thread.start()
        else:
            self._turn.release()
        self._back.acquire()
        return self._asks

    def leave(self) -> None:
        """Have the objective end, which is in a sleep or a report."""
        self.ended = self._leaves = True
        if self._thread is not None:
            self._turn.release()
            self._back.acquire()

    def result(self, reason: Reason, why: str) -> TaskResult:
        """Make a result that the objective did not give."""
        return task_result(self._running, reason, None, why, self._clock.now_s - self._begun_s)

    def sleep(self, seconds: float) -> None:
        """Wait for the turn that comes after simulated seconds."""
        self.until = self._clock.now_s + seconds
        self._yield()

    def _perform(self, objective: ObjectiveFunction) -> None:
        self._clock.enter(self)
        try:
            ended = perform(objective, self._running, passing=(_Ended,))
            self._task_book.deliver(replace(ended, duration_s=self._clock.now_s - self._begun_s))
        except _Ended:
            pass
        finally:
            self.ended, self._asks = True, False
            self._back.release()

    def _yield(self) -> None:
        if self._leaves:  # it caught what was to end it
            raise _Ended
        self._back.release()
        self._turn.acquire()
        if self._leaves:
            raise _Ended

    def _send(self, step: int, value: ReportValue) -> None:
        self._say(TaskReport(self.task.number, self.task.token, step, value))

    def _note(self, values: Mapping[str, Any]) -> None:
        self._say(TaskAttributes(self.task.number, self.task.token, values))

    def _say(self, update: TaskReport | TaskAttributes) -> None:
        self._task_book.deliver(update)
        self._asks = True
        self._yield()
