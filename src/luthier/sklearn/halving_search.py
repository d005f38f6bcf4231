"""`HalvingGridSearchCV` and `HalvingRandomSearchCV`: successive halving of candidates."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from luthier._hints import translating_settings
from luthier.sklearn import private_api
from luthier.sklearn.search import CACHE_MB, LIMITS, PATHS, STORE, Search
from luthier.sklearn.session import Session
from luthier.sklearn.spaces import CandidateSpace, ParsedSpace, draw_candidates, grid_candidates, record_space
from luthier.space import Int, Space


class Halving(Search):
    """Common part of both halving searches."""

    def fit(self: Any, X: Any, y: Any = None, **params: Any) -> Any:
        """Evaluate the candidates by successive halving, and fit the best one to all data. See `Search.fit`."""
        self._n_samples_orig = private_api.num_samples(X)
        Search.fit(self, X, y, **params)
        # The winner is chosen in the last iteration, whether or not `refit` is set.
        self.best_score_ = self.cv_results_["mean_test_score"][self.best_index_]
        return self

    def _study_spaces(self: Any, estimator: Any) -> list[ParsedSpace | CandidateSpace]:
        return [record_space(self._given(), estimator, {self.resource: Int(1, max(2, self.max_resources_))})]

    def _more_candidates_follow(self: Any) -> bool:
        """See `Search`: if the folds stay the same, the best candidates continue with more of the resource."""
        return bool(self.resource != "n_samples")

    def _identity(self: Any) -> dict[str, Any]:
        return {"resource": self.resource, "max_resources": self.max_resources_}

    def _explore(self: Any, session: Session, context: Any) -> None:
        try:
            self._halve(session, context)
        except BaseException:
            self._count_iterations()
            raise

    def _count_iterations(self: Any) -> None:
        """Set the attributes that scikit-learn sets at the end, after an end before that."""
        if not getattr(self, "n_candidates_", None):
            return
        self.n_iterations_ = len(self.n_candidates_)
        self.n_remaining_candidates_ = self.n_candidates_[-1]
        self.n_required_iterations_ = 1 + math.floor(math.log(self.n_candidates_[0], self.factor))
        most = self.max_resources_ // self.min_resources_
        self.n_possible_iterations_ = 1 + math.floor(math.log(most, self.factor))

    def _halve(self: Any, session: Session, context: Any) -> None:
        if self.store is None:
            return private_api.run_search(self, session.evaluate, context)

        def evaluate(candidates: Any, cv: Any = None, **settings: Any) -> dict[str, Any]:
            if getattr(cv, "random_state", 0) is None:  # of the subsamples, see `Search._seed`
                cv.random_state = self._seed()
            return session.evaluate(candidates, cv, **settings)

        return private_api.run_search(self, evaluate, context)


@translating_settings
class HalvingGridSearchCV(Halving, private_api.ScikitHalvingGridSearchCV):  # type: ignore[misc]
    """Evaluate the points of a grid by successive halving: scikit-learn's ``HalvingGridSearchCV``."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **private_api.ScikitHalvingGridSearchCV._parameter_constraints,
        "param_grid": [dict, list, Space],
        "store": STORE,
        "cache_mb": CACHE_MB,
        "paths": PATHS,
        **LIMITS,
    }

    def __init__(
        self,
        estimator: Any,
        param_grid: Any,
        *,
        factor: Any = 3,
        resource: str = "n_samples",
        max_resources: Any = "auto",
        min_resources: Any = "exhaust",
        aggressive_elimination: bool = False,
        cv: Any = 5,
        scoring: Any = None,
        refit: Any = True,
        error_score: Any = np.nan,
        return_train_score: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        store: Any = None,
        cache_mb: float = 512,
        paths: str = "exact",
        budget: Any = None,
        workers: int | None = None,
        trial_time_s: float | None = None,
        trial_memory_mb: float | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_grid,
            factor=factor,
            resource=resource,
            max_resources=max_resources,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.store = store
        self.cache_mb = cache_mb
        self.paths = paths
        self.budget = budget
        self.workers = workers
        self.trial_time_s = trial_time_s
        self.trial_memory_mb = trial_memory_mb

    def _generate_candidate_params(self) -> Any:
        return grid_candidates(self.param_grid, self.estimator)

    def _given(self) -> Any:
        return self.param_grid


@translating_settings
class HalvingRandomSearchCV(Halving, private_api.ScikitHalvingRandomSearchCV):  # type: ignore[misc]
    """Evaluate points drawn at random by successive halving: scikit-learn's ``HalvingRandomSearchCV``."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **private_api.ScikitHalvingRandomSearchCV._parameter_constraints,
        "param_distributions": [dict, list, Space],
        "store": STORE,
        "cache_mb": CACHE_MB,
        "paths": PATHS,
        **LIMITS,
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_candidates: Any = "exhaust",
        factor: Any = 3,
        resource: str = "n_samples",
        max_resources: Any = "auto",
        min_resources: Any = "smallest",
        aggressive_elimination: bool = False,
        cv: Any = 5,
        scoring: Any = None,
        refit: Any = True,
        error_score: Any = np.nan,
        return_train_score: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        store: Any = None,
        cache_mb: float = 512,
        paths: str = "exact",
        budget: Any = None,
        workers: int | None = None,
        trial_time_s: float | None = None,
        trial_memory_mb: float | None = None,
    ) -> None:
        super().__init__(
            estimator,
            param_distributions,
            n_candidates=n_candidates,
            factor=factor,
            resource=resource,
            max_resources=max_resources,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.store = store
        self.cache_mb = cache_mb
        self.paths = paths
        self.budget = budget
        self.workers = workers
        self.trial_time_s = trial_time_s
        self.trial_memory_mb = trial_memory_mb

    def _generate_candidate_params(self) -> Any:
        count = self.n_candidates
        if count == "exhaust":  # so that the last iteration uses as many resources as possible
            count = self.max_resources_ // self.min_resources_
        return draw_candidates(self.param_distributions, count, self._seed(), self.estimator)

    def _given(self) -> Any:
        return self.param_distributions
