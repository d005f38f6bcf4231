"""One worker's place: the thread that starts its process, hands it tasks, and says what came of each."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable
from typing import final

from luthier import codec
from luthier.errors import ExecutorError, LuthierError
from luthier.executor.processes import process_tree
from luthier.executor.processes.framing import Message, MessageKind
from luthier.executor.processes.limit_monitor import LimitMonitor, TaskRun
from luthier.executor.processes.worker_process import OrphanReaper, WorkerProcess
from luthier.executor.protocol import TaskReport, TaskResult
from luthier.executor.running_trial import clean, describe_error
from luthier.executor.wakeup import WakeUp
from luthier.trial import Reason

_LEAVE_S = 1.0
"""How long an idle worker has to exit in good order."""

_FAILED_STARTS = 3
"""After so many workers in a row that could not start there is no use in trying again, although earlier ones did."""


@final
class Starts:
    """Keeps account of the starts of workers, to tell a bad moment from an objective that cannot be loaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._any_ready = False
        self._failures = 0

    def ready(self) -> None:
        """Take note of a start."""
        with self._lock:
            self._any_ready, self._failures = True, 0

    def failed(self) -> bool:
        """Take note of a failure; tells whether to give up."""
        with self._lock:
            self._failures += 1
            return not self._any_ready or self._failures >= _FAILED_STARTS


class _StartFailed(Exception):
    """A worker could not be started, or could not load the objective."""


@final
class WorkerThread:
    """A thread that owns at most one worker process, and runs one task at a time in it.

    The process is started for the first task, kept for the next ones, and started anew where it has died.

    Args:
        objective: pickled.
        guardian: is told of the process.
        warden: watches the task, and is told when its time begins.
        starts: of all slots.
        tell: takes an intermediate result.
        done: takes this slot, free again, with the run, its outcome and, where no worker can be started, the error.
    """

    def __init__(
        self,
        objective: bytes,
        guardian: OrphanReaper,
        warden: LimitMonitor,
        starts: Starts,
        tell: Callable[[TaskReport], None],
        done: Callable[[WorkerThread, TaskRun, TaskResult, LuthierError | None], None],
    ) -> None:
        self._objective = objective
        self._guardian = guardian
        self._warden = warden
        self._starts = starts
        self._tell = tell
        self._done = done
        self._child: WorkerProcess | None = None
        self._busy = False
        self._bell = WakeUp()
        self._tasks: queue.SimpleQueue[TaskRun | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="luthier-slot", daemon=True)

    def take(self, run: TaskRun) -> None:
        """Run a task."""
        if not self._busy:
            self._busy = True
            self._thread.start()
        self._tasks.put(run)

    def leave(self) -> None:
        """End the process and the thread, once the present task is over."""
        self._tasks.put(None)

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._bell.wait_until(lambda: not self._busy)

    def _serve(self) -> None:
        try:
            self._run_tasks()
        finally:
            self._busy = False
            self._bell.ring()

    def _run_tasks(self) -> None:
        while (run := self._tasks.get()) is not None:
            error: LuthierError | None = None
            try:
                outcome = self._execute(run)
            except _StartFailed as failure:
                outcome, error = self._start_failed(run, str(failure))
            except Exception as failure:  # noqa: BLE001 - whatever happens, the task has an outcome
                run.finish()
                self._bury()
                outcome = _end(run, Reason.LOST, f"the worker was lost\n\n{describe_error(failure)}")
            self._done(self, run, outcome, error)
        if self._child is not None:
            self._child.shut_down(_LEAVE_S)

    def _execute(self, run: TaskRun) -> TaskResult:
        """Run a task to its end, in a second worker where the first was found dead before it began."""
        if run.verdict is not None:
            return _end(run, run.verdict.reason, run.verdict.why)
        warm = self._child is not None
        child = self._ready(run)
        child.send(MessageKind.TASK, run.parcel)
        outcome = self._converse(child, run)
        if outcome is None and warm and run.begun_s is None and run.detach():
            self._bury()
            return self._execute(run)
        if outcome is not None and run.finish():
            return outcome
        run.finish()
        code = self._bury()
        if run.verdict is not None:
            return _end(run, run.verdict.reason, run.verdict.why)
        return _end(run, *_exit_reason(child, code))

    def _converse(self, child: WorkerProcess, run: TaskRun) -> TaskResult | None:
        """Listen to the child until the task is over; None where the child is gone."""
        while (frame := child.receive()) is not None:
            match frame.kind:
                case MessageKind.BEGUN:
                    run.begun_s = time.monotonic()
                    if run.task.limits.time_s is not None:
                        self._warden.reconsider()
                case MessageKind.REPORT:
                    number, step, value = codec.loads(frame.content)
                    run.reports.append((step, value))
                    self._tell(TaskReport(number, run.task.token, step, value))
                case MessageKind.OUTCOME:
                    reason, value, error, duration_s = codec.loads(frame.content)
                    task = run.task
                    return TaskResult(
                        task.number, task.token, Reason(reason), value, error, duration_s, tuple(run.reports)
                    )
        return None

    def _ready(self, run: TaskRun) -> WorkerProcess:
        """Give a child that has loaded the objective."""
        if self._child is not None and self._child.has_exited():
            self._bury()
        if self._child is not None:
            run.attach(self._child)
            return self._child
        try:
            self._child = child = WorkerProcess(self._guardian)
        except OSError as error:
            raise _StartFailed(f"a worker process cannot be started: {error}") from None
        run.attach(child)
        child.send(MessageKind.OBJECTIVE, self._objective)
        said = child.receive()
        if said is None or said.kind is not MessageKind.READY:
            self._give_up(child, said)
        self._starts.ready()
        return child

    def _give_up(self, child: WorkerProcess, said: Message | None) -> None:
        code = self._bury()
        if said is not None:
            raise _StartFailed(f"the objective cannot be loaded in a worker process: {codec.loads(said.content)}")
        _, why = _exit_reason(child, code)
        raise _StartFailed(f"the worker process ended while it loaded the objective: {why}")

    def _start_failed(self, run: TaskRun, why: str) -> tuple[TaskResult, LuthierError | None]:
        if not run.finish() and run.verdict is not None:  # it was ended: no failure of the start
            return _end(run, run.verdict.reason, run.verdict.why), None
        if self._starts.failed():
            return _end(run, Reason.INTERRUPTED, f"it was not begun: {why}"), ExecutorError(why)
        return _end(run, Reason.LOST, why), None

    def _bury(self) -> int:
        child, self._child = self._child, None
        return 0 if child is None else child.reap()


def _end(run: TaskRun, reason: Reason, why: str) -> TaskResult:
    """Put together the outcome of a run that did not come to its own end."""
    ran_s = None if run.begun_s is None else time.monotonic() - run.begun_s
    return TaskResult(run.task.number, run.task.token, reason, None, clean(why), ran_s, tuple(run.reports))


def _exit_reason(child: WorkerProcess, code: int) -> tuple[Reason, str]:
    """Say why a child was lost that nobody had condemned."""
    if code >= 0:
        return Reason.FAILED, f"the objective ended its process with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name in ("SIGTERM", "SIGHUP", "SIGINT"):
        return Reason.LOST, f"the worker process was told to end ({name}), not by Luthier"
    if name != "SIGKILL":
        return Reason.FAILED, f"the objective's process crashed ({name})"
    if process_tree.oom_kills() > child.oom_kills:
        return Reason.MEMORY, "the system ran out of memory and killed the objective's process (SIGKILL)"
    return Reason.FAILED, "the objective's process was killed (SIGKILL), not by Luthier"
