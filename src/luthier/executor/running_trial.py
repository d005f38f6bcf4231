"""Argument of the objective, and the call of the objective."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from numbers import Integral, Real
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from luthier import codec
from luthier.errors import InvalidResult, TrialPruned
from luthier.executor.protocol import Task, TaskResult
from luthier.trial import Reason

_TEXT_LIMIT = 20_000
"""Characters of a message that are kept."""


class RunningTrial:
    """A running trial as its objective sees it.

    It reads like a mapping: ``trial["x"]``, ``dict(trial)``, ``train(**trial.params)``.
    """

    __slots__ = ("_ask", "_reports", "_send", "_task", "params")

    params: Mapping[str, Any]
    """The values of the active variables; read-only."""

    def __init__(self, task: Task, send: Callable[[int, float], None], ask: Callable[[], bool]) -> None:
        self._task = task
        self._send = send
        self._ask = ask
        self._reports: list[tuple[int, float]] = []
        self.params = MappingProxyType(dict(task.params))

    @property
    def number(self) -> int:
        """The trial's number: 0, 1, 2, …"""
        return self._task.number

    @property
    def attempt(self) -> int:
        """1 for the first run of the trial, 2 for its first retry, and so on."""
        return self._task.attempt

    @property
    def seed(self) -> int:
        """A seed for the objective's own randomness, the same in every run of this trial of this study."""
        return int(self.context.get("seed", self._task.number))

    @property
    def folder(self) -> Path | None:
        """A folder for the trial's files; None unless the caller of the executor sent one."""
        folder = self.context.get("folder")
        return None if folder is None else Path(folder)

    @property
    def context(self) -> Mapping[str, Any]:
        """What else the caller sent, such as ``study``, the name of the study; read-only."""
        return MappingProxyType(dict(self._task.context))

    @property
    def reports(self) -> tuple[tuple[int, float], ...]:
        """The intermediate results reported so far, as (step, value)."""
        return tuple(self._reports)

    def report(self, value: float, step: int | None = None) -> None:
        """Report an intermediate result.

        Args:
            value: the objective's value so far.
            step: 0, 1, 2, …; by default one more than the last step.

        Raises:
            InvalidResult: `value` is not a number, or `step` is not a non-negative integer.
        """
        if step is None:
            step = self._reports[-1][0] + 1 if self._reports else 0
        try:
            entry = (int(step), float(value))
        except (TypeError, ValueError):
            raise InvalidResult(
                f"report(value={value!r}, step={step!r}) of trial {self.number}: give a number and a whole number"
            ) from None
        if entry[0] < 0 or entry[0] != step:
            raise InvalidResult(f"report(step={step!r}) of trial {self.number}: steps are 0, 1, 2, …")
        self._reports.append(entry)
        self._send(*entry)

    def should_stop(self) -> bool:
        """Return whether the trial should stop: if so, return the value so far or raise `TrialPruned`."""
        return self._ask()

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.params)

    def __len__(self) -> int:
        return len(self.params)

    def __contains__(self, name: object) -> bool:
        return name in self.params

    def keys(self) -> Any:
        """Return the names of the active variables, so that ``dict(trial)`` works."""
        return self.params.keys()

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return f"RunningTrial({self.number}: {values})"


ObjectiveFunction: TypeAlias = Callable[[RunningTrial], object]
"""A function of a running trial that returns a number, or a mapping of names to numbers."""


def perform(
    objective: ObjectiveFunction, running: RunningTrial, passing: tuple[type[BaseException], ...] = ()
) -> TaskResult:
    """Call the objective and return its result; exceptions of the types in `passing` propagate."""
    start_s = time.perf_counter()
    value: object = None
    error = ""
    try:
        value = objective(running)
        reason = Reason.DONE
    except passing:
        raise
    except TrialPruned as pruned:
        reason, error = Reason.PRUNED, str(pruned)
    except MemoryError as failure:
        reason, error = Reason.MEMORY, describe_error(failure)
    except BaseException as failure:  # noqa: BLE001 - whatever a trial raises, only that trial fails
        reason, error = Reason.FAILED, describe_error(failure)
    duration_s = time.perf_counter() - start_s
    try:
        value = plain(value)
    except InvalidResult as invalid:
        reason, value, error = Reason.FAILED, None, str(invalid)
    return task_result(running, reason, value, error, duration_s)


def task_result(
    running: RunningTrial, reason: Reason, value: object, error: str, duration_s: float | None
) -> TaskResult:
    """Make the result of a running trial."""
    task = running._task
    return TaskResult(task.number, task.token, reason, value, clean(error), duration_s, running.reports)


def plain(value: object) -> Any:
    """Convert an objective's return value into plain data; numpy and tensor scalars become numbers.

    Raises:
        InvalidResult: the value has another type, which the message names.
    """
    if value is None or type(value) is float:
        return value
    if isinstance(value, Mapping):
        value = {name: _number(item) for name, item in value.items()}
    try:
        return codec.loads(codec.dumps(_number(value)))
    except InvalidResult as error:
        raise InvalidResult(f"the objective did not return plain data: its {error}") from None
    except (OverflowError, RecursionError, UnicodeEncodeError) as error:
        raise InvalidResult(f"the objective returned a {type(value).__name__} that cannot be stored: {error}") from None


def _number(value: object) -> object:
    """Convert real numbers without a plain form of their own (fractions, numpy.longdouble) into floats."""
    return float(value) if isinstance(value, Real) and not isinstance(value, Integral) else value


def describe_error(error: BaseException) -> str:
    """Return the message of an exception and its traceback, without the frame of this module at the top."""
    trace = error.__traceback__
    if trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    report = traceback.TracebackException(type(error), error, trace)
    headline = "".join(report.format_exception_only()).strip()
    return f"{headline}\n\n{''.join(report.format()).rstrip()}"


def clean(text: str) -> str:
    """Make a text storable: replace lone surrogates, and cut the middle of a long text."""
    if len(text) > _TEXT_LIMIT:
        half = _TEXT_LIMIT // 2
        text = f"{text[:half]}\n[… {len(text) - _TEXT_LIMIT} characters …]\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
