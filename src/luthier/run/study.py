"""A study that runs its objective."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from luthier.executor import Limits, ObjectiveFunction
from luthier.method import Method
from luthier.run.budget import Budget, End
from luthier.run.failures import Failures
from luthier.run.loop import Callback, Loop
from luthier.run.make_executor import Choice, make_executor
from luthier.run.progress import LineReporter, ProgressReporter, SilentReporter
from luthier.run.signals import Signals
from luthier.space import Space
from luthier.study import ActiveTrial, BaseStudy, TrialResult


class Study(BaseStudy):
    __doc__ = BaseStudy.__doc__

    _stop: threading.Event | None = None

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
        """Evaluate the objective where the method says, until the budget is spent.

        The budget is the study's, over all runs and processes: after a run that was stopped, the same call goes on to
        the same end. Without a budget the run ends when everything was tried, or by Ctrl-C. The first Ctrl-C (or
        SIGTERM) waits for the trials that run; the second ends them, and they are run again on resume.

        Args:
            objective: a function of a running trial (``trial["x"]``, ``trial.params``, ``trial.report(…)``); it returns
                a number, or a mapping that has the objectives by name.
            trials: how many trials the study has in the end, the failed ones included, imported ones not.
            time_s: seconds that the study runs; trials that run then are let finish.
            target: a value that is good enough.
            plateau: how many trials may end in a row without a better value than the best.
            workers: how many trials at once; more than one run in supervised processes. By default one.
            executor: "inline", "threads", "processes"; an executor of `concurrent.futures`; or a function of the
                objective and the number of workers that makes an executor.
            trial_time_s: seconds after which a trial is ended as TIMEOUT; it then runs in a process of its own.
            trial_memory_mb: megabytes above which a trial is ended as MEMORY; likewise.
            callbacks: functions of the study and the result, called after each trial. What one raises ends the run.
            on_error: "go on" after a trial that failed, or "raise".
            give_up_after: how many trials from the start of the run may all fail in the same way before the run ends,
                as the objective is broken; None: any number.
            progress: True writes a line every few seconds to standard error; or a `ProgressReporter`.

        Returns:
            Why the run ended.

        Raises:
            Interrupted: by Ctrl-C or SIGTERM. It is a KeyboardInterrupt, too.
            TrialFailed: see `on_error` and `give_up_after`.
            InvalidSetting: an argument makes no sense.
            Infeasible: nothing keeps the constraints.
            StoreError: the store cannot be used; trials that ran are run again on resume.
            Exception: what a callback raised.
        """
        budget = Budget(trials, time_s, target, plateau)
        budget.check_objectives(self.history)
        limits = Limits(trial_time_s, trial_memory_mb)
        failures = Failures(on_error, give_up_after)
        watcher: ProgressReporter = (
            (LineReporter(total=trials) if progress else SilentReporter()) if isinstance(progress, bool) else progress
        )
        made = make_executor(executor, objective, workers, limits)
        self._stop = threading.Event()
        self._horizon = trials
        try:
            self._reap(self.history)
            earlier_s = self.elapsed_s() if time_s is not None else 0.0
            with Signals(watcher.notice) as signals:
                loop = Loop(self, made, budget, limits, tuple(callbacks), failures, watcher, signals, earlier_s)
                return loop.run()
        finally:
            made.close()

    def stop(self) -> None:
        """End the run that goes on: no new trials; `run` returns when those that run have ended. From any thread."""
        if self._stop is not None:
            self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called during the present run."""
        return self._stop is not None and self._stop.is_set()

    def take(self, limit: int | None) -> ActiveTrial | None:
        """Get the next trial, or None where that would be more than `limit` trials and none waits to be run again.

        Raises:
            SpaceExhausted, Infeasible: as `ask`.
        """
        live = self._ask(self._asker(limit=limit), 1)
        return live[0] if live else None


def minimize(
    objective: ObjectiveFunction,
    space: Space | Mapping[str, Any],
    *,
    trials: int | None = None,
    method: Method | None = None,
    seed: int | None = None,
    noisy: bool = False,
    **settings: Any,
) -> TrialResult:
    """Find the values that make an objective small, keeping nothing.

    Args:
        objective: a function of a running trial that returns a number.
        space: the variables.
        trials: how many trials.
        method: makes the proposals; by default as in `Study`.
        seed: of all randomness.
        noisy: whether the same values may give different results.
        settings: all other arguments of `Study.run`, such as `time_s` and `workers`.

    Returns:
        The best trial.

    Raises:
        NoResult: no trial has a value.

    Example:
        >>> import luthier as lt
        >>> best = lt.minimize(lambda trial: (trial["x"] - 1) ** 2, {"x": lt.Float(-5, 5)}, trials=30, seed=0)
        >>> best.value < 0.5
        True
    """
    with Study("minimize", space, minimize="value", method=method, seed=seed, noisy=noisy) as study:
        study.run(objective, trials=trials, **settings)
        return study.best


def maximize(
    objective: ObjectiveFunction,
    space: Space | Mapping[str, Any],
    *,
    trials: int | None = None,
    method: Method | None = None,
    seed: int | None = None,
    noisy: bool = False,
    **settings: Any,
) -> TrialResult:
    """Find the values that make an objective large, keeping nothing; see `minimize`."""
    with Study("maximize", space, maximize="value", method=method, seed=seed, noisy=noisy) as study:
        study.run(objective, trials=trials, **settings)
        return study.best
