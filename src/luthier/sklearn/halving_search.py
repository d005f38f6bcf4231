"""`HalvingGridSearchCV` and `HalvingRandomSearchCV`: all candidates with few resources, the best with more and more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from luthier.sklearn import private_api
from luthier.sklearn.evaluation import Evaluator
from luthier.sklearn.reuse.shared_steps import SharedSteps
from luthier.sklearn.search import CACHE_MB, PATHS, STORE, Search
from luthier.sklearn.session import Session
from luthier.sklearn.spaces.candidate_space import CandidateSpace
from luthier.sklearn.spaces.candidates import drawn, grid, reading_of
from luthier.sklearn.spaces.parse_space import ParsedSpace
from luthier.space import Int, Space


class Halving(Search):
    """What both halving searches share."""

    def fit(self: Any, X: Any, y: Any = None, **params: Any) -> Any:
        """Evaluate the candidates by successive halving, and fit the best one to all data. See `Search.fit`."""
        self._n_samples_orig = private_api.num_samples(X)
        Search.fit(self, X, y, **params)
        # The winner is chosen among the last iteration, for which `refit` is not asked.
        self.best_score_ = self.cv_results_["mean_test_score"][self.best_index_]
        return self

    def _readings(self: Any, estimator: Any) -> list[ParsedSpace | CandidateSpace]:
        return [reading_of(self._given(), estimator, {self.resource: Int(1, max(2, self.max_resources_))})]

    def _evaluator(self: Any) -> Evaluator:
        """See `Search._evaluator`: where folds stay the same, candidates go on with more of the resource."""
        made = super()._evaluator()
        stay = self.resource != "n_samples"
        return replace(made, later=True) if stay and isinstance(made, SharedSteps) else made

    def _identity(self: Any) -> dict[str, Any]:
        return {"resource": self.resource, "max_resources": self.max_resources_}

    def _explore(self: Any, session: Session, context: Any) -> None:
        if self.store is None:
            return private_api.run_search(self, session.evaluate, context)

        def evaluate(candidates: Any, cv: Any = None, **settings: Any) -> dict[str, Any]:
            if getattr(cv, "random_state", 0) is None:  # that of the subsamples, see `Search._seed`
                cv.random_state = self._seed()
            return session.evaluate(candidates, cv, **settings)

        return private_api.run_search(self, evaluate, context)


class HalvingGridSearchCV(Halving, private_api.ScikitHalvingGridSearchCV):  # type: ignore[misc]
    """Halve the points of a grid: scikit-learn's ``HalvingGridSearchCV``."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **private_api.ScikitHalvingGridSearchCV._parameter_constraints,
        "param_grid": [dict, list, Space],
        "store": STORE,
        "cache_mb": CACHE_MB,
        "paths": PATHS,
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

    def _generate_candidate_params(self) -> Any:
        return grid(self.param_grid, self.estimator)

    def _given(self) -> Any:
        return self.param_grid


class HalvingRandomSearchCV(Halving, private_api.ScikitHalvingRandomSearchCV):  # type: ignore[misc]
    """Halve points drawn at random: scikit-learn's ``HalvingRandomSearchCV``."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **private_api.ScikitHalvingRandomSearchCV._parameter_constraints,
        "param_distributions": [dict, list, Space],
        "store": STORE,
        "cache_mb": CACHE_MB,
        "paths": PATHS,
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

    def _generate_candidate_params(self) -> Any:
        count = self.n_candidates
        if count == "exhaust":  # so that the last iteration uses as many resources as possible
            count = self.max_resources_ // self.min_resources_
        return drawn(self.param_distributions, count, self._seed(), self.estimator)

    def _given(self) -> Any:
        return self.param_distributions
