"""`HalvingGridSearchCV` and `HalvingRandomSearchCV`: all candidates with few resources, the best with more and more."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from luthier.sklearn import scikit
from luthier.sklearn.search import STORE, Search


class Halving(Search):
    """What both halving searches share."""

    def fit(self: Any, X: Any, y: Any = None, **params: Any) -> Any:
        """Evaluate the candidates by successive halving, and fit the best one to all data. See `Search.fit`."""
        self._n_samples_orig = scikit.num_samples(X)
        Search.fit(self, X, y, **params)
        # The winner is chosen among the last iteration, for which `refit` is not asked.
        self.best_score_ = self.cv_results_["mean_test_score"][self.best_index_]
        return self


class HalvingGridSearchCV(Halving, scikit.ScikitHalvingGridSearchCV):  # type: ignore[misc]
    """Halve the points of a grid: scikit-learn's ``HalvingGridSearchCV``."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **scikit.ScikitHalvingGridSearchCV._parameter_constraints,
        "store": STORE,
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


class HalvingRandomSearchCV(Halving, scikit.ScikitHalvingRandomSearchCV):  # type: ignore[misc]
    """Halve points drawn at random: scikit-learn's ``HalvingRandomSearchCV``."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **scikit.ScikitHalvingRandomSearchCV._parameter_constraints,
        "store": STORE,
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
