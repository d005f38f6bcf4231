"""Searches that continue after their process is killed, or after worker processes die."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from killed_search import KilledSearch, lines
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline

import luthier as lt
from luthier.errors import InvalidSetting, TrialFailed
from luthier.sklearn import BayesSearchCV, GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")

PROGRAM = """
import sys, time
from pathlib import Path
import numpy as np
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from luthier.sklearn import *

class Slow(ClassifierMixin, BaseEstimator):
    def __init__(self, x=0.5, n=1, log=None):
        self.x, self.n, self.log = x, n, log
    def fit(self, X, y):
        if self.log:
            with open(self.log, "a") as stream:
                stream.write(f"{self.x!r}\\n")
            time.sleep(0.05)
        self.classes_ = np.unique(y)
        return self
    def predict(self, X):
        return self.classes_[(np.abs(X[:, 3] * self.x * self.n)).astype(int) % 3]

kind, store, log = sys.argv[1:]
X, y = load_iris(return_X_y=True)
space = {"x": stats.uniform(0, 3), "n": [1, 2, 3]}
grid = {"x": [0.25, 0.5, 1.0, 1.5], "n": [1, 2, 3]}
estimator = Slow(log=None if log == "-" else log)
common = {"cv": 3, "store": None if store == "-" else store, "refit": False, "estimator": estimator}
search = {
    "grid": lambda: GridSearchCV(param_grid=grid, **common),
    "random": lambda: RandomizedSearchCV(param_distributions=space, n_iter=12, random_state=7, **common),
    "halving": lambda: HalvingGridSearchCV(param_grid=grid, random_state=0, **common),
    "bayes": lambda: BayesSearchCV(search_spaces=space, n_iter=12, random_state=7, **common),
}[kind]()
search.fit(X, y)
for params, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"]):
    print(params, repr(float(score)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["grid", "random", "halving", "bayes"])
def test_a_killed_search_goes_on(kind: str, folder: Path) -> None:
    search = KilledSearch(PROGRAM, kind, folder)
    for fits in (8, 20):  # killed twice, in the middle of a candidate
        search.kill(fits)
    killed = search.fits
    out, whole = search.go_on(), search.whole()
    assert out == whole
    candidates = whole.count("\n")
    # Each kill costs the candidate that was being fitted, and nothing else is fitted twice.
    assert candidates * 3 <= search.fits <= candidates * 3 + 2 * 3
    assert search.fits > killed
    assert search.go_on() == out and search.fits <= candidates * 3 + 2 * 3
    assert search.stored() == candidates


class Deadly(ClassifierMixin, BaseEstimator):
    """Takes its process down."""

    def __init__(self, kind: str = "meek", size: int = 1) -> None:
        self.kind = kind
        self.size = size

    def fit(self, X: object, y: object) -> Deadly:
        if self.kind == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        self.classes_ = np.unique(np.asarray(y))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.full(len(X), self.classes_[1 if self.kind == "good" else 0])


class Greedy(ClassifierMixin, BaseEstimator):
    """Takes much time and memory."""

    def __init__(self, kind: str = "meek", size: int = 1) -> None:
        self.kind = kind
        self.size = size

    def fit(self, X: object, y: object) -> Greedy:
        if self.kind == "deadly":
            self.much_ = np.ones(10**8)
            time.sleep(60)
        self.classes_ = np.unique(np.asarray(y))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.full(len(X), self.classes_[1 if self.kind == "good" else 0])


class Mortal(ClassifierMixin, BaseEstimator):
    """Takes its process down once in the whole search, after a dozen fits."""

    def __init__(self, log: str = "", kind: int = 0) -> None:
        self.log = log
        self.kind = kind

    def fit(self, X: object, y: object) -> Mortal:
        if self.log:
            with open(self.log, "a") as stream:  # noqa: PTH123 - short writes at the end of a file are whole
                stream.write(f"{self.kind}\n")
            if lines(Path(self.log)) >= 12:
                with contextlib.suppress(FileExistsError):
                    Path(f"{self.log}.dead").touch(exist_ok=False)
                    os.kill(os.getpid(), signal.SIGKILL)
        self.classes_ = np.unique(np.asarray(y))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.classes_[(np.abs(X[:, 0] * (1 + self.kind % 7))).astype(int) % len(self.classes_)]


@pytest.mark.slow
def test_a_worker_that_is_killed_in_a_race_costs_one_trial(folder: Path) -> None:
    """What it kept of shared steps is gone with it; scores are those of a search that shares nothing."""
    X, y = load_iris(return_X_y=True)
    pipeline = Pipeline([("pca", PCA(2)), ("last", Mortal(str(folder / "fits.log")))])
    space = {"last__kind": list(range(7)), "pca__whiten": [True, False]}
    common = {"n_iter": 8, "cv": 6, "random_state": 0, "method": lt.Random(), "refit": False, "racing": True}
    with pytest.warns(UserWarning, match="non-finite"):
        search = BayesSearchCV(pipeline, space, workers=2, **common).fit(X, y)
    results = search.cv_results_
    dead = np.isnan(results["mean_test_score"])
    assert dead.sum() == 1 and results["raced_out"].any() and results["n_folds"].sum() <= 8 * 6
    assert not dead[search.best_index_]
    plain = GridSearchCV(
        clone(pipeline).set_params(last__log=""),
        [{name: [value] for name, value in params.items()} for params in np.array(results["params"])[~dead]],
        cv=6,
        refit=False,
        cache_mb=0,
    )
    again = plain.fit(X, y).cv_results_
    for fold in range(6):
        raced = np.asarray(results[f"split{fold}_test_score"])[~dead]
        ran = ~np.isnan(raced)
        np.testing.assert_array_equal(raced[ran], again[f"split{fold}_test_score"][ran])


@pytest.mark.slow
def test_a_candidate_that_kills_its_process_costs_one_trial() -> None:
    X, y = load_iris(return_X_y=True)
    search = BayesSearchCV(
        Deadly(), {"kind": ["meek", "deadly", "good"]}, n_iter=3, cv=3, workers=2, random_state=0, method=lt.Random()
    )
    with pytest.warns(UserWarning, match="non-finite"):
        search.fit(X, y)
    scores = {
        params["kind"]: float(score)
        for params, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True)
    }
    assert set(scores) == {"meek", "deadly", "good"} and np.isnan(scores["deadly"])
    assert search.study_.best.params["kind"] in ("meek", "good")


