"""Thread that enforces the limits of running tasks."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, final

from luthier._runtime.logger import silent_logger
from luthier.executor.processes import process_tree
from luthier.executor.processes.worker_process import WorkerProcess
from luthier.executor.protocol import Task
from luthier.executor.wakeup import WakeUp
from luthier.trial import Reason, ReportValue

_EXIT_CHECK_S = 0.25 if sys.platform == "linux" else 2.0  # elsewhere it is a call of ps
_MEMORY_CHECK_S = 0.1
_MEMORY_SHARE = 0.05
"""Maximal share of one core's time spent on measuring memory."""

_log = silent_logger(__name__)


class Termination(NamedTuple):
    """Reason for which Luthier ends a run."""

    reason: Reason
    why: str


@final
class TaskRun:
    """A task on its way through a worker, shared by the worker's thread and the limit monitor.

    Args:
        task: the task.
        pickled_task: the same, pickled.
    """

    def __init__(self, task: Task, pickled_task: bytes) -> None:
        self.task = task
        self.pickled_task = pickled_task
        self.reports: list[tuple[int, ReportValue]] = []
        self.attributes: dict[str, Any] = {}
        self.start_s: float | None = None
        self.kill_s = math.inf
        """When the process is to be killed."""
        self.termination: Termination | None = None
        self.process: WorkerProcess | None = None
        self._finished = False
        self._lock = threading.Lock()

    def attach(self, process: WorkerProcess) -> None:
        """Record the process that runs the task; kill it at once if the run has been terminated."""
        with self._lock:
            self.process = process
            if self.termination is not None:
                process.kill()

    def detach(self) -> bool:
        """Record that no process runs the task; return False, and do nothing, if the run has been terminated."""
        with self._lock:
            if self.termination is None:
                self.process = None
            return self.termination is None

    def finish(self) -> bool:
        """End the run: it is not terminated afterwards. Return False if it was terminated before, which then counts."""
        with self._lock:
            self._finished = True
            return self.termination is None

    def terminate(self, termination: Termination, grace_s: float) -> None:
        """Send SIGTERM to the process, and SIGKILL `grace_s` seconds later. Only the first call counts."""
        with self._lock:
            if self._finished or self.termination is not None:
                return
            self.termination = termination
            self.kill_s = time.monotonic() + grace_s
            if self.process is not None and grace_s > 0:
                self.process.terminate()
            elif self.process is not None:
                self.process.kill()

    def bring_forward(self, grace_s: float) -> None:
        """Send SIGKILL in `grace_s` seconds, if not earlier."""
        with self._lock:
            self.kill_s = min(self.kill_s, time.monotonic() + grace_s)

    def inspect(self, processes: tuple[process_tree.ProcessInfo, ...]) -> None:
        """Check the limits.

        Args:
            processes: all processes of the system; empty when no memory is to be checked.
        """
        now_s, limits, process = time.monotonic(), self.task.limits, self.process
        if process is None:
            return
        if now_s >= self.kill_s:
            self.kill_s = math.inf
            process.kill()
        elif self.start_s is not None and limits.time_s is not None and now_s >= self.start_s + limits.time_s:
            self._exceeded(Reason.TIMEOUT, f"ran longer than its limit of {limits.time_s:g} s", limits.grace_s)
        elif limits.memory_mb is not None and processes:
            limit_bytes = limits.memory_mb * 1e6
            used = process_tree.memory_bytes(process_tree.group_members(process.pid, processes), limit_bytes)
            if used > limit_bytes:
                why = f"used {used / 1e6:.0f} MB of memory, more than its limit of {limits.memory_mb:g} MB"
                self._exceeded(Reason.MEMORY, why, 0.0)
        if process.has_exited():
            process.cut()

    def _exceeded(self, reason: Reason, why: str, grace_s: float) -> None:
        if self.termination is None:
            _log.warning("trial %d %s", self.task.number, why)
        self.terminate(Termination(reason, why), grace_s)

    def due_s(self) -> float:
        """Return the time by which `inspect` is to be called."""
        end_s = math.inf
        if self.start_s is not None and self.task.limits.time_s is not None and self.termination is None:
            end_s = self.start_s + self.task.limits.time_s
        return min(end_s, self.kill_s)


@final
class LimitMonitor:
    """The thread that enforces the limits of all runs of an executor.

    It sleeps while nothing runs. It measures the workers' memory about ten times a second while a run has a memory
    limit (less often where listing the processes is slow), and checks everything else when it is due.

    Args:
        regularly: called several times a second while something runs.
    """

    def __init__(self, regularly: Callable[[], object] = lambda: None) -> None:
        self._regularly = regularly
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # entered by the lock: an exception may arrive in between
        self._runs: dict[int, TaskRun] = {}
        self._wake_s = -math.inf
        self._memory_s = 0.0
        self._closed = False
        self._running = False
        self._wake_up = WakeUp()
        self._thread = threading.Thread(target=self._watch, name="luthier-limit-monitor", daemon=True)

    def add(self, run: TaskRun) -> None:
        """Watch a run."""
        with self._lock:
            self._runs[run.task.number] = run
            if not self._running:
                self._running = True
                self._thread.start()
        self.wake()

    def find(self, number: int) -> TaskRun | None:
        """Return the run of a task, or None."""
        with self._lock:
            return self._runs.get(number)

    def runs(self) -> tuple[TaskRun, ...]:
        """Return all runs."""
        with self._lock:
            return tuple(self._runs.values())

    def remove(self, run: TaskRun) -> None:
        """Stop watching a run."""
        with self._lock:
            self._runs.pop(run.task.number, None)

    def wake(self) -> None:
        """Wake the thread if something is due before the time until which it sleeps."""
        with self._lock:
            if self._next_s() < self._wake_s:
                self._changed.notify()

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            self._closed = True
            self._changed.notify()
        self._wake_up.wait_until(lambda: not self._running)

    def _next_s(self) -> float:
        if not self._runs:
            return math.inf
        limited = any(run.task.limits.memory_mb is not None for run in self._runs.values())
        regular_s = time.monotonic() + _EXIT_CHECK_S
        return min(regular_s, self._memory_s if limited else math.inf, *(run.due_s() for run in self._runs.values()))

    def _watch(self) -> None:
        try:
            self._inspect()
        finally:
            self._running = False
            self._wake_up.notify()

    def _inspect(self) -> None:
        while True:
            with self._lock:
                self._wake_s = self._next_s()
                wait_s = self._wake_s - time.monotonic()
                if not self._closed and wait_s > 0:
                    self._changed.wait(None if wait_s == math.inf else min(wait_s, threading.TIMEOUT_MAX))
                self._wake_s = -math.inf
                if self._closed:
                    return
            with suppress(OSError):  # too many processes or open files, for a moment
                self._regularly()
            processes = self._due_processes()
            for run in self.runs():
                run.inspect(processes)

    def _due_processes(self) -> tuple[process_tree.ProcessInfo, ...]:
        """List the system's processes if the memory is to be checked now."""
        start_s = time.monotonic()
        if start_s < self._memory_s or all(run.task.limits.memory_mb is None for run in self.runs()):
            return ()
        try:
            processes = process_tree.list_processes()
        except OSError:  # too many open files, for a moment
            processes = ()
        end_s = time.monotonic()
        self._memory_s = end_s + max(_MEMORY_CHECK_S, (end_s - start_s) / _MEMORY_SHARE)
        return processes
