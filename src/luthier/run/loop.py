"""The loop of a run: ask, hand out, collect, tell, until the budget is spent."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from luthier.errors import (
    Interrupted,
    LeaseLost,
    LuthierError,
    SpaceExhausted,
    StoreError,
    TrialFinished,
)
from luthier.executor import Executor, Inline, Limits, Task, TaskAttributes, TaskReport, TaskResult, TaskUpdate
from luthier.history import History
from luthier.run.budget import Budget, End
from luthier.run.ending import RunEnding
from luthier.run.failures import Failures, parse_ended
from luthier.run.progress.live_forecast import LiveForecast
from luthier.run.progress.reporters import ProgressReporter
from luthier.run.signals import Signals
from luthier.stop import Rule, scheduler_of
from luthier.study import ActiveTrial, Direction, Order, StudyReader, TrialResult, folder_name
from luthier.trial import CHECKPOINT, Outcome, Reason, Reportable, State

_POLL_S = 0.2
"""Seconds after which a waiting run looks for signals, a call of `stop`, and trials that other processes gave back."""

_LOOK_S = 1.0
"""Seconds after which it is looked again whether a person gave an order."""

_ORDERS = {
    Order.GO_ON: "going on",
    Order.PAUSE: "paused: no new trials, until `luthier resume`",
    Order.STOP: "stopped by `luthier stop`: waiting for the trials that run",
    Order.CANCEL: "ended by `luthier cancel`: the running trials are given back",
}

_CLOSING_S = 10.0
"""Seconds that an executor may take to report the outcomes of the trials that it ended."""


class Runnable(Protocol):
    """The part of a study that a loop needs."""

    @property
    def reader(self) -> StudyReader:
        """The study, to be read."""
        ...

    @property
    def history(self) -> History:
        """Everything that is known now."""
        ...

    @property
    def settled(self) -> History | None:
        """What the next trial is proposed from; see `Study.settled`."""
        ...

    @property
    def stopping(self) -> bool:
        """Whether the run is to end."""
        ...

    def reap(self) -> tuple[int, ...]:
        """Take back the trials of workers that are gone; see `Study.reap`."""
        ...

    def take(self, limit: int | None, cost: float | None = None, evaluations: int | None = None) -> ActiveTrial | None:
        """Get the next trial; see `Study.take`."""
        ...

    def finish(
        self,
        trial: ActiveTrial | int,
        outcome: Outcome,
        reports: Sequence[tuple[int, Reportable]] = (),
        attributes: Mapping[str, Any] | None = None,
        stopped: bool | None = None,
    ) -> TrialResult:
        """Record an outcome; see `Study.finish`."""
        ...

    @property
    def rule(self) -> Rule | None:
        """What decides of running trials at their reports."""
        ...

    def should_stop(self, trial: ActiveTrial | int) -> bool:
        """Tell whether the rule has ended or paused a trial; see `Study.should_stop`."""
        ...

    def report(self, trial: ActiveTrial | int, value: Reportable, step: int | None = None) -> None:
        """Record an intermediate value; see `Study.report`."""
        ...

    def set(self, trial: ActiveTrial | int, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Record attributes; see `Study.set`."""
        ...

    def release(self, trial: ActiveTrial | int, error: str = "", *, reason: Reason = Reason.INTERRUPTED) -> None:
        """Give a trial back; see `Study.release`."""
        ...


