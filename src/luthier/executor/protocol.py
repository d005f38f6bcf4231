"""What goes into an executor and what comes out of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

from luthier.errors import InvalidSetting
from luthier.trial import Reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run of an objective may use; None is no limit.

    Args:
        time_s: seconds from the moment the objective is called.
        memory_mb: resident memory of the objective's process and everything it started, together, in MB (10^6
            bytes). Memory shared by several of them counts once where the system can tell (Linux).
        grace_s: seconds between the polite signal (SIGTERM) and the one that cannot be ignored (SIGKILL).

    Raises:
        InvalidSetting: a limit that is not a positive number, or a negative grace.
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
        """Take from `other` the time and memory limits that are None here; `grace_s` stays."""
        return Limits(
            other.time_s if self.time_s is None else self.time_s,
            other.memory_mb if self.memory_mb is None else self.memory_mb,
            self.grace_s,
        )


@dataclass(frozen=True, slots=True)
class Task:
    """One run of the objective that is to be made.

    Args:
        number: the trial's number; no two open tasks of an executor have the same.
        token: the fencing token of the trial's lease; handed back in the outcome.
        params: what the user sees, by the names of the variables.
        limits: what the run may use.
        attempt: 1 for the first run of the trial, 2 for its first retry, and so on.
        context: plain data for the objective's use: ``study`` (its name), ``seed`` (an int made from the study's seed
            and the number), ``folder`` (a path), and what else a caller likes to send.
        answered: whether the caller answers reports (see `Executor.poll`), so that `Running.should_stop` waits for
            the answer to the latest one instead of giving the last that is known.
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
    """What came of a task.

    Args:
        number: of the task.
        token: of the task.
        reason: why it ended. Executors give DONE, FAILED, TIMEOUT, MEMORY, PRUNED, INTERRUPTED and LOST; whether a
            value is a good one (a number, finite, with the names asked for) is for the study to judge.
        value: what the objective returned, as plain data (None, bool, int, float, str, and lists, tuples and mappings
            of them); None where it did not return.
        error: the message and the traceback of a failure.
        duration_s: seconds that the objective ran, where it ran.
        reports: all intermediate results of this run as (step, value), those that `poll` already gave included.
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
"""Tells, for a report, whether the trial should stop."""


@runtime_checkable
class Executor(Protocol):
    """Something that runs tasks, up to `capacity` at once.

    The objective is given at construction. Every submitted task comes back as exactly one `TaskResult`, whatever
    happens to it: also after `cancel`, and also after `close`. `luthier.testing.executors` has the suite that checks
    an implementation.
    """

    @property
    def capacity(self) -> int:
        """How many tasks may be open (submitted, and not yet given back by `poll`)."""
        ...

    def submit(self, task: Task) -> None:
        """Take a task, and return at once.

        Raises:
            ExecutorError: closed, full, unable to work, or the number is open already.
            InvalidSetting: the task has limits that this executor cannot keep, or cannot be sent.
        """
        ...

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskResult | TaskReport, ...]:
        """Give what has come since the last call, in order; wait up to `timeout_s` seconds for something to come.

        Returns at once where no task is open. `answer` is called in this thread for every report before it is given
        back; what it returns is what the trial's `should_stop` says. None answers False.

        Raises:
            ExecutorError: no worker can be started; outcomes that were there are given first.
        """
        ...

    def cancel(self, number: int) -> None:
        """Stop a task; its outcome (INTERRUPTED, unless it ends by itself first) comes by `poll`.

        A number that is not open is ignored.
        """
        ...

    def close(self) -> None:
        """Stop everything and let go of all resources; calling it again does nothing."""
        ...
