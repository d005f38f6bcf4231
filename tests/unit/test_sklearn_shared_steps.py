"""Shared steps of pipelines: results equal to the bit, one fit of a step per fold, bounded memory."""

from __future__ import annotations

import copy
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from joblib import parallel_config
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, FastICA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectFromModel, SelectKBest, f_classif, mutual_info_classif
from sklearn.impute import KNNImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV as Theirs
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

from luthier.sklearn import BayesSearchCV, GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from luthier.sklearn.evaluation import EvaluationSettings, Job
from luthier.sklearn.reuse import SharedSteps
from luthier.sklearn.reuse.byte_cache import ByteBoundedCache, copied, copyable, size_of
from luthier.sklearn.reuse.job_batches import make_batches
from luthier.sklearn.reuse.step_fingerprint import step_fingerprint

X, Y = load_iris(return_X_y=True)
X = X + np.random.default_rng(0).normal(scale=0.3, size=X.shape)
NAMES = [f"column {place}" for place in range(X.shape[1])]
KNN = KNeighborsClassifier()
NEIGHBOURS = {"clf__n_neighbors": [1, 5]}
TEXTS = [f"word{place % 7} word{place % 3} word{place % 5} the" for place in range(150)]


class Counting(TransformerMixin, BaseEstimator):
    """Scales, and counts how often it does."""

    calls: ClassVar[list[str]] = []

    def __init__(self, factor: float = 1.0, log: str | None = None) -> None:
        self.factor = factor
        self.log = log

    def _note(self, what: str) -> None:
        type(self).calls.append(what)
        if self.log is not None:
            with Path(self.log).open("a") as file:
                file.write(f"{what} {os.getpid()}\n")

    def fit(self, X: Any, y: Any = None, weight: Any = None) -> Counting:
        self._note("fit")
        self.mean_ = X.mean(axis=0) if weight is None else np.average(X, axis=0, weights=weight)
        return self

    def transform(self, X: Any) -> Any:
        self._note(f"transform {len(X)}")
        return (X - self.mean_) * self.factor


@pytest.fixture(autouse=True)
def no_calls() -> Iterator[None]:
    Counting.calls.clear()
    yield


def fits() -> int:
    return Counting.calls.count("fit")


class Remembering(Counting):
    """Does something else each time."""

    def transform(self, X: Any) -> Any:
        self.times_ = getattr(self, "times_", 0) + 1
        return super().transform(X) * self.times_


class Drawing(Counting):
    """Draws from the generator that everybody shares, without saying so."""

    def transform(self, X: Any) -> Any:
        return super().transform(X) + np.random.normal(size=X.shape)


class Overwriting(Counting):
    """Changes what it is given."""

    def transform(self, X: Any) -> Any:
        X *= 2.0
        return super().transform(X)


class Relabelling(Counting):
    """Changes the targets that it is given."""

    def fit(self, X: Any, y: Any = None, weight: Any = None) -> Counting:
        y[::3] = 0
        return super().fit(X, y, weight)


class Cautious(Counting):
    """Warns, both in fitting and in transforming."""

    def transform(self, X: Any) -> Any:
        warnings.warn(f"transforming {len(X)}", UserWarning, stacklevel=2)
        return super().transform(X)


class Failing(Counting):
    """Fails with a factor of 2."""

    def fit(self, X: Any, y: Any = None, weight: Any = None) -> Counting:
        if self.factor == 2.0:
            raise ValueError("no factor of 2")
        return super().fit(X, y, weight)


def pipe(*steps: Any, clf: Any = KNN, **settings: Any) -> Pipeline:
    return Pipeline([*[(f"s{place}", step) for place, step in enumerate(steps)], ("clf", clf)], **settings)


def same(ours: dict[str, Any], other: dict[str, Any]) -> None:
    """See that two searches' results are equal to the bit, times aside."""
    assert list(ours) == list(other)
    for name, values in other.items():
        if "time" not in name:
            assert np.array_equal(
                np.asarray(ours[name], dtype=object), np.asarray(values, dtype=object)
            ) or np.array_equal(np.asarray(ours[name], float), np.asarray(values, float), equal_nan=True), name


