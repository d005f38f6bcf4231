"""`GridSearchCV` and `RandomizedSearchCV`: candidates that are known before the first is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from luthier.sklearn import private_api
from luthier.sklearn.search import CACHE_MB, PATHS, RACING, SIMPLICITY, STORE, Search
from luthier.sklearn.spaces.candidate_space import CandidateSpace
from luthier.sklearn.spaces.candidates import drawn, grid, reading_of
from luthier.sklearn.spaces.parse_space import ParsedSpace
from luthier.space import Space


def evaluate_at_once(search: Any, evaluate: Callable[..., Any], candidates: Any, context: Any) -> None:
    """Evaluate a list of candidates as one batch."""
    inner = context.subcontext(
        task_name="search", max_subtasks=len(candidates) * search.n_splits_, sequential_subtasks=False
    ).call_on_fit_task_begin(estimator=search)
    evaluate(candidates, callback_ctx=inner)
    inner.call_on_fit_task_end(estimator=search)


class GridSearchCV(Search, private_api.ScikitGridSearchCV):  # type: ignore[misc]
    """Try every point of a grid by cross-validation: scikit-learn's ``GridSearchCV``.

    All arguments, attributes and methods are those of `sklearn.model_selection.GridSearchCV`, and these besides:

    Args:
        store: a path or a store: what was evaluated is kept, and the same search goes on from there.
        cache_mb: how many MB of what candidates share, the first steps of pipelines, are kept; 0 for none.
        paths: whether candidates that differ in one parameter only are fitted from one another: "exact" where the
            result is that of a fit from scratch, to the bit (``n_estimators`` of forests, the penalty of a ridge);
            "close" for linear models, too, whose results then agree up to their ``tol``; "none" nowhere.
        racing: whether candidates that are beaten after some folds are spared the others, with 5 folds or more and one
            score that decides; or a `Racing`, which says how. ``cv_results_`` says what was not run.
        one_standard_error: chooses the simplest candidate whose mean is within one standard error of the best
            (Breiman and others 1984), and says what is simple: the name of a parameter (with a minus before it where
            larger is simpler), several names, or a function of the parameters, smaller values of which are simpler; or
            True for what is known of common parameters of scikit-learn's.

    Attributes (besides those of scikit-learn's):
        study_: the search as a study.
        best_estimate_: what the winner will score on new data: an `Estimate`.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **private_api.ScikitGridSearchCV._parameter_constraints,
        "param_grid": [dict, list, Space],
        "store": STORE,
        "racing": RACING,
        "one_standard_error": SIMPLICITY,
        "cache_mb": CACHE_MB,
        "paths": PATHS,
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

    def _run_search(self, evaluate_candidates: Callable[..., Any], callback_ctx: Any = None) -> None:
        evaluate_at_once(self, evaluate_candidates, grid(self.param_grid, self.estimator), callback_ctx)

    def _readings(self, estimator: Any) -> list[ParsedSpace | CandidateSpace]:
        return [reading_of(self.param_grid, estimator)]


class RandomizedSearchCV(Search, private_api.ScikitRandomizedSearchCV):  # type: ignore[misc]
    """Try points drawn at random by cross-validation: scikit-learn's ``RandomizedSearchCV``.

    It takes the further arguments of `GridSearchCV`, and has its further attributes.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **private_api.ScikitRandomizedSearchCV._parameter_constraints,
        "param_distributions": [dict, list, tuple, Space],
        "store": STORE,
        "racing": RACING,
        "one_standard_error": SIMPLICITY,
        "cache_mb": CACHE_MB,
        "paths": PATHS,
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

    def _run_search(self, evaluate_candidates: Callable[..., Any], callback_ctx: Any = None) -> None:
        candidates = drawn(self.param_distributions, self.n_iter, self._seed(), self.estimator)
        evaluate_at_once(self, evaluate_candidates, candidates, callback_ctx)

    def _readings(self, estimator: Any) -> list[ParsedSpace | CandidateSpace]:
        return [reading_of(self.param_distributions, estimator)]