@dataclass(slots=True)
class Loop:
    """One run of a study.

    Args:
        study: gives out trials and takes their results.
        executor: runs the trials; stays open.
        budget: the limits of the study.
        limits: those of each trial.
        callbacks: called after each trial with its result.
        failures: decides when failing trials end the run.
        progress: shows it to a person.
        signals: counts Ctrl-C.
        earlier_s: seconds that the study ran before.
        folder: has the folders of the trials, where there are any.
        window: that of a deterministic run; None where it is not one.
        direction: has the orders of people to this run.
        ending: says when more trials are not worth it; None: never.
        forecasts: says what the next trials may bring; None: nobody wants to know.
        pausing: called with the result of each trial that a scheduler has paused.
    """

    study: Runnable
    executor: Executor
    budget: Budget
    limits: Limits
    callbacks: Sequence[Callable[[TrialResult], object]]
    failures: Failures
    progress: ProgressReporter
    signals: Signals
    earlier_s: float = 0.0
    folder: str | None = None
    window: int | None = None
    direction: Direction | None = None
    ending: RunEnding | None = None
    forecasts: LiveForecast | None = None
    pausing: Sequence[Callable[[TrialResult], object]] = ()
    _running: dict[int, ActiveTrial] = field(default_factory=dict)  # ours, without an outcome
    _open: set[int] = field(default_factory=set)  # those of them that the executor still has
    _news: deque[TaskUpdate] = field(default_factory=deque)
    _start_s: float = field(default_factory=time.monotonic)
    _exhausted: bool = False
    _aborting: bool = False
    _order: Order = Order.GO_ON
    _looked_s: float = 0.0
    _waits: bool = False

    def run(self) -> End:
        """Run until the budget is spent.

        Raises:
            Interrupted: a signal came.
            Exception: what the method, a callback, the store or the executor raised; the running trials are finished
                first where that is possible.
        """
        try:
            end = self._go()
        except BaseException as error:
            self._wind_up(error)
            raise
        if end is not None:
            return end
        raise Interrupted(
            f"the run of study {self.study.reader.name!r} was interrupted by {self.signals.last.name} after "
            f"{self.study.history.finished} trials; the same call goes on from there{self._memory}"
        )

    @property
    def _memory(self) -> str:
        """What else is to be said where the study is in no file."""
        return "" if self.study.reader.lasting else ", as long as this study is open: it is kept in memory only"

    def _go(self) -> End | None:
        """Run; None where a signal came."""
        while True:
            self._obey()
            end = self._fill()
            self.signals.tell()
            if self._order is Order.CANCEL:
                self._abort()
                return End.STOPPED
            if self.signals.kill:
                self._abort()
                return None
            if not self._running and (end is not None or self.signals.drain):
                return None if self.signals.drain else end
            self._collect()
            self._settle(self.callbacks)

    # --- obeying ----------------------------------------------------------------------------------------

    def _obey(self) -> None:
        """Look for orders, now and then: what is begun reads the log anyway."""
        if self.direction is None:
            return
        now_s = time.monotonic()
        if now_s - self._looked_s > _LOOK_S:
            self._looked_s = now_s
            order = self.direction.refresh()
            if not self._running and self.study.settled is None and not self.study.reap():
                self._say_what_it_waits_for()
        else:
            order = self.direction.order
        if order is not self._order:
            self._order = order
            busy = f"; {len(self._running)} here still to end" if order is Order.PAUSE and self._running else ""
            self.progress.notice(f"{_ORDERS[order]}{busy}")

    def _say_what_it_waits_for(self) -> None:
        """Say, once, that a deterministic run waits for trials that are run elsewhere."""
        numbers = ", ".join(map(str, self.study.history.running))
        if numbers and not self._waits:
            self._waits = True
            self.progress.notice(f"a deterministic run: waiting for what is run elsewhere, trial {numbers}")

    # --- handing out ----------------------------------------------------------------------------------

    def _fill(self) -> End | None:
        """Begin trials until no worker is idle, or give the reason why no more are begun.

        None, too, where a deterministic run waits for an outcome.
        """
        while len(self._running) < self.executor.capacity and not self.signals.drain:
            self._obey()
            if self.study.stopping or self._order in (Order.STOP, Order.CANCEL):
                return End.STOPPED
            if self._order is Order.PAUSE:
                return None
            settled = self.study.settled
            waiting = self.window is not None and bool(self.study.history.waiting)
            if settled is not None and not waiting:
                end = self.budget.spent(settled, self.earlier_s + time.monotonic() - self._start_s)
                if end is None and self.ending is not None and self.ending.is_over(settled):
                    end = End.NOT_WORTH_IT
                if end is not None:
                    return end
            elif not waiting:
                return None
            try:
                limit = 0 if self._exhausted else self.budget.trials
                trial = self.study.take(limit, self.budget.cost, self.budget.evaluations)
            except SpaceExhausted:
                self._exhausted = True
                continue
            if trial is None:
                if self.study.settled is None:  # another process has begun a trial meanwhile
                    return None
                if self.budget.is_paid_out(self.study.history):  # by what other processes began meanwhile
                    return End.COST
                if self.budget.is_evaluated(self.study.history):
                    return End.EVALUATIONS
                return End.EXHAUSTED if self._exhausted else End.TRIALS
            self._submit(trial)
        return None

    def _submit(self, trial: ActiveTrial) -> None:
        context: dict[str, Any] = {"study": self.study.reader.name, "seed": trial.seed}
        if trial.maximize:
            context["maximize"] = True
        if self.folder is not None:
            context["folder"] = os.path.join(self.folder, folder_name(trial.number))  # noqa: PTH118 - for each trial
        ruled, problem = self.study.rule is not None, self.study.reader.problem
        if problem.cost is not None:
            context["cost"] = problem.cost
        if len(problem.objectives) > 1:
            names = [objective.name for objective in problem.objectives]
            context |= {"objectives": names, "scheduled": scheduler_of(self.study.rule) is not None}
        if trial.until is not None:
            context |= {"until": trial.until, "fidelity": dict(trial.fidelity)}
        if trial.progress is not None:
            context |= {"values": [*trial.progress.values], "bounds": [*trial.progress.bounds]}
        if trial.attempt > 1:
            saved = self.study.history.trial(trial.number).attributes.get(CHECKPOINT)
            context |= {} if saved is None else {"checkpoint": saved}
        given = (trial.number, trial.token, trial.params, self.limits, trial.attempt, context, ruled)
        task = Task(*given, nested_params=trial.nested_params)
        self._running[trial.number] = trial
        try:
            self.executor.submit(task)
        except BaseException:
            del self._running[trial.number]
            self.study.release(trial, "it could not be handed to a worker")
            raise
        self._open.add(trial.number)
        self.progress.began(self.study.reader, trial)

    # --- collecting -----------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Wait a little for news."""
        if not self._running:
            time.sleep(_POLL_S)
            return
        try:
            self.signals.raising, self.signals.ordered = isinstance(self.executor, Inline), False
            try:
                self._news += self.executor.poll(_POLL_S, self._answer)
            finally:
                self.signals.raising = False
        except KeyboardInterrupt:
            if self.signals.ordered:
                self._looked_s = 0.0
                self._obey()
            else:
                self.signals.count = max(self.signals.count, 2)
            self._news += self.executor.poll(0.0, self._answer)

    def _answer(self, update: TaskReport | TaskAttributes) -> bool:
        """Record an intermediate value or attributes; tell whether the trial is to stop, as it is no longer ours."""
        trial = self._running.get(update.number)
        if trial is None:
            return True
        try:
            if isinstance(update, TaskReport):
                self.study.report(trial, update.value, update.step)
                return self.study.rule is not None and self.study.should_stop(trial)
            self.study.set(trial, update.values)
        except (LeaseLost, TrialFinished):
            return True
        return False

    def _settle(self, callbacks: Sequence[Callable[[TrialResult], object]]) -> None:
        """Record what has come."""
        while self._news:
            news = self._news.popleft()
            if not isinstance(news, TaskResult):
                continue
            self._open.discard(news.number)
            trial = self._running.get(news.number)
            if trial is None:
                continue
            result = self._tell(trial, news)
            del self._running[news.number]
            if result is not None and result.state is State.PAUSED:
                for callback in self.pausing if callbacks else ():
                    callback(result)
            elif result is not None:
                self.progress.ended(self.study.reader, result)
                if self.forecasts is not None and not self._aborting:
                    self.forecasts.look(self.study.history.finished)
                failures = self.failures.take(result, news.cause)
                if failures and self.direction is not None:
                    self._pause(failures, result)
                for callback in callbacks:
                    callback(result)

    def _tell(self, trial: ActiveTrial, ended: TaskResult) -> TrialResult | None:
        """Record one outcome; None where the trial is run again, or is no longer ours."""
        if ended.reason in (Reason.INTERRUPTED, Reason.LOST):
            # Interrupted by something else than this run, for an unknown reason: it is retried only a few times.
            ending = self._aborting or self.signals.kill or self.signals.ordered
            ours = ended.reason is Reason.INTERRUPTED and ending
            reason = Reason.INTERRUPTED if ours else Reason.LOST
            self.study.release(trial, ended.error, reason=reason)
            return None
        try:
            outcome = parse_ended(self.study.reader.problem, ended)
            return self.study.finish(trial, outcome, ended.reports, ended.attributes, ended.stopped)
        except (LeaseLost, TrialFinished) as error:
            self.progress.notice(str(error))
            return None

    def _pause(self, failures: int, result: TrialResult) -> None:
        """Begin no trials until somebody has looked at what is wrong here."""
        assert self.direction is not None
        self.direction.pause(failures)
        self._order = self.direction.order
        self.progress.notice(
            f"{failures} trials in a row failed here in the same way, so this worker begins no more, until "
            f"`luthier resume`. The last error: {result.error.partition(chr(10))[0]}"
        )

    # --- ending ---------------------------------------------------------------------------------------

    def _wind_up(self, error: BaseException) -> None:
        """Finish the running trials after `error`, as far as possible."""
        with suppress(Exception):
            if isinstance(error, Exception) and not isinstance(error, StoreError):
                if self._open:
                    self.progress.notice(f"{type(error).__name__}: waiting for the running trials before the run ends")
                self.failures = Failures("go on", None)
                self._settle(())
                while self._open and not self.signals.kill:
                    self._collect()
                    self._settle(())
                    self.signals.tell()
        with suppress(Exception):
            self._abort()

    def _abort(self) -> None:
        """End the running trials, and give them back."""
        self._aborting = True
        self.executor.close()
        deadline = time.monotonic() + _CLOSING_S
        self._settle(())
        while self._open and time.monotonic() < deadline:
            self._news += self.executor.poll(_POLL_S)
            self._settle(())
        for trial in [*self._running.values()]:
            with suppress(LuthierError):
                self.study.release(trial, "the run was ended while the trial ran")
        self._running.clear()
