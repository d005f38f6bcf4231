"""The loop of a run: ask, hand out, collect, tell, until the budget is spent."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from luthier.errors import Interrupted, LeaseLost, LuthierError, SpaceExhausted, StoreError, TrialFinished
from luthier.executor import Executor, Inline, Limits, Task, TaskReport, TaskResult
from luthier.run.budget import Budget, End
from luthier.run.failures import Failures, judged
from luthier.run.progress import ProgressReporter
from luthier.run.signals import Signals
from luthier.study import ActiveTrial, TrialResult
from luthier.trial import Reason

if TYPE_CHECKING:
    from luthier.run.study import Study

Callback = Callable[["Study", TrialResult], object]

_POLL_S = 0.2
"""Seconds after which a waiting run looks for signals, a call of `stop`, and trials that others have given back."""

_CLOSING_S = 10.0
"""Seconds that an executor may take to say what came of the trials that it ended."""


@dataclass(slots=True)
class Loop:
    """One run of a study.

    Args:
        study: is asked and told.
        executor: runs the trials; is left open.
        budget: says when it is enough.
        limits: of each trial.
        callbacks: called after each trial with the study and the result.
        failures: say when failing trials end the run.
        watcher: shows how it goes.
        signals: count Ctrl-C.
        earlier_s: seconds that the study ran before.
    """

    study: Study
    executor: Executor
    budget: Budget
    limits: Limits
    callbacks: Sequence[Callback]
    failures: Failures
    watcher: ProgressReporter
    signals: Signals
    earlier_s: float = 0.0
    _running: dict[int, ActiveTrial] = field(default_factory=dict)  # ours, and not told of
    _open: set[int] = field(default_factory=set)  # those of them that the executor still has
    _news: deque[TaskResult | TaskReport] = field(default_factory=deque)
    _start_s: float = field(default_factory=time.monotonic)
    _exhausted: bool = False
    _aborting: bool = False

    def run(self) -> End:
        """Run until the budget is spent.

        Raises:
            Interrupted: a signal came.
            Exception: what the method, a callback, the store or the executor raised; trials that ran are seen to an
                end first where that can be.
        """
        try:
            end = self._go()
        except BaseException as error:
            self._wind_up(error)
            raise
        if end is not None:
            return end
        raise Interrupted(
            f"the run of study {self.study.name!r} was interrupted by {self.signals.last.name} after "
            f"{self.study.history.finished} trials; the same call goes on from there"
        )

    def _go(self) -> End | None:
        """Run; None where a signal came."""
        while True:
            end = self._fill()
            self.signals.tell()
            if self.signals.kill:
                self._abort()
                return None
            if not self._running and (end is not None or self.signals.drain):
                return None if self.signals.drain else end
            self._collect()
            self._settle(self.callbacks)

    # --- handing out ----------------------------------------------------------------------------------

    def _fill(self) -> End | None:
        """Begin trials until no worker is idle, or say why none is begun."""
        while len(self._running) < self.executor.capacity and not self.signals.drain:
            if self.study.stopping:
                return End.STOPPED
            end = self.budget.spent(self.study.history, self.earlier_s + time.monotonic() - self._start_s)
            if end is not None:
                return end
            try:
                trial = self.study.take(0 if self._exhausted else self.budget.trials)
            except SpaceExhausted:
                self._exhausted = True
                continue
            if trial is None:
                return End.EXHAUSTED if self._exhausted else End.TRIALS
            self._submit(trial)
        return None

    def _submit(self, trial: ActiveTrial) -> None:
        context = {"study": self.study.name, "seed": trial.seed}
        task = Task(trial.number, trial.token, trial.params, self.limits, trial.attempt, context)
        self._running[trial.number] = trial
        try:
            self.executor.submit(task)
        except BaseException:
            del self._running[trial.number]
            self.study.release(trial, "it could not be handed to a worker")
            raise
        self._open.add(trial.number)
        self.watcher.began(self.study, trial)

    # --- collecting -----------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Wait a little for news."""
        try:
            self.signals.raising = isinstance(self.executor, Inline)
            try:
                self._news += self.executor.poll(_POLL_S, self._answer)
            finally:
                self.signals.raising = False
        except KeyboardInterrupt:
            self.signals.count = max(self.signals.count, 2)
            self._news += self.executor.poll(0.0, self._answer)

    def _answer(self, progress: TaskReport) -> bool:
        """Write an intermediate result down; a trial that is no longer ours is told to stop."""
        trial = self._running.get(progress.number)
        if trial is None:
            return True
        try:
            self.study.report(trial, progress.value, progress.step)
        except (LeaseLost, TrialFinished):
            return True
        return False

    def _settle(self, callbacks: Sequence[Callback]) -> None:
        """Write down what has come."""
        while self._news:
            news = self._news.popleft()
            if isinstance(news, TaskReport):
                continue
            self._open.discard(news.number)
            trial = self._running.get(news.number)
            if trial is None:
                continue
            result = self._tell(trial, news)
            del self._running[news.number]
            if result is not None:
                self.watcher.ended(self.study, result)
                self.failures.take(result)
                for callback in callbacks:
                    callback(self.study, result)

    def _tell(self, trial: ActiveTrial, ended: TaskResult) -> TrialResult | None:
        """Write one outcome down; None where the trial is run again, or is not ours any more."""
        if ended.reason in (Reason.INTERRUPTED, Reason.LOST):
            # Interrupted by somebody else than us: who knows why, so it is retried only a few times.
            ours = ended.reason is Reason.INTERRUPTED and (self._aborting or self.signals.kill)
            reason = Reason.INTERRUPTED if ours else Reason.LOST
            self.study.release(trial, ended.error, reason=reason)
            return None
        try:
            return self.study.finish(trial, judged(self.study.problem, ended), ended.reports)
        except (LeaseLost, TrialFinished) as error:
            self.watcher.notice(str(error))
            return None

    # --- ending ---------------------------------------------------------------------------------------

    def _wind_up(self, error: BaseException) -> None:
        """See the running trials to an end after `error`, as far as can be."""
        with suppress(Exception):
            if isinstance(error, Exception) and not isinstance(error, StoreError):
                if self._open:
                    self.watcher.notice(f"{type(error).__name__}: waiting for the running trials before the run ends")
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
