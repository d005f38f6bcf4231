"""Trials as tasks of Ray."""

from __future__ import annotations

import logging
import pickle
import secrets
import threading
import time
from typing import Any, final

from luthier._runtime.logger import silent_logger
from luthier.errors import ExecutorError, InvalidSetting
from luthier.executor.pickling import pickle_objective, pickle_task
from luthier.executor.protocol import Task, TaskResult, TaskUpdate
from luthier.executor.remote import Remote, Tell, lost
from luthier.executor.remote_trial import content_name, kept_objective, run_trial
from luthier.executor.running_trial import ObjectiveFunction, clean
from luthier.trial import Reason

_WAIT_S = 0.03
"""Seconds after which it is looked again what came; a call of an actor takes about one thousandth."""

_log = silent_logger(__name__)


def ray_executor(
    objective: ObjectiveFunction, workers: int | None = None, address: str | None = None, **resources: Any
) -> Remote:
    """Run trials as tasks of Ray.

    The objective is put into Ray's object store once. Reports come while a trial runs, and `should_stop` is answered. A
    trial that is cancelled is ended with its process. A process or a machine that dies costs its trial an attempt, and
    nothing else: Luthier runs it again, not Ray.

    Args:
        objective: called with a `RunningTrial`; Luthier must be installed where it runs.
        workers: the number of trials at once; None: as many as the cluster has processors.
        address: of a Ray cluster, such as ``"ray://head:10001"`` or ``"auto"``; None: that which is connected to, or
            else one of this machine that ends with the executor.
        resources: what each trial takes, as ``ray.remote`` has it: ``num_gpus=0.5``, ``num_cpus=2``, ``resources=…``.

    Raises:
        ExecutorError: there is no such cluster.
        InvalidSetting: Ray is not installed, or the objective cannot be pickled.
    """
    pickled = pickle_objective(objective)
    try:
        import ray
    except ImportError:
        raise InvalidSetting("executor='ray' needs Ray: pip install 'luthier[ray]'") from None
    own = not ray.is_initialized()
    if own:
        here = {"num_cpus": workers, "include_dashboard": False} if address is None else {}
        try:
            ray.init(address=address or "local", log_to_driver=True, logging_level=logging.WARNING, **here)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ExecutorError(f"Ray does not begin at {address or 'this machine'}: {error}") from error
    if workers is None:
        workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
    return Remote(_RayEngine(ray, own, pickled, resources), workers)


@final
class _RayEngine:
    """Trials as Ray tasks; what they say passes through an actor, which a thread of this process empties."""

    name = "Ray"

    def __init__(self, ray: Any, own: bool, pickled: bytes, resources: dict[str, Any]) -> None:
        self._ray = ray
        self._own = own
        self._content = content_name(pickled)
        self._objective: Any = ray.put(pickled)
        self._topic = secrets.token_hex(8)
        self._mailbox: Any = _mailbox(ray)
        ray.get(self._mailbox.take.remote(self._topic))
        self._function: Any = ray.remote(_run_in_task).options(max_retries=0, **resources)
        self._lock = threading.Lock()
        self._runs: dict[tuple[int, int], tuple[Task, Tell, Any]] = {}
        self._closed = False
        self._gone = ""
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="luthier-ray", daemon=True)
        self._thread.start()

    def start(self, task: Task, tell: Tell) -> None:
        """See `Engine.start`."""
        if self._gone:
            raise ExecutorError(self._gone)
        with self._lock:
            # The reference is inside a tuple, so that Ray does not fetch what the process may have already.
            arguments = ((self._objective,), self._content, pickle_task(task), self._mailbox, self._topic)
            self._runs[task.number, task.token] = task, tell, self._function.remote(*arguments)
        self._started.set()

    def _listen(self) -> None:
        """Pass on what comes, until the engine is closed."""
        while not self._closed:
            try:
                over = self._over()
                updates = self._ray.get(self._mailbox.take.remote(self._topic))
                self._pass_on(updates)
                for which in over:
                    self._give_up(which)
                if not updates and not over:
                    self._rest()
            except Exception as error:  # noqa: BLE001 - the mailbox or the cluster is gone
                if not self._closed:
                    self._gone = f"Ray is gone: {type(error).__name__}: {error}"
                    _log.warning("%s", self._gone)
                    self._give_up_all(self._gone)
                return

    def _rest(self) -> None:
        """Wait a little, or as long as nothing runs."""
        if self._runs:
            time.sleep(_WAIT_S)
        else:
            self._started.wait()
            self._started.clear()

    def _over(self) -> list[tuple[int, int]]:
        """Find the runs whose task is over: their results have been sent before, or never will be."""
        with self._lock:
            references = {run[2]: which for which, run in self._runs.items()}
        if not references:
            return []
        over, _ = self._ray.wait([*references], num_returns=len(references), timeout=0)
        return [references[reference] for reference in over]

    def _pass_on(self, updates: list[TaskUpdate]) -> None:
        for update in updates:
            which = (update.number, update.token)
            with self._lock:
                run = self._runs.pop(which, None) if isinstance(update, TaskResult) else self._runs.get(which)
            if run is not None:
                run[1](update)

    def _give_up(self, which: tuple[int, int]) -> None:
        """Say why a task ended without a result, if it did."""
        with self._lock:
            run = self._runs.pop(which, None)
        if run is None:
            return
        task, tell, reference = run
        try:
            self._ray.get(reference)
            tell(lost(task, "Ray lost the result of the trial"))
        except self._ray.exceptions.OutOfMemoryError as error:
            tell(TaskResult(task.number, task.token, Reason.MEMORY, error=clean(str(error))))
        except Exception as error:  # noqa: BLE001 - whatever Ray raises, the trial did not cause it
            tell(lost(task, clean(f"Ray lost the trial: {type(error).__name__}: {error}")))

    def _give_up_all(self, why: str) -> None:
        with self._lock:
            runs, self._runs = self._runs, {}
        for task, tell, _ in runs.values():
            tell(lost(task, why))

    def answer(self, task: Task, answered: int, stop: bool) -> None:
        """See `Engine.answer`."""
        self._mailbox.answer.remote((self._topic, task.number, task.token), answered, stop)

    def cancel(self, task: Task) -> None:
        """See `Engine.cancel`."""
        with self._lock:
            run = self._runs.pop((task.number, task.token), None)
        if run is not None:
            self._ray.cancel(run[2], force=True)

    def close(self) -> None:
        """See `Engine.close`."""
        self._closed = True
        self._started.set()
        self._thread.join()
        self._mailbox.drop.remote(self._topic)
        if self._own:
            self._ray.shutdown()
        self._objective = self._mailbox = self._function = None


