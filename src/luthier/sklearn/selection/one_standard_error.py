"""One-standard-error rule: the simplest candidate about as good as the best (Breiman and others 1984)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from luthier.errors import InvalidSetting

SMALLER = (
    "C", "degree", "gamma", "max_degree", "max_depth", "max_features", "max_leaf_nodes", "n_components", "n_estimators",
    "n_knots",
)  # fmt: skip
"""Parameters of scikit-learn's estimators whose smaller values make simpler models."""

LARGER = (
    "alpha", "ccp_alpha", "l2_regularization", "min_impurity_decrease", "min_samples_leaf", "min_samples_split",
    "min_weight_fraction_leaf", "n_neighbors", "reg_covar", "reg_param", "shrinkage", "var_smoothing",
)  # fmt: skip
"""Parameters whose larger values make simpler models."""


def complexities(given: Any, params: Sequence[Mapping[str, Any]], estimator: Any) -> NDArray[np.float64]:
    """Rank candidates from the simplest, 1, to the most complex.

    Args:
        given: the measure of complexity: a function of a candidate's parameters, smaller values of which are simpler;
            the name of a parameter whose smaller values are simpler or, with a minus before it, whose larger values
            are; several names, whose ranks are averaged; or True for the parameters of `SMALLER` and `LARGER` in which
            the candidates differ.
        params: the parameters of each candidate.
        estimator: provides the values of parameters that a candidate does not set.

    Returns:
        The rank of each candidate, (candidates,).

    Raises:
        InvalidSetting: no parameter that differs is in these tables, or a named one has values that are not numbers.
    """
    if callable(given):
        values = [given(dict(one)) for one in params]
        order = sorted(set(values))
        return np.array([order.index(value) + 1.0 for value in values])
    names = [given] if isinstance(given, str) else list(_known(params)) if given is True else list(given)
    if not names:
        raise InvalidSetting(
            "one_standard_error=True does not know which values of the parameters searched make a simpler model: give "
            "the name of one (with a minus before it if larger is simpler), or a function of the parameters"
        )
    defaults = estimator.get_params(deep=True)
    columns = [_column(name, params, defaults) for name in names]
    found: NDArray[np.float64] = np.mean([rankdata(column, method="dense") for column in columns], axis=0)
    return found


def _known(params: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the parameters in `SMALLER` and `LARGER` whose values are numbers and differ."""
    found = []
    for name in sorted({name for one in params for name in one}):
        last = name.rpartition("__")[2]
        values = [one[name] for one in params if name in one]
        if last in SMALLER + LARGER and all(map(_is_number, values)) and len(set(values)) > 1:
            found.append(f"-{name}" if last in LARGER else name)
    return found


def _column(name: str, params: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> list[float]:
    sign, key = (-1.0, name[1:]) if name.startswith("-") else (1.0, name)
    if not any(key in one for one in params):
        raise InvalidSetting(f"one_standard_error={name!r}: no candidate has the parameter {key!r}")
    values = [one.get(key, defaults.get(key)) for one in params]
    for value in values:
        if not _is_number(value):
            raise InvalidSetting(
                f"one_standard_error={name!r}: {key}={value!r} is not a number: "
                "give a function of the parameters instead"
            )
    return [np.inf if value is None else sign * float(value) for value in values]


def _is_number(value: Any) -> bool:
    """Return whether a value can be ordered: None means no limit, and is more complex than any number."""
    return value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))


def within_one(scores: NDArray[np.float64], complexity: NDArray[np.float64]) -> int:
    """Return the index of the simplest candidate whose mean is at least the best mean minus its standard error.

    Args:
        scores: (candidates, folds); candidates with a NaN are not chosen.
        complexity: rank of each candidate, (candidates,).
    """
    means = np.where(np.isnan(scores).any(axis=1), -np.inf, scores.mean(axis=1))
    best = int(np.argmax(means))
    folds = scores.shape[1]
    error = float(scores[best].std(ddof=1)) / np.sqrt(folds) if folds > 1 and np.isfinite(means[best]) else 0.0
    near = np.flatnonzero(means >= means[best] - error)
    return int(min(near, key=lambda place: (complexity[place], -means[place], place)))


def simplest(results: Mapping[str, Any], metric: str, complexity: NDArray[np.float64], folds: int) -> int:
    """Return the winner of ``cv_results_`` by `within_one`: never one that was stopped before it had all folds."""
    return within_one(np.stack([results[f"split{fold}_test_{metric}"] for fold in range(folds)], axis=1), complexity)
