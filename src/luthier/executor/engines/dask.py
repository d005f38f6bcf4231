"""Trials on a Dask cluster."""

from __future__ import annotations

import pickle
import secrets
import threading
import time
from typing import Any, TypeAlias, final

from luthier import codec
from luthier.errors import ExecutorError, InvalidSetting
from luthier.executor.pickling import pickle_objective, pickle_task
from luthier.executor.protocol import Task, TaskAttributes, TaskReport, TaskResult
from luthier.executor.remote import Remote, Tell, lost
from luthier.executor.remote_trial import content_name, kept_objective, run_trial
from luthier.executor.running_trial import ObjectiveFunction, clean
from luthier.trial import Reason

_Which: TypeAlias = tuple[int, int]
"""A run of a trial: its number and the token of its lease."""

_NO_ANSWER = -1

_LOOK_S = 0.002
"""Seconds after which a task that has said that it begins looks for the answer."""

_PATIENCE_S = 60.0
"""Seconds after which it takes the study to be gone."""

_answers: dict[tuple[str, int, int], tuple[int, bool]] = {}  # in a worker, by topic and run


def dask_executor(
    objective: ObjectiveFunction, workers: int | None = None, client: Any = None, *, resources: Any = None
) -> Remote:
    """Run trials on a Dask cluster.

    The objective is scattered to the workers once. Reports come while a trial runs, and `should_stop` is answered. A
    worker that dies costs its trial an attempt, and nothing else: Luthier runs it again, not Dask.

    Args:
        objective: called with a `RunningTrial`; Luthier must be installed where the workers are.
        workers: the number of trials at once; None: as many as the cluster has threads.
        client: a `dask.distributed.Client`, which stays open; or the address of a scheduler, such as
            ``"tcp://10.0.0.1:8786"``; None: a cluster of worker processes of this machine.
        resources: what each trial takes of the workers' resources, as in ``{"GPU": 1}``; see Dask's.

    Raises:
        ExecutorError: there is no cluster.
        InvalidSetting: Dask is not installed, or the objective cannot be pickled.
    """
    pickled = pickle_objective(objective)
    try:
        from distributed import Client
    except ImportError:
        raise InvalidSetting("executor='dask' needs Dask: pip install 'luthier[dask]'") from None
    made: Any
    if isinstance(client, Client):
        made, own = client, False
    else:
        try:
            made = Client(client) if client is not None else _local_client(Client, workers)
        except OSError as error:
            raise ExecutorError(f"there is no Dask scheduler at {client}: {error}") from error
        own = True
    if workers is None:
        workers = sum(made.nthreads().values())
        if not workers:
            raise ExecutorError("the Dask cluster has no workers yet: start some, or say workers=…")
    return Remote(_DaskEngine(made, own, pickled, resources), workers)


def _local_client(client: Any, workers: int | None) -> Any:
    return client(n_workers=workers, threads_per_worker=1, dashboard_address=None, set_as_default=False)


