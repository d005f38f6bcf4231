"""Evaluate one candidate on one fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from sklearn.base import clone

from luthier.sklearn import private_api

Scores: TypeAlias = dict[str, Any]
"""What came of one candidate on one fold, with the keys of scikit-learn's: ``test_scores`` and, where asked for,
``train_scores`` (a number, or numbers by metric), ``fit_time`` and ``score_time`` in seconds, ``n_test_samples``, and
``fit_error`` (None, or the traceback)."""


@dataclass(frozen=True)
class EvaluationSettings:
    """What is the same for all evaluations of one fit.

    Args:
        X: the data, as the user gave them.
        y: the targets, or None.
        scorer: of one metric or several, as scikit-learn made it.
        fit_params: keyword arguments of the estimator's ``fit``; those with one row a sample are split.
        score_params: keyword arguments of the scorer, likewise.
        error_score: what a failed fit scores, or "raise".
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
        candidate: the place of the candidate in its batch.
        params: its parameters.
        fold: the place of the fold.
        train: the rows to fit on.
        test: the rows to score on.
        candidates: how many there are in the batch.
        folds: how many there are.
        shared: how many first steps of a pipeline other jobs have, too.
    """

    candidate: int
    params: Mapping[str, Any]
    fold: int
    train: Any
    test: Any
    candidates: int
    folds: int
    shared: int = 0


Piece: TypeAlias = list[tuple[int, Job]]
"""Jobs that one process does one after the other, each with its place in the batch."""


class Evaluator(Protocol):
    """Evaluates jobs. It is pickled to worker processes; what it keeps in one process is its own affair."""

    def pieces(
        self, estimator: Any, jobs: Sequence[Job], setting: EvaluationSettings, workers: int, streams: bool
    ) -> Sequence[Piece]:
        """Cut the jobs into pieces, each for one process, in the order in which they are best done.

        Args:
            estimator: that of all jobs, before it has the parameters of one.
            jobs: of a batch.
            setting: what is the same for all of them.
            workers: how many pieces are done at the same time.
            streams: whether results are wanted as soon as they are there.
        """
        ...

    def part(self, workers: int) -> Evaluator:
        """Give an evaluator for each of so many processes, which together keep no more than this one."""
        ...

    def __call__(self, estimator: Any, setting: EvaluationSettings, job: Job, caller: Any, context: Any) -> Scores:
        """Fit and score one job.

        Args:
            estimator: that of all jobs, before it has the parameters of one; is cloned.
            setting: what is the same for all jobs.
            job: which candidate, which fold.
            caller: the search, for callbacks.
            context: that of the callbacks, or None.

        Raises:
            ValueError: the estimator has no parameter of that name.
            Exception: what the fit raised, where the error score is "raise".
        """
        ...


@dataclass(frozen=True)
class PlainEvaluator:
    """Evaluates every job afresh, as scikit-learn does: by its own function.

    Args:
        cloned: whether the estimators it gets are clones.
    """

    cloned: bool = False

    def pieces(
        self, estimator: Any, jobs: Sequence[Job], setting: EvaluationSettings, workers: int, streams: bool
    ) -> Sequence[Piece]:
        """See `Evaluator.pieces`: as they come, candidate by candidate, each job by itself."""
        return [[(place, job)] for place, job in enumerate(jobs)]

    def part(self, workers: int) -> Evaluator:
        """See `Evaluator.part`: nothing is kept."""
        return self

    def __call__(self, estimator: Any, setting: EvaluationSettings, job: Job, caller: Any, context: Any) -> Scores:
        """See `Evaluator.__call__`."""
        found: Scores = private_api.fit_and_score(
            estimator if self.cloned else clone(estimator),
            setting.X,
            setting.y,
            train=job.train,
            test=job.test,
            parameters=job.params,
            split_progress=(job.fold, job.folds),
            candidate_progress=(job.candidate, job.candidates),
            scorer=setting.scorer,
            fit_params=setting.fit_params,
            score_params=setting.score_params,
            return_train_score=setting.return_train_score,
            return_n_test_samples=True,
            return_times=True,
            return_parameters=False,
            error_score=setting.error_score,
            verbose=setting.verbose,
            **private_api.scoring_context(caller, context),
        )
        return found


def evaluated(
    evaluator: Evaluator,
    setting: EvaluationSettings,
    caller: Any,
    estimator: Any,
    tasks: Sequence[tuple[int, Job, Any]],
) -> list[tuple[int, Scores]]:
    """Evaluate the jobs of a piece, and say which is which: results may come in any order.

    Args:
        evaluator: evaluates each.
        setting: what is the same for all.
        caller: the search, for callbacks.
        estimator: that of all jobs.
        tasks: the place, the job, and the context of each.
    """
    return [(place, evaluator(estimator, setting, job, caller, context)) for place, job, context in tasks]
