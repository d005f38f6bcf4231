"""Last steps evaluated by themselves, on cached outputs of the steps before: same results, less time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV as Theirs
from sklearn.multioutput import ClassifierChain
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from luthier.sklearn import GridSearchCV
from luthier.sklearn.reuse import shared_steps

X, Y = load_iris(return_X_y=True)
X = X + np.random.default_rng(0).normal(scale=0.3, size=X.shape)
BINARY = (Y == 1).astype(int)


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Record each evaluation of a last step by itself, and whether it succeeded."""
    noted: list[bool] = []
    original: Any = vars(shared_steps)["evaluate_last_step"]

    def evaluate(*arguments: Any) -> Any:
        found = original(*arguments)
        noted.append(found is not None)
        return found

    monkeypatch.setattr(shared_steps, "evaluate_last_step", evaluate)
    yield noted


def outcome(kind: Any, *arguments: Any, fit: Any, **settings: Any) -> tuple[dict[str, Any], list[str], float]:
    """Return the results, the warnings, and the next number of the global random generator."""
    np.random.seed(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search = kind(*arguments, **settings).fit(**fit)
    messages = sorted({str(one.message) for one in caught})
    return search.cv_results_, messages, np.random.uniform()


def compare(last: Any, grid: Any, X: Any = X, y: Any = Y, head: Any = None, **settings: Any) -> None:
    pipeline = Pipeline([("s", head or StandardScaler()), ("m", last)])
    settings = {"cv": 2, "return_train_score": True, "refit": False, **settings}
    fit = {"X": X, "y": y}
    ours, our_warnings, our_number = outcome(GridSearchCV, pipeline, grid, fit=fit, **settings)
    theirs, their_warnings, their_number = outcome(Theirs, pipeline, grid, fit=fit, **settings)
    assert (our_warnings, our_number) == (their_warnings, their_number)
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        if "time" not in name:
            assert np.array_equal(
                np.asarray(ours[name], dtype=object), np.asarray(values, dtype=object)
            ) or np.array_equal(np.asarray(ours[name], float), np.asarray(values, float), equal_nan=True), name


LASTS: dict[str, tuple[Any, dict[str, list[Any]], dict[str, Any]]] = {
    "neighbours": (KNeighborsClassifier(), {"n_neighbors": [1, 2, 5]}, {"scoring": ["accuracy", "neg_log_loss"]}),
    "vectors": (SVC(), {"C": [0.1, 1.0, 10.0]}, {"scoring": "roc_auc", "y": BINARY}),
    "logistic": (LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, {"scoring": "roc_auc_ovr"}),
    "discriminants": (LinearDiscriminantAnalysis(solver="lsqr"), {"shrinkage": [0.1, "auto", None]}, {}),
    "a ridge": (Ridge(), {"fit_intercept": [True, False], "alpha": [0.5, 1.5]}, {"scoring": "r2"}),
    "words": (SVC(), {"C": [1, 2, 3]}, {"y": np.array(["a", "b", "c"])[Y], "scoring": "f1_weighted"}),
    "two targets": (KNeighborsRegressor(), {"n_neighbors": [1, 2, 5]}, {"y": np.c_[Y, BINARY]}),
    "no targets": (KMeans(2, n_init=1, random_state=0), {"n_clusters": [2, 3, 4]}, {"y": None}),
    "an unseeded end": (RandomForestClassifier(2), {"max_depth": [1, 2, 3]}, {}),
    "outliers": (
        IsolationForest(n_estimators=3, random_state=0),
        {"max_features": [1, 2]},
        {"y": 2 * BINARY - 1, "scoring": "roc_auc"},
    ),
    "priors": (GaussianNB(), {"priors": [None, [0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]}, {}),
}


@pytest.mark.parametrize("name", LASTS)
def test_the_results_are_those_of_a_plain_run(name: str, evaluated: list[bool]) -> None:
    last, grid, settings = LASTS[name]
    compare(last, {f"m__{key}": values for key, values in grid.items()}, **settings)
    count = int(np.prod([len(values) for values in grid.values()]))
    assert evaluated == [True] * (2 * (count - 1))


@pytest.mark.parametrize("error_score", [np.nan, 0.0])
def test_fits_that_fail(error_score: float, evaluated: list[bool]) -> None:
    grid = {"m__n_neighbors": [1, 1000, -1, 2], "m__weights": ["uniform", "none"]}
    with pytest.warns(FitFailedWarning) as ours:
        GridSearchCV(Pipeline([("s", StandardScaler()), ("m", KNeighborsClassifier())]), grid, cv=2).fit(X, Y)
    with pytest.warns(FitFailedWarning) as theirs:
        Theirs(Pipeline([("s", StandardScaler()), ("m", KNeighborsClassifier())]), grid, cv=2).fit(X, Y)
    assert str(ours[0].message) == str(theirs[0].message)
    compare(KNeighborsClassifier(), grid, error_score=error_score)
    assert {True, False} == set(evaluated)
    with pytest.raises(ValueError, match="parameter of KNeighborsClassifier"):
        compare(KNeighborsClassifier(), grid, error_score="raise")


def test_scores_that_fail(evaluated: list[bool]) -> None:
    """Of a forest without a seed, too: what it drew before the score failed is drawn again."""
    compare(RandomForestClassifier(2), {"m__max_depth": [1, 2, 3]}, scoring=["accuracy", "average_precision"], y=Y)
    compare(RandomForestClassifier(2), {"m__max_depth": [1, 2, 3]}, scoring=["accuracy", "roc_auc"])
    compare(SGDClassifier(), {"m__loss": ["hinge", "log_loss", "huber"]}, scoring=["accuracy", "f1"])
    assert False in evaluated


class OwnBayes(GaussianNB):  # type: ignore[misc]
    """A class of somebody's own."""


def own_accuracy(y: Any, found: Any) -> float:
    y[:] = y[::-1].copy()  # a score may do what it likes with what it is given
    return float(accuracy_score(y, found))


def of_the_pipeline(estimator: Any, X: Any, y: Any) -> float:
    return float(estimator[0].transform(X).mean() + estimator.score(X, y))


UNUSUAL: dict[str, tuple[Any, dict[str, Any]]] = {
    "a class of one's own": (OwnBayes(), {}),
    "a step in it": (
        ClassifierChain(OwnBayes()),
        {"y": np.c_[BINARY, Y == 2], "grid": {"m__cv": [None, 2]}, "alone": True},
    ),
    "a score of one's own": (GaussianNB(), {"scoring": make_scorer(own_accuracy)}),
    "a scorer of one's own": (GaussianNB(), {"scoring": of_the_pipeline}),
    "a frame": (GaussianNB(), {"head": StandardScaler().set_output(transform="pandas")}),
    "targets in a series": (GaussianNB(), {"y": pd.Series(Y)}),
    "targets in a list": (GaussianNB(), {"y": Y.tolist()}),
    "output of fits": (GaussianNB(), {"verbose": 2}),
    "a function of one's own": (GaussianNB(), {"head": FunctionTransformer(lambda X: X + np.random.uniform())}),
    "other first steps": (GaussianNB(), {"grid": {"s": [MinMaxScaler(), PCA(2)]}}),
    "another last step": (GaussianNB(), {"grid": {"m": [GaussianNB(), SVC()]}, "alone": True}),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_is_evaluated_as_usual(name: str, evaluated: list[bool]) -> None:
    last, given = UNUSUAL[name]
    settings = {key: value for key, value in given.items() if key not in ("grid", "alone")}
    grid = {**({} if "alone" in given else {"m__var_smoothing": [1e-9, 1e-3, 0.1]}), **given.get("grid", {})}
    compare(last, grid, **settings)
    assert evaluated == []


def test_a_search_in_a_search_and_routing(evaluated: list[bool]) -> None:
    inner = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 0.1]}, cv=2)
    compare(inner, {"m__cv": [2, 3]})
    assert evaluated == []
    with sklearn.config_context(enable_metadata_routing=True):
        compare(GaussianNB(), {"m__var_smoothing": [1e-9, 1e-3, 0.1]})


def test_what_is_dropped_from_the_cache_is_made_again(evaluated: list[bool]) -> None:
    grid = {"s__n_components": [1, 2, 3], "m__var_smoothing": [1e-9, 1e-3, 0.1]}
    for cap in (0.001, 0.01, 1.0):
        compare_kind = Pipeline([("s", PCA()), ("m", GaussianNB())])
        ours = GridSearchCV(compare_kind, grid, cv=2, refit=False, cache_mb=cap).fit(X, Y)
        theirs = Theirs(compare_kind, grid, cv=2, refit=False).fit(X, Y)
        np.testing.assert_array_equal(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])
    assert evaluated.count(True) >= 12
