"""Protocol of executors, and the tasks, limits, reports and results that pass through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

from luthier.errors import InvalidSetting
from luthier.trial import Reason


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one run of an objective; None is no limit.

    Args:
        time_s: seconds from the moment the objective is called; positive.
        memory_mb: resident memory, in MB (10^6 bytes), of the objective's process together with everything that it
            started; positive. Memory that several of them share counts once where the system can tell (Linux).
        grace_s: seconds between SIGTERM, which the objective can handle, and SIGKILL; 0 or more, finite.

    Raises:
        InvalidSetting: a limit is not a positive number, or the grace is negative or infinite.
    """

    time_s: float | None = None
    memory_mb: float | None = None
    grace_s: float = 5.0

    def __post_init__(self) -> None:
        for name, limit in (("time_s", self.time_s), ("memory_mb", self.memory_mb)):
            if limit is not None and not limit > 0:
                raise InvalidSetting(f"Limits({name}={limit!r}): give a positive number, or None for no limit")
        if not 0 <= self.grace_s < math.inf:
            raise InvalidSetting(f"Limits(grace_s={self.grace_s!r}): give a finite number of seconds, 0 or more")

    def fill(self, other: Limits) -> Limits:
        """Return these limits with time and memory taken from `other` where they are None; `grace_s` stays."""
        return Limits(
            other.time_s if self.time_s is None else self.time_s,
            other.memory_mb if self.memory_mb is None else self.memory_mb,
            self.grace_s,
        )


@dataclass(frozen=True, slots=True)
class Task:
    """One run of the objective that is to be made.

    Args:
        number: the trial's number; unique among the open tasks of an executor.
        token: the fencing token of the trial's lease; returned in the result.
        params: the parameters as the user sees them, by the names of the variables.
        limits: the limits of the run.
        attempt: 1 for the first run of the trial, 2 for its first retry, and so on.
        context: plain data for the objective: ``study`` (its name), ``seed`` (an integer made from the study's seed and
            the number), ``folder`` (a path), and anything else that the caller sends.
        answered: whether the caller decides at each report if the trial should stop (see `Executor.poll`).
            `RunningTrial.should_stop` then waits for the answer to the latest report; otherwise it returns the latest
            answer that has arrived.
    """

    number: int
    token: int
    params: Mapping[str, Any]
    limits: Limits = Limits()
    attempt: int = 1
    context: Mapping[str, Any] = field(default_factory=dict)
    answered: bool = False


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The end of a task.

    Args:
        number: the number of the task.
        token: the token of the task.
        reason: why the task ended: DONE, FAILED, TIMEOUT, MEMORY, PRUNED, INTERRUPTED or LOST. Whether a value is
            acceptable (a finite number, with the expected names) is the study's decision.
        value: the return value of the objective as plain data (None, bool, int, float, str, and lists, tuples and
            mappings of these); None where the objective did not return.
        error: the message and traceback of a failure.
        duration_s: seconds that the objective ran; None where it was never called.
        reports: all intermediate results of this run as (step, value), including those that `poll` already returned.
    """

    number: int
    token: int
    reason: Reason
    value: object = None
    error: str = ""
    duration_s: float | None = None
    reports: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class TaskReport:
    """An intermediate result of a running task: its `step` (0, 1, 2, …) and `value`."""

    number: int
    token: int
    step: int
    value: float


Answer: TypeAlias = Callable[[TaskReport], bool]
"""A function of a report that returns whether the trial should stop."""


@runtime_checkable
class Executor(Protocol):
    """Runs tasks, up to `capacity` at once.

    The objective is given at construction. Every submitted task comes back as exactly one `TaskResult`, whatever
    happens to it, including after `cancel` and after `close`. `luthier.testing.executors` holds the contract suite for
    implementations.
    """

    @property
    def capacity(self) -> int:
        """Maximal number of open tasks (submitted, and not yet returned by `poll`)."""
        ...

    def submit(self, task: Task) -> None:
        """Accept a task, and return at once.

        Raises:
            ExecutorError: the executor is closed, full or broken, or the number is already open.
            InvalidSetting: the task has limits that this executor cannot enforce, or cannot be sent.
        """
        ...

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskResult | TaskReport, ...]:
        """Return what has arrived since the last call, in order; wait up to `timeout_s` seconds for something.

        Returns at once if no task is open. `answer` is called in this thread for every report before that report is
        returned; its value is what the trial's `should_stop` returns. None stands for a function that returns False.

        Raises:
            ExecutorError: no worker can be started; results that had already arrived are returned first.
        """
        ...

    def cancel(self, number: int) -> None:
        """Stop a task; `poll` returns its result (INTERRUPTED, unless the task ends by itself first).

        A number that is not open is ignored.
        """
        ...

    def close(self) -> None:
        """Stop everything and release all resources; a second call does nothing."""
        ...
