"""Bayesian search of one space: a study proposes candidates, and receives their scores."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.errors import SpaceExhausted
from luthier.executor import Executor, Limits, Processes
from luthier.run import Budget, End, Study
from luthier.sklearn.evaluation import Scores, failed_scores, folds_run, seconds_of
from luthier.sklearn.racing import Race
from luthier.sklearn.record import result_of, scores_of
from luthier.sklearn.session import Session
from luthier.sklearn.spaces import ParsedSpace
from luthier.sklearn.worker_objective import FoldObjective, RaceMonitor
from luthier.study import ActiveTrial


@dataclass
class BayesLoop:
    """The search of one space.

    Args:
        session: evaluates candidates.
        study: proposes candidates, and holds the results of earlier runs.
        space: converts its configurations into parameters.
        metric: the metric that is the value of a trial, if there are several.
        trials: number of trials that the study has in the end; more if racing saves enough folds.
        batch: number of candidates that are asked for at once.
        budget: ends the search earlier; its seconds count from when this object is made.
        should_stop: called after each batch; returns whether to end the search of the space.
        limit: maximal number of trials, however many folds are saved; None for no limit.
    """

    session: Session
    study: Study
    space: ParsedSpace
    metric: Any
    trials: int
    batch: int
    budget: Budget
    should_stop: Callable[[], bool]
    limit: int | None = None
    _asked: list[ActiveTrial] = field(default_factory=list)
    _spent: dict[int, int] = field(default_factory=dict)
    _start_s: float = field(default_factory=time.monotonic)

    def run_by_joblib(self, context: Any) -> None:
        """Evaluate batches by joblib, until the study has all its trials.

        Args:
            context: the context of the callbacks.
        """
        known = self._add_ended()
        self.session.schedule.recall(known)
        self.session.progress.expect(len(known), known)
        while (wanted := min(self.batch, self._affordable())) > 0:
            if self._is_spent():
                return
            try:
                self._asked = self.study.ask(wanted)
            except SpaceExhausted:
                self._warn_exhausted()
                return
            self._evaluate_asked(context)
            if self.should_stop():
                return

    def _is_spent(self) -> bool:
        """Return whether the budget is spent; at least one candidate is evaluated, however little time there is."""
        history = self.study.history
        return history.finished > 0 and self.budget.spent(history, time.monotonic() - self._start_s) is not None

    def _affordable(self, running: int = 0) -> int:
        """Return how many more candidates can be evaluated on all folds, besides those that run."""
        folds = self.session.folds
        for trial in self.study.trials:
            if trial.reason is not None and trial.number not in self._spent:
                self._spent[trial.number] = folds_run(scores) if (scores := scores_of(trial)) else folds
        left = self.trials * folds - sum(self._spent.values()) - running * folds
        return left // folds if self.limit is None else min(left // folds, self.limit - len(self._spent) - running)

    def run_in_workers(self, workers: int, limits: Limits, raises: bool) -> None:
        """Evaluate each trial in a supervised worker process, until the study has all its trials.

        Args:
            workers: number of processes.
            limits: of each candidate.
            raises: whether a failed trial ends the search with an exception.
        """
        session = self.session
        settings, schedule = session.settings, session.schedule
        raced = isinstance(schedule, Race) and schedule.settings.begin(session.folds) < session.folds
        evaluator = session.runner.evaluator.split(workers)
        objective = FoldObjective(evaluator, session.estimator, settings, session.splits, self.space, self.metric)
        monitor: RaceMonitor | None = None

        def make(objective: Any, workers: int) -> Executor:
            nonlocal monitor
            made = Processes(objective, workers)
            if raced and isinstance(schedule, Race):
                monitor = RaceMonitor(made, schedule, session.folds, self._affordable)
            return monitor or made

        def after(study: Study, result: Any) -> None:
            session.progress.done(scores_of(result))
            if self.should_stop() or (monitor is not None and monitor.idle and self._affordable() <= 0):
                study.stop()

        known = [scores for scores in map(scores_of, self._ended()) if scores]
        schedule.recall(known)
        session.progress.expect(len(known), known)
        end, time_s = None, self.budget.time_s
        try:
            if self._affordable() > 0:
                end = self.study.run(
                    objective,
                    trials=self.limit if raced else self.trials,
                    workers=workers,
                    executor=make,
                    trial_time_s=limits.time_s,
                    trial_memory_mb=limits.memory_mb,
                    callbacks=[after],
                    on_error="raise" if raises else "go on",
                    time_s=None if time_s is None else self.study.elapsed_s() + time_s,
                    target=self.budget.target,
                    plateau=self.budget.plateau,
                )
        finally:
            self._add_ended()
        if end is End.EXHAUSTED:
            self._warn_exhausted()

    def _evaluate_asked(self, context: Any) -> None:
        asked = self._asked
        part = context.subcontext(
            task_name="batch", max_subtasks=len(asked) * self.session.folds, sequential_subtasks=False
        ).call_on_fit_task_begin(estimator=self.session.search)
        finished: set[int] = set()

        def done(place: int, scores: Sequence[Scores]) -> None:
            result = result_of(scores, self.metric)
            self.study.tell(asked[place], result, duration_s=seconds_of(scores))
            finished.add(place)

        try:
            self.session.evaluate(
                [self.space.params(trial.params) for trial in asked], callback_ctx=part, done=done, settle=False
            )
        except BaseException:
            for place, trial in enumerate(asked):
                if place not in finished:
                    self.study.release(trial, "the search was ended by an exception")
            raise
        part.call_on_fit_task_end(estimator=self.session.search)

    def _ended(self) -> list[Any]:
        return [trial for trial in self.study.trials if trial.reason is not None]

    def _add_ended(self) -> list[list[Scores]]:
        """Add all ended trials to the session, and return their scores; a trial without any failed on all folds."""
        ended = self._ended()
        known = [scores_of(trial) for trial in ended]
        like = next((scores[0] for scores in known if scores), None)
        out = [
            scores or [failed_scores(trial.error, self.session.settings, like) for _ in range(self.session.folds)]
            for trial, scores in zip(ended, known, strict=True)
        ]
        self.session.add([self.space.params(t.params) for t in ended], [one for some in out for one in some])
        return out

    def _warn_exhausted(self) -> None:
        """Warn that the space is exhausted before the study has the number of trials that was asked for."""
        if self.study.history.finished >= self.trials:
            return
        warnings.warn(
            f"The search space has no more than {self.study.history.finished} candidates, fewer than the "
            f"{self.trials} that were wanted: all of them were evaluated.",
            UserWarning,
            stacklevel=2,
        )
