"""The private names of scikit-learn that the search classes use, and what differs between its versions 1.7 to 1.9.

Everything private of scikit-learn's is imported here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from inspect import signature
from typing import Any

from sklearn.base import _fit_context as fit_context
from sklearn.metrics._scorer import _MultimetricScorer as MultimetricScorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._search import GridSearchCV as ScikitGridSearchCV
from sklearn.model_selection._search import RandomizedSearchCV as ScikitRandomizedSearchCV
from sklearn.model_selection._search_successive_halving import BaseSuccessiveHalving
from sklearn.model_selection._search_successive_halving import HalvingGridSearchCV as ScikitHalvingGridSearchCV
from sklearn.model_selection._search_successive_halving import HalvingRandomSearchCV as ScikitHalvingRandomSearchCV
from sklearn.model_selection._split import _yields_constant_splits as yields_constant_splits
from sklearn.model_selection._validation import _fit_and_score as fit_and_score
from sklearn.model_selection._validation import _insert_error_scores as insert_error_scores
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures as warn_or_raise_about_fit_failures
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "BaseSearchCV",
    "BaseSuccessiveHalving",
    "HasMethods",
    "Interval",
    "MultimetricScorer",
    "Parallel",
    "ScikitGridSearchCV",
    "ScikitHalvingGridSearchCV",
    "ScikitHalvingRandomSearchCV",
    "ScikitRandomizedSearchCV",
    "StrOptions",
    "begin_callbacks",
    "check_before",
    "check_method_params",
    "delayed",
    "fit_and_score",
    "fit_context",
    "insert_error_scores",
    "num_samples",
    "run_search",
    "scoring_context",
    "warn_or_raise_about_fit_failures",
    "yields_constant_splits",
]

HAS_CALLBACKS = "callback_ctx" in signature(fit_and_score).parameters
"""Whether scikit-learn has callbacks: from 1.9 on."""

RETURN = "return" if HAS_CALLBACKS else "returned"
"""A word in which the versions' messages differ."""


class NoContext:
    """Stands for scikit-learn's context of callbacks where that version has none."""

    def subcontext(self, **_: Any) -> NoContext:
        """Give the context of a part."""
        return self

    def call_on_fit_task_begin(self, **_: Any) -> NoContext:
        """Tell nobody."""
        return self

    def call_on_fit_task_end(self, **_: Any) -> bool:
        """Tell nobody, and go on."""
        return False

    def propagate_callback_context(self, estimator: Any) -> Any:
        """Give a context manager that does nothing."""
        return nullcontext(estimator)


def begin_callbacks(search: Any, parts: int, **data: Any) -> Any:
    """Begin a fit for the callbacks of a search, and give their context."""
    if not HAS_CALLBACKS:
        return NoContext()
    return search._init_callback_context(max_subtasks=parts).call_on_fit_task_begin(estimator=search, **data)


def scoring_context(search: Any, context: Any) -> dict[str, Any]:
    """Give the arguments of `fit_and_score` that say who calls it."""
    return {"caller": search, "callback_ctx": context} if HAS_CALLBACKS else {}


def check_before(search: Any, X: Any, y: Any, split_params: Mapping[str, Any]) -> None:
    """Have a search check its arguments against the data, where it does."""
    if hasattr(search, "_check_input_parameters"):
        search._check_input_parameters(X=X, y=y, split_params=split_params)


def run_search(search: Any, evaluate: Callable[..., Any], context: Any) -> None:
    """Call ``_run_search`` with the arguments that it takes."""
    takes = "callback_ctx" in signature(search._run_search).parameters
    search._run_search(evaluate, **({"callback_ctx": context} if takes else {}))
