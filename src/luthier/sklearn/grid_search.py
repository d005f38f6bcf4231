"""`GridSearchCV` and `RandomizedSearchCV`: candidates known before the first evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from luthier._hints import translating_settings
from luthier.sklearn import private_api
from luthier.sklearn.search import CACHE_MB, LIMITS, PATHS, RACING, SIMPLICITY, STORE, Search
from luthier.sklearn.spaces import (
    CandidateSpace,
    ParsedSpace,
    draw_candidates,
    grid_candidates,
    record_space,
    with_recorded,
)
from luthier.space import Space


def evaluate_at_once(search: Any, evaluate: Callable[..., Any], candidates: Any, context: Any) -> None:
    """Evaluate a list of candidates as one batch."""
    inner = context.subcontext(
        task_name="search", max_subtasks=len(candidates) * search.n_splits_, sequential_subtasks=False
    ).call_on_fit_task_begin(estimator=search)
    evaluate(candidates, callback_ctx=inner)
    inner.call_on_fit_task_end(estimator=search)


@translating_settings
class GridSearchCV(Search, private_api.ScikitGridSearchCV):  # type: ignore[misc]
    """Evaluate every point of a grid by cross-validation: scikit-learn's ``GridSearchCV``.

    All arguments, attributes and methods are those of `sklearn.model_selection.GridSearchCV`, and these:

    Args:
        store: a store or its path; results are stored as they come, and the same search continues from there.
        cache_mb: maximal MB of fits that candidates share (the first steps of pipelines, and paths); 0 turns all reuse
            of fits off, and evaluates every candidate from scratch by scikit-learn's own function.
        paths: whether fits of candidates that differ in one parameter only continue one another: "exact" where the
            result is that of a fit from scratch, to the bit (``n_estimators`` of forests, the penalty of a ridge);
            "close" also for linear models, whose results then agree up to their ``tol``; "none" never.
        racing: whether candidates that are beaten after some folds are not evaluated on the others, with 5 folds or
            more and one score that decides; or the settings, a `Racing`. ``cv_results_`` marks what was not run.
        budget: ends the search before all candidates are evaluated, but not before the first is: the seconds of this
            call of ``fit``; or a mapping, or a `luthier.run.Budget`, with ``time_s``, ``trials`` (candidates),
            ``target`` (a mean score that is good enough) or ``plateau`` (candidates in a row that are no better).
        workers: number of candidates that are evaluated at once, each in a supervised process of its own, where a crash
            costs one candidate; None for joblib, with `n_jobs`. Fits are reused within each process only.
        trial_time_s: maximal seconds that the evaluation of a candidate takes; it then counts as failed. This and the
            next argument need supervised processes, so without `workers` there is one.
        trial_memory_mb: maximal megabytes that the process of a candidate uses, likewise.
        one_standard_error: if given, the winner is the simplest candidate whose mean is within one standard error of
            the best (Breiman and others 1984). The value defines complexity: the name of a parameter (with a minus
            before it if larger values are simpler), several names, or a function of the parameters whose smaller values
            are simpler; or True for common parameters of scikit-learn's estimators.

    Attributes (besides those of scikit-learn's class):
        study_: the search as a study.
        best_estimate_: estimate of the winner's score on new data: an `Estimate`.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **private_api.ScikitGridSearchCV._parameter_constraints,
        "param_grid": [dict, list, Space],
        "store": STORE,
        "racing": RACING,
        "one_standard_error": SIMPLICITY,
        "cache_mb": CACHE_MB,
        "paths": PATHS,
        **LIMITS,
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        error_score: Any = np.nan,
        return_train_score: bool = False,
        store: Any = None,
        cache_mb: float = 512,
        racing: Any = False,
        one_standard_error: Any = False,
        paths: str = "exact",
        budget: Any = None,
        workers: int | None = None,
        trial_time_s: float | None = None,
        trial_memory_mb: float | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.store = store
        self.racing = racing
        self.one_standard_error = one_standard_error
        self.cache_mb = cache_mb
        self.paths = paths
        self.budget = budget
        self.workers = workers
        self.trial_time_s = trial_time_s
        self.trial_memory_mb = trial_memory_mb

    def _run_search(self, evaluate_candidates: Callable[..., Any], callback_ctx: Any = None) -> None:
        evaluate_at_once(self, evaluate_candidates, grid_candidates(self.param_grid, self.estimator), callback_ctx)

    def _study_spaces(self, estimator: Any) -> list[ParsedSpace | CandidateSpace]:
        return [record_space(self.param_grid, estimator)]


@translating_settings
class RandomizedSearchCV(Search, private_api.ScikitRandomizedSearchCV):  # type: ignore[misc]
    """Evaluate points drawn at random by cross-validation: scikit-learn's ``RandomizedSearchCV``.

    It has the further arguments and attributes of `GridSearchCV`.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **private_api.ScikitRandomizedSearchCV._parameter_constraints,
        "param_distributions": [dict, list, tuple, Space],
        "store": STORE,
        "racing": RACING,
        "one_standard_error": SIMPLICITY,
        "cache_mb": CACHE_MB,
        "paths": PATHS,
        **LIMITS,
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        store: Any = None,
        cache_mb: float = 512,
        racing: Any = False,
        one_standard_error: Any = False,
        paths: str = "exact",
        budget: Any = None,
        workers: int | None = None,
        trial_time_s: float | None = None,
        trial_memory_mb: float | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.store = store
        self.racing = racing
        self.one_standard_error = one_standard_error
        self.cache_mb = cache_mb
        self.paths = paths
        self.budget = budget
        self.workers = workers
        self.trial_time_s = trial_time_s
        self.trial_memory_mb = trial_memory_mb

    def _run_search(self, evaluate_candidates: Callable[..., Any], callback_ctx: Any = None) -> None:
        given = self.param_distributions
        candidates = draw_candidates(given, self.n_iter, self._seed(), self.estimator)
        if self.store is not None:
            candidates = with_recorded(given, candidates, self._recorded())
        evaluate_at_once(self, evaluate_candidates, candidates, callback_ctx)

    def _study_spaces(self, estimator: Any) -> list[ParsedSpace | CandidateSpace]:
        return [record_space(self.param_distributions, estimator)]
