"""Trials as jobs of Slurm, or of this machine, by submitit."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, final

import msgspec

from luthier import codec
from luthier.errors import ExecutorError, InvalidSetting
from luthier.executor.pickling import pickle_objective, pickle_task
from luthier.executor.protocol import Task, TaskAttributes, TaskReport, TaskResult
from luthier.executor.remote import Remote, Tell, lost
from luthier.executor.remote_trial import content_name, kept_objective, run_trial
from luthier.executor.running_trial import ObjectiveFunction, clean

_LOOK_S = 0.2
"""Seconds between two looks at the jobs and at what they wrote. submitit asks Slurm itself less often."""


def slurm_executor(
    objective: ObjectiveFunction,
    workers: int | None = None,
    executor: Any = None,
    *,
    folder: str | Path = "luthier-jobs",
    cluster: str | None = None,
    **parameters: Any,
) -> Remote:
    """Run each trial as a job of its own, by submitit: on Slurm, or as a process of this machine.

    The objective is written to the folder once, and so are reports and answers, so the folder must be one that all
    machines share. A trial that is cancelled is ended by ``scancel``. A job that dies, or is preempted, costs its trial
    an attempt.

    Args:
        objective: called with a `RunningTrial`; Luthier must be installed where the jobs run.
        workers: the number of jobs at once, waiting ones included; None: one.
        executor: of submitit, such as ``submitit.AutoExecutor("logs")`` with its parameters; None: made from the rest.
        folder: where jobs are prepared and logged.
        cluster: ``"slurm"``; ``"local"`` for this machine; None: what is there.
        parameters: of the jobs, as ``AutoExecutor.update_parameters`` has them: ``timeout_min=60``,
            ``gpus_per_node=1``, ``slurm_partition="gpu"``.

    Raises:
        ExecutorError: there is no Slurm here.
        InvalidSetting: submitit is not installed, or the objective cannot be pickled.
    """
    pickled = pickle_objective(objective)
    try:
        import submitit
    except ImportError:
        raise InvalidSetting("executor='slurm' needs submitit: pip install 'luthier[slurm]'") from None
    if executor is None:
        try:
            executor = submitit.AutoExecutor(folder=str(folder), cluster=cluster)
            executor.update_parameters(**parameters)
        except (RuntimeError, ValueError, NameError) as error:
            raise ExecutorError(f"submitit cannot start jobs here: {error}") from error
    return Remote(_SlurmEngine(executor, pickled), 1 if workers is None else workers)


@final
class _SlurmEngine:
    """Trials as jobs. What they say stands in files of a folder, which a thread of this process reads."""

    name = "Slurm"

    def __init__(self, executor: Any, pickled: bytes) -> None:
        self._executor = executor
        self._content = content_name(pickled)
        self._folder = Path(str(executor.folder).split("%", 1)[0]).absolute() / "luthier"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._objective = self._folder / f"{self._content}.pickle"
        _write(self._objective, pickled)
        self._lock = threading.Lock()
        self._jobs: dict[tuple[int, int], _Job] = {}
        self._started = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="luthier-slurm", daemon=True)
        self._thread.start()

    def start(self, task: Task, tell: Tell) -> None:
        """See `Engine.start`."""
        place = self._folder / f"{os.getpid()}-{id(self):x}-{task.number}-{task.token}"
        arguments = (str(self._objective), self._content, pickle_task(task), str(place))
        job = self._executor.submit(_run_in_job, *arguments)
        with self._lock:
            self._jobs[task.number, task.token] = _Job(task, tell, job, place)
        self._started.set()

    def _watch(self) -> None:
        while not self._closed:
            with self._lock:
                jobs = [*self._jobs.items()]
            for which, job in jobs:
                over = job.is_over()  # before reading: what was written before the end is read, then
                job.pass_on()
                if over:
                    with self._lock:
                        known = self._jobs.pop(which, None)
                    if known is not None:
                        job.finish()
            self._started.wait(_LOOK_S if jobs else None)
            if not jobs:
                self._started.clear()

    def answer(self, task: Task, answered: int, stop: bool) -> None:
        """See `Engine.answer`."""
        with self._lock:
            job = self._jobs.get((task.number, task.token))
        if job is not None:
            _write(job.place.with_suffix(".answer"), codec.dumps([answered, stop]))

    def cancel(self, task: Task) -> None:
        """See `Engine.cancel`."""
        with self._lock:
            job = self._jobs.pop((task.number, task.token), None)
        if job is not None:
            job.cancel()

    def close(self) -> None:
        """See `Engine.close`."""
        self._closed = True
        self._started.set()
        self._thread.join()
        self._objective.unlink(missing_ok=True)


@final
class _Job:
    """A trial's job."""

    def __init__(self, task: Task, tell: Tell, job: Any, place: Path) -> None:
        self.place = place
        self._task = task
        self._tell = tell
        self._job = job
        self._read = 0

    def is_over(self) -> bool:
        """Tell whether the job has ended."""
        return bool(self._job.done())

    def pass_on(self) -> None:
        """Read what the trial has written since the last time."""
        for content in self._lines():
            if isinstance(content, list):
                self._tell(TaskReport(self._task.number, self._task.token, *content))
            else:
                self._tell(TaskAttributes(self._task.number, self._task.token, content))

    def _lines(self) -> Iterator[Any]:
        try:
            with self.place.open("rb") as file:
                file.seek(self._read)
                text = file.read()
        except FileNotFoundError:
            return
        whole = text[: text.rfind(b"\n") + 1]  # the last line may still be written
        self._read += len(whole)
        for line in whole.splitlines():
            yield codec.loads(line)

    def finish(self) -> None:
        """Give the result."""
        try:
            result: TaskResult = self._job.result()
        except Exception as error:  # noqa: BLE001 - whatever the job ended by, the trial did not raise it
            result = lost(self._task, clean(f"the job {self._job.job_id} died: {type(error).__name__}: {error}"))
        self._remove()
        self._tell(result)

    def cancel(self) -> None:
        """End the job."""
        _write(self.place.with_suffix(".answer"), codec.dumps([0, True]))
        with suppress(Exception):  # it may have ended by itself
            self._job.cancel()
        self._remove()

    def _remove(self) -> None:
        for file in (self.place, self.place.with_suffix(".answer")):
            file.unlink(missing_ok=True)


@final
class _FileLink:
    """The link of a trial in a job: a file that it appends to, and one that has the latest answer."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def send(self, update: TaskReport | TaskAttributes) -> None:
        """See `Link.send`."""
        content: Any = [update.step, update.value] if isinstance(update, TaskReport) else dict(update.values)
        with suppress(OSError), self._place.open("ab") as file:
            file.write(codec.dumps(content) + b"\n")

    def answered(self) -> tuple[int, bool]:
        """See `Link.answered`."""
        try:
            answered, stop = msgspec.json.decode(self._place.with_suffix(".answer").read_bytes(), type=tuple[int, bool])
        except OSError:
            return 0, False
        return answered, stop


def _run_in_job(objective: str, content: str, pickled_task: bytes, place: str) -> TaskResult:
    """Run one trial (in a job)."""
    task: Task = pickle.loads(pickled_task)
    found = kept_objective(content, Path(objective).read_bytes)
    assert found is not None
    return run_trial(found, task, _FileLink(Path(place)))


def _write(path: Path, content: bytes) -> None:
    """Replace a file in one step."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)