def with_deadly(kind: str, folder: Path, **settings: object) -> object:
    """A search over kinds of which one kills its process."""
    kinds = ["meek", "deadly", "good"]
    common = {"cv": 3, "refit": False, **settings}
    if kind == "grid":
        return GridSearchCV(Deadly(), {"kind": kinds}, **common)
    if kind == "random":
        return RandomizedSearchCV(Deadly(), {"kind": kinds}, n_iter=3, random_state=0, **common)
    if kind == "halving":
        grid = {"kind": kinds, "size": [1, 2]}
        return HalvingGridSearchCV(Deadly(), grid, factor=2, random_state=0, **common)
    return BayesSearchCV(Deadly(), {"kind": kinds}, n_iter=3, random_state=0, method=lt.Random(), **common)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kind", "how"),
    [("grid", "joblib"), ("random", "joblib with a store"), ("halving", "processes"), ("bayes", "joblib")],
)
def test_a_candidate_that_kills_its_worker_costs_one_candidate(kind: str, how: str, folder: Path) -> None:
    X, y = load_iris(return_X_y=True)
    settings = {"workers": 2} if how == "processes" else {"n_jobs": 2}
    if how.endswith("store"):
        settings["store"] = folder / "s.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        search = with_deadly(kind, folder, **settings).fit(X, y)
        results = search.cv_results_
        dead = np.isnan(results["mean_test_score"])
        assert {one["kind"] for one in np.array(results["params"])[dead]} == {"deadly"}
        assert {one["kind"] for one in np.array(results["params"])[~dead]} == {"meek", "good"}
        if "store" in settings:  # it is noted, and not tried again
            again = clone(search).set_params(n_jobs=None).fit(X, y)
            np.testing.assert_array_equal(again.cv_results_["mean_test_score"], results["mean_test_score"])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_candidate_that_kills_its_worker_is_an_error_where_errors_are_wanted() -> None:
    X, y = load_iris(return_X_y=True)
    for settings in ({"n_jobs": 2}, {"workers": 2}):
        search = GridSearchCV(Deadly(), {"kind": ["meek", "deadly"]}, cv=3, error_score="raise", **settings)
        with pytest.raises(TrialFailed, match="deadly"):
            search.fit(X, y)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kind", "limit"),
    [("grid", {"trial_memory_mb": 700}), ("halving", {"trial_time_s": 6}), ("bayes", {"trial_time_s": 6})],
)
def test_limits_of_time_and_memory(kind: str, limit: dict[str, float], folder: Path) -> None:
    X, y = load_iris(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        search = with_deadly(kind, folder, **limit).set_params(estimator=Greedy()).fit(X, y)
    results = search.cv_results_
    dead = np.isnan(results["mean_test_score"])
    assert {one["kind"] for one in np.array(results["params"])[dead]} == {"deadly"}
    with pytest.raises(InvalidSetting, match="workers="):
        search.set_params(n_jobs=2).fit(X, y)
