"""A trial in a process of another library: its objective, its run, and what it says meanwhile."""

from __future__ import annotations

import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Protocol

from luthier.executor.protocol import Task, TaskAttributes, TaskReport, TaskResult
from luthier.executor.running_trial import ObjectiveFunction, RunningTrial, perform
from luthier.trial import ReportValue

_KEPT = 2
"""Objectives that a process keeps, of those that it received."""

_LOOK_S = 0.02
"""Seconds after which a trial that waits for an answer looks again, at most."""

_WATCH_S = 0.25
"""Seconds after which it is looked whether a trial in a supervised process was cancelled."""

_objectives: OrderedDict[str, ObjectiveFunction] = OrderedDict()
_lock = threading.Lock()


class Link(Protocol):
    """The connection of a running trial with the process that runs the study."""

    def send(self, update: TaskReport | TaskAttributes) -> None:
        """Send what the trial says."""
        ...

    def answered(self) -> tuple[int, bool]:
        """Give how many reports were answered, and whether the trial is to stop."""
        ...


def content_name(pickled: bytes) -> str:
    """Give the name under which a process keeps an objective that it received."""
    return blake2b(pickled, digest_size=16).hexdigest()


def kept_objective(name: str, load: Callable[[], bytes | None]) -> ObjectiveFunction | None:
    """Give the objective of a name, from what this process keeps or else unpickled from what `load` gives."""
    with _lock:
        if name in _objectives:
            _objectives.move_to_end(name)
            return _objectives[name]
        pickled = load()
        if pickled is None:
            return None
        objective: ObjectiveFunction = pickle.loads(pickled)
        _objectives[name] = objective
        while len(_objectives) > _KEPT:
            _objectives.popitem(last=False)
        return objective


def run_trial(objective: ObjectiveFunction, task: Task, link: Link) -> TaskResult:
    """Run one trial; where it has limits, in a supervised process of its own."""
    if task.limits.time_s is not None or task.limits.memory_mb is not None:
        return _run_supervised(objective, task, link)
    sent = 0

    def send(step: int, value: ReportValue) -> None:
        nonlocal sent
        sent += 1
        link.send(TaskReport(task.number, task.token, step, value))

    def note(values: Mapping[str, Any]) -> None:
        link.send(TaskAttributes(task.number, task.token, values))

    def ask() -> bool:
        return _answer(link, sent if task.answered else 0)

    result = perform(objective, RunningTrial(task, send, ask, note))
    return replace(result, cause=None)  # an exception may refuse to travel; its text does not


def _answer(link: Link, sent: int) -> bool:
    """Wait until that many reports are answered, or the trial is to stop."""
    pause_s = _LOOK_S / 64
    while True:
        answered, stop = link.answered()
        if stop or answered >= sent:
            return stop
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LOOK_S)


def _run_supervised(objective: ObjectiveFunction, task: Task, link: Link) -> TaskResult:
    from luthier.executor.processes.executor import Processes

    sent = 0

    def answer(update: TaskReport | TaskAttributes) -> bool:
        nonlocal sent
        link.send(update)
        sent += isinstance(update, TaskReport)
        return _answer(link, sent if task.answered else 0)

    with Processes(objective, 1) as supervised:
        supervised.submit(task)
        while True:
            for update in supervised.poll(_WATCH_S, answer):
                if isinstance(update, TaskResult):
                    return update
            if link.answered()[1]:
                supervised.cancel(task.number)
