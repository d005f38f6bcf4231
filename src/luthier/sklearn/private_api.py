"""Gate to the private names of scikit-learn, and to the differences between its versions 1.7 to 1.9.

Private modules, functions and attributes of scikit-learn are used here and nowhere else in the package, but for the
methods that the search classes inherit. The extra ``sklearn`` in pyproject.toml admits exactly the versions that are
tested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from inspect import signature
from typing import Any

import numpy as np
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
    "CALLBACKS",
    "CONTEXT",
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
    "effective_n_jobs",
    "fit_and_score",
    "fit_context",
    "format_results",
    "has_builtin_score_function",
    "has_callbacks",
    "insert_error_scores",
    "is_builtin_scorer",
    "num_samples",
    "prepend_member_seeds",
    "run_search",
    "scorers_by_name",
    "scoring_context",
    "warn_or_raise_about_fit_failures",
    "yields_constant_splits",
]

HAS_CALLBACKS = "callback_ctx" in signature(fit_and_score).parameters
"""Whether scikit-learn has callbacks: from 1.9 on."""

CALLBACKS = "_skl_callbacks"
"""The attribute with the callbacks of an estimator."""

CONTEXT = "_parent_callback_ctx"
"""The attribute with the callback context of an estimator that a search fits."""

RETURN = "return" if HAS_CALLBACKS else "returned"
"""A word in which the versions' messages differ."""

_MEMBER_SEEDS = "_seeds"
"""The attribute with the random states of the members of a bagging estimator."""


class NoContext:
    """Stands for scikit-learn's callback context in versions that have none."""

    def subcontext(self, **_: Any) -> NoContext:
        """Return the context of a part."""
        return self

    def call_on_fit_task_begin(self, **_: Any) -> NoContext:
        """Call nothing."""
        return self

    def call_on_fit_task_end(self, **_: Any) -> bool:
        """Call nothing, and go on."""
        return False

    def propagate_callback_context(self, estimator: Any) -> Any:
        """Return a context manager that does nothing."""
        return nullcontext(estimator)


def begin_callbacks(search: Any, parts: int, **data: Any) -> Any:
    """Begin a fit for the callbacks of a search, and return their context."""
    if not HAS_CALLBACKS:
        return NoContext()
    return search._init_callback_context(max_subtasks=parts).call_on_fit_task_begin(estimator=search, **data)


def has_callbacks(estimator: Any) -> bool:
    """Return whether an estimator, or a search, has callbacks."""
    return bool(getattr(estimator, CALLBACKS, None))


def scoring_context(search: Any, context: Any) -> dict[str, Any]:
    """Return the arguments of `fit_and_score` for callbacks."""
    return {"caller": search, "callback_ctx": context} if HAS_CALLBACKS else {}


def check_before(search: Any, X: Any, y: Any, split_params: Mapping[str, Any]) -> None:
    """Have a search check its arguments against the data, if it has such a check."""
    if hasattr(search, "_check_input_parameters"):
        search._check_input_parameters(X=X, y=y, split_params=split_params)


def run_search(search: Any, evaluate: Callable[..., Any], context: Any) -> None:
    """Call ``_run_search`` with the arguments that it takes."""
    takes = "callback_ctx" in signature(search._run_search).parameters
    search._run_search(evaluate, **({"callback_ctx": context} if takes else {}))


def format_results(
    search: Any, candidates: Sequence[Any], folds: int, out: Sequence[Any], more: Mapping[str, Any]
) -> dict[str, Any]:
    """Make ``cv_results_`` of the scores of all candidates.

    Args:
        search: the search.
        candidates: the parameters of each candidate.
        folds: number of folds.
        out: the scores of all folds of each candidate, one candidate after the other.
        more: further columns, one value per candidate.
    """
    results: dict[str, Any] = search._format_results(candidates, folds, out, more)
    return results


def effective_n_jobs(parallel: Any) -> int:
    """Return the number of workers of a `Parallel`."""
    workers: int = parallel._effective_n_jobs()
    return workers


def scorers_by_name(scorer: Any) -> dict[str, Any] | None:
    """Return the scorer of each metric; None for a scorer of a single one."""
    if not isinstance(scorer, MultimetricScorer):
        return None
    scorers: dict[str, Any] = scorer._scorers
    return scorers


def is_builtin_scorer(scorer: Any) -> bool:
    """Return whether the class of a scorer of a single metric is scikit-learn's."""
    return type(scorer).__module__ == "sklearn.metrics._scorer"


def has_builtin_score_function(scorer: Any) -> bool:
    """Return whether the function in a scorer of a single metric, if it has one, is scikit-learn's."""
    function = getattr(scorer, "_score_func", None)
    return function is None or str(getattr(function, "__module__", "")).partition(".")[0] == "sklearn"


def prepend_member_seeds(estimator: Any, state: Mapping[str, Any]) -> None:
    """Complete the random states of a bag's members, of which ``warm_start`` keeps only those of the newest.

    Args:
        estimator: fitted by ``warm_start``; left unchanged if it has no such attribute.
        state: the fitted attributes that it started from.
    """
    if _MEMBER_SEEDS in vars(estimator):
        estimator._seeds = np.concatenate([state[_MEMBER_SEEDS], estimator._seeds])
