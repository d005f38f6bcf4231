"""Evaluation of one candidate on one fold, and the scores that it gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from sklearn.base import clone

from luthier.sklearn import private_api

Scores: TypeAlias = dict[str, Any]
"""The result of one candidate on one fold, with scikit-learn's keys: ``test_scores`` and, if requested,
``train_scores`` (a number, or a mapping of metrics to numbers), ``fit_time`` and ``score_time`` in seconds,
``n_test_samples``, and ``fit_error`` (None, or the traceback)."""

Candidate: TypeAlias = Mapping[str, Any]
"""The parameters of a candidate, by name."""

LEFT_OUT = "left_out"
"""The key that marks imputed scores, of a fold on which the candidate was not evaluated."""


def is_left_out(scores: Scores) -> bool:
    """Return whether these scores are imputed, because the candidate was not evaluated on the fold."""
    return bool(scores.get(LEFT_OUT, False))


def folds_run(scores: Sequence[Scores]) -> int:
    """Return the number of folds on which a candidate was evaluated."""
    return sum(not is_left_out(fold) for fold in scores)


def seconds_of(scores: Sequence[Scores]) -> float:
    """Return the seconds that the evaluation of a candidate took, over all folds."""
    return math.fsum(float(fold["fit_time"]) + float(fold["score_time"]) for fold in scores)


def mean_score(scores: Sequence[Scores], metric: Any, worst: float = np.nan) -> float:
    """Return a candidate's mean test score over the folds.

    Args:
        scores: the scores of each fold.
        metric: the name of the metric, if there are several; the first metric if no metric has this name.
        worst: returned instead of NaN.
    """
    found = []
    for fold in scores:
        value = fold["test_scores"]
        if isinstance(value, dict):
            value = value.get(metric, _first(value)) if isinstance(metric, str) else _first(value)
        found.append(float(value))
    mean = float(np.mean(found)) if found else np.nan
    return worst if np.isnan(mean) else mean


def _first(values: dict[str, Any]) -> Any:
    return next(iter(values.values()), np.nan)


@dataclass(frozen=True)
class EvaluationSettings:
    """Settings that all evaluations of one fit share.

    Args:
        X: the data as the user gave them.
        y: the targets, or None.
        scorer: of one metric or several, as scikit-learn made it.
        fit_params: keyword arguments of the estimator's ``fit``; those with one row per sample are split.
        score_params: keyword arguments of the scorer, likewise.
        error_score: the score of a failed fit, or "raise".
        return_train_score: whether the training part is scored, too.
        verbose: as in scikit-learn: from 2 on, each fit is printed.
    """

    X: Any
    y: Any
    scorer: Any
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    error_score: Any
    return_train_score: bool
    verbose: int


class Job(NamedTuple):
    """One pair of a candidate and a fold.

    Args:
        candidate: position of the candidate in its batch of candidates.
        params: the candidate's parameters.
        fold: index of the fold.
        train: indices of the rows to fit on.
        test: indices of the rows to score on.
        candidates: number of candidates in the batch.
        folds: number of folds.
        shared: number of leading pipeline steps that other jobs have in common with this one.
    """

    candidate: int
    params: Candidate
    fold: int
    train: Any
    test: Any
    candidates: int
    folds: int
    shared: int = 0


JobBatch: TypeAlias = list[tuple[int, Job]]
"""Jobs that one process evaluates one after the other, each with its position in the list of all jobs."""


class Evaluator(Protocol):
    """Evaluates jobs. It is pickled to worker processes; what it caches within a process is up to it."""

    def batches(
        self, estimator: Any, jobs: Sequence[Job], settings: EvaluationSettings, workers: int, streams: bool
    ) -> Sequence[JobBatch]:
        """Divide jobs into batches, each for one process, in the best order.

        Args:
            estimator: the estimator of all jobs, without the parameters of any.
            jobs: the jobs.
            settings: what all jobs share.
            workers: number of batches that are evaluated at the same time.
            streams: whether each result is wanted as soon as it is there.
        """
        ...

    def split(self, workers: int) -> Evaluator:
        """Return an evaluator for each of `workers` processes, which together cache no more than this one."""
        ...

    def __call__(self, estimator: Any, settings: EvaluationSettings, job: Job, caller: Any, context: Any) -> Scores:
        """Fit and score one job.

        Args:
            estimator: the estimator of all jobs, without the parameters of any; it is cloned.
            settings: what all jobs share.
            job: the candidate and the fold.
            caller: the search, for callbacks.
            context: the context of the callbacks, or None.

        Raises:
            ValueError: the estimator has no parameter of a given name.
            Exception: the exception of the fit, if the error score is "raise".
        """
        ...


@dataclass(frozen=True)
class PlainEvaluator:
    """Evaluates every job from scratch, by scikit-learn's own function.

    Args:
        cloned: whether the estimators that it gets are clones already.
    """

    cloned: bool = False

    def batches(
        self, estimator: Any, jobs: Sequence[Job], settings: EvaluationSettings, workers: int, streams: bool
    ) -> Sequence[JobBatch]:
        """See `Evaluator.batches`: each job by itself, in the given order."""
        return [[(place, job)] for place, job in enumerate(jobs)]

    def split(self, workers: int) -> Evaluator:
        """See `Evaluator.split`: nothing is cached."""
        return self

    def __call__(self, estimator: Any, settings: EvaluationSettings, job: Job, caller: Any, context: Any) -> Scores:
        """See `Evaluator.__call__`."""
        scores: Scores = private_api.fit_and_score(
            estimator if self.cloned else clone(estimator),
            settings.X,
            settings.y,
            train=job.train,
            test=job.test,
            parameters=job.params,
            split_progress=(job.fold, job.folds),
            candidate_progress=(job.candidate, job.candidates),
            scorer=settings.scorer,
            fit_params=settings.fit_params,
            score_params=settings.score_params,
            return_train_score=settings.return_train_score,
            return_n_test_samples=True,
            return_times=True,
            return_parameters=False,
            error_score=settings.error_score,
            verbose=settings.verbose,
            **private_api.scoring_context(caller, context),
        )
        return scores


def evaluate_batch(
    evaluator: Evaluator,
    settings: EvaluationSettings,
    caller: Any,
    estimator: Any,
    tasks: Sequence[tuple[int, Job, Any]],
) -> list[tuple[int, Scores]]:
    """Evaluate the jobs of a batch; each result has its position, since batches may finish in any order.

    Args:
        evaluator: evaluates each job.
        settings: what all jobs share.
        caller: the search, for callbacks.
        estimator: the estimator of all jobs.
        tasks: the position, the job and the context of each.
    """
    return [(place, evaluator(estimator, settings, job, caller, context)) for place, job, context in tasks]


def failed_scores(error: str, settings: EvaluationSettings, like: Scores | None) -> Scores:
    """Return the scores of a fold of a candidate whose process failed: those of a failed fit.

    Args:
        error: the error of the trial.
        settings: what all evaluations share.
        like: the scores of another candidate, for the names of the metrics of a scorer that is a function.
    """
    score = settings.error_score if settings.error_score != "raise" else float("nan")
    value: Any = score
    names = private_api.scorers_by_name(settings.scorer)
    if like is not None and isinstance(like["test_scores"], dict):
        names = like["test_scores"]
    if names is not None:
        value = dict.fromkeys(names, score)
    found = {"test_scores": value, "fit_time": 0.0, "score_time": 0.0, "n_test_samples": 0}
    if settings.return_train_score:
        found["train_scores"] = value
    return {**found, "fit_error": error or "the process of the trial ended without an error message"}
