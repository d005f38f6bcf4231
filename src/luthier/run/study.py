"""The public study, composed of its parts: ask and tell, reading, editing, analysis and the loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar, overload

from luthier.analysis import Calibration, ExpectedBest, Explanation, Prediction
from luthier.executor import Limits, ObjectiveFunction
from luthier.history import History
from luthier.method import Method
from luthier.problem import Problem
from luthier.run.budget import Budget, End
from luthier.run.failures import Failures
from luthier.run.loop import Loop
from luthier.run.make_executor import Choice, make_executor
from luthier.run.progress import LineReporter, ProgressReporter, SilentReporter
from luthier.run.signals import Signals
from luthier.run.study_analysis import StudyAnalysis
from luthier.space import Space, Variable
from luthier.store import Store
from luthier.study import ActiveTrial, AskTell, StudyEditor, StudyReader, TrialResult, Verification
from luthier.trial import Outcome, Reason

if TYPE_CHECKING:
    import pandas

F = TypeVar("F", bound=Callable[..., Any])

Callback: TypeAlias = Callable[["Study", TrialResult], object]
"""Called after each trial of a run."""


def _documented_by(part: Callable[..., Any]) -> Callable[[F], F]:
    """Give a method the whole docstring of the part's method that it calls."""

    def document(method: F) -> F:
        method.__doc__ = part.__doc__
        return method

    return document


