"""Run trials in supervised processes of this machine."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from typing import final

from luthier.errors import InvalidSetting, LuthierError
from luthier.executor.pickling import pack_objective, pack_task
from luthier.executor.processes import framing
from luthier.executor.processes.limit_monitor import LimitMonitor, TaskRun, Termination
from luthier.executor.processes.worker_process import OrphanReaper
from luthier.executor.processes.worker_thread import Starts, WorkerThread
from luthier.executor.protocol import Answer, Task, TaskReport, TaskResult
from luthier.executor.running_trial import ObjectiveFunction
from luthier.executor.task_book import TaskBook
from luthier.trial import Reason

_CLOSING_GRACE_S = 1.0
"""How long trials that still run at `close` have between SIGTERM and SIGKILL, if their limits do not say less."""


@final
class Processes:
    """Run each trial in a worker process that is supervised: limits hold, and whatever a trial does costs only itself.

    A worker is started when it is first needed, is sent the objective once, and is kept for the trials that follow, so
    that imports are paid once. The objective travels by cloudpickle: that of a script or a notebook by its code (no
    ``if __name__ == "__main__"`` is needed), that of a module by its name, found by this process's `sys.path`.

    - *Time.* A trial over its time gets SIGTERM, which raises in the objective so that ``finally`` runs, and after
      the grace SIGKILL, with everything it started. TIMEOUT.
    - *Memory.* A trial over its memory, with everything it started, is killed at once. The memory is looked at about
      ten times a second. MEMORY; also where the system's own out-of-memory killer came first (Linux).
    - *Death.* Where the objective takes its process down (a segmentation fault, ``os._exit``), the trial is FAILED,
      what it had started is killed, and the next trial gets a new worker.
    - *Orphans.* Where this process dies, by kill -9 too, the workers and what they started are killed.
    - *Ctrl-C* reaches this process alone: workers are in sessions of their own.

    Processes that a trial leaves behind when it ends well (such as joblib's pool) live on until its worker ends.
    Standard output and error of the objective are those of this process. Elsewhere than on Linux, what an
    objective started in a session of its own may outlive a worker that ended before it. On Windows there are no
    process groups: what the objective started may outlive it, SIGTERM is not polite, and a limit of memory is refused.

    Args:
        objective: called with a `Running`.
        workers: how many trials at once.

    Raises:
        InvalidSetting: the objective cannot be sent to another process, or `workers` is no whole number from 1 on.
    """

    def __init__(self, objective: ObjectiveFunction, workers: int = 2) -> None:
        self._desk = TaskBook("Processes", workers)
        parcel = _fitting(pack_objective(objective), "the objective, with the data that it holds,")
        self._lock = threading.Lock()
        self._guardian = OrphanReaper()
        self._warden = LimitMonitor()
        starts = Starts()
        desk, warden = self._desk, self._warden
        idle: list[WorkerThread] = []

        # No reference to self: the threads of the slots live until this object is closed or garbage.
        def done(slot: WorkerThread, run: TaskRun, outcome: TaskResult, error: LuthierError | None) -> None:
            warden.remove(run)
            idle.append(slot)
            desk.deliver(outcome)
            if error is not None:
                desk.fail(error)

        self._idle = idle
        idle += [WorkerThread(parcel, self._guardian, warden, starts, desk.deliver, done) for _ in range(workers)]
        self._end = weakref.finalize(self, _end, desk, tuple(idle), warden, self._guardian, os.getpid())

    @property
    def capacity(self) -> int:
        """How many trials run at once."""
        return self._desk.capacity

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        if task.limits.memory_mb is not None and sys.platform == "win32":
            raise InvalidSetting("a limit of memory cannot be kept on Windows: leave memory_mb out")
        run = TaskRun(task, _fitting(pack_task(task), f"trial {task.number}"))
        with self._lock:
            self._desk.admit(task)
            try:
                self._warden.add(run)
                self._idle.pop().take(run)
            except BaseException:  # Ctrl-C: it was not submitted
                run.terminate(Termination(Reason.INTERRUPTED, "cancelled"), 0.0)
                self._desk.withdraw(task.number)
                raise

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskResult | TaskReport, ...]:
        """See `Executor.poll`; limits are kept whether or not anybody polls."""
        return self._desk.collect(timeout_s, answer, self._relay)

    def _relay(self, progress: TaskReport, stop: bool) -> None:
        run = self._warden.find(progress.number)
        if run is not None and run.child is not None:
            run.child.answer(progress.number, stop)

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`; the trial gets SIGTERM, and after its grace SIGKILL."""
        if (run := self._warden.find(number)) is not None:
            run.terminate(Termination(Reason.INTERRUPTED, "cancelled"), run.task.limits.grace_s)
            self._warden.reconsider()

    def close(self) -> None:
        """See `Executor.close`; trials that run get SIGTERM, and within a second SIGKILL. Ctrl-C here kills at once."""
        with self._lock:
            if (end := self._end.peek()) is not None:
                _end(*end[2])
                self._end.detach()

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _end(
    desk: TaskBook, slots: tuple[WorkerThread, ...], warden: LimitMonitor, guardian: OrphanReaper, pid: int
) -> None:
    """End all tasks, workers and threads; may be called again where it was interrupted."""
    if os.getpid() != pid:  # a fork of the process that made them
        return
    desk.close()
    try:
        _stop(slots, warden, _CLOSING_GRACE_S)
        for slot in slots:
            slot.join()
    except BaseException:
        _stop(slots, warden, 0.0)
        raise
    warden.close()
    guardian.close()


def _stop(slots: tuple[WorkerThread, ...], warden: LimitMonitor, grace_s: float) -> None:
    verdict = Termination(Reason.INTERRUPTED, "the executor was closed while the trial ran")
    for run in warden.runs():
        run.terminate(verdict, min(grace_s, run.task.limits.grace_s))
        run.bring_forward(grace_s)
    warden.reconsider()
    for slot in slots:
        slot.leave()


def _fitting(parcel: bytes, what: str) -> bytes:
    if len(parcel) > framing.LARGEST:
        raise InvalidSetting(
            f"{what} takes {len(parcel) / 1e9:.1f} GB to send to a worker process, more than "
            f"{framing.LARGEST / 1e9:.1f} GB: load large data inside of the objective, from a file"
        )
    return parcel
