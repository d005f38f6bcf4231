"""Argument of the objective, and the call of the objective."""

from __future__ import annotations

import math
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from luthier import codec
from luthier._hints import translating_methods
from luthier.errors import InvalidResult, InvalidSetting, TrialPruned
from luthier.executor import checkpoint
from luthier.executor.protocol import Task, TaskResult
from luthier.instances import Case
from luthier.scalar import plain_number, to_float, to_step, to_text
from luthier.trial import (
    CHECKPOINT,
    Parametrized,
    Reason,
    Reportable,
    ReportValue,
    check_noted_cost,
    plain_attributes,
    read_report,
)

CHECKPOINT_LOST = "checkpoint_lost"
"""The attribute of a trial that found no checkpoint where there was one."""

_TEXT_LIMIT = 20_000
"""Characters of a message that are kept."""


@translating_methods
class RunningTrial(Parametrized):
    """A running trial as its objective sees it.

    It reads like a mapping: ``trial["x"]``, ``dict(trial)``, ``train(**trial.params)``.
    """

    __slots__ = (
        "_ask",
        "_attributes",
        "_case",
        "_first",
        "_folder",
        "_note",
        "_reports",
        "_send",
        "_stopped",
        "_task",
        "params",
    )

    params: dict[str, Any]
    """The values of the active variables: a dict of the objective's own."""

    def __init__(
        self,
        task: Task,
        send: Callable[[int, ReportValue], None],
        ask: Callable[[], bool],
        note: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self._task = task
        self._send = send
        self._ask = ask
        self._note = note
        self._attributes: dict[str, Any] = {}
        self._folder: Path | None = None
        self._reports: list[tuple[int, ReportValue]] = []
        self._stopped = False
        self._first: int | None = None
        self._case: Case | None = None
        self.params = dict(task.params)

    @property
    def nested_params(self) -> dict[str, Any]:
        """The values with the variables of chosen options inside them: ``{"model": {"svm": {"C": 1.0}}}``."""
        nested = self._task.nested_params
        return dict(self.params if nested is None else nested)

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
        """A seed for the objective's own randomness, the same in every run of this trial of this study.

        In a study with instances it is that of the case, and the same for all trials.
        """
        if self._case is not None:
            return self._case.seed
        return int(self.context.get("seed", self._task.number))

    @property
    def maximize(self) -> bool:
        """Whether the objective is maximized, of several the first one."""
        return bool(self.context.get("maximize"))

    @property
    def case(self) -> Case | None:
        """What to evaluate now: an instance, its seed and features, and its cap; None in a study without instances."""
        return self._case

    @property
    def instance(self) -> Any:
        """The name of the instance to evaluate now, as it was given.

        Raises:
            InvalidSetting: the study has no instances.
        """
        if self._case is None:
            raise InvalidSetting(
                f"trial {self.number} is evaluated on no instance: declare them, lt.Study(instances=lt.Instances(…))"
            )
        return self._case.instance

    @property
    def cap_s(self) -> float | None:
        """The seconds after which the evaluation need not go on (see `luthier.instances.Case`); None: no limit."""
        return None if self._case is None else self._case.cap_s

    @contextmanager
    def evaluating(self, case: Case) -> Iterator[None]:
        """Have a case be the one to evaluate now. For loops over cases."""
        self._case = case
        try:
            yield
        finally:
            self._case = None

    @property
    def folder(self) -> Path:
        """A folder for the trial's files: checkpoints, plots, what a program printed. It is made here.

        It stands beside the store, as ``digits.db.trials/digits-1/00007`` beside ``digits.db``, and is kept; a later
        attempt of the trial finds what an earlier one left. Of a study in memory it is a temporary folder that is
        removed when the run ends. `Study.folder` gives it afterwards.

        Raises:
            InvalidSetting: whoever runs the trial sent no folder: there is no place for files.
        """
        if self._folder is None:
            folder = self.context.get("folder")
            if folder is None:
                raise InvalidSetting(f"trial {self.number} has no folder: whoever runs it has no place for files")
            place = Path(folder)
            place.mkdir(parents=True, exist_ok=True)
            self._folder = place
        return self._folder

    @property
    def context(self) -> Mapping[str, Any]:
        """What else the caller sent, such as ``study``, the name of the study; read-only."""
        return MappingProxyType(dict(self._task.context))

    @property
    def reports(self) -> tuple[tuple[int, ReportValue], ...]:
        """The intermediate results reported so far, as (step, value); of several objectives their values in order."""
        return tuple(self._reports)

    def report(self, value: Reportable, step: int | None = None) -> None:
        """Report an intermediate result.

        Args:
            value: the objective's value so far. Of several objectives those of all, in order or by name; the first
                alone will do where no scheduler compares them.
            step: 0, 1, 2, …; by default one more than the last step. In a study with a fidelity the first one is 1, or
                the one after the checkpoint: as many units are spent.

        Raises:
            InvalidResult: `value` is not a number, or not one for each objective; or `step` is not a whole number from
                0 on; or the study has a rule that stops trials, and the step is below the last one.
        """
        if self._case is not None:
            raise InvalidResult(
                f"trial {self.number} reports while it is evaluated on {self._case.instance!r}: in a study with "
                "instances what the objective returns is the report"
            )
        if step is None:
            step = self._reports[-1][0] + 1 if self._reports else self._first_step()
        names, where = self._task.context.get("objectives", ()), f" of trial {self.number}"
        given = read_report(value, names, where, whole=bool(self._task.context.get("scheduled")))
        if self._reports and isinstance(given, tuple) != isinstance(self._reports[-1][1], tuple):
            raise InvalidResult(
                f"a report{where} has other objectives than the last one: report the same at every step"
            )
        entry = (to_step(step, where), given)
        if self._task.answered and self._reports and entry[0] < self._reports[-1][0]:
            raise InvalidResult(
                f"trial {self.number} reports step {entry[0]} after step {self._reports[-1][0]}: steps go up, as a "
                "rule compares trials at the same step"
            )
        self._reports.append(entry)
        self._send(*entry)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What was noted of this run so far; read-only."""
        return MappingProxyType(dict(self._attributes))

    def set(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Note something of the trial while it runs: ``trial.set(epoch=3, device="cuda:1")``.

        Readers of the study see it at once, in `TrialResult.attributes` and in tables; it is kept whatever becomes of
        the trial, and no method learns from it. A name that is set again has the latest value. The name of the study's
        cost is what this run has cost so far, which counts where the objective returns none.

        Args:
            values: plain data (None, truth values, numbers, text, and lists and mappings of them) by name.
            more: the same as keyword arguments.

        Raises:
            InvalidResult: a name is no text, a value is no plain data, or a cost is negative.
        """
        found = plain_attributes(values, more)
        check_noted_cost(self._task.context.get("cost"), found)
        self._attributes.update(found)
        if found and self._note is not None:
            self._note(found)

    def should_stop(self) -> bool:
        """Tell whether the trial should stop: if so, return the value so far, or raise `luthier.errors.TrialPruned`.

        The study's rule (``lt.Study(stop=…)``) decides at each report: the trial then ends as pruned, or is paused
        until a scheduler promotes it. Also True once the trial no longer belongs to this worker.
        """
        stop = self._ask()
        self._stopped = self._stopped or stop
        return stop

    @property
    def until(self) -> int | None:
        """The units of the study's fidelity (epochs, …) up to which to train now; None where it has no fidelity.

        A scheduler that promotes the trial has the objective called again with more. One that trains in steps may as
        well go on as long as `should_stop` is False.
        """
        until: int | None = self.context.get("until")
        return until

    @property
    def fidelity(self) -> dict[str, int]:
        """The units to train with, by the name of each fidelity: ``{"epochs": 9, "share": 32}``; empty without any.

        The first one is `until`; those beside it go up together with it, and are what they are at `until` wherever
        between two promotions the trial is.
        """
        return dict(self.context.get("fidelity", {}))

    @property
    def start(self) -> int:
        """The step of the checkpoint at `resume_from`; 0 where there is none, and the trial starts at the beginning."""
        return checkpoint.step_of(self._found())

    @property
    def resume_from(self) -> Path | None:
        """The file or folder that an earlier attempt gave to `checkpoint`; None: the trial starts at the beginning.

        A trial is run again where its worker was lost, and where a scheduler promotes it. Where it had a checkpoint
        that is there no more, it starts at the beginning, says so by a warning, and has the attribute
        ``checkpoint_lost``.
        """
        found = self._found()
        return None if found is None else found / checkpoint.CONTENT

    def checkpoint(self, path: str | Path, step: int | None = None) -> Path:
        """Keep a copy of what is needed to go on from here, in place of an earlier one.

        It lies in the trial's folder, is complete or not there at all, and outlives this process. Save it before the
        report of the same step, so that a trial that is paused at the report has it.

        Args:
            path: a file or a folder that the objective has written.
            step: how many steps (units of the fidelity) it holds; by default those of the latest report, and one more.

        Returns:
            Where the copy is: the next attempt's `resume_from`.

        Raises:
            InvalidSetting: there is nothing at `path`, or whoever runs the trial has no place for files.
            InvalidResult: `step` is not a whole number from 0 on.
        """
        first = self._first_step()
        if step is None:
            step = self._reports[-1][0] + 1 if self._reports else first
        step = to_step(step, f" of trial {self.number}")
        kept = checkpoint.keep(self.folder, Path(path), step)
        if self._saved() is None:  # the log need not know of each: they are in the folder
            self.set({CHECKPOINT: step})
        return kept / checkpoint.CONTENT

    def _found(self) -> Path | None:
        """Find the latest checkpoint; note where one is gone that there was."""
        if self._saved() is None:
            return None
        found = checkpoint.find(self.folder)
        if found is None and not self._attributes.get(CHECKPOINT_LOST):
            self.set({CHECKPOINT_LOST: True})
            warnings.warn(
                f"trial {self.number} starts at the beginning: its checkpoint is not in {self.folder} any more",
                RuntimeWarning,
                stacklevel=3,
            )
        return found

    def _saved(self) -> Any:
        """Give the step of the first checkpoint that this or an earlier attempt saved; None where none did."""
        return self._attributes.get(CHECKPOINT, self._task.context.get("checkpoint"))

    def _first_step(self) -> int:
        """Give the step of the first report, where it says none; it stays what it was when this attempt began."""
        if self._first is None:
            self._first = 0 if self.until is None else self.start + 1
        return self._first

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
    cause: BaseException | None = None
    try:
        value = objective(running)
        reason = Reason.DONE
    except passing:
        raise
    except TrialPruned as pruned:
        reason, error = Reason.PRUNED, to_text(pruned)
    except MemoryError as failure:
        reason, error, cause = Reason.MEMORY, describe_error(failure), failure
    except BaseException as failure:  # noqa: BLE001 - whatever a trial raises, only that trial fails
        reason, error, cause = Reason.FAILED, describe_error(failure), failure
    duration_s = time.perf_counter() - start_s
    try:
        value = plain(value)
    except passing:
        raise
    except InvalidResult as invalid:
        reason, value, error = Reason.FAILED, None, str(invalid)
    except BaseException as failure:  # noqa: BLE001 - of the objective's own classes: it counts as its failure
        reason, value, error, cause = Reason.FAILED, None, describe_error(failure), failure
    return replace(task_result(running, reason, value, error, duration_s), cause=cause)


def task_result(
    running: RunningTrial, reason: Reason, value: object, error: str, duration_s: float | None
) -> TaskResult:
    """Make the result of a running trial."""
    task = running._task
    return TaskResult(
        task.number,
        task.token,
        reason,
        value,
        clean(error),
        duration_s,
        running.reports,
        attributes=running._attributes.copy(),
        stopped=running._stopped,
    )


def plain(value: object) -> Any:
    """Convert an objective's return value into plain data; numpy and tensor scalars become numbers.

    Raises:
        InvalidResult: the value has another type, which the message names.
    """
    if value is None or type(value) is float:
        return value
    try:
        if isinstance(value, Mapping):
            value = {name: plain_number(item) for name, item in value.items()}
        elif (number := to_float(value)) is not None:
            return int(value) if isinstance(value, Integral) and math.isfinite(number) else number
        elif (
            callable(getattr(value, "tolist", None)) and getattr(value, "ndim", None) != 0
        ):  # an array: the values of several objectives
            value = value.tolist()  # type: ignore[attr-defined]
    except InvalidResult as error:
        raise InvalidResult(f"the objective returned {error}") from error.__cause__
    try:
        return codec.loads(codec.dumps(value))
    except InvalidResult as error:
        raise InvalidResult(f"the objective did not return plain data: its {error}") from None
    except (OverflowError, RecursionError, UnicodeEncodeError) as error:
        raise InvalidResult(f"the objective returned a {type(value).__name__} that cannot be stored: {error}") from None


def describe_error(error: BaseException) -> str:
    """Return the message of an exception and its traceback, without the frame of this module at the top."""
    trace = error.__traceback__
    if trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    try:
        report = traceback.TracebackException(type(error), error, trace)
        headline = "".join(report.format_exception_only()).strip()
        return f"{headline}\n\n{''.join(report.format()).rstrip()}"
    except Exception:  # noqa: BLE001 - an exception that cannot be shown, such as a SyntaxError with odd arguments
        headline = f"{type(error).__name__}: {to_text(error)}"
        frames = "".join(traceback.format_tb(trace))
        return f"{headline}\n\nTraceback (most recent call last):\n{frames}{headline}"


def clean(text: str) -> str:
    """Make a text storable: replace lone surrogates, and cut the middle of a long text."""
    if len(text) > _TEXT_LIMIT:
        half = _TEXT_LIMIT // 2
        text = f"{text[:half]}\n[… {len(text) - _TEXT_LIMIT} characters …]\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
