"""Thread that owns one worker process and runs tasks in it."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import final

from luthier import codec
from luthier._runtime.logger import silent_logger
from luthier.errors import ExecutorError, LuthierError
from luthier.executor.processes import process_tree
from luthier.executor.processes.framing import Message, MessageKind
from luthier.executor.processes.limit_monitor import LimitMonitor, TaskRun
from luthier.executor.processes.orphan_reaper import OrphanReaper
from luthier.executor.processes.worker_process import WorkerProcess
from luthier.executor.protocol import TaskAttributes, TaskReport, TaskResult
from luthier.executor.running_trial import clean, describe_error
from luthier.executor.wakeup import WakeUp
from luthier.trial import Reason, plain_attributes

_EXIT_S = 1.0
"""Seconds that an idle worker has to exit by itself."""

_FAILED_STARTS = 3
"""After this many failed starts in a row the executor gives up, even if earlier starts succeeded."""

_STARTS = 3
"""How many times a worker is started for a task where it is killed while it starts."""

_log = silent_logger(__name__)


@final
class StartCounter:
    """Counts failed starts of workers, to tell a bad moment from an objective that cannot be loaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._any_succeeded = False
        self._failures = 0

    def succeeded(self) -> None:
        """Record a successful start."""
        with self._lock:
            self._any_succeeded, self._failures = True, 0

    def failed(self) -> bool:
        """Record a failed start; return whether to give up."""
        with self._lock:
            self._failures += 1
            return not self._any_succeeded or self._failures >= _FAILED_STARTS


class _StartFailed(Exception):
    """A worker could not be started, or could not load the objective."""