class _Mailbox:
    """The actor through which trials and studies speak to each other; one for all executors of a process.

    It takes one call after the other: what one sender sends arrives in order.
    """

    def __init__(self) -> None:
        self._updates: dict[str, list[TaskUpdate]] = {}
        self._answers: dict[tuple[str, int, int], tuple[int, bool]] = {}

    def post(self, topic: str, update: TaskUpdate) -> None:
        """Take what a trial says."""
        if topic in self._updates:
            self._updates[topic].append(update)
        if isinstance(update, TaskResult):
            self._answers.pop((topic, update.number, update.token), None)

    def take(self, topic: str) -> list[TaskUpdate]:
        """Give what has come; from the first call on, it is kept."""
        updates = self._updates.get(topic, [])
        self._updates[topic] = []
        return updates

    def drop(self, topic: str) -> None:
        """Keep nothing any more."""
        self._updates.pop(topic, None)

    def answer(self, which: tuple[str, int, int], answered: int, stop: bool) -> None:
        """Take an answer to a trial."""
        before = self._answers.get(which, (0, False))
        self._answers[which] = max(answered, before[0]), stop or before[1]

    def read(self, which: tuple[str, int, int]) -> tuple[int, bool]:
        """Give the latest answer to a trial."""
        return self._answers.get(which, (0, False))


_mailboxes: dict[str, Any] = {}  # by connection to a cluster


def _mailbox(ray: Any) -> Any:
    """Give the mailbox of this process: an actor is a process, which takes a second or more to start."""
    connection = str(ray.get_runtime_context().get_worker_id())
    if connection not in _mailboxes:
        _mailboxes.clear()  # those of earlier connections are gone
        _mailboxes[connection] = ray.remote(_Mailbox).options(num_cpus=0).remote()
    return _mailboxes[connection]


@final
class _RayLink:
    """The link of a trial in a process of Ray."""

    def __init__(self, mailbox: Any, topic: str, task: Task) -> None:
        import ray

        self._ray = ray
        self._mailbox = mailbox
        self._topic = topic
        self._which = (topic, task.number, task.token)
        self._last: Any = None

    def send(self, update: TaskUpdate) -> None:
        """See `Link.send`."""
        self._last = self._mailbox.post.remote(self._topic, update)

    def answered(self) -> tuple[int, bool]:
        """See `Link.answered`."""
        found: tuple[int, bool] = self._ray.get(self._mailbox.read.remote(self._which))
        return found

    def flush(self) -> None:
        """Wait until all that was sent has come."""
        if self._last is not None:
            self._ray.get(self._last)


def _run_in_task(objective: tuple[Any], content: str, pickled_task: bytes, mailbox: Any, topic: str) -> None:
    """Run one trial (in a process of Ray)."""
    task: Task = pickle.loads(pickled_task)
    link = _RayLink(mailbox, topic, task)

    def load() -> bytes:
        import ray

        pickled: bytes = ray.get(objective[0])
        return pickled

    found = kept_objective(content, load)
    assert found is not None
    link.send(run_trial(found, task, link))
    link.flush()
