"""Objective of the worker processes of a search, and the race between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from luthier._runtime.logger import silent_logger
from luthier.executor import Answer, Executor, Task, TaskResult, TaskUpdate
from luthier.sklearn.evaluation import EvaluationSettings, Evaluator, Job, Scores, folds_run, mean_score
from luthier.sklearn.racing import Race, RaceSnapshot, deciding_score
from luthier.sklearn.record import folds_of, result_of
from luthier.sklearn.spaces import ParsedSpace

_RACE = "race"
"""The key of the race's state in the context of a trial."""

_log = silent_logger(__name__)


@dataclass(frozen=True)
class FoldObjective:
    """Cross-validation of one candidate: an objective for worker processes.

    Args:
        evaluator: evaluates a candidate on a fold.
        estimator: the estimator; it is cloned.
        settings: what all evaluations share.
        folds: the rows of each fold.
        space: converts configurations into parameters.
        metric: the metric that is the value, if there are several.
    """

    evaluator: Evaluator
    estimator: Any
    settings: EvaluationSettings
    folds: Sequence[Any]
    space: ParsedSpace
    metric: Any

    def __call__(self, trial: Any) -> Mapping[str, Any]:
        """Evaluate fold after fold while the candidate is not beaten, and report the mean so far after each."""
        snapshot: RaceSnapshot | None = trial.context.get(_RACE)
        params, count = self.space.params(trial.params), len(self.folds)
        order = range(count) if snapshot is None else snapshot.order
        rows = [(fold, *self.folds[fold]) for fold in order]
        jobs = [Job(trial.number, params, fold, train, test, trial.number + 1, count) for fold, train, test in rows]
        batches = self.evaluator.batches(self.estimator, jobs, self.settings, 1, True)
        found: dict[int, Scores] = {}
        values = np.full(count, np.nan)
        for _, job in sorted((one for batch in batches for one in batch), key=lambda one: one[0]):
            found[job.fold] = self.evaluator(self.estimator, self.settings, job, None, None)
            trial.report(mean_score([found[fold] for fold in sorted(found)], self.metric))
            if snapshot is not None and len(found) < count:
                values[job.fold] = deciding_score(found[job.fold], self.metric)
                if snapshot.stops(values, len(found)):
                    found.update(snapshot.impute(found))
                    break
        return {**result_of([found[fold] for fold in range(count)], self.metric)}


@dataclass
class RaceMonitor:
    """An executor that sends the state of the race along with each trial, and updates the race by its result.

    A trial races against the leader at its start; trials that start before there is a leader are run on all folds. No
    trial waits for another.

    Args:
        executor: runs the trials; it is closed with this one.
        race: the race between them.
        folds: number of folds.
        affordable: returns how many more candidates can be evaluated on all folds if as many as its argument, which run
            now, need all of their folds.
    """

    executor: Executor
    race: Race
    folds: int
    affordable: Callable[[int], int]
    _open: set[int] = field(default_factory=set)

    @property
    def capacity(self) -> int:
        """Maximal number of open trials: that of the executor, or what can be afforded if that is less; at least 1."""
        return max(1, min(self.executor.capacity, len(self._open) + self.affordable(len(self._open))))

    @property
    def idle(self) -> bool:
        """Whether no trial is open."""
        return not self._open

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        self.executor.submit(replace(task, context={**task.context, _RACE: self.race.snapshot(self.folds)}))
        self._open.add(task.number)

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskUpdate, ...]:
        """See `Executor.poll`."""
        updates = self.executor.poll(timeout_s, answer)
        for update in updates:
            if isinstance(update, TaskResult):
                self._open.discard(update.number)
                scores = folds_of(update.value)
                if scores:
                    self.race.recall([scores])
                if scores and (ran := folds_run(scores)) < self.folds:
                    _log.info("racing stopped trial %d after %d of %d folds", update.number, ran, self.folds)
        return updates

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`."""
        self.executor.cancel(number)

    def close(self) -> None:
        """See `Executor.close`."""
        self.executor.close()