@final
class WorkerThread:
    """A thread that owns at most one worker process, and runs one task at a time in it.

    The process is started for the first task, kept for the following ones, and started anew if it has died.

    Args:
        objective: pickled.
        orphan_reaper: kills the process if this one is killed.
        limit_monitor: enforces the limits of the task; is woken when its time begins.
        starts: shared by all worker threads of an executor.
        report: called with each intermediate result, and with what the objective notes.
        done: called at the end of each run with this thread, idle again, the run, its result and, if no worker can be
            started, the error.
        environment: variables that the process has beside those of this one.
    """

    def __init__(
        self,
        objective: bytes,
        orphan_reaper: OrphanReaper,
        limit_monitor: LimitMonitor,
        starts: StartCounter,
        report: Callable[[TaskReport | TaskAttributes], None],
        done: Callable[[WorkerThread, TaskRun, TaskResult, LuthierError | None], None],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._objective = objective
        self._orphan_reaper = orphan_reaper
        self._limit_monitor = limit_monitor
        self._starts = starts
        self._report = report
        self._done = done
        self._environment = environment
        self._process: WorkerProcess | None = None
        self._running = False
        self._wake_up = WakeUp()
        self._runs: queue.SimpleQueue[TaskRun | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._main, name="luthier-worker", daemon=True)

    def submit(self, run: TaskRun) -> None:
        """Run a task."""
        if not self._running:
            self._running = True
            self._thread.start()
        self._runs.put(run)

    def stop(self) -> None:
        """End the process and the thread once the present task is over."""
        self._runs.put(None)

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._wake_up.wait_until(lambda: not self._running)

    def _main(self) -> None:
        try:
            self._run_all()
        finally:
            self._running = False
            self._wake_up.notify()

    def _run_all(self) -> None:
        while (run := self._runs.get()) is not None:
            error: LuthierError | None = None
            try:
                result = self._execute(run)
            except _StartFailed as failure:
                result, error = self._start_failed(run, str(failure))
            except Exception as failure:  # noqa: BLE001 - whatever happens, the task has a result
                run.finish()
                self._reap()
                _log.warning("the worker of trial %d was lost: %s", run.task.number, type(failure).__name__)
                result = _result(run, Reason.LOST, f"the worker was lost\n\n{describe_error(failure)}")
            self._done(self, run, result, error)
        if self._process is not None:
            self._process.shut_down(_EXIT_S)

    def _execute(self, run: TaskRun) -> TaskResult:
        """Run a task to its end, in a second worker if the first one was found dead before the task began."""
        if run.termination is not None:
            return _result(run, run.termination.reason, run.termination.why)
        warm = self._process is not None
        process = self._ready_process(run)
        process.send(MessageKind.TASK, run.pickled_task)
        result = self._listen(process, run)
        if result is None and warm and run.start_s is None and run.detach():
            self._reap()
            return self._execute(run)
        if result is not None and run.finish():
            return result
        run.finish()
        code = self._reap()
        if run.termination is not None:
            return _result(run, run.termination.reason, run.termination.why)
        reason, why = _exit_reason(process, code)
        _log.warning("worker process %d died during trial %d: %s", process.pid, run.task.number, why)
        return _result(run, reason, why)

    def _listen(self, process: WorkerProcess, run: TaskRun) -> TaskResult | None:
        """Receive messages until the task is over; None if the process is gone."""
        while (message := process.receive()) is not None:
            match message.kind:
                case MessageKind.STARTED:
                    run.start_s = time.monotonic()
                    if run.task.limits.time_s is not None:
                        self._limit_monitor.wake()
                case MessageKind.REPORT:
                    number, step, value = codec.loads(message.content)
                    run.reports.append((step, value))
                    self._report(TaskReport(number, run.task.token, step, value))
                case MessageKind.ATTRIBUTES:
                    values = plain_attributes(codec.loads(message.content), {})
                    run.attributes.update(values)
                    self._report(TaskAttributes(run.task.number, run.task.token, values))
                case MessageKind.RESULT:
                    reason, value, error, duration_s, stopped = codec.loads(message.content)
                    ended = TaskResult(run.task.number, run.task.token, Reason(reason), value, error, duration_s)
                    return _complete(replace(ended, stopped=stopped) if stopped else ended, run)
        return None

    def _ready_process(self, run: TaskRun) -> WorkerProcess:
        """Return a process that has loaded the objective."""
        if self._process is not None and self._process.has_exited():
            self._reap()
        if self._process is not None:
            run.attach(self._process)
            return self._process
        for attempt in range(1, _STARTS + 1):
            try:
                self._process = process = WorkerProcess(self._orphan_reaper, self._environment)
            except OSError as error:
                raise _StartFailed(f"a worker process cannot be started: {error}") from None
            run.attach(process)
            process.send(MessageKind.OBJECTIVE, self._objective)
            reply = process.receive()
            if reply is not None and reply.kind is MessageKind.READY:
                self._starts.succeeded()
                _log.info("worker process %d has started", process.pid)
                return process
            self._load_failed(run, process, reply, attempt == _STARTS)
        raise AssertionError("the last attempt returns or raises")

    def _load_failed(self, run: TaskRun, process: WorkerProcess, reply: Message | None, last: bool) -> None:
        """Clean up; raise unless the process was killed, which may have been by chance."""
        detached = reply is not None or run.detach()
        code = self._reap()
        if reply is not None:
            raise _StartFailed(f"the objective cannot be loaded in a worker process: {codec.loads(reply.content)}")
        _, why = _exit_reason(process, code)
        if code >= 0 or last or not detached:
            raise _StartFailed(f"the worker process ended while it loaded the objective: {why}")
        _log.warning("worker process %d was killed while it started, and is started again: %s", process.pid, why)

    def _start_failed(self, run: TaskRun, why: str) -> tuple[TaskResult, LuthierError | None]:
        if not run.finish() and run.termination is not None:  # it was ended by Luthier: the start did not fail
            return _result(run, run.termination.reason, run.termination.why), None
        giving_up = self._starts.failed()
        _log.warning("a worker process could not be started for trial %d", run.task.number)
        if giving_up:
            return _result(run, Reason.INTERRUPTED, f"it was not begun: {why}"), ExecutorError(why)
        return _result(run, Reason.LOST, why), None

    def _reap(self) -> int:
        process, self._process = self._process, None
        return 0 if process is None else process.reap()


def _result(run: TaskRun, reason: Reason, why: str) -> TaskResult:
    """Make the result of a run that did not end by itself."""
    ran_s = None if run.start_s is None else time.monotonic() - run.start_s
    return _complete(TaskResult(run.task.number, run.task.token, reason, None, clean(why), ran_s), run)


def _complete(result: TaskResult, run: TaskRun) -> TaskResult:
    """Add what came while the task ran."""
    return replace(result, reports=tuple(run.reports), attributes=dict(run.attributes))


def _exit_reason(process: WorkerProcess, code: int) -> tuple[Reason, str]:
    """Explain the end of a process that Luthier did not end."""
    if code >= 0:
        return Reason.FAILED, f"the objective ended its process with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name in ("SIGTERM", "SIGHUP", "SIGINT"):
        return Reason.LOST, f"the worker process was asked to end ({name}), not by Luthier"
    if name != "SIGKILL":
        return Reason.FAILED, f"the objective's process crashed ({name})"
    if process_tree.oom_kills() > process.oom_kills:
        return Reason.MEMORY, "the system ran out of memory and killed the objective's process (SIGKILL)"
    return Reason.FAILED, "the objective's process was killed (SIGKILL), not by Luthier"