@final
class _DaskEngine:
    """Trials as tasks of a Dask client. Words of a trial are events of a topic of its own."""

    name = "Dask"

    def __init__(self, client: Any, own: bool, pickled: bytes, resources: Any) -> None:
        self._client = client
        self._own = own
        self._pickled = pickled
        self._content = content_name(pickled)
        self._resources = resources
        self._topic = f"luthier-{secrets.token_hex(8)}"
        self._lock = threading.Lock()
        self._runs: dict[_Which, tuple[Task, Tell, Any]] = {}
        self._places: dict[_Which, str] = {}  # the address of the worker
        self._scattered: Any = None
        client.subscribe_topic(self._topic, self._take)

    def start(self, task: Task, tell: Tell) -> None:
        """See `Engine.start`."""
        if self._scattered is None or self._scattered.status != "finished":  # those that had it died
            self._scattered = self._client.scatter(self._pickled, broadcast=True, hash=False)
        with self._lock:
            future = self._client.submit(
                _run_on_worker,
                self._scattered,
                self._content,
                pickle_task(task),
                self._topic,
                key=_key(self._topic, task.number, task.token),
                pure=False,
                resources=self._resources,
            )
            self._runs[task.number, task.token] = task, tell, future
        future.add_done_callback(lambda future: self._finish(task, tell, future))

    def _finish(self, task: Task, tell: Tell, future: Any) -> None:
        with self._lock:
            known = self._runs.pop((task.number, task.token), None)
            self._places.pop((task.number, task.token), None)
        if known is None:
            return
        try:
            result: TaskResult = future.result(timeout=60)
        except BaseException as error:  # noqa: BLE001 - whatever Dask raises, the trial did not cause it
            result = lost(task, clean(f"Dask lost the trial: {type(error).__name__}: {error}"))
        tell(result)

    def _take(self, event: tuple[float, Any]) -> None:
        """Take what a trial says (in the thread of the client)."""
        kind, number, token, content = event[1]
        which = (number, token)
        with self._lock:
            task, tell, future = self._runs.get(which, (None, None, None))
            died = self._places.get(which) if kind == "began" else None
            if kind == "began":
                self._places[which] = content
        if task is None or tell is None:
            if kind == "began":
                self._push(which, 0, True)
            return
        if kind == "report":
            tell(TaskReport(task.number, token, *codec.loads(content)))
        elif kind == "note":
            tell(TaskAttributes(task.number, token, codec.loads(content)))
        elif died is not None:  # Dask has started it again by itself
            with self._lock:
                self._runs.pop(which, None)
            tell(lost(task, f"the Dask worker {died} died"))
            self._drop(which, future)
        else:
            self._push(which, 0, False)

    def answer(self, task: Task, answered: int, stop: bool) -> None:
        """See `Engine.answer`."""
        self._push((task.number, task.token), answered, stop)

    def cancel(self, task: Task) -> None:
        """See `Engine.cancel`."""
        with self._lock:
            known = self._runs.pop((task.number, task.token), None)
        if known is not None:
            self._drop((task.number, task.token), known[2])

    def _drop(self, which: _Which, future: Any) -> None:
        """Take back what has not begun, and ask what has to stop."""
        self._client.loop.add_callback(self._client.cancel, [future], asynchronous=True)
        self._push(which, 0, True)

    def _push(self, which: _Which, answered: int, stop: bool) -> None:
        """Put an answer into the memory of the trial's worker; from any thread."""
        place = self._places.get(which)
        if place is not None:
            given = (_note_answer, self._topic, *which, answered, stop)
            how = {"workers": [place], "on_error": "ignore", "asynchronous": True}
            self._client.loop.add_callback(self._client.run, *given, **how)

    def close(self) -> None:
        """See `Engine.close`."""
        self._client.unsubscribe_topic(self._topic)
        self._scattered = None
        if self._own:
            cluster = self._client.cluster
            self._client.close()
            if cluster is not None:
                cluster.close()


@final
class _DaskLink:
    """The link of a trial in a worker."""

    def __init__(self, topic: str, task: Task) -> None:
        from distributed import get_worker

        self._worker = get_worker()
        self._topic = topic
        self._which = (task.number, task.token)

    def begin(self) -> bool:
        """Say where the trial runs; tells whether it is to run: Dask calls once more what a worker died of."""
        _answers[self._topic, *self._which] = (_NO_ANSWER, False)
        self._worker.log_event(self._topic, ("began", *self._which, self._worker.address))
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s:
            answered, stop = self.answered()
            if answered != _NO_ANSWER or stop:
                return not stop
            time.sleep(_LOOK_S)
        return False

    def send(self, update: TaskReport | TaskAttributes) -> None:
        """See `Link.send`."""
        content: Any = [update.step, update.value] if isinstance(update, TaskReport) else dict(update.values)
        kind = "report" if isinstance(update, TaskReport) else "note"
        self._worker.log_event(self._topic, (kind, *self._which, codec.dumps(content)))

    def answered(self) -> tuple[int, bool]:
        """See `Link.answered`."""
        answered, stop = _answers.get((self._topic, *self._which), (0, False))
        return answered, stop or self._is_cancelled()

    def _is_cancelled(self) -> bool:
        task = self._worker.state.tasks.get(_key(self._topic, *self._which))
        return task is None or task.state == "cancelled"

    def forget(self) -> None:
        """Forget the answers."""
        _answers.pop((self._topic, *self._which), None)


def _key(topic: str, number: int, token: int) -> str:
    """Give Dask's name of a run."""
    return f"{topic}-{number}-{token}"


def _run_on_worker(pickled_objective: bytes, content: str, pickled_task: bytes, topic: str) -> TaskResult:
    """Run one trial (in a worker)."""
    task: Task = pickle.loads(pickled_task)
    link = _DaskLink(topic, task)
    objective = kept_objective(content, lambda: pickled_objective)
    assert objective is not None
    try:
        if not link.begin():
            return TaskResult(task.number, task.token, Reason.INTERRUPTED, error="it is not to run here")
        return run_trial(objective, task, link)
    finally:
        link.forget()


def _note_answer(topic: str, number: int, token: int, answered: int, stop: bool) -> None:
    """Note an answer (in a worker)."""
    before = _answers.get((topic, number, token))
    if before is not None:  # it runs
        _answers[topic, number, token] = max(answered, before[0]), stop or before[1]
