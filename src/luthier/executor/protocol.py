"""Protocol of executors, and the tasks, limits, reports and results that pass through them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Protocol, TypeAlias, runtime_checkable

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.scalar import short, to_float
from luthier.trial import Reason, ReportValue


@translating_settings
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
            if limit is not None and not _is_positive(limit):
                raise InvalidSetting(f"Limits({name}={short(limit)}): give a positive number, or None for no limit")
        grace_s = to_float(self.grace_s) if isinstance(self.grace_s, Real) else None
        if grace_s is None or not 0 <= grace_s < math.inf:
            raise InvalidSetting(f"Limits(grace_s={short(self.grace_s)}): give a finite number of seconds, 0 or more")

    def fill(self, other: Limits) -> Limits:
        """Return these limits with time and memory taken from `other` where they are None; `grace_s` stays."""
        return Limits(
            other.time_s if self.time_s is None else self.time_s,
            other.memory_mb if self.memory_mb is None else self.memory_mb,
            self.grace_s,
        )


def _is_positive(limit: object) -> bool:
    number = to_float(limit) if isinstance(limit, Real) else None
    return number is not None and 0 < number < math.inf


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
            the number), ``folder`` (a path), ``until`` (the units of a fidelity that it may spend), ``fidelity`` (the
            same by name, with those beside it), ``cost`` (its name), ``checkpoint`` (the step of a saved one),
            ``values`` and ``bounds`` (see `luthier.instances.CaseProgress`), ``objectives`` (the names of several) and
            ``scheduled`` (whether each report must have them all), and anything else that the caller sends.
        answered: whether the caller decides at each report if the trial should stop (see `Executor.poll`); the steps of
            reports then go up.
            `RunningTrial.should_stop` then waits for the answer to the latest report; otherwise it returns the latest
            answer that has arrived.
        nested_params: the parameters with the variables of chosen options inside them; None: as `params`.
    """

    number: int
    token: int
    params: Mapping[str, Any]
    limits: Limits = Limits()
    attempt: int = 1
    context: Mapping[str, Any] = field(default_factory=dict)
    answered: bool = False
    nested_params: Mapping[str, Any] | None = None


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
        cause: the exception itself, where it was raised in this process.
        attributes: all that the objective noted of this run by name, including what `poll` already returned.
        stopped: whether `RunningTrial.should_stop` has told the objective to stop.
    """

    number: int
    token: int
    reason: Reason
    value: object = None
    error: str = ""
    duration_s: float | None = None
    reports: tuple[tuple[int, ReportValue], ...] = ()
    cause: BaseException | None = field(default=None, repr=False, compare=False)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class TaskReport:
    """An intermediate result of a running task: its `step` (0, 1, 2, …) and `value`, or those of several objectives."""

    number: int
    token: int
    step: int
    value: ReportValue


@dataclass(frozen=True, slots=True)
class TaskAttributes:
    """What the objective of a running task noted of it, by name (see `RunningTrial.set`)."""

    number: int
    token: int
    values: Mapping[str, Any]


TaskUpdate: TypeAlias = TaskResult | TaskReport | TaskAttributes
"""What an executor says of a task."""

Answer: TypeAlias = Callable[[TaskReport | TaskAttributes], bool]
"""A function of what a running task says; it returns whether the trial should stop, which counts for reports only."""


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

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskUpdate, ...]:
        """Return what has arrived since the last call, in order; wait up to `timeout_s` seconds for something.

        Returns at once if no task is open. `answer` is called in this thread for every report, and for what an
        objective noted, before that is returned; its value for a report is what the trial's `should_stop` returns. None
        stands for a function that returns False.

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
