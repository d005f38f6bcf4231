"""Run trials on any executor of `concurrent.futures`, or one that looks like it (Dask, Loky, MPI, …)."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import CancelledError, Executor, Future
from functools import lru_cache
from typing import final

from luthier.errors import ExecutorError, InvalidSetting
from luthier.executor.pickling import pack_objective, pack_task
from luthier.executor.protocol import Answer, Task, TaskReport, TaskResult
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial, describe_error, perform
from luthier.executor.task_book import TaskBook
from luthier.trial import Reason


@final
class Futures:
    """Run each trial as a call on somebody else's executor, which stays theirs: `close` does not shut it down.

    The objective travels by cloudpickle; Luthier must be installed where it arrives. A task with limits is run there
    in a supervised process of its own (see `Processes`), so limits are kept anywhere. Reports come with the outcome
    and are not answered. A trial that is running when it is cancelled is given up: its outcome comes at once, and what
    it still returns is dropped. A failure of the executor itself (a broken pool) is LOST: the trial is not to blame.

    Args:
        executor: a `concurrent.futures.Executor`, such as ``dask.distributed.Client(...).get_executor()``.
        objective: called with a `RunningTrial`.
        workers: how many trials at once; by default what a thread or process pool was made with.

    Raises:
        InvalidSetting: the objective cannot be sent, or `workers` is not known.
    """

    def __init__(self, executor: Executor, objective: ObjectiveFunction, workers: int | None = None) -> None:
        if workers is None:
            workers = getattr(executor, "_max_workers", None)  # the pools of the standard library have it
            if not isinstance(workers, int):
                raise InvalidSetting(
                    f"Futures({type(executor).__name__}(...)): it does not say how many workers it has: give workers=…"
                )
        self._desk = TaskBook("Futures", workers)
        self._executor = executor
        self._objective = pack_objective(objective)
        self._lock = threading.Lock()
        self._futures: dict[int, Future[TaskResult]] = {}

    @property
    def capacity(self) -> int:
        """How many trials are handed out at once."""
        return self._desk.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        parcel = pack_task(task)
        self._desk.admit(task)
        try:
            future = self._executor.submit(_run_there, self._objective, parcel)
        except Exception as error:
            self._desk.withdraw(task.number)
            name = type(self._executor).__name__
            raise ExecutorError(f"{name} does not take trial {task.number}: {error}") from error
        with self._lock:
            self._futures[task.number] = future
        future.add_done_callback(lambda done: self._desk.deliver(_settle(task, done)))

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskResult | TaskReport, ...]:
        """See `Executor.poll`."""
        news = self._desk.collect(timeout_s, answer, lambda progress, stop: None)
        with self._lock:
            for item in news:
                self._futures.pop(item.number, None)
        return news

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`."""
        self._give_up(number, "cancelled")

    def close(self) -> None:
        """See `Executor.close`."""
        if self._desk.close():
            for task in self._desk.open():
                self._give_up(task.number, "the executor was closed while the trial ran")

    def _give_up(self, number: int, why: str) -> None:
        with self._lock:
            future = self._futures.get(number)
        if (task := self._desk.find(number)) is not None:
            self._desk.interrupt(task, why)
        if future is not None:
            future.cancel()

    def __enter__(self) -> Futures:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _settle(task: Task, future: Future[TaskResult]) -> TaskResult:
    """Say what came of a call that is done."""
    try:
        return future.result(timeout=0)
    except CancelledError:
        return TaskResult(task.number, task.token, Reason.INTERRUPTED, error="cancelled before it began")
    except Exception as error:  # noqa: BLE001 - whatever the executor raises, it is the executor's failure
        return TaskResult(
            task.number, task.token, Reason.LOST, error=f"the executor lost the trial\n\n{describe_error(error)}"
        )


@lru_cache(maxsize=2)
def _unpack(objective: bytes) -> ObjectiveFunction:
    loaded: ObjectiveFunction = pickle.loads(objective)
    return loaded


def _run_there(objective: bytes, parcel: bytes) -> TaskResult:
    """Run one trial (in whatever process this executor has)."""
    task: Task = pickle.loads(parcel)
    if task.limits.time_s is None and task.limits.memory_mb is None:
        return perform(_unpack(objective), RunningTrial(task, lambda step, value: None, lambda: False))
    from luthier.executor.processes.executor import Processes

    with Processes(_unpack(objective), 1) as supervised:
        supervised.submit(task)
        while True:
            for news in supervised.poll(60.0):
                if isinstance(news, TaskResult):
                    return news