class Study:
    """A study: a log of trials, and a method that reads it.

    Args:
        name: the study's name. The same name in the same store is the same study, which goes on where it stopped.
        space: a `Space`, or a mapping of names to variables. May be left out where the store has the study.
        minimize: the name of the objective that is minimized, or several names.
        maximize: the name of the objective that is maximized, or several names.
        method: makes the proposals; by default `luthier.Auto`, or what the stored study used last.
        store: a path, a URL, or a store; None keeps the study in memory.
        seed: of all randomness, from 0 to 2**64 - 1; None: drawn anew, and stored.
        noisy: whether the same configuration may give different values; only then may one be tried again.

    Raises:
        InvalidSpace, InvalidSetting: an argument makes no sense, or the method could not be read back from the store.
        StudyMismatch: the store has another study of this name; see `change` to alter its space.
        StudyNotFound: there is no space, and the store has no such study.
        StoreError: the store cannot be used.
    """

    def __init__(
        self,
        name: str,
        space: Space | Mapping[str, Variable] | None = None,
        *,
        minimize: str | Sequence[str] = (),
        maximize: str | Sequence[str] = (),
        method: Method | None = None,
        store: str | Path | Store | None = None,
        seed: int | None = None,
        noisy: bool = False,
    ) -> None:
        self._asking = AskTell(
            name, space, minimize=minimize, maximize=maximize, method=method, store=store, seed=seed, noisy=noisy
        )
        self._analysis = StudyAnalysis(self._asking)
        self._stop: threading.Event | None = None

    # --- reading ----------------------------------------------------------------------------------------

    @property
    def reader(self) -> StudyReader:
        """The study, to be read: more than is here, such as its reports, leases and JSON form."""
        return self._asking.reader

    @property
    def name(self) -> str:
        """The study's name."""
        return self.reader.name

    @property
    def history(self) -> History:
        """Everything that is known now, the work of other processes included."""
        return self.reader.history

    @property
    def problem(self) -> Problem:
        """The space and the objectives."""
        return self.reader.problem

    @property
    def space(self) -> Space:
        """The space that is searched."""
        return self.reader.space

    @property
    def seed(self) -> int:
        """The seed of all the study's randomness."""
        return self.reader.seed

    @property
    def method(self) -> Method:
        """The method that makes the proposals; another one may be set at any time."""
        return self._asking.method

    @method.setter
    def method(self, method: Method) -> None:
        self._asking.method = method

    @property
    def trials(self) -> tuple[TrialResult, ...]:
        """All trials in order of number. Cost O(trials)."""
        return self.reader.trials

    def trial(self, number: int) -> TrialResult:
        """Give one trial. Cost O(1). Raises TrialNotFound."""
        return self.reader.trial(number)

    @property
    def best(self) -> TrialResult:
        """The best trial so far. Cost O(1).

        Raises:
            NoResult: no trial has a value and keeps the outcome constraints.
            InvalidSetting: there are several objectives; read `front`.
        """
        return self.reader.best

    @property
    def best_params(self) -> Mapping[str, Any]:
        """The values of the best trial's variables."""
        return self.reader.best_params

    @property
    def best_value(self) -> float:
        """The best value so far."""
        return self.reader.best_value

    @property
    def front(self) -> tuple[TrialResult, ...]:
        """The trials that no other trial dominates (at least as good everywhere, better somewhere)."""
        return self.reader.front

    def to_frame(self) -> pandas.DataFrame:
        """Give the trials as a pandas DataFrame (needs pandas)."""
        return self.reader.to_frame()

    def elapsed_s(self) -> float:
        """Give the seconds during which the study ran, over all processes and restarts (see `study.elapsed`)."""
        return self.reader.elapsed_s()

    def __len__(self) -> int:
        return len(self.reader)

    def __bool__(self) -> bool:
        return True  # also without trials

    def __repr__(self) -> str:
        return repr(self.reader)

    def _repr_html_(self) -> str:
        return self.reader._repr_html_()

    # --- asking and telling -----------------------------------------------------------------------------

    @overload
    def ask(
        self, count: None = None, *, params: Mapping[str, Any] | None = None, lease_s: float | None = None
    ) -> ActiveTrial: ...

    @overload
    def ask(
        self, count: int, *, params: Mapping[str, Any] | None = None, lease_s: float | None = None
    ) -> list[ActiveTrial]: ...

    @_documented_by(AskTell.ask)
    def ask(
        self, count: int | None = None, *, params: Mapping[str, Any] | None = None, lease_s: float | None = None
    ) -> ActiveTrial | list[ActiveTrial]:
        """Get the next trial to evaluate, or with `count` a list of up to that many."""
        return self._asking.ask(count, params=params, lease_s=lease_s)

    @_documented_by(AskTell.take)
    def take(self, limit: int | None) -> ActiveTrial | None:
        """Get the next trial, or None where that would be more than `limit` trials and none waits to be run again."""
        return self._asking.take(limit)

    @_documented_by(AskTell.tell)
    def tell(
        self,
        trial: ActiveTrial | int,
        value: object = None,
        *,
        failed: str | None = None,
        duration_s: float | None = None,
    ) -> TrialResult:
        """Record the result of a trial. When this returns, the result is on disk."""
        return self._asking.tell(trial, value, failed=failed, duration_s=duration_s)

    @_documented_by(AskTell.finish)
    def finish(
        self, trial: ActiveTrial | int, outcome: Outcome, reports: Sequence[tuple[int, float]] = ()
    ) -> TrialResult:
        """Record the outcome of a trial, with its reason. `tell` is this for a value."""
        return self._asking.finish(trial, outcome, reports)

    @_documented_by(AskTell.report)
    def report(self, trial: ActiveTrial | int, value: float, step: int | None = None) -> None:
        """Record an intermediate value of a running trial; steps count up from 0 where none is given."""
        self._asking.report(trial, value, step)

    @_documented_by(AskTell.release)
    def release(self, trial: ActiveTrial | int, error: str = "", *, reason: Reason = Reason.INTERRUPTED) -> None:
        """Give a trial back without a result: the next who asks gets it, with its own configuration."""
        self._asking.release(trial, error, reason=reason)

    @_documented_by(AskTell.verify)
    def verify(self) -> Verification:
        """Make every proposal again from the log, and compare."""
        return self._asking.verify()

    @_documented_by(AskTell.close)
    def close(self) -> None:
        """Give back running trials and close the store, if this study opened it. Idempotent."""
        self._asking.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- points, results and spaces from outside --------------------------------------------------------

    @_documented_by(StudyEditor.enqueue)
    def enqueue(self, params: Mapping[str, Any], ticket: str | None = None) -> str:
        """Have a configuration tried next; variables that `params` lacks take their defaults."""
        return self._asking.editor.enqueue(params, ticket)

    @_documented_by(StudyEditor.add)
    def add(
        self, params: Mapping[str, Any], value: object, *, duration_s: float | None = None, ticket: str | None = None
    ) -> TrialResult:
        """Record a result that is known from elsewhere; methods learn from it as from any other trial."""
        return self._asking.editor.add(params, value, duration_s=duration_s, ticket=ticket)

    @_documented_by(StudyEditor.add_many)
    def add_many(
        self,
        params: Sequence[Mapping[str, Any]],
        values: Sequence[object],
        *,
        durations_s: Sequence[float | None] | None = None,
        tickets: Sequence[str | None] | None = None,
    ) -> list[TrialResult]:
        """Record results that are known from elsewhere in one transaction: all of them, or none."""
        return self._asking.editor.add_many(params, values, durations_s=durations_s, tickets=tickets)

    @_documented_by(StudyEditor.learn_from)
    def learn_from(self, other: Study | StudyReader) -> int:
        """Add the finished trials of another study that this study's space can hold, each of them once."""
        return self._asking.editor.learn_from(other.reader if isinstance(other, Study) else other)

    @_documented_by(StudyEditor.change)
    def change(self, space: Space | Mapping[str, Variable]) -> None:
        """Go on in another space: add or remove variables, add choices, widen or narrow ranges."""
        self._asking.editor.change(space)

    # --- explaining and predicting ----------------------------------------------------------------------

    @_documented_by(StudyAnalysis.explain)
    def explain(self, trial: ActiveTrial | TrialResult | int, level: float = 0.9) -> Explanation:
        """Explain why a trial was made, and what was expected of it before there was a result."""
        return self._analysis.explain(trial, level)

    @overload
    def predict(self, params: Mapping[str, Any], level: float = 0.9, *, observed: bool = False) -> Prediction: ...

    @overload
    def predict(
        self, params: Sequence[Mapping[str, Any]], level: float = 0.9, *, observed: bool = False
    ) -> tuple[Prediction, ...]: ...

    @_documented_by(StudyAnalysis.predict)
    def predict(
        self,
        params: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        level: float = 0.9,
        *,
        observed: bool = False,
    ) -> Prediction | tuple[Prediction, ...]:
        """Predict the objectives at configurations, tried or not."""
        return self._analysis.predict(params, level, observed=observed)

    @_documented_by(StudyAnalysis.expected_best)
    def expected_best(self, level: float = 0.9, *, anywhere: bool = False) -> ExpectedBest:
        """Give the configuration with the best predicted median: where measurements are noisy, the one to use."""
        return self._analysis.expected_best(level, anywhere=anywhere)

    @_documented_by(StudyAnalysis.calibration)
    def calibration(self, objective: str | None = None) -> Calibration:
        """Judge the models' intervals: each value against what is predicted without it."""
        return self._analysis.calibration(objective)

    # --- running ----------------------------------------------------------------------------------------

    def run(
        self,
        objective: ObjectiveFunction,
        *,
        trials: int | None = None,
        time_s: float | None = None,
        target: float | None = None,
        plateau: int | None = None,
        workers: int | None = None,
        executor: Choice = None,
        trial_time_s: float | None = None,
        trial_memory_mb: float | None = None,
        callbacks: Iterable[Callback] = (),
        on_error: Literal["go on", "raise"] = "go on",
        give_up_after: int | None = 10,
        progress: ProgressReporter | bool = False,
    ) -> End:
        """Evaluate the objective at the method's proposals, until the budget is spent.

        The budget is the study's, over all runs and processes: after a run that was stopped, the same call goes on to
        the same end. Without a budget the run ends when everything was tried, or by Ctrl-C. The first Ctrl-C (or
        SIGTERM) waits for the running trials; the second ends them, and they are run again on resume.

        Args:
            objective: a function of a running trial (``trial["x"]``, ``trial.params``, ``trial.report(…)``); it returns
                a number, or a mapping that has the objectives by name.
            trials: the number of trials that the study has in the end, failed ones included, imported ones not.
            time_s: seconds that the study runs; the trials that run then are finished.
            target: a value that is good enough.
            plateau: the number of trials in a row that may end without a better value than the best.
            workers: the number of trials at once; more than one run in supervised processes. By default one.
            executor: "inline", "threads", "processes"; an executor of `concurrent.futures`; or a function of the
                objective and the number of workers that makes an executor.
            trial_time_s: seconds after which a trial is ended as TIMEOUT; it then runs in a process of its own.
            trial_memory_mb: megabytes above which a trial is ended as MEMORY; likewise.
            callbacks: functions of the study and the result, called after each trial. An exception of one ends the run.
            on_error: "go on" after a trial that failed, or "raise".
            give_up_after: the number of trials from the start of the run that may all fail in the same way before the
                run ends, as the objective is broken; None: any number.
            progress: True writes a line every few seconds to standard error; or a `ProgressReporter`.

        Returns:
            The reason why the run ended.

        Raises:
            Interrupted: by Ctrl-C or SIGTERM. It is a KeyboardInterrupt, too.
            TrialFailed: see `on_error` and `give_up_after`.
            InvalidSetting: an argument makes no sense.
            Infeasible: no configuration keeps the constraints.
            StoreError: the store cannot be used; the trials that ran are run again on resume.
            Exception: what a callback raised.
        """
        budget = Budget(trials, time_s, target, plateau)
        budget.check_objectives(self.history)
        limits = Limits(trial_time_s, trial_memory_mb)
        failures = Failures(on_error, give_up_after)
        reporter: ProgressReporter = (
            (LineReporter(total=trials) if progress else SilentReporter()) if isinstance(progress, bool) else progress
        )
        bound = tuple(partial(callback, self) for callback in callbacks)
        made = make_executor(executor, objective, workers, limits)
        self._stop = threading.Event()
        try:
            self._asking.begin_run(trials)
            earlier_s = self.elapsed_s() if time_s is not None else 0.0
            with Signals(reporter.notice) as signals:
                return Loop(self, made, budget, limits, bound, failures, reporter, signals, earlier_s).run()
        finally:
            made.close()

    def stop(self) -> None:
        """End the present run: no new trials; `run` returns when the running ones have ended. From any thread."""
        if self._stop is not None:
            self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called during the present run."""
        return self._stop is not None and self._stop.is_set()
