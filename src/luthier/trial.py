"""Trial: a configuration, the state of its evaluation, and the outcome, as recorded in the log."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import ItemsView, Iterator, KeysView, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from luthier import codec
from luthier._foreign_words import TRIAL_ATTRIBUTES
from luthier._hints import did_you_mean
from luthier.errors import InvalidResult
from luthier.scalar import in_order, plain_number, short, to_dict, to_float

CHECKPOINT = "checkpoint"
"""The attribute that says at which step a trial saved its first checkpoint; see `RunningTrial.checkpoint`."""

Config = Mapping[str, Any]
"""The active variables and their values, in plain form (see `luthier.space`)."""


ReportValue: TypeAlias = float | tuple[float, ...]
"""What a report has: the value of the first objective alone, or those of several objectives in order."""

Reportable: TypeAlias = float | Sequence[float] | Mapping[str, float]
"""What may be given to a report: a number; of several objectives a number for each, in order or by name."""


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
    """The worker vanished more often than the cap on attempts allows: the configuration may be what ends it."""

    @property
    def is_crash(self) -> bool:
        """Whether the outcome is evidence that this configuration cannot be evaluated."""
        return self in _CRASHES


_CRASHES = frozenset((Reason.FAILED, Reason.TIMEOUT, Reason.MEMORY, Reason.NONFINITE, Reason.LOST))


class State(StrEnum):
    """State of a trial."""

    RUNNING = "running"
    WAITING = "waiting"
    """Its worker was lost or interrupted: it waits to be run again, with its own configuration."""
    PAUSED = "paused"
    """It reached a rung: a scheduler promotes it later, or never."""
    FINISHED = "finished"


class Ruling(StrEnum):
    """What a rule decides of a running trial at a report."""

    GO_ON = "go on"
    PAUSE = "pause"
    """It has spent what it was given, and waits to be promoted; nobody runs it meanwhile."""
    PROMOTE = "promote"
    """It goes on at once, with more to spend."""
    STOP = "stop"
    """It is not worth finishing: it ends as PRUNED."""
    FINISH = "finish"
    """It has its final value, which counts: going on would change nothing."""


class Lease(Struct, frozen=True, gc=False):
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


class Outcome(Struct, frozen=True, gc=False):
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
    values: Mapping[str, float] = {}
    violations: Mapping[str, float] = {}
    duration_s: float | None = None
    error: str = ""
    extra: Mapping[str, Any] = {}

    @property
    def failure(self) -> tuple[str, str]:
        """The way in which a trial failed: the reason and, of an exception, its type. Alike failures share it."""
        kind = self.error.partition("\n")[0].partition(":")[0] if self.reason is Reason.FAILED else ""
        return str(self.reason), kind


class Report(Struct, frozen=True, gc=False):
    """An intermediate result of a running trial.

    Args:
        step: 0, 1, 2, …
        value: of the first objective.
        attempt: which had it.
        others: the values of the other objectives in order; empty where the first alone was reported.
    """

    step: int
    value: float
    attempt: int = 1
    others: tuple[float, ...] = ()

    @property
    def values(self) -> tuple[float, ...]:
        """The values of the objectives in order: of all of them, or of the first alone."""
        return (self.value, *self.others)

    def to_list(self) -> list[float]:
        """Give the step, and then the values."""
        return [self.step, *self.values]


class Trial(Struct, frozen=True, gc=False):
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
        attributes: what its objective noted of it while it ran, over all attempts; never the business of a method.
        until: the units of the fidelity that it may spend, as a scheduler gave them; None: all.
        ruling: what a rule decided since the present lease began; GO_ON where it decided nothing else.
        forgotten: whether it counts for nothing: a person had it forgotten, or it failed with all others from the
            start, before the program was mended (see `luthier.history.broken_program`).
        mean: of the objective over the cases that it had so far, in a study with instances; None elsewhere.
    """

    number: int
    config: Config
    origin: str = "method"
    state: State = State.RUNNING
    outcome: Outcome | None = None
    lease: Lease | None = None
    reports: tuple[Report, ...] = ()
    note: Mapping[str, Any] = {}
    seen: int = 0
    forgotten: bool = False
    attributes: Mapping[str, Any] = {}
    until: int | None = None
    ruling: Ruling = Ruling.GO_ON
    mean: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether the trial has a value."""
        return self.outcome is not None and self.outcome.reason is Reason.DONE

    @property
    def curve(self) -> tuple[Report, ...]:
        """The intermediate values by step; where several attempts reported one step, that of the latest."""
        return latest_reports(self.reports)


def latest_reports(reports: Sequence[Report]) -> tuple[Report, ...]:
    """Give the reports by step; where several attempts reported one step, that of the latest."""
    if not reports:
        return ()
    latest = {report.step: report for report in reports}
    return tuple(latest[step] for step in sorted(latest))


def read_report(value: object, names: Sequence[str], where: str = "", *, whole: bool = False) -> ReportValue:
    """Read the value of a report.

    Args:
        value: a number; of several objectives a number for each, in order or by name.
        names: those of the objectives.
        where: whose report it is, for the message.
        whole: whether of several objectives all are needed, as a scheduler compares them; else the first may be alone.

    Raises:
        InvalidResult: it is something else, or there are too few or too many numbers.
    """
    number = to_float(value)
    if number is not None and (len(names) < 2 or not whole):
        return number
    if len(names) < 2:
        raise InvalidResult(f"a report{where} is a number, not {short(value)}")
    example = ", ".join(f"{name!r}: …" for name in names)
    if isinstance(value, Mapping):
        given = to_dict(value, f"a report{where} is a mapping of names to numbers", InvalidResult)
        same = all(isinstance(name, str) for name in given) and set(given) == set(names)
        items = [given[name] for name in names] if same else []
    else:
        items = in_order(value) or []
    numbers = [to_float(item) for item in items]
    if len(numbers) != len(names) or None in numbers:
        raise InvalidResult(
            f"a report{where} has a number for each of the study's {len(names)} objectives"
            f"{', as a scheduler compares them' if whole else ''}: give {{{example}}}, not {short(value)}"
        )
    return tuple(number for number in numbers if number is not None)


def plain_attributes(values: Mapping[str, Any] | None, more: Mapping[str, Any]) -> dict[str, Any]:
    """Give attributes as they will be read from a store.

    Args:
        values: values by name; None for none.
        more: further ones, given as keyword arguments.

    Raises:
        InvalidResult: a name is no text or empty, or a value is no plain data.
    """
    by_name = "attributes are given by name, as in trial.set(epoch=3)"
    found = {**({} if values is None else to_dict(values, by_name, InvalidResult)), **more}
    if not found:
        return found
    for name in found:
        if not isinstance(name, str) or not name:
            raise InvalidResult(f"the name of an attribute is text that is not empty, not {short(name)}")
    try:
        plain = {name: codec.to_plain(plain_number(value), f"the attribute {name!r}") for name, value in found.items()}
    except RecursionError:
        raise InvalidResult("an attribute is nested too deeply, or holds itself") from None
    codec.dumps(plain)  # refuses text that is not Unicode
    return {name: codec.from_plain(value) for name, value in plain.items()}


def check_noted_cost(cost: str | None, noted: Mapping[str, Any]) -> None:
    """Refuse attributes with a cost that would count as nothing.

    Args:
        cost: the name of what a trial costs; None where the study declares none.
        noted: attributes by name.

    Raises:
        InvalidResult: the cost is among them, and is no finite number from 0 on. None says that it is not known.
    """
    given = None if cost is None else noted.get(cost)
    number = to_float(given)
    if given is not None and (number is None or not 0.0 <= number < math.inf):
        raise InvalidResult(
            f"set({cost}={short(given)}): {cost!r} is the cost of the study's trials, a finite number, 0 or more, or "
            "None where it is not known; note what the run has cost so far in all, and give other things other names"
        )


class Parametrized:
    """A trial as a person sees it: it reads like a mapping of the active variables to their values. Abstract."""

    __slots__ = ()

    @property
    @abstractmethod
    def params(self) -> dict[str, Any]:
        """The active variables and their values, as the user wrote them."""

    def __getitem__(self, name: str) -> Any:
        try:
            return self.params[name]
        except KeyError:
            there = ", ".join(map(repr, self.params)) or "none"
            raise KeyError(f"{name}: no variable of this trial; active are {there}; trial.get(…) gives None") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.params)

    def __len__(self) -> int:
        return len(self.params)

    def __bool__(self) -> bool:
        return True  # also where no variable is active

    def __contains__(self, name: object) -> bool:
        return name in self.params

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a variable, or `default` where it is inactive."""
        return self.params.get(name, default)

    def keys(self) -> KeysView[str]:
        """Return the names of the active variables, so that ``dict(trial)`` works."""
        return self.params.keys()

    def items(self) -> ItemsView[str, Any]:
        """Return the names and values of the active variables."""
        return self.params.items()

    if not TYPE_CHECKING:  # else a checker would take every name

        def __getattr__(self, name):
            kind = type(self).__name__
            if name.startswith("suggest_"):
                hint = "; variables are declared in the study's space, and trial['x'] gives the value of one"
            elif name in TRIAL_ATTRIBUTES:
                hint = f": use {TRIAL_ATTRIBUTES[name]}"
            else:
                hint = did_you_mean(name, dir(type(self)))
            raise AttributeError(f"{kind!r} object has no attribute {name!r}{hint}")
