"""Executor on top of any `concurrent.futures.Executor` (thread and process pools, Dask, Loky, MPI, …)."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import CancelledError, Executor, Future
from functools import lru_cache
from typing import final

from luthier._closing import Closing
from luthier._runtime.logger import silent_logger
from luthier.errors import ExecutorError, InvalidSetting
from luthier.executor.pickling import pickle_objective, pickle_task
from luthier.executor.protocol import Answer, Task, TaskReport, TaskResult
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial, describe_error, perform
from luthier.executor.task_book import TaskBook
from luthier.trial import Reason

_log = silent_logger(__name__)


@final
class Futures(Closing):
    """Run each trial as a call on another library's executor, which stays the caller's: `close` does not shut it down.

    The objective is sent by cloudpickle; Luthier must be installed where it arrives. A task with limits is run there
    in a supervised process of its own (see `Processes`), so limits are enforced anywhere. Reports arrive together with
    the result, and are not answered. A running trial that is cancelled is abandoned: its result comes at once, and its
    return value is dropped. A failure of the executor itself (a broken pool) is LOST: the trial did not cause it.

    Args:
        executor: a `concurrent.futures.Executor`, such as ``dask.distributed.Client(...).get_executor()``.
        objective: called with a `RunningTrial`.
        workers: maximal number of trials at once; by default the size of a pool of the standard library.

    Raises:
        InvalidSetting: the objective cannot be pickled, or `workers` is needed and missing.
    """

    def __init__(self, executor: Executor, objective: ObjectiveFunction, workers: int | None = None) -> None:
        if workers is None:
            workers = getattr(executor, "_max_workers", None)  # the pools of the standard library have it
            if not isinstance(workers, int):
                raise InvalidSetting(
                    f"Futures({type(executor).__name__}(...)): it does not say how many workers it has: give workers=…"
                )
        self._task_book = TaskBook("Futures", workers)
        self._executor = executor
        self._pickled_objective = pickle_objective(objective)
        self._lock = threading.Lock()
        self._futures: dict[int, Future[TaskResult]] = {}

    @property
    def capacity(self) -> int:
        """Maximal number of trials that are handed to the executor at once."""
        return self._task_book.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        pickled_task = pickle_task(task)
        self._task_book.admit(task)
        try:
            future = self._executor.submit(_run_remotely, self._pickled_objective, pickled_task)
        except Exception as error:
            self._task_book.withdraw(task.number)
            name = type(self._executor).__name__
            raise ExecutorError(f"{name} does not take trial {task.number}: {error}") from error
        with self._lock:
            self._futures[task.number] = future
        future.add_done_callback(lambda done: self._task_book.deliver(_result(task, done)))

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskResult | TaskReport, ...]:
        """See `Executor.poll`."""
        updates = self._task_book.collect(timeout_s, answer, lambda report, stop: None)
        with self._lock:
            for update in updates:
                self._futures.pop(update.number, None)
        return updates

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`."""
        self._abandon(number, "cancelled")

    def close(self) -> None:
        """See `Executor.close`."""
        if self._task_book.close():
            for task in self._task_book.open():
                self._abandon(task.number, "the executor was closed while the trial ran")

    def _abandon(self, number: int, why: str) -> None:
        with self._lock:
            future = self._futures.get(number)
        if (task := self._task_book.find(number)) is not None:
            self._task_book.interrupt(task, why)
        if future is not None:
            future.cancel()


def _result(task: Task, future: Future[TaskResult]) -> TaskResult:
    """Return the result of a call that is done."""
    try:
        return future.result(timeout=0)
    except CancelledError:
        return TaskResult(task.number, task.token, Reason.INTERRUPTED, error="cancelled before it began")
    except Exception as error:  # noqa: BLE001 - whatever the executor raises, it is the executor's failure
        _log.warning("the executor lost trial %d: %s", task.number, type(error).__name__)
        return TaskResult(
            task.number, task.token, Reason.LOST, error=f"the executor lost the trial\n\n{describe_error(error)}"
        )


@lru_cache(maxsize=2)
def _unpickle_objective(pickled: bytes) -> ObjectiveFunction:
    objective: ObjectiveFunction = pickle.loads(pickled)
    return objective


def _run_remotely(pickled_objective: bytes, pickled_task: bytes) -> TaskResult:
    """Run one trial (in a process of the executor)."""
    task: Task = pickle.loads(pickled_task)
    objective = _unpickle_objective(pickled_objective)
    if task.limits.time_s is None and task.limits.memory_mb is None:
        return perform(objective, RunningTrial(task, lambda step, value: None, lambda: False))
    from luthier.executor.processes.executor import Processes

    with Processes(objective, 1) as supervised:
        supervised.submit(task)
        while True:
            for update in supervised.poll(60.0):
                if isinstance(update, TaskResult):
                    return update
