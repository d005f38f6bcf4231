"""Executor that runs each trial in a supervised process of this machine."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from typing import final

from luthier._closing import Closing
from luthier._hints import translating_settings
from luthier.errors import InvalidSetting, LuthierError
from luthier.executor.gpu_slots import Gpus, gpu_environments
from luthier.executor.pickling import pickle_objective, pickle_task
from luthier.executor.processes import framing
from luthier.executor.processes.limit_monitor import LimitMonitor, TaskRun, Termination
from luthier.executor.processes.orphan_reaper import OrphanReaper
from luthier.executor.processes.worker_thread import StartCounter, WorkerThread
from luthier.executor.protocol import Answer, Task, TaskReport, TaskResult, TaskUpdate
from luthier.executor.running_trial import ObjectiveFunction
from luthier.executor.task_book import TaskBook
from luthier.trial import Reason

_CLOSING_GRACE_S = 1.0
"""Maximal seconds between SIGTERM and SIGKILL for the trials that still run at `close`."""


@translating_settings
@final
class Processes(Closing):
    """Run each trial in a supervised worker process: limits are enforced, and a trial can only harm itself.

    A worker is started when it is first needed, receives the objective once, and is kept for the following trials, so
    that imports are paid for once. The objective is sent by cloudpickle: one of a script or notebook by its code (no
    ``if __name__ == "__main__"`` is needed), one of a module by its name, found by this process's `sys.path`.

    - *Time.* A trial that exceeds its time gets SIGTERM, which raises an exception in the objective so that
      ``finally`` runs, and after the grace period SIGKILL, with everything it started. TIMEOUT.
    - *Memory.* A trial that exceeds its memory, together with everything it started, is killed at once. The memory is
      measured about ten times a second. MEMORY; also if the system's out-of-memory killer came first (Linux).
    - *Death.* If the objective ends its process (a segmentation fault, ``os._exit``), the trial is FAILED, what it
      started is killed, and the next trial gets a new worker.
    - *Orphans.* If this process dies, even by kill -9, the workers and what they started are killed.
    - *Ctrl-C* reaches this process only: workers are in sessions of their own.

    Processes that a trial leaves behind when it ends normally (such as joblib's pool) live until its worker ends.
    Standard output and error of the objective are those of this process. Except on Linux, what an objective started in
    a session of its own may outlive a worker that ended before it. Windows has no process groups: what the objective
    started may outlive it, SIGTERM cannot be handled, and a memory limit is refused.

    Args:
        objective: called with a `RunningTrial`.
        workers: maximal number of trials at once.
        gpus: those of this machine that are divided among the workers, by CUDA_VISIBLE_DEVICES; see `gpu_environments`.

    Raises:
        InvalidSetting: the objective cannot be pickled, `workers` is not a positive integer, or `gpus` names no GPUs.
    """

    def __init__(self, objective: ObjectiveFunction, workers: int = 2, *, gpus: Gpus | None = None) -> None:
        self._task_book = TaskBook("Processes", workers)
        pickled_objective = _checked_size(pickle_objective(objective), "the objective, with the data that it holds,")
        environments = gpu_environments(gpus, workers)
        self._lock = threading.Lock()
        self._orphan_reaper = OrphanReaper()
        self._limit_monitor = LimitMonitor(self._orphan_reaper.revive)
        starts = StartCounter()
        task_book, limit_monitor = self._task_book, self._limit_monitor
        idle: list[WorkerThread] = []

        # No reference to self: the worker threads live until this object is closed or garbage-collected.
        def done(worker: WorkerThread, run: TaskRun, result: TaskResult, error: LuthierError | None) -> None:
            limit_monitor.remove(run)
            idle.append(worker)
            task_book.deliver(result)
            if error is not None:
                task_book.fail(error)

        self._idle = idle
        idle += [
            WorkerThread(pickled_objective, self._orphan_reaper, limit_monitor, starts, task_book.deliver, done, slot)
            for slot in environments
        ]
        self._finalizer = weakref.finalize(
            self, _end, task_book, tuple(idle), limit_monitor, self._orphan_reaper, os.getpid()
        )

    @property
    def capacity(self) -> int:
        """Maximal number of trials at once."""
        return self._task_book.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        if task.limits.memory_mb is not None and sys.platform == "win32":
            raise InvalidSetting("a limit of memory cannot be kept on Windows: leave memory_mb out")
        run = TaskRun(task, _checked_size(pickle_task(task), f"trial {task.number}"))
        with self._lock:
            self._task_book.admit(task)
            try:
                self._limit_monitor.add(run)
                self._idle.pop().submit(run)
            except BaseException:  # Ctrl-C: it was not submitted
                run.terminate(Termination(Reason.INTERRUPTED, "cancelled"), 0.0)
                self._task_book.withdraw(task.number)
                raise

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskUpdate, ...]:
        """See `Executor.poll`; limits are enforced whether or not this is called."""
        return self._task_book.collect(timeout_s, answer, self._relay)

    def _relay(self, report: TaskReport, stop: bool) -> None:
        run = self._limit_monitor.find(report.number)
        if run is not None and run.process is not None:
            run.process.answer(report.number, stop)

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`; the trial gets SIGTERM, and after its grace period SIGKILL."""
        if (run := self._limit_monitor.find(number)) is not None:
            run.terminate(Termination(Reason.INTERRUPTED, "cancelled"), run.task.limits.grace_s)
            self._limit_monitor.wake()

    def close(self) -> None:
        """See `Executor.close`; running trials get SIGTERM, and within a second SIGKILL. Ctrl-C here kills at once."""
        with self._lock:
            if (end := self._finalizer.peek()) is not None:
                _end(*end[2])
                self._finalizer.detach()


def _end(
    task_book: TaskBook,
    workers: tuple[WorkerThread, ...],
    limit_monitor: LimitMonitor,
    orphan_reaper: OrphanReaper,
    pid: int,
) -> None:
    """End all tasks, workers and threads; can be called again if it was interrupted."""
    if os.getpid() != pid:  # a fork of the process that made them
        return
    task_book.close()
    try:
        _stop(workers, limit_monitor, _CLOSING_GRACE_S)
        for worker in workers:
            worker.join()
    except BaseException:
        _stop(workers, limit_monitor, 0.0)
        raise
    limit_monitor.close()
    orphan_reaper.close()


def _stop(workers: tuple[WorkerThread, ...], limit_monitor: LimitMonitor, grace_s: float) -> None:
    termination = Termination(Reason.INTERRUPTED, "the executor was closed while the trial ran")
    for run in limit_monitor.runs():
        run.terminate(termination, min(grace_s, run.task.limits.grace_s))
        run.bring_forward(grace_s)
    limit_monitor.wake()
    for worker in workers:
        worker.stop()


def _checked_size(pickled: bytes, what: str) -> bytes:
    if len(pickled) > framing.LARGEST:
        raise InvalidSetting(
            f"{what} takes {len(pickled) / 1e9:.1f} GB to send to a worker process, more than "
            f"{framing.LARGEST / 1e9:.1f} GB: load large data inside the objective, from a file"
        )
    return pickled
