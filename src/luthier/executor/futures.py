"""Executor on top of any `concurrent.futures.Executor` (thread and process pools, Dask, Loky, MPI, …)."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import CancelledError, Executor, Future
from contextlib import closing
from typing import final

from luthier._closing import Closing
from luthier._hints import translating_settings
from luthier._runtime.logger import silent_logger
from luthier.errors import ExecutorError, InvalidSetting
from luthier.executor.pickling import pickle_objective, pickle_task
from luthier.executor.protocol import Answer, Task, TaskResult, TaskUpdate
from luthier.executor.remote import Remote, Tell
from luthier.executor.remote_trial import content_name, kept_objective, run_trial
from luthier.executor.report_socket import Address, ReportServer, SocketLink
from luthier.executor.running_trial import ObjectiveFunction, describe_error
from luthier.trial import Reason

_SMALL = 20_000
"""Bytes of an objective that are sent with each trial: asking whether they are known would take as long."""

_log = silent_logger(__name__)


@translating_settings
@final
class Futures(Closing):
    """Run each trial as a call on another library's executor, which stays the caller's: `close` does not shut it down.

    The objective is sent by cloudpickle, one with large data only to processes that do not have it yet; Luthier must be
    installed where it arrives. A task with limits is run there in a supervised process of its own (see `Processes`), so
    limits are enforced anywhere. Reports come while a trial runs, and `should_stop` is answered, by a socket on
    loopback: where calls run on other machines, reports come with the result, and `should_stop` fails the trial. A
    running trial that is cancelled is abandoned: its result comes at once, its return value is dropped, and
    `should_stop` is True there. A failure of the executor itself (a broken pool) is LOST: the trial did not cause it.

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
        self._remote = Remote(_Calls(executor, pickle_objective(objective), cancels), workers)

    @property
    def capacity(self) -> int:
        """Maximal number of trials that are handed to the executor at once."""
        return self._remote.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        self._remote.submit(task)

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskUpdate, ...]:
        """See `Executor.poll`."""
        return self._remote.poll(timeout_s, answer)

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`."""
        self._remote.cancel(number)

    def close(self) -> None:
        """See `Executor.close`."""
        self._remote.close()


@final
class _Calls:
    """The calls on an executor, as an engine of `Remote`.

    Args:
        executor: runs them.
        pickled: the objective.
        cancels: see `Futures`.
    """

    name = "Futures"

    def __init__(self, executor: Executor, pickled: bytes, cancels: bool) -> None:
        self._executor = executor
        self._pickled, self._content = pickled, content_name(pickled)
        self._cancels = cancels
        self._lock = threading.Lock()
        self._calls: dict[tuple[int, int], tuple[Tell, Future[TaskResult | None] | None]] = {}
        self._server: ReportServer | None = None

    def start(self, task: Task, tell: Tell) -> None:
        """See `Engine.start`."""
        pickled_task = pickle_task(task)
        try:
            if self._server is None:
                self._server = ReportServer(self._pass_on)
            self._send(task, tell, pickled_task, self._server.address, len(self._pickled) <= _SMALL)
        except Exception as error:
            raise ExecutorError(f"{self._kind} does not take trial {task.number}: {error}") from error

    @property
    def _kind(self) -> str:
        return type(self._executor).__name__

    def _send(self, task: Task, tell: Tell, pickled_task: bytes, address: Address, with_objective: bool) -> None:
        pickled = self._pickled if with_objective else None
        which = task.number, task.token
        with self._lock:
            self._calls[which] = tell, None
        try:
            future = self._executor.submit(_run_remotely, self._content, pickled, pickled_task, address)
        except BaseException:
            self._forget(which)
            raise
        with self._lock:
            self._calls[which] = tell, future

        def done(future: Future[TaskResult | None]) -> None:
            result = _result(task, future)
            with self._lock:
                known = which in self._calls
            if result is None and known:  # a process that lacks the objective
                try:
                    self._send(task, tell, pickled_task, address, True)
                    return
                except Exception as error:  # noqa: BLE001 - whatever the executor raises, it is the executor's failure
                    result = _lost(task, error)
            self._forget(which)
            if result is not None:
                tell(result)

        future.add_done_callback(done)

    def _pass_on(self, update: TaskUpdate) -> None:
        """Take what a trial says, in its thread of the server."""
        with self._lock:
            tell, _ = self._calls.get((update.number, update.token), (None, None))
        if tell is not None:
            tell(update)

    def answer(self, task: Task, answered: int, stop: bool) -> None:
        """See `Engine.answer`."""
        if self._server is not None:
            self._server.answer((task.number, task.token), answered, stop)

    def cancel(self, task: Task) -> None:
        """See `Engine.cancel`."""
        which = task.number, task.token
        with self._lock:
            _, future = self._calls.get(which, (None, None))
        self.answer(task, 0, True)
        if future is not None and self._cancels:
            future.cancel()

    def _forget(self, which: tuple[int, int]) -> None:
        with self._lock:
            self._calls.pop(which, None)
        if self._server is not None:
            self._server.forget(which)

    def close(self) -> None:
        """See `Engine.close`."""
        if self._server is not None:
            self._server.close()


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


def _run_remotely(
    name: str, pickled_objective: bytes | None, pickled_task: bytes, address: Address
) -> TaskResult | None:
    """Run one trial (in a process of the executor); None where the process has no objective of that name."""
    task: Task = pickle.loads(pickled_task)
    objective = kept_objective(name, lambda: pickled_objective)
    if objective is None:
        return None
    with closing(SocketLink(address, (task.number, task.token))) as link:
        return run_trial(objective, task, link)
