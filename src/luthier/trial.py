"""Trial: a configuration, the state of its evaluation, and the outcome, as recorded in the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Config = Mapping[str, Any]
"""The active variables and their values, in plain form (see `luthier.space`)."""


class Reason(StrEnum):
    """Why a trial ended."""

    DONE = "done"
    """The objective returned a finite value."""
    FAILED = "failed"
    """The objective raised, or its process died or exited with an error."""
    TIMEOUT = "timeout"
    """The objective ran longer than the time limit of a trial."""
    MEMORY = "memory"
    """The objective used more than the memory limit of a trial."""
    NONFINITE = "nonfinite"
    """The objective returned NaN or an infinity."""
    PRUNED = "pruned"
    """The trial was stopped early because it was not worth finishing."""
    INTERRUPTED = "interrupted"
    """The run was stopped while the trial ran; it is retried with its own configuration."""
    LOST = "lost"
    """The worker vanished more often than the cap on attempts allows. Says nothing about the configuration."""

    @property
    def is_crash(self) -> bool:
        """Whether the outcome is evidence that this configuration cannot be evaluated."""
        return self in _CRASHES


_CRASHES = frozenset((Reason.FAILED, Reason.TIMEOUT, Reason.MEMORY, Reason.NONFINITE))


class State(StrEnum):
    """State of a trial."""

    RUNNING = "running"
    WAITING = "waiting"
    """Its worker was lost or interrupted: it waits to be run again, with its own configuration."""
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a trial and to report its result.

    Args:
        owner: the process that holds it: ``host/pid/start-ticks/random``.
        token: the fencing token; a `tell` with any other is refused.
        ttl_s: seconds after the last renewal, on the store's clock, when the lease may be revoked; None for never.
        attempt: 1 for the first run of the trial, 2 for its first retry, and so on.
        lost: how many earlier workers of the trial vanished; the cap on retries counts these.
    """

    owner: str
    token: int
    ttl_s: float | None
    attempt: int = 1
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a trial.

    Args:
        reason: why it ended.
        values: the objectives as the user gave them, by name; empty where the trial has no values.
        violations: outcome constraints by name, at most 0 where they hold.
        duration_s: seconds the objective ran, where known.
        error: the message and traceback of a failure.
        extra: whatever else the objective returned, in plain form.
    """

    reason: Reason
    values: Mapping[str, float] = field(default_factory=dict)
    violations: Mapping[str, float] = field(default_factory=dict)
    duration_s: float | None = None
    error: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """An intermediate result of a running trial: its `step` (0, 1, 2, …), its `value`, and which attempt had it."""

    step: int
    value: float
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluation of the objective, done or not.

    Args:
        number: 0, 1, 2, … in the order of asking.
        config: the configuration, in plain form.
        origin: ``method``, ``enqueued``, ``user`` (asked for by its values) or ``imported``.
        state: running, waiting or finished.
        outcome: the outcome, once finished.
        lease: the right to run it, while running or waiting.
        reports: the intermediate values of all attempts, in the order in which they came.
        note: what the method recorded about its choice.
        seen: the length of the log from which the proposal was made.
    """

    number: int
    config: Config
    origin: str = "method"
    state: State = State.RUNNING
    outcome: Outcome | None = None
    lease: Lease | None = None
    reports: tuple[Report, ...] = ()
    note: Mapping[str, Any] = field(default_factory=dict)
    seen: int = 0

    @property
    def is_done(self) -> bool:
        """Whether the trial has a value."""
        return self.outcome is not None and self.outcome.reason is Reason.DONE

    @property
    def curve(self) -> tuple[Report, ...]:
        """The intermediate values by step; where several attempts reported one step, that of the latest."""
        latest = {report.step: report for report in self.reports}
        return tuple(latest[step] for step in sorted(latest))
