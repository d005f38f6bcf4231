"""What scikit-optimize documents of its BayesSearchCV: iterations, ranks, results, callbacks, refit, types."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from luthier.errors import InvalidSetting
from luthier.sklearn import BayesSearchCV

X, Y = load_iris(return_X_y=True)
SPACE = {"max_depth": (1, 30), "min_samples_split": (0.1, 0.9)}


def _trees(**settings: Any) -> BayesSearchCV:
    return BayesSearchCV(DecisionTreeClassifier(random_state=0), SPACE, **{"cv": 3, "random_state": 0, **settings})


def test_each_space_has_its_iterations_its_result_and_one_ranking() -> None:
    pipeline = Pipeline([("model", SVC())])
    linear = {"model": [LogisticRegression(max_iter=500)], "model__C": (1e-3, 1e3, "log-uniform")}
    tree = {"model": [DecisionTreeClassifier()], "model__max_depth": (1, 32)}
    machine = {"model": [SVC()], "model__C": (1e-3, 1e3, "log-uniform"), "model__kernel": ["linear", "rbf"]}
    search = BayesSearchCV(pipeline, [(linear, 1), (tree, 2), machine], n_iter=3, cv=3, random_state=0)
    assert search.total_iterations == 6
    search.fit(X, Y)
    table = search.cv_results_
    kinds = [type(params["model"]) for params in table["params"]]
    assert [kinds.count(kind) for kind in (LogisticRegression, DecisionTreeClassifier, SVC)] == [1, 2, 3]
    assert table["rank_test_score"][search.best_index_] == 1 and sorted(table["rank_test_score"])[0] == 1
    assert table["mean_test_score"][search.best_index_] == table["mean_test_score"].max() == search.best_score_
    assert search.best_params_ == table["params"][search.best_index_]
    assert np.ma.getmaskarray(table["param_model__max_depth"]).sum() == 4
    assert [len(result.x_iters) for result in search.optimizer_results_] == [1, 2, 3]
    assert max(-result.fun for result in search.optimizer_results_) == pytest.approx(search.best_score_)


def test_without_refit_there_are_results_and_no_estimator() -> None:
    search = _trees(n_iter=3, refit=False).fit(X, Y)
    assert search.best_score_ > 0.5 and set(search.best_params_) == set(SPACE)
    assert not hasattr(search, "best_estimator_")
    with pytest.raises(AttributeError):
        search.predict(X)


def test_one_of_several_scores_decides() -> None:
    search = _trees(n_iter=4, scoring=["accuracy", "f1_macro"], refit="f1_macro", return_train_score=True).fit(X, Y)
    table = search.cv_results_
    assert {"rank_test_accuracy", "rank_test_f1_macro", "mean_train_accuracy", "split2_test_f1_macro"} <= set(table)
    assert search.best_score_ == table["mean_test_f1_macro"].max()
    assert -search.optimizer_results_[0].fun == pytest.approx(search.best_score_)


@pytest.mark.parametrize("points", [1, 2])
def test_a_callback_is_told_after_each_step_and_ends_the_search(points: int) -> None:
    told: list[int] = []
    _trees(n_iter=5, n_points=points).fit(X, Y, callback=lambda result: told.append(len(result.x_iters)))
    assert told == ([1, 2, 3, 4, 5] if points == 1 else [2, 4, 5])
    ended = _trees(n_iter=8, n_points=points)
    ended.fit(X, Y, callback=[lambda result: None, lambda result: len(result.x_iters) >= 3])
    assert len(ended.cv_results_["params"]) == (3 if points == 1 else 4)


def test_the_same_seed_makes_the_same_search() -> None:
    first, second = (_trees(n_iter=6).fit(X, Y).cv_results_["params"] for _ in range(2))
    assert first == second


class Typed(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator that wants Python's own types."""

    def __init__(self, share: float = 0.0, count: int = 0, word: str = "a", flag: bool = True) -> None:
        self.share, self.count, self.word, self.flag = share, count, word, flag

    def fit(self, X: Any, y: Any) -> Self:
        kinds = [type(one) for one in (self.share, self.count, self.word, self.flag)]
        assert kinds == [float, int, str, bool], kinds
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X), int)


def test_parameters_have_the_types_of_python() -> None:
    space = {"share": (0.0, 1.0), "count": (0, 9), "word": ["a", "b"], "flag": [True, False]}
    search = BayesSearchCV(Typed(), space, n_iter=4, cv=3, error_score="raise", random_state=0).fit(X, Y)
    assert [type(search.best_params_[name]) for name in space] == [float, int, str, bool]


@pytest.mark.parametrize("given", [3, "f", [3], {"f": print}])
def test_what_is_no_callback_is_refused(given: Any) -> None:
    with pytest.raises(InvalidSetting, match="give a function, or a list of functions"):
        _trees(n_iter=2).fit(X, Y, callback=given)