def compare(estimator: Any, grid: Any, X: Any = X, y: Any = Y, fit: Any = None, **settings: Any) -> tuple[Any, Any]:
    settings = {"cv": 2, "return_train_score": True, "refit": False, **settings}
    np.random.seed(0)
    ours = GridSearchCV(estimator, grid, **settings).fit(copy.deepcopy(X), y, **(fit or {}))
    np.random.seed(0)
    other = Theirs(estimator, grid, **settings).fit(copy.deepcopy(X), y, **(fit or {}))
    same(ours.cv_results_, other.cv_results_)
    return ours, other


def mean_distance(estimator: Any, X: Any, y: Any) -> float:
    """Score in a way of its own: by the steps, and by rows that it changes."""
    own = copy.deepcopy(estimator)
    X[:, 0] = 0.0
    return float(np.mean(estimator[:-1].transform(X)) + own.score(X, y) + hasattr(estimator[0], "mean_"))


PIPELINES: dict[str, tuple[Any, Any]] = {
    "pca": (pipe(StandardScaler(), PCA()), {"s1__n_components": [1, 2], **NEIGHBOURS}),
    "random pca": (pipe(PCA(svd_solver="randomized", random_state=3)), {"s0__n_components": [1, 2], **NEIGHBOURS}),
    "random pca, unseeded": (pipe(PCA(svd_solver="randomized")), {"s0__n_components": [1, 2], **NEIGHBOURS}),
    "a generator": (pipe(Nystroem(n_components=5, random_state=np.random.RandomState(0))), NEIGHBOURS),
    "unseeded, then a scaler": (pipe(Nystroem(n_components=5), StandardScaler()), NEIGHBOURS),
    "seeded": (pipe(Nystroem(n_components=5, random_state=0), StandardScaler()), NEIGHBOURS),
    "selection": (pipe(SelectKBest(f_classif)), {"s0__k": [1, 2, 4], **NEIGHBOURS}),
    "selection by an unseeded function": (pipe(SelectKBest(mutual_info_classif, k=2)), NEIGHBOURS),
    "selection by a model": (pipe(SelectFromModel(RandomForestClassifier(5, random_state=0))), NEIGHBOURS),
    "selection by an unseeded model": (pipe(SelectFromModel(RandomForestClassifier(5))), NEIGHBOURS),
    "an unseeded end": (
        pipe(StandardScaler(), clf=RandomForestClassifier(3)),
        {"clf__max_depth": [1, 2], "s0__with_mean": [True, False]},
    ),
    "union": (
        pipe(FeatureUnion([("a", PCA(2)), ("b", SelectKBest(k=1))])),
        {"s0__a__n_components": [1, 2], **NEIGHBOURS},
    ),
    "nested": (pipe(Pipeline([("a", StandardScaler()), ("b", PCA(2))])), NEIGHBOURS),
    "passthrough": (
        pipe(StandardScaler(), PCA()),
        {"s0": ["passthrough", MinMaxScaler()], "s1": [None, PCA(1)], **NEIGHBOURS},
    ),
    "memory": (pipe(PCA(2), memory="memory"), NEIGHBOURS),
    "not copied": (pipe(StandardScaler(copy=False), PolynomialFeatures()), NEIGHBOURS),
    "not copied by the last": (
        pipe(StandardScaler(), clf=Lasso(copy_X=False)),
        {"clf__alpha": [0.01, 0.1], "clf__max_iter": [100]},
    ),
    "functions": (
        pipe(FunctionTransformer(), FunctionTransformer(np.abs)),
        {"s0__func": [None, np.cbrt, lambda X: X * 2, lambda X: X * 3], **NEIGHBOURS},
    ),
    "a function that draws": (pipe(FunctionTransformer(lambda X: X + np.random.normal(size=X.shape))), NEIGHBOURS),
    "remembering": (pipe(Remembering(), StandardScaler()), NEIGHBOURS),
    "drawing": (pipe(Drawing(), StandardScaler()), NEIGHBOURS),
    "overwriting": (pipe(Overwriting(), StandardScaler()), NEIGHBOURS),
    "relabelling": (pipe(Relabelling(), StandardScaler()), NEIGHBOURS),
    "parts of arrays": (pipe(FunctionTransformer(lambda X: X[:, ::2]), FunctionTransformer(lambda X: X)), NEIGHBOURS),
    "a fit without an end": (pipe(StandardScaler(), clf="passthrough"), {"s0__with_std": [True, False]}),
    "the whole list": (pipe(StandardScaler()), {"steps": [pipe(PCA(1)).steps, pipe(PCA(2)).steps]}),
    "whole steps": (pipe(PCA(1)), {"s0": [PCA(2), PCA(2), SelectKBest(k=1)], **NEIGHBOURS}),
    "pandas": (pipe(StandardScaler().set_output(transform="pandas"), PCA(2)), NEIGHBOURS),
    "sparse": (pipe(FunctionTransformer(sp.csr_matrix), TruncatedSVD(2, random_state=0)), NEIGHBOURS),
    "imputing": (pipe(KNNImputer()), {"s0__n_neighbors": [2, 3], **NEIGHBOURS}),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_the_results_are_those_of_a_plain_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator, grid = PIPELINES[name]
    monkeypatch.chdir(tmp_path)
    if isinstance(estimator[-1], str):
        compare(estimator, grid, scoring=lambda fitted, X, y: float(fitted.transform(X).std()))
    elif isinstance(estimator[-1], Lasso):
        compare(estimator, grid)
    else:
        compare(estimator, grid, scoring=["accuracy", "neg_log_loss"])
        compare(estimator, grid, scoring=mean_distance, error_score="raise")


@pytest.mark.slow
def test_frames_texts_and_kernels() -> None:
    frame = pd.DataFrame(X, columns=NAMES)
    columns = ColumnTransformer([("a", StandardScaler(), NAMES[:2]), ("b", PCA(1), NAMES[2:])])
    compare(pipe(columns), {"s0__b__n_components": [1, 2], **NEIGHBOURS}, X=frame)
    words = pipe(TfidfVectorizer(), TruncatedSVD(2, random_state=0), clf=LogisticRegression())
    compare(words, {"s1__n_components": [2, 3], "clf__C": [0.1, 1.0]}, X=TEXTS)
    compare(pipe(clf=SVC(kernel="precomputed")), {"clf__C": [1, 2]}, X=X @ X.T)
    missing = X.copy()
    missing[::7, 1] = np.nan
    compare(pipe(KNNImputer(), StandardScaler()), NEIGHBOURS, X=missing)


def test_each_step_is_fitted_once_a_fold() -> None:
    grid = {"s0__factor": [1.0, 3.0], "clf__n_neighbors": [1, 3, 5, 7]}
    search = GridSearchCV(pipe(Counting(), StandardScaler()), grid, cv=3, return_train_score=True, refit=False)
    search.fit(X, Y)
    assert fits() == 2 * 3
    assert Counting.calls.count("transform 50") == 2 * 3  # the test part
    assert Counting.calls.count("transform 100") == 2 * 3 * 2  # to fit the next step; to score the training part
    Counting.calls.clear()
    search.set_params(cache_mb=0).fit(X, Y)
    assert fits() == 8 * 3


@pytest.mark.parametrize("kind", [RandomizedSearchCV, BayesSearchCV, HalvingGridSearchCV])
def test_every_class_shares(kind: Any) -> None:
    space = {"clf__n_neighbors": list(range(1, 9))}
    more: dict[str, Any] = {} if kind is HalvingGridSearchCV else {"n_iter": 6}
    search = kind(pipe(Counting()), space, cv=3, refit=False, random_state=0, **more).fit(X, Y)
    if kind is HalvingGridSearchCV:
        assert fits() == 3 * search.n_iterations_  # each iteration has rows of its own
    else:
        assert fits() == 3
    plain = clone(search).set_params(cache_mb=0).fit(X, Y)
    same(search.cv_results_, plain.cv_results_)


@pytest.mark.parametrize(("step", "count"), [(Drawing(), 6), (Overwriting(), 6), (Remembering(), 3), (Counting(), 3)])
def test_what_differs_from_time_to_time_is_not_shared(step: Any, count: int) -> None:
    GridSearchCV(pipe(step), NEIGHBOURS, cv=3, refit=False).fit(X, Y)
    assert fits() == count


def test_parameters_of_fit_go_to_the_steps() -> None:
    weight = np.arange(1.0, 151.0)
    compare(pipe(Counting(), StandardScaler()), NEIGHBOURS, fit={"s0__weight": weight})
    assert fits() == 2 * 2 * 2
    Counting.calls.clear()
    ridge = pipe(Counting(), clf=Ridge())
    compare(ridge, {"clf__alpha": [0.1, 1.0]}, fit={"clf__sample_weight": weight})
    assert fits() == 2 + 2 * 2


def test_metadata_that_is_routed() -> None:
    weight = np.arange(1.0, 151.0)
    with sklearn.config_context(enable_metadata_routing=True):
        ridge = Ridge().set_fit_request(sample_weight=True)
        for weighted in (True, False):
            scorer = get_scorer("neg_mean_squared_error").set_score_request(sample_weight=weighted)
            for step in (StandardScaler().set_fit_request(sample_weight=True), Counting()):
                compare(
                    pipe(step, clf=ridge), {"clf__alpha": [0.1, 1.0]}, fit={"sample_weight": weight}, scoring=scorer
                )


def test_errors_and_their_texts_are_those_of_a_plain_run() -> None:
    grid = {"s1__factor": [1.0, 2.0], **NEIGHBOURS}
    estimator = pipe(StandardScaler(), Failing(), PCA(2))
    with pytest.warns(FitFailedWarning) as ours:
        GridSearchCV(estimator, grid, cv=3, refit=False).fit(X, Y)
    with pytest.warns(FitFailedWarning) as theirs:
        Theirs(estimator, grid, cv=3, refit=False).fit(X, Y)
    assert str(ours[0].message) == str(theirs[0].message)
    assert "6 fits failed with the following error" in str(ours[0].message)
    with pytest.raises(ValueError, match="no factor of 2"):
        GridSearchCV(estimator, grid, cv=3, error_score="raise").fit(X, Y)
    with pytest.warns(FitFailedWarning):
        compare(estimator, grid, error_score=0.0)


def test_warnings_come_as_often_as_in_a_plain_run() -> None:
    def caught(kind: Any, estimator: Any) -> list[str]:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            kind(estimator, NEIGHBOURS, cv=3, refit=False).fit(X, Y)
        return sorted(str(one.message) for one in found)

    for estimator in (pipe(Cautious()), pipe(FastICA(2, max_iter=1, tol=1e-12, random_state=0))):
        found = caught(GridSearchCV, estimator)
        assert found
        assert found == caught(Theirs, estimator)
    assert caught(GridSearchCV, pipe(Cautious())).count("transforming 50") == 6


def test_the_cap_on_memory_is_kept() -> None:
    cache = ByteBoundedCache(3_000)
    for place in range(10):
        assert cache.put(place, place, 800)
        assert cache.held_bytes <= 3_000
    assert [cache.get(place) for place in range(10)] == [None] * 7 + [7, 8, 9]
    cache.get(7)
    cache.put(7, "seven", 900)
    cache.put(10, 10, 800)
    assert (cache.get(7), cache.get(8)) == ("seven", None)
    assert not cache.put("large", 0, 4_000)
    assert 2_000 < cache.peak_bytes <= 3_000
    cache.clear()
    assert (cache.held_bytes, cache.get(7)) == (0, None)


@pytest.mark.slow
@pytest.mark.parametrize("cache_mb", [0, 0.001, 0.02, 1])
def test_a_small_cap_costs_time_and_no_more(cache_mb: float) -> None:
    grid = {"a__n_neighbors": [1, 3, 5], "b__factor": [1.0, 2.0, 3.0]}
    estimator = Pipeline([("b", Counting()), ("c", StandardScaler()), ("a", KNN)])
    compare(estimator, grid, cv=KFold(3))
    search = GridSearchCV(estimator, grid, cv=3, refit=False, cache_mb=cache_mb)
    Counting.calls.clear()
    search.fit(X, Y)
    assert (fits() == 9) == (cache_mb == 1)
    with pytest.raises(ValueError, match="cache_mb"):
        GridSearchCV(estimator, grid, cache_mb=-1).fit(X, Y)


@pytest.mark.slow
@pytest.mark.parametrize("backend", [pytest.param("loky", marks=pytest.mark.slow), "threading"])
def test_across_workers(backend: str, tmp_path: Path) -> None:
    log = str(tmp_path / "log")
    grid = {"s1__n_components": [1, 2, 3], "clf__n_neighbors": list(range(1, 11))}
    search = GridSearchCV(pipe(Counting(log=log), PCA()), grid, cv=3, n_jobs=2, refit=False)
    with parallel_config(backend=backend):
        search.fit(X, Y)
    lines = Path(log).read_text().split("\n")
    count = sum(line.startswith("fit") for line in lines)
    assert 3 <= count <= 9  # of 90 in a plain run
    plain = Theirs(pipe(Counting(), PCA()), grid, cv=3, refit=False).fit(X, Y)
    same(search.cv_results_, plain.cv_results_)
    assert {line.split()[-1] == str(os.getpid()) for line in lines if line} == {backend == "threading"}


def test_in_a_thread() -> None:
    found: list[Any] = []
    search = GridSearchCV(pipe(Counting()), NEIGHBOURS, cv=3, refit=False)
    thread = threading.Thread(target=lambda: found.append(search.fit(X, Y)))
    thread.start()
    thread.join()
    same(found[0].cv_results_, Theirs(pipe(Counting()), NEIGHBOURS, cv=3, refit=False).fit(X, Y).cv_results_)


def test_times_are_those_of_a_plain_run() -> None:
    class Slow(Counting):
        def fit(self, X: Any, y: Any = None, weight: Any = None) -> Counting:
            threading.Event().wait(0.02)
            return super().fit(X, y, weight)

    search = GridSearchCV(pipe(Slow()), NEIGHBOURS, cv=3, refit=False).fit(X, Y)
    assert fits() == 3
    assert np.all(search.cv_results_["mean_fit_time"] >= 0.02)


# --- what goes where ------------------------------------------------------------------------------------------


def jobs(grid: list[dict[str, Any]], folds: int = 2) -> list[Job]:
    rows = [np.arange(fold, 9) for fold in range(folds)]
    return [Job(c, grid[c], f, rows[f], rows[f], len(grid), folds) for c in range(len(grid)) for f in range(folds)]


def test_jobs_that_share_steps_go_together() -> None:
    estimator = pipe(StandardScaler(), PCA(random_state=0))
    grid = [{"clf__n_neighbors": k, "s1__n_components": n} for k in range(10) for n in (1, 2)]
    settings: dict[str, Any] = {"settled": True, "streams": False, "later": False}
    alone = make_batches(estimator, jobs(grid), 1, **settings)
    assert sorted(place for ((place, _),) in alone) == list(range(40))
    order = [(job.fold, job.params["s1__n_components"]) for ((_, job),) in alone]
    assert order == [(0, 1)] * 10 + [(0, 2)] * 10 + [(1, 1)] * 10 + [(1, 2)] * 10
    awaited = make_batches(estimator, jobs(grid), 1, **{**settings, "streams": True})
    assert [(job.fold, job.params["s1__n_components"]) for ((_, job),) in awaited] == [(0, 1), (1, 1)] * 10 + [
        (0, 2),
        (1, 2),
    ] * 10
    assert {job.shared for ((_, job),) in alone} == {2}
    kept = make_batches(estimator, jobs(grid), 1, **{**settings, "settled": False})
    assert [place for ((place, _),) in kept] == list(range(40))
    for streams, most in ((False, 10), (True, 8)):
        batches = make_batches(estimator, jobs(grid), 2, **{**settings, "streams": streams})
        assert sorted(place for batch in batches for place, _ in batch) == list(range(40))
        assert len(batches) >= 6
        assert max(map(len, batches)) <= most
        for batch in batches:
            assert len({(job.fold, job.params["s1__n_components"]) for _, job in batch}) == 1


def test_jobs_that_share_nothing_stay_as_they_are() -> None:
    settings: dict[str, Any] = {"settled": True, "streams": False, "later": False}
    grid = [{"s0__n_components": n} for n in (3, 1, 2)]
    for workers in (1, 2):
        batches = make_batches(pipe(PCA()), jobs(grid), workers, **settings)
        assert [[(place, job.shared) for place, job in batch] for batch in batches] == [
            [(place, 0)] for place in range(6)
        ]
    shared = EvaluationSettings(X, Y, None, {}, {}, np.nan, False, 0)
    listed = jobs(grid)
    assert SharedSteps(10**6).batches(SVC(), listed, shared, 2, False) == [
        [(place, job)] for place, job in enumerate(listed)
    ]


def test_random_jobs_keep_their_order() -> None:
    grid = [{"clf__max_depth": k, "s0__n_components": n} for k in (1, 2) for n in (1, 2)]
    for forest in (RandomForestClassifier(), RandomForestClassifier(random_state=0)):
        estimator = pipe(PCA(random_state=0), clf=forest)
        batches = make_batches(estimator, jobs(grid), 1, settled=True, streams=False, later=False)
        assert ([place for ((place, _),) in batches] == list(range(8))) == (forest.random_state is None)


# --- what is the same -------------------------------------------------------------------------------------------


def test_fingerprints() -> None:
    def key(step: Any) -> Any:
        made = step_fingerprint(clone(step))
        return None if made is None else made.key

    equal = [PCA(2), Counting(2.0), SelectKBest(f_classif), FeatureUnion([("a", PCA(1))]), FunctionTransformer(np.abs)]
    assert all(key(step) is not None and key(step) == key(step) for step in equal)
    differ = [
        (PCA(2), PCA(2.0)),
        (PCA(1), PCA(True)),
        (StandardScaler(), MinMaxScaler()),
        (FunctionTransformer(lambda X: X * 2), FunctionTransformer(lambda X: X * 3)),
        (StandardScaler(), StandardScaler().set_output(transform="pandas")),
        (TfidfVectorizer(vocabulary=["a", "b"]), TfidfVectorizer(vocabulary=["b", "a"])),
        (Counting(0.0), Counting(-0.0)),
        (FunctionTransformer(kw_args={"a": np.ones(2)}), FunctionTransformer(kw_args={"a": np.ones(3)})),
    ]
    for one, other in differ:
        assert key(one) != key(other), (one, other)
    unknown = [
        PCA(random_state=np.random.RandomState(0)),
        StandardScaler(copy=False),
        FeatureUnion([("a", PCA())], n_jobs=2),
        FeatureUnion([("a", PCA())], verbose=True),
        Pipeline([("a", PCA())], memory="memory"),
    ]
    assert [key(step) for step in unknown] == [None] * len(unknown)


def test_copies_have_the_layout_of_what_they_copy() -> None:
    source = np.arange(12.0).reshape(3, 4)
    for made in (source + 1, np.asfortranarray(source), (source + 1).T):
        assert copyable(made, source)
        assert copied(made).strides == made.strides
        assert copied(made) is not made
    for made in (source, source[:, ::2], source.T, np.array([None]), np.ma.masked_array(source + 1), [1.0]):
        assert not copyable(made, source)
    assert not copyable(source[:2], [1.0])
    matrix = sp.csr_matrix(source)
    assert copyable(matrix, source)
    assert not copyable(matrix, matrix)
    np.testing.assert_array_equal(copied(matrix).toarray(), source)
    assert copied(matrix).data is not matrix.data
    frame = [np.ones(1000), {"a": np.ones(1000)}, [np.ones(1000)], PCA(2).fit(X)]
    assert size_of(frame) > 3 * 8000
