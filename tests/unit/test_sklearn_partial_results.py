"""Searches that end before all candidates are evaluated: by Ctrl-C, by an exception, by a budget."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

import luthier as lt
from luthier.errors import Interrupted, InvalidSetting
from luthier.sklearn import (
    BayesSearchCV,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    study_of,
)
from luthier.sklearn.search_budget import SearchBudget, budget_of

X, Y = load_iris(return_X_y=True)


class Ending(ClassifierMixin, BaseEstimator):
    """Raises in the fit with a certain number; sleeps a little in the others."""

    fits = 0
    last = 10**9
    error: type[BaseException] = KeyboardInterrupt
    rows: ClassVar[set[bytes]] = set()

    def __init__(self, x: float = 0.5, n: int = 1, sleep_s: float = 0.0) -> None:
        self.x = x
        self.n = n
        self.sleep_s = sleep_s

    def fit(self, X: Any, y: Any) -> Ending:
        Ending.fits += 1
        Ending.rows.add(np.asarray(X).tobytes())
        if Ending.fits > Ending.last:
            raise Ending.error("now")
        time.sleep(self.sleep_s)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return self.classes_[(np.abs(X[:, 3] * self.x * self.n)).astype(int) % 3]


@pytest.fixture(autouse=True)
def _anew() -> None:
    Ending.fits, Ending.last, Ending.error, Ending.rows = 0, 10**9, KeyboardInterrupt, set()


GRID = {"x": [0.5, 1.0, 1.5, 2.0], "n": [1, 2, 3]}


def searches(**settings: Any) -> list[Any]:
    estimator, settings = settings.pop("estimator", Ending()), {"cv": 3, **settings}
    return [
        GridSearchCV(estimator, GRID, **settings),
        RandomizedSearchCV(estimator, GRID, n_iter=12, random_state=0, **settings),
        HalvingGridSearchCV(estimator, GRID, factor=2, random_state=0, **settings),
        HalvingRandomSearchCV(estimator, GRID, n_candidates=12, factor=2, random_state=0, **settings),
        BayesSearchCV(estimator, GRID, n_iter=12, random_state=0, method=lt.Random(), **settings),
    ]


ALL = [type(search).__name__ for search in searches()]


@pytest.mark.parametrize("place", range(5), ids=ALL)
@pytest.mark.parametrize("durable", [False, True])
def test_what_was_evaluated_before_ctrl_c_is_there(place: int, durable: bool, tmp_path: Path) -> None:
    search = searches(store=tmp_path / "s.db" if durable else None)[place]
    whole = searches()[place].fit(X, Y)
    Ending.fits, Ending.last = 0, 17
    with pytest.raises(Interrupted, match="of the 5 candidates that were evaluated") as raised:
        search.fit(X, Y)
    assert isinstance(raised.value, KeyboardInterrupt)
    assert ("goes on from there" in str(raised.value)) is durable
    assert search.cv_results_["params"] == whole.cv_results_["params"][:5]
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(scores, whole.cv_results_["mean_test_score"][:5])
    assert search.best_params_ == search.cv_results_["params"][search.best_index_]
    assert not hasattr(search, "best_estimator_") and len(study_of(search).trials) >= 5
    if durable:
        Ending.last, Ending.fits = 10**9, 0
        done = search.fit(X, Y)
        assert done.cv_results_["params"] == whole.cv_results_["params"]
        assert Ending.fits == len(done.cv_results_["params"]) * 3 - 15 + 1


def test_an_exception_keeps_what_was_evaluated_and_says_so() -> None:
    Ending.last, Ending.error = 7, RuntimeError
    for search in searches(error_score="raise"):
        Ending.fits = 0
        with pytest.raises(RuntimeError) as raised:
            search.fit(X, Y)
        assert "of the 2 candidates that were evaluated" in raised.value.__notes__[0]
        assert len(search.cv_results_["params"]) == 2


def test_what_an_earlier_fit_left_does_not_stay_beside_the_new_results() -> None:
    search = searches()[0].fit(X, Y)
    Ending.last = Ending.fits
    with pytest.raises(Interrupted, match="no results yet"):
        search.fit(X, Y)
    assert not any(hasattr(search, name) for name in ("cv_results_", "best_estimator_", "best_index_"))


def test_candidates_that_have_only_some_folds_are_kept_where_none_has_all() -> None:
    """Pipelines share steps, so they are evaluated fold by fold."""

    def stop(estimator: Any, X: Any, y: Any) -> float:
        Ending.fits += 1
        if Ending.fits > Ending.last:
            raise KeyboardInterrupt
        return float(estimator.score(X, y))

    pipe = Pipeline([("pca", PCA(random_state=0)), ("svc", SVC(random_state=0))])
    grid = {"pca__n_components": [2, 3], "svc__C": [0.1, 1.0, 10.0]}
    Ending.last = 8
    search = GridSearchCV(pipe, grid, cv=3, scoring=stop)
    with pytest.raises(Interrupted):
        search.fit(X, Y)
    assert len(search.cv_results_["params"]) >= 2 and np.isfinite(search.best_score_)


@pytest.mark.parametrize("place", range(5), ids=ALL)
def test_a_budget_of_candidates(place: int) -> None:
    search = searches(budget={"trials": 4})[place].fit(X, Y)
    assert len(search.cv_results_["params"]) == 4 and search.predict(X).shape == Y.shape
    if "Halving" in ALL[place]:
        assert search.n_iterations_ == 1 and search.n_remaining_candidates_ == 12


@pytest.mark.parametrize("place", range(5), ids=ALL)
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_budget_of_seconds(place: int, n_jobs: int | None) -> None:
    import joblib

    with joblib.parallel_config("threading"):
        search = searches(budget=0.2, estimator=Ending(sleep_s=0.05), n_jobs=n_jobs)[place].fit(X, Y)
    assert 1 <= len(search.cv_results_["params"]) < 12


@pytest.mark.parametrize("place", [0, 1, 4], ids=[ALL[place] for place in (0, 1, 4)])
def test_a_target_and_a_plateau(place: int) -> None:
    whole = searches()[place].fit(X, Y).cv_results_["mean_test_score"]
    first = int(np.argmax(whole >= 0.5 * whole.max()))
    reached = searches(budget={"target": 0.5 * whole.max()})[place].fit(X, Y)
    assert len(reached.cv_results_["params"]) == first + 1
    plateau = searches(budget={"plateau": 2})[place].fit(X, Y).cv_results_["mean_test_score"]
    assert len(plateau) < 12 and plateau[-2:].max() <= plateau[:-2].max()


def test_several_spaces_share_a_budget() -> None:
    spaces = [{"x": (0.1, 2.0)}, {"n": [1, 2, 3]}, {"x": (2.0, 3.0)}]
    settings: dict[str, Any] = {"n_iter": 500, "cv": 3, "random_state": 0, "method": lt.Random()}
    begin_s = time.monotonic()
    search = BayesSearchCV(Ending(sleep_s=0.02), spaces, budget=1.5, **settings).fit(X, Y)
    took_s = time.monotonic() - begin_s
    assert [len(study.trials) > 0 for study in search.studies_] == [True] * 3
    slowest_s = max(search.cv_results_["mean_fit_time"]) * 3
    assert took_s < 2 * (1.5 + 3 * slowest_s) + search.refit_time_ + 5
    shared = BayesSearchCV(Ending(), spaces, budget={"trials": 8}, **settings).fit(X, Y)
    assert [len(study.trials) for study in shared.studies_] == [3, 3, 2]
    reached = BayesSearchCV(Ending(), spaces, budget={"target": 0.0}, **settings).fit(X, Y)
    assert [len(study.trials) for study in reached.studies_] == [1, 0, 0]


def test_shares() -> None:
    budget = SearchBudget(budget_of({"trials": 8, "time_s": 60}))
    assert [budget.share_trials(place, 3, before) for place, before in ((0, 0), (1, 3), (2, 3), (2, 9))] == [3, 3, 5, 0]
    assert 19 < budget.share_s(0, 3) <= 20 and 59 < budget.share_s(2, 3) <= 60  # type: ignore[operator]
    assert SearchBudget(budget_of(None)).share_s(0, 1) is None


@pytest.mark.parametrize("wrong", [{"time": 3}, {"trials": 0}, {"trials": 2.5}, {"time_s": -1}])
def test_budgets_that_are_refused(wrong: Any) -> None:
    for search in searches(budget=wrong):
        with pytest.raises(InvalidSetting, match=next(iter(wrong))):
            search.fit(X, Y)
    assert Ending.fits == 0


@pytest.mark.parametrize("cv", [KFold(3, shuffle=True), KFold(6, shuffle=True), ShuffleSplit(3)])
def test_all_candidates_see_the_same_folds(cv: Any) -> None:
    for settings in ({}, {"n_points": 2}, {"racing": True}):
        Ending.rows = set()
        BayesSearchCV(Ending(), GRID, n_iter=6, cv=cv, refit=False, method=lt.Random(), **settings).fit(X, Y)
        assert len(Ending.rows) <= cv.get_n_splits()


@pytest.mark.parametrize("place", range(5), ids=ALL)
def test_a_search_that_ended_early_can_be_pickled(place: int) -> None:
    search = searches(budget={"trials": 4})[place].fit(X, Y)
    again = pickle.loads(pickle.dumps(search))
    assert again.cv_results_["params"] == search.cv_results_["params"]
    assert [trial.value for trial in study_of(again).trials] == [trial.value for trial in study_of(search).trials]
