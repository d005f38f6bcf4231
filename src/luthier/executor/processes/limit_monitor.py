"""Watches running tasks, and ends those that are over their limits or no longer wanted."""

from __future__ import annotations

import math
import sys
import threading
import time
from typing import NamedTuple, final

from luthier.executor.processes import process_tree
from luthier.executor.processes.worker_process import WorkerProcess
from luthier.executor.protocol import Task
from luthier.executor.wakeup import WakeUp
from luthier.trial import Reason

_EXIT_CHECK_S = 0.25 if sys.platform == "linux" else 2.0  # elsewhere it is a call of ps
_MEMORY_CHECK_S = 0.1
_MEMORY_SHARE = 0.05
"""Most of one core's time that looking at the memory may take."""


class Termination(NamedTuple):
    """Why a run is to end."""

    reason: Reason
    why: str


@final
class TaskRun:
    """A task on its way through a worker, shared by the thread that talks to the worker and the warden."""

    def __init__(self, task: Task, parcel: bytes) -> None:
        self.task = task
        self.parcel = parcel
        self.reports: list[tuple[int, float]] = []
        self.begun_s: float | None = None
        self.kill_s = math.inf
        """When the child is to be killed."""
        self.verdict: Termination | None = None
        self.child: WorkerProcess | None = None
        self._over = False
        self._lock = threading.Lock()

    def attach(self, child: WorkerProcess) -> None:
        """Say which child runs it; one that is not wanted any more is killed at once."""
        with self._lock:
            self.child = child
            if self.verdict is not None:
                child.kill()

    def detach(self) -> bool:
        """Say that no child runs it at the moment. False, and nothing done, where it has its verdict."""
        with self._lock:
            if self.verdict is None:
                self.child = None
            return self.verdict is None

    def finish(self) -> bool:
        """End it: no verdict is given afterwards. False where one was given before, whose word then counts."""
        with self._lock:
            self._over = True
            return self.verdict is None

    def terminate(self, verdict: Termination, grace_s: float) -> None:
        """Have it end: politely, and `grace_s` seconds later by force. The first verdict stands."""
        with self._lock:
            if self._over or self.verdict is not None:
                return
            self.verdict = verdict
            self.kill_s = time.monotonic() + grace_s
            if self.child is not None and grace_s > 0:
                self.child.terminate()
            elif self.child is not None:
                self.child.kill()

    def bring_forward(self, grace_s: float) -> None:
        """Bring the end by force forward."""
        with self._lock:
            self.kill_s = min(self.kill_s, time.monotonic() + grace_s)

    def inspect(self, processes: tuple[process_tree.ProcessInfo, ...]) -> None:
        """Look at the limits; `processes` is the table of the system's, empty where nobody's memory is due."""
        now_s, limits, child = time.monotonic(), self.task.limits, self.child
        if child is None:
            return
        if now_s >= self.kill_s:
            self.kill_s = math.inf
            child.kill()
        elif self.begun_s is not None and limits.time_s is not None and now_s >= self.begun_s + limits.time_s:
            why = f"ran longer than its limit of {limits.time_s:g} s"
            self.terminate(Termination(Reason.TIMEOUT, why), limits.grace_s)
        elif limits.memory_mb is not None and processes:
            limit_bytes = limits.memory_mb * 1e6
            used = process_tree.memory_bytes(process_tree.group_members(child.pid, processes), limit_bytes)
            if used > limit_bytes:
                why = f"used {used / 1e6:.0f} MB of memory, more than its limit of {limits.memory_mb:g} MB"
                self.terminate(Termination(Reason.MEMORY, why), 0.0)
        if child.has_exited():
            child.cut()

    def due_s(self) -> float:
        """Give the time by which `inspect` is to be called."""
        ends_s = math.inf
        if self.begun_s is not None and self.task.limits.time_s is not None and self.verdict is None:
            ends_s = self.begun_s + self.task.limits.time_s
        return min(ends_s, self.kill_s)


@final
class LimitMonitor:
    """The thread that keeps the limits of all runs of an executor.

    It sleeps while nothing runs, looks at the memory of the workers about ten times a second where a run has a limit of
    it (less often where listing the processes is slow), and at the rest when it is due.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # entered by the lock: an exception may come in between
        self._runs: dict[int, TaskRun] = {}
        self._wake_s = -math.inf
        self._memory_s = 0.0
        self._ended = False
        self._busy = False
        self._bell = WakeUp()
        self._thread = threading.Thread(target=self._watch, name="luthier-warden", daemon=True)

    def add(self, run: TaskRun) -> None:
        """Watch a run."""
        with self._lock:
            self._runs[run.task.number] = run
            if not self._busy:
                self._busy = True
                self._thread.start()
        self.reconsider()

    def find(self, number: int) -> TaskRun | None:
        """Give the run of a task."""
        with self._lock:
            return self._runs.get(number)

    def runs(self) -> tuple[TaskRun, ...]:
        """Give all runs."""
        with self._lock:
            return tuple(self._runs.values())

    def remove(self, run: TaskRun) -> None:
        """Watch a run no longer."""
        with self._lock:
            self._runs.pop(run.task.number, None)

    def reconsider(self) -> None:
        """Wake up where something is due before it was to be."""
        with self._lock:
            if self._next_s() < self._wake_s:
                self._changed.notify()

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            self._ended = True
            self._changed.notify()
        self._bell.wait_until(lambda: not self._busy)

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
            self._busy = False
            self._bell.ring()

    def _inspect(self) -> None:
        while True:
            with self._lock:
                self._wake_s = self._next_s()
                wait_s = self._wake_s - time.monotonic()
                if not self._ended and wait_s > 0:
                    self._changed.wait(None if wait_s == math.inf else min(wait_s, threading.TIMEOUT_MAX))
                self._wake_s = -math.inf
                if self._ended:
                    return
            processes = self._census()
            for run in self.runs():
                run.inspect(processes)

    def _census(self) -> tuple[process_tree.ProcessInfo, ...]:
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
