"""Executor on top of any `concurrent.futures.Executor` (thread and process pools, Dask, Loky, MPI, …)."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import CancelledError, Executor, Future
from typing import final

from luthier._closing import Closing
from luthier._hints import translating_settings
from luthier._runtime.logger import silent_logger
from luthier.errors import ExecutorError, InvalidSetting
from luthier.executor.pickling import pickle_objective, pickle_task
from luthier.executor.protocol import Answer, Task, TaskResult, TaskUpdate
from luthier.executor.remote_trial import SilentLink, content_name, kept_objective, run_trial
from luthier.executor.running_trial import ObjectiveFunction, describe_error
from luthier.executor.task_book import TaskBook
from luthier.trial import Reason

_SMALL = 20_000
"""Bytes of an objective that are sent with each trial: asking whether they are known would take as long."""

_log = silent_logger(__name__)


@translating_settings
@final
class Futures(Closing):
    """Run each trial as a call on another library's executor, which stays the caller's: `close` does not shut it down.

    The objective is sent by cloudpickle, one with large data only to processes that do not have it yet; Luthier must be
    installed where it arrives. A task with limits is run there
    in a supervised process of its own (see `Processes`), so limits are enforced anywhere. Reports arrive together with
    the result, and are not answered. A running trial that is cancelled is abandoned: its result comes at once, and its
    return value is dropped. A failure of the executor itself (a broken pool) is LOST: the trial did not cause it.

    Args:
        executor: a `concurrent.futures.Executor`, such as ``dask.distributed.Client(...).get_executor()``.
        objective: called with a `RunningTrial`.
        workers: maximal number of trials at once; by default the size of a pool of the standard library.
        cancels: whether calls that have not begun are cancelled where their trials are; loky fails over those.

    Raises:
        InvalidSetting: the objective cannot be pickled, or `workers` is needed and missing.
    """

    def __init__(
        self, executor: Executor, objective: ObjectiveFunction, workers: int | None = None, *, cancels: bool = True
    ) -> None:
        if workers is None:
            workers = getattr(executor, "_max_workers", None)  # the pools of the standard library have it
            if not isinstance(workers, int):
                raise InvalidSetting(
                    f"Futures({type(executor).__name__}(...)): it does not say how many workers it has: give workers=…"
                )
        self._task_book = TaskBook("Futures", workers)
        self._executor = executor
        self._cancels = cancels
        self._pickled_objective = pickle_objective(objective)
        self._name = content_name(self._pickled_objective)
        self._lock = threading.Lock()
        self._futures: dict[int, Future[TaskResult | None]] = {}

    @property
    def capacity(self) -> int:
        """Maximal number of trials that are handed to the executor at once."""
        return self._task_book.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        pickled_task = pickle_task(task)
        self._task_book.admit(task)
        try:
            self._send(task, pickled_task, len(self._pickled_objective) <= _SMALL)
        except Exception as error:
            self._task_book.withdraw(task.number)
            name = type(self._executor).__name__
            raise ExecutorError(f"{name} does not take trial {task.number}: {error}") from error

    def _send(self, task: Task, pickled_task: bytes, with_objective: bool) -> None:
        pickled_objective = self._pickled_objective if with_objective else None
        future = self._executor.submit(_run_remotely, self._name, pickled_objective, pickled_task)
        with self._lock:
            self._futures[task.number] = future

        def done(future: Future[TaskResult | None]) -> None:
            result = _result(task, future)
            if result is None and self._task_book.find(task.number) is task:  # a process that lacks the objective
                try:
                    self._send(task, pickled_task, True)
                except Exception as error:  # noqa: BLE001 - whatever the executor raises, it is the executor's failure
                    result = _lost(task, error)
            if result is not None:
                self._task_book.deliver(result)

        future.add_done_callback(done)

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskUpdate, ...]:
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
        if future is not None and self._cancels:
            future.cancel()


def _result(task: Task, future: Future[TaskResult | None]) -> TaskResult | None:
    """Return the result of a call that is done; None where its process lacks the objective."""
    try:
        return future.result(timeout=0)
    except CancelledError:
        return TaskResult(task.number, task.token, Reason.INTERRUPTED, error="cancelled before it began")
    except Exception as error:  # noqa: BLE001 - whatever the executor raises, it is the executor's failure
        return _lost(task, error)


def _lost(task: Task, error: Exception) -> TaskResult:
    _log.warning("the executor lost trial %d: %s", task.number, type(error).__name__)
    message = f"the executor lost the trial\n\n{describe_error(error)}"
    return TaskResult(task.number, task.token, Reason.LOST, error=message)


def _run_remotely(name: str, pickled_objective: bytes | None, pickled_task: bytes) -> TaskResult | None:
    """Run one trial (in a process of the executor); None where the process has no objective of that name."""
    task: Task = pickle.loads(pickled_task)
    objective = kept_objective(name, lambda: pickled_objective)
    return None if objective is None else run_trial(objective, task, SilentLink())
