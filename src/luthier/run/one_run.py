"""One run of a study, from the making of its executor to the closing of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from luthier.analysis import EndRule, Forecast
from luthier.errors import InvalidSetting
from luthier.executor import Executor, Inline, Limits
from luthier.history import SerialOrder, TrialOrder
from luthier.method import Grid
from luthier.run.budget import Budget, End
from luthier.run.callbacks import RunObserver
from luthier.run.ending import RunEnding
from luthier.run.failures import Failures
from luthier.run.loop import Loop, Runnable
from luthier.run.make_executor import parse_window
from luthier.run.order_watch import OrderWatch
from luthier.run.progress.live_forecast import LiveForecast, ShowsForecast
from luthier.run.progress.notebook import NotebookReporter
from luthier.run.progress.reporters import LineReporter, ProgressReporter, SilentReporter
from luthier.run.signals import Signals
from luthier.run.trial_folders import trial_folders
from luthier.study import AskTell, TrialResult

ENDLESS = (
    "no budget was given: the run goes on until Ctrl-C, `luthier stop` or study.stop(); "
    "trials=…, evaluations=…, time_s=…, cost=…, target=…, plateau=… or stop=… end it"
)


LIVE_TRIALS = 200
"""The number of trials that models see which speak during a run: what they say must not take long."""


def run_once(
    study: Runnable,
    asking: AskTell,
    executor: Executor,
    budget: Budget,
    limits: Limits,
    callbacks: Sequence[Callable[..., object]],
    failures: Failures,
    reporter: ProgressReporter,
    deterministic: bool | int = False,
    stop: EndRule | None = None,
    forecast: Callable[[int], Forecast] | None = None,
) -> End:
    """Run a study until its budget is spent, and close the executor whatever happens.

    Args:
        asking: the part of the study that gives out trials.
        study, executor, budget, limits, failures, reporter: see `Loop`.
        callbacks: called after each trial with the study and its result; see `RunObserver` for more.
        deterministic: see `luthier.Study.run`.
        stop: says when more trials are not worth it; None: never.
        forecast: of a number of trials, for a reporter that shows it.

    Raises:
        InvalidSetting: `deterministic` makes no sense, or the study has a rule that decides by the timing of workers.
    """
    observers = [callback for callback in callbacks if isinstance(callback, RunObserver)]
    bound: list[Callable[[TrialResult], object]] = [partial(callback, study) for callback in callbacks]
    pausing: list[Callable[[TrialResult], object]] = [partial(observer, study) for observer in observers]
    try:
        window = parse_window(deterministic, executor.capacity)
        if window is not None and study.rule is not None and max(window, executor.capacity) > 1:
            raise InvalidSetting(
                f"deterministic={deterministic!r}: {study.rule!r} decides by what other workers have reported by then, "
                "which no two runs share: use one worker and deterministic=True, or no rule (study.rule = None)"
            )
        order: TrialOrder | SerialOrder | None = None if window is None else TrialOrder(window)
        if window is not None and study.rule is not None:  # a trial may pause: the order is that of the log
            window, order = None, SerialOrder()
        asking.begin_run(budget.trials, order, budget.cost)
        earlier_s = study.reader.elapsed_s() if budget.time_s is not None else 0.0
        if budget.is_unlimited and stop is None and not _ends_by_itself(asking):
            reporter.notice(ENDLESS)
        with Signals(reporter.notice) as signals, trial_folders(study.reader) as folder:
            which = (executor, budget, limits, bound, failures, reporter, signals, earlier_s, folder, window)
            notice = (lambda text: None) if isinstance(reporter, SilentReporter) else reporter.notice
            ending = None if stop is None else RunEnding(stop, asking, notice)
            shows = forecast is not None and isinstance(reporter, ShowsForecast)
            forecasts = LiveForecast(forecast, reporter) if shows else None  # type: ignore[arg-type]
            direction = asking.direction()
            watched = direction if study.reader.lasting and isinstance(executor, Inline) else None
            try:
                with OrderWatch(watched, signals):
                    return Loop(study, *which, direction, ending, forecasts, pausing).run()
            finally:
                for observer in observers:
                    observer.ended(study)
    finally:
        executor.close()
        if isinstance(reporter, NotebookReporter | LineReporter):
            reporter.close(study.reader)


def _ends_by_itself(asking: AskTell) -> bool:
    """Tell whether everything will have been tried some day."""
    if isinstance(asking.method, Grid):
        return True
    problem = asking.reader.problem
    return not problem.noisy and problem.space.size is not None
