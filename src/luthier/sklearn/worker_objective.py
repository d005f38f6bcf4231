"""Evaluate candidates in supervised processes: what each of them does, and how they race with each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from luthier.executor import Answer, Executor, Task, TaskReport, TaskResult
from luthier.sklearn.evaluation import EvaluationSettings, Evaluator, Job, Scores
from luthier.sklearn.racing.race import Bout, Race, value_of
from luthier.sklearn.record import folds_of, result_of
from luthier.sklearn.search_progress import score_of
from luthier.sklearn.spaces.parse_space import ParsedSpace

_BOUT = "bout"
"""What tells a trial, in its context, whom it races with."""


@dataclass(frozen=True)
class FoldObjective:
    """The cross-validation of one trial, for a process of its own.

    Args:
        evaluator: evaluates a candidate on a fold.
        estimator: is cloned.
        setting: what is the same for all.
        folds: the rows of each.
        reading: how a configuration is parameters.
        metric: which score is the value.
    """

    evaluator: Evaluator
    estimator: Any
    setting: EvaluationSettings
    folds: Sequence[Any]
    reading: ParsedSpace
    metric: Any

    def __call__(self, trial: Any) -> Mapping[str, Any]:
        """Evaluate fold after fold, so long as the candidate is not beaten; report the mean so far after each."""
        bout: Bout | None = trial.context.get(_BOUT)
        params, count = self.reading.params(trial.params), len(self.folds)
        order = range(count) if bout is None else bout.order
        rows = [(fold, *self.folds[fold]) for fold in order]
        jobs = [Job(trial.number, params, fold, train, test, trial.number + 1, count) for fold, train, test in rows]
        pieces = self.evaluator.pieces(self.estimator, jobs, self.setting, 1, True)
        found: dict[int, Scores] = {}
        values = np.full(count, np.nan)
        for _, job in sorted((one for piece in pieces for one in piece), key=lambda one: one[0]):
            found[job.fold] = self.evaluator(self.estimator, self.setting, job, None, None)
            trial.report(score_of([found[fold] for fold in sorted(found)], self.metric))
            if bout is not None and len(found) < count:
                values[job.fold] = value_of(found[job.fold], self.metric)
                if bout.stops(values, len(found)):
                    found.update(bout.stand_ins(found))
                    break
        return {**result_of([found[fold] for fold in range(count)], self.metric)}


@dataclass
class RaceMonitor:
    """An executor that tells each trial whom it races with, and hears what came of it.

    A trial is raced against the leader that there was when it began; those that begin before there is one are run on
    all folds. Nobody waits for another.

    Args:
        executor: runs the trials; is closed with this one.
        race: between them.
        folds: how many there are.
        affordable: says how many more candidates can be evaluated on all folds, should as many as it is given, which
            run now, need all of theirs.
    """

    executor: Executor
    race: Race
    folds: int
    affordable: Callable[[int], int]
    _open: set[int] = field(default_factory=set)

    @property
    def capacity(self) -> int:
        """How many trials may be open: as many as the executor runs, and as can be afforded; one at least."""
        return max(1, min(self.executor.capacity, len(self._open) + self.affordable(len(self._open))))

    @property
    def idle(self) -> bool:
        """Whether no trial is open."""
        return not self._open

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        self.executor.submit(replace(task, context={**task.context, _BOUT: self.race.bout(self.folds)}))
        self._open.add(task.number)

    def poll(self, timeout_s: float, answer: Answer | None = None) -> tuple[TaskResult | TaskReport, ...]:
        """See `Executor.poll`."""
        news = self.executor.poll(timeout_s, answer)
        for one in news:
            if isinstance(one, TaskResult):
                self._open.discard(one.number)
                scores = folds_of(one.value)
                if scores:
                    self.race.recall([scores])
        return news

    def cancel(self, number: int) -> None:
        """See `Executor.cancel`."""
        self.executor.cancel(number)

    def close(self) -> None:
        """See `Executor.close`."""
        self.executor.close()


def failed(error: str, setting: EvaluationSettings, like: Scores | None) -> Scores:
    """Make the scores of a fold of a candidate whose process failed: those of a fit that raised."""
    score = setting.error_score if setting.error_score != "raise" else float("nan")
    value: Any = score
    if like is not None and isinstance(like["test_scores"], dict):
        value = dict.fromkeys(like["test_scores"], score)
    found = {"test_scores": value, "fit_time": 0.0, "score_time": 0.0, "n_test_samples": 0}
    if setting.return_train_score:
        found["train_scores"] = value
    return {**found, "fit_error": error or "the process of the trial ended without a word"}
