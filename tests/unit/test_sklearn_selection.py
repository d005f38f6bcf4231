"""The unbiased estimate of the winner's score, and the one-standard-error rule."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV as TheirGridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from luthier.errors import InvalidSetting
from luthier.sklearn import BayesSearchCV, Estimate, GridSearchCV, HalvingGridSearchCV, Racing, RandomizedSearchCV
from luthier.sklearn.selection.bias_correction import OneStandardErrorRule, best_mean, corrected, estimate, half_width
from luthier.sklearn.selection.one_standard_error import complexities, within_one

X, Y = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(random_state=0)
GRID: dict[str, Any] = {"max_depth": [1, 2, 3, 4], "min_samples_leaf": [1, 5, 20]}


def results_of(scores: Any) -> dict[str, Any]:
    found: dict[str, Any] = {f"split{fold}_test_score": values for fold, values in enumerate(np.transpose(scores))}
    return {**found, "mean_test_score": np.ma.masked_invalid(scores).mean(axis=1).filled(np.nan)}


# --- the estimate -------------------------------------------------------------------------------------------


def test_the_estimate_is_the_mean_over_all_resamples() -> None:
    """With three folds all 27 samples of folds can be listed."""
    scores = np.array([[0.9, 0.5, 0.7], [0.6, 0.8, 0.75]])
    parts = []
    for drawn in itertools.product(range(3), repeat=3):
        out = [fold for fold in range(3) if fold not in drawn]
        if out:
            parts.append(scores[int(np.argmax(scores[:, list(drawn)].mean(axis=1))), out].mean())
    assert corrected(scores, best_mean, 40_000) == pytest.approx(np.mean(parts), abs=0.002)


def test_one_candidate_has_no_optimism_worth_the_name() -> None:
    scores = np.array([[0.9, 0.5, 0.7, 0.8, 0.6]])
    found = estimate(results_of(scores), "score", 0, 5)
    assert found.score == pytest.approx(0.7, abs=0.005) and abs(found.optimism) < 0.005
    assert found.high - found.score == pytest.approx(half_width(scores[0], 0.95))


def test_the_interval_is_that_of_nadeau_and_bengio() -> None:
    scores = np.array([0.7, 0.8, 0.75, 0.9, 0.85])
    expected = stats.t.ppf(0.95, 4) * np.sqrt((1 / 5 + 1 / 4) * scores.var(ddof=1))
    assert half_width(scores, 0.9) == pytest.approx(expected)


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(TREE, GRID),
        GridSearchCV(TREE, GRID, cv=10, racing=True),
        RandomizedSearchCV(TREE, GRID, n_iter=4, random_state=0, scoring=["accuracy", "f1_macro"], refit="f1_macro"),
        HalvingGridSearchCV(TREE, GRID, random_state=0),
        BayesSearchCV(TREE, GRID, n_iter=4, random_state=0),
        GridSearchCV(TREE, GRID, one_standard_error=True),
        GridSearchCV(TREE, GRID, refit=False),
    ],
    ids=lambda search: type(search).__name__,
)
def test_every_search_has_it(search: Any) -> None:
    with pytest.raises(NotFittedError):
        _ = clone(search).best_estimate_
    search = clone(search).fit(X, Y)
    found = search.best_estimate_
    assert isinstance(found, Estimate) and found.confidence == 0.95
    assert found.low < found.score < found.high
    assert found.score + found.optimism == pytest.approx(search.best_score_)
    assert pickle.loads(pickle.dumps(search)).best_estimate_ == found
    assert "best_estimate_" not in dir(search) and "best_estimate_" not in vars(search)


def test_the_estimate_needs_one_score_that_chose() -> None:
    for settings in ({"refit": lambda results: 0}, {"scoring": ["accuracy", "f1_macro"], "refit": False}):
        with pytest.raises(InvalidSetting, match="one score"):
            _ = GridSearchCV(TREE, GRID, **settings).fit(X, Y).best_estimate_


def test_a_winner_without_a_score_has_no_interval() -> None:
    scores = np.array([[0.9, np.nan, 0.7]])
    found = estimate(results_of(scores), "score", 0, 3)
    assert np.isnan([found.score, found.low, found.high, found.optimism]).all()


def test_candidates_that_failed_are_not_resampled() -> None:
    scores = np.array([[0.9, 0.8, 0.7], [np.nan, np.nan, np.nan], [0.5, 0.95, 0.6]])
    some = {**results_of(scores), "mean_test_score": scores.mean(axis=1)}
    assert estimate(some, "score", 0, 3) == estimate(results_of(scores[[0, 2]]), "score", 0, 3)
    chooser = OneStandardErrorRule(np.array([2.0, 0.0, 1.0]))
    small = OneStandardErrorRule(np.array([2.0, 1.0]))
    assert estimate(some, "score", 0, 3, chooser) == estimate(results_of(scores[[0, 2]]), "score", 0, 3, small)


# --- one standard error ---------------------------------------------------------------------------------------


def test_the_simplest_within_one_standard_error() -> None:
    scores = np.array([[0.80, 0.90, 1.00], [0.80, 0.88, 0.95], [0.5, 0.6, 0.7], [0.82, 0.85, 0.96], [1, 1, np.nan]])
    assert within_one(scores, np.array([5, 2, 1, 3, 0])) == 1
    assert within_one(scores, np.array([5, 9, 1, 3, 0])) == 3
    assert within_one(scores, np.array([5, 3, 1, 3, 0])) == 1  # equally simple: the earlier has the same mean
    assert within_one(scores[:1], np.array([1])) == 0


def test_a_search_takes_the_simplest() -> None:
    plain = TheirGridSearchCV(TREE, GRID, cv=10).fit(X, Y)
    results = plain.cv_results_
    best = plain.best_index_
    least = results["mean_test_score"][best] - stats.sem([results[f"split{i}_test_score"][best] for i in range(10)])
    near = [place for place in range(12) if results["mean_test_score"][place] >= least]
    for rule in ("max_depth", lambda params: params["max_depth"], ["max_depth"]):
        search = GridSearchCV(TREE, GRID, cv=10, one_standard_error=rule).fit(X, Y)
        assert search.best_index_ in near
        assert search.best_params_["max_depth"] == min(results["params"][place]["max_depth"] for place in near)
        assert search.best_score_ == results["mean_test_score"][search.best_index_]
        assert search.best_estimator_.max_depth == search.best_params_["max_depth"]


def test_racing_lets_what_may_be_chosen_run() -> None:
    settings: dict[str, Any] = {"cv": 10, "one_standard_error": "max_depth"}
    plain = GridSearchCV(TREE, GRID, **settings).fit(X, Y)
    raced = GridSearchCV(TREE, GRID, **settings, racing=True).fit(X, Y)
    assert raced.best_params_ == plain.best_params_ and raced.cv_results_["raced_out"].any()
    assert not raced.cv_results_["raced_out"][raced.best_index_]
    assert GridSearchCV(TREE, GRID, **settings, racing=Racing(margin=0.5))._racing() == Racing(margin=-1.0)


@pytest.mark.parametrize(
    ("given", "params", "expected"),
    [
        (True, [{"C": 10.0}, {"C": 0.1}, {"C": 1.0}], [3, 1, 2]),
        (True, [{"svc__C": 1, "x__alpha": 1.0}, {"svc__C": 2, "x__alpha": 5.0}], [1.5, 1.5]),
        (True, [{"alpha": 1, "solver": "a"}, {"alpha": 2, "solver": "b"}], [2, 1]),
        (True, [{"max_depth": None}, {"max_depth": 7}], [2, 1]),
        ("-alpha", [{"alpha": 1}, {"alpha": 2}, {}], [2, 1, 2]),
        (["-alpha", "tol"], [{"alpha": 1, "tol": 1}, {"alpha": 1, "tol": 2}], [1, 1.5]),
        (lambda one: (one["a"], one["b"]), [{"a": 1, "b": 2}, {"a": 1, "b": 1}, {"a": 0, "b": 9}], [3, 2, 1]),
    ],
)
def test_what_is_simple(given: Any, params: list[dict[str, Any]], expected: list[float]) -> None:
    np.testing.assert_array_equal(complexities(given, params, Ridge(alpha=1.0)), expected)


@pytest.mark.parametrize(
    ("given", "grid", "message"),
    [
        (True, {"solver": ["svd", "lsqr"]}, "one_standard_error=True does not know"),
        ("solver", {"solver": ["svd", "lsqr"]}, "solver='svd' is not a number"),
        ("-beta", {"alpha": [1.0, 2.0]}, "no candidate has the parameter 'beta'"),
        ([], {"alpha": [1.0, 2.0]}, "does not know"),
    ],
)
def test_what_is_not_known_to_be_simple(given: Any, grid: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        GridSearchCV(Ridge(), grid, one_standard_error=given).fit(X, Y)
    with pytest.raises(InvalidSetting, match="one of the two"):
        GridSearchCV(Ridge(), {"alpha": [1.0]}, one_standard_error=True, refit=lambda results: 0).fit(X, Y)
    with pytest.raises(ValueError, match="one_standard_error"):
        GridSearchCV(Ridge(), {"alpha": [1.0]}, one_standard_error=3).fit(X, Y)


def test_steps_of_a_pipeline_and_several_metrics() -> None:
    pipe = Pipeline([("scale", StandardScaler()), ("tree", TREE)])
    search = GridSearchCV(
        pipe,
        {"tree__max_depth": [1, 2, 3, None]},
        scoring=["accuracy", "f1_macro"],
        refit="f1_macro",
        one_standard_error=True,
        cv=10,
    ).fit(X, Y)
    assert search.best_params_["tree__max_depth"] in (2, 3)
    assert search.best_score_ == search.cv_results_["mean_test_f1_macro"][search.best_index_]
