"""Candidates whose fits continue one another: results equal to the bit, unless close paths are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path as File
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the next import possible
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, MultiTaskLasso, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV as Theirs
from sklearn.model_selection import GroupKFold
from sklearn.model_selection import HalvingGridSearchCV as TheirHalving
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from luthier.errors import StudyMismatch
from luthier.sklearn import BayesSearchCV, GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from luthier.sklearn.evaluation import Job
from luthier.sklearn.reuse import continued_fit, ridge, warm_start
from luthier.sklearn.reuse.byte_cache import ByteBoundedCache
from luthier.sklearn.reuse.job_batches import make_batches

pytestmark = pytest.mark.slow  # many models, each fitted in two ways

X, Y = load_iris(return_X_y=True)
X = X + np.random.default_rng(0).normal(scale=0.3, size=X.shape)
BINARY = (Y == 1).astype(int)
REGRESSION, VALUES = make_regression(120, 6, noise=5.0, random_state=1)
WEIGHT = np.random.default_rng(1).uniform(0.5, 2.0, len(X))
MISSING = np.where(np.random.default_rng(2).uniform(size=X.shape) < 0.1, np.nan, X)
SCALED = StandardScaler().fit_transform(X)
SIZES = [6, 2, 4]


@pytest.fixture
def resumed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Record each fit that continues another one, as the value that it started from."""
    noted: list[Any] = []
    original: Any = vars(continued_fit)["resume"]

    def resume(estimator: Any, earlier: Any, fit: Any) -> bool:
        noted.append(earlier.value)
        return bool(original(estimator, earlier, fit))

    monkeypatch.setattr(continued_fit, "resume", resume)
    yield noted


@pytest.fixture
def solutions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Record each fit that was solved by shared normal equations, by its penalty."""
    noted: list[Any] = []
    original: Any = vars(continued_fit)["solve_penalty"]

    def solve_penalty(shared: Any, alpha: float) -> Any:
        found = original(shared, alpha)
        noted.extend([] if found is None else [alpha])
        return found

    monkeypatch.setattr(continued_fit, "solve_penalty", solve_penalty)
    yield noted


def same(ours: dict[str, Any], other: dict[str, Any]) -> None:
    """See that two searches' results are equal to the bit, times aside."""
    assert list(ours) == list(other)
    for name, values in other.items():
        if "time" not in name:
            assert np.asarray(ours[name]).dtype == np.asarray(values).dtype, name
            assert np.array_equal(
                np.asarray(ours[name], dtype=object), np.asarray(values, dtype=object)
            ) or np.array_equal(np.asarray(ours[name], float), np.asarray(values, float), equal_nan=True), name


def compare(
    estimator: Any, grid: Any, X: Any = X, y: Any = Y, fit: Any = None, kind: Any = GridSearchCV, **settings: Any
) -> Any:
    settings = {"cv": 2, "return_train_score": True, "refit": False, **settings}
    ours = kind(estimator, grid, **settings).fit(X, y, **(fit or {}))
    same(ours.cv_results_, Theirs(estimator, grid, **settings).fit(X, y, **(fit or {})).cv_results_)
    return ours


def pipe(last: Any, *heads: Any) -> Pipeline:
    return Pipeline([*[(f"s{place}", head) for place, head in enumerate(heads or [StandardScaler()])], ("m", last)])


def attributes(fitted: Any) -> dict[str, str]:
    return {name: joblib.hash(value) for name, value in vars(fitted).items()}


# --- ensembles that grow ----------------------------------------------------------------------------------------

Case = tuple[Any, Any, Any, dict[str, Any]]


def case(estimator: Any, X: Any = X, y: Any = Y, **fit: Any) -> Case:
    return estimator.set_params(random_state=3), X, y, fit


WHOLE: dict[str, Case] = {
    "forest": case(RandomForestClassifier()),
    "forest, entropy, two jobs": case(RandomForestClassifier(criterion="entropy", n_jobs=2, max_features=None)),
    "forest, out of bag": case(RandomForestClassifier(oob_score=True, max_samples=0.7)),
    "forest, weights": case(RandomForestClassifier(class_weight={0: 1, 1: 2, 2: 1}), sample_weight=WEIGHT),
    "forest, sparse": case(RandomForestClassifier(ccp_alpha=0.01), sp.csr_matrix(X)),
    "forest, missing": case(RandomForestClassifier(bootstrap=False), MISSING),
    "forest, several targets": case(RandomForestClassifier(), X, np.c_[Y, BINARY]),
    "extra trees": case(ExtraTreesClassifier()),
    "extra trees, bootstrap": case(ExtraTreesClassifier(bootstrap=True, oob_score=True)),
    "regression forest": case(RandomForestRegressor(), REGRESSION, VALUES),
    "regression forest, absolute": case(RandomForestRegressor(criterion="absolute_error"), REGRESSION, VALUES),
    "regression extra trees": case(ExtraTreesRegressor(max_features=0.5), REGRESSION, VALUES),
    "isolation": case(IsolationForest(), X, None),
    "isolation, contamination": case(IsolationForest(contamination=0.1, max_samples=50, bootstrap=True), X, None),
    "bag": case(BaggingClassifier()),
    "bag of trees": case(BaggingClassifier(DecisionTreeClassifier(max_features=2), max_features=0.5)),
    "bag of vectors": case(BaggingClassifier(SVC(), bootstrap_features=True, max_samples=0.5)),
    "regression bag": case(BaggingRegressor(bootstrap=False, max_samples=0.5), REGRESSION, VALUES),
    "boosting": case(GradientBoostingClassifier()),
    "boosting, two classes": case(GradientBoostingClassifier(loss="exponential"), X, BINARY),
    "boosting, subsample": case(GradientBoostingClassifier(subsample=0.6, max_features="sqrt", learning_rate=0.3)),
    "boosting, weights": case(GradientBoostingClassifier(init="zero"), sample_weight=WEIGHT),
    "boosting, sparse": case(GradientBoostingClassifier(max_leaf_nodes=5, ccp_alpha=0.01), sp.csr_matrix(X)),
    "regression boosting": case(GradientBoostingRegressor(), REGRESSION, VALUES),
    "regression boosting, huber": case(GradientBoostingRegressor(loss="huber"), REGRESSION, VALUES),
    "regression boosting, quantile": case(GradientBoostingRegressor(loss="quantile"), REGRESSION, VALUES),
    "histograms": case(HistGradientBoostingClassifier()),
    "histograms, missing": case(HistGradientBoostingClassifier(max_features=0.5, class_weight="balanced"), MISSING),
    "histograms, weights": case(HistGradientBoostingClassifier(early_stopping=False), sample_weight=WEIGHT),
    "regression histograms": case(HistGradientBoostingRegressor(l2_regularization=1.0), REGRESSION, VALUES),
    "regression histograms, absolute": case(HistGradientBoostingRegressor(loss="absolute_error"), REGRESSION, VALUES),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_grown_ensemble_is_one_from_scratch(name: str) -> None:
    estimator, X, y, fit = WHOLE[name]
    path = warm_start.path_of(estimator, close=False)
    assert path is not None
    cache = ByteBoundedCache(10**8)
    for size in (2, 3, 7):
        grown = clone(estimator).set_params(**{path.parameter: size})
        key = warm_start.key_of(grown, path)
        assert key is not None
        continued_fit.ContinuedFit(grown, path, key[0], key[1], cache, lambda: False)
        data = (X,) if y is None else (X, y)
        assert grown.fit(*data, **fit) is grown
        fresh = clone(estimator).set_params(**{path.parameter: size}).fit(*data, **fit)
        assert attributes(grown) == attributes(fresh)
        np.testing.assert_array_equal(grown.predict(X), fresh.predict(X))
        assert cache.get((path.parameter, key[0])).value == size


@pytest.mark.parametrize("name", ["forest", "bag", "boosting", "histograms", "regression forest"])
@pytest.mark.parametrize("piped", [False, True])
def test_a_search_grows_ensembles_once_a_fold(name: str, piped: bool, resumed: list[Any]) -> None:
    estimator, X, y, _ = WHOLE[name]
    parameter = "max_iter" if name == "histograms" else "n_estimators"
    prefix = "m__" if piped else ""
    search = compare(pipe(estimator) if piped else estimator, {f"{prefix}{parameter}": SIZES}, X, y)
    assert sorted(resumed) == [2, 2, 4, 4]
    assert [params[f"{prefix}{parameter}"] for params in search.cv_results_["params"]] == SIZES


@pytest.mark.parametrize("settings", [{}, {"n_jobs": 2}, {"scoring": ["accuracy", "neg_log_loss"]}, {"error_score": 0}])
@pytest.mark.parametrize("piped", [False, True])
def test_grids_with_more_than_sizes(settings: dict[str, Any], piped: bool, resumed: list[Any]) -> None:
    forest = RandomForestClassifier(random_state=0)
    grid: dict[str, Any] = {"n_estimators": SIZES, "max_depth": [1, 3]}
    if piped:
        grid = {"s0__with_mean": [True, False], **{f"m__{name}": values for name, values in grid.items()}}
    with parallel_config(backend="threading"):
        compare(pipe(forest) if piped else forest, grid, **settings)
    assert resumed.count(2) >= (2 if settings.get("n_jobs") else 4)


def test_in_processes() -> None:
    forest = RandomForestClassifier(random_state=0)
    compare(forest, {"n_estimators": [20, 5, 10], "max_depth": [1, 3]}, n_jobs=2, cv=3)
    compare(pipe(forest), {"m__n_estimators": [20, 5, 10], "m__max_depth": [1, 3]}, n_jobs=2, cv=3)
    compare(pipe(RidgeClassifier()), {"m__alpha": list(np.logspace(-2, 2, 9))}, n_jobs=2, cv=3)


def own_score(estimator: Any, X: Any, y: Any) -> float:
    assert not getattr(estimator, "warm_start", False)
    return float(estimator.score(X, y)) + len(estimator.estimators_)


def test_scorers_weights_groups_and_the_winner(resumed: list[Any]) -> None:
    forest = RandomForestClassifier(random_state=0)
    grid = {"n_estimators": [2, 4, 6]}
    compare(forest, grid, scoring=own_score)
    compare(forest, grid, fit={"sample_weight": WEIGHT})
    compare(pipe(forest), {"m__n_estimators": SIZES}, fit={"m__sample_weight": WEIGHT})
    compare(forest, grid, fit={"groups": np.arange(150) % 7}, cv=GroupKFold(3))
    compare(forest, grid, y=np.array(["a", "b", "c"])[Y], scoring="f1_macro")
    compare(forest, {"n_estimators": SIZES}, X=pd.DataFrame(X, columns=list("abcd")))
    assert len(resumed) == 2 * (2 + 2 + 2 + 3 + 2 + 2)
    ours = GridSearchCV(pipe(forest), {"m__n_estimators": SIZES}, cv=2).fit(X, Y)
    theirs = Theirs(pipe(forest), {"m__n_estimators": SIZES}, cv=2).fit(X, Y)
    assert attributes(ours.best_estimator_[-1]) == attributes(theirs.best_estimator_[-1])
    assert ours.best_estimator_[-1].warm_start is False


def test_frames_with_categories() -> None:
    frame = pd.DataFrame(X, columns=list("abcd")).assign(e=pd.Categorical(np.where(X[:, 0] > 5.8, "x", "y")))
    compare(HistGradientBoostingClassifier(random_state=0), {"max_iter": SIZES}, X=frame)


def test_sizes_that_are_none(resumed: list[Any]) -> None:
    forest = RandomForestClassifier(random_state=0)
    grid = {"n_estimators": [4, -1, 2, 2, "many", np.int64(6), 3.0]}
    with pytest.warns(FitFailedWarning) as ours:
        GridSearchCV(forest, grid, cv=2).fit(X, Y)
    with pytest.warns(FitFailedWarning) as theirs:
        Theirs(forest, grid, cv=2).fit(X, Y)
    assert str(ours[0].message) == str(theirs[0].message)
    assert sorted(resumed) == [2, 2, 4, 4]
    with pytest.warns(FitFailedWarning):
        compare(pipe(forest), {"m__n_estimators": grid["n_estimators"]})
    with pytest.raises(ValueError, match="'n_estimators' parameter"):
        GridSearchCV(forest, grid, cv=2, error_score="raise").fit(X, Y)


class Own(RandomForestClassifier):  # type: ignore[misc]
    """A class of somebody's own."""


class OwnTree(DecisionTreeClassifier):  # type: ignore[misc]
    """Another one."""


ALONE: dict[str, tuple[Any, str]] = {
    "no seed": (RandomForestClassifier(), "n_estimators"),
    "a generator": (RandomForestClassifier(random_state=np.random.RandomState(0)), "n_estimators"),
    "a class of one's own": (Own(random_state=0), "n_estimators"),
    "a tree of one's own": (BaggingClassifier(OwnTree(), random_state=0), "n_estimators"),
    "weights by name": (RandomForestClassifier(random_state=0, class_weight="balanced"), "n_estimators"),
    "warm": (RandomForestClassifier(random_state=0, warm_start=True), "n_estimators"),
    "out of bag": (BaggingClassifier(random_state=0, oob_score=True), "n_estimators"),
    "stopped early": (GradientBoostingClassifier(random_state=0, n_iter_no_change=1), "n_estimators"),
    "an initial model": (GradientBoostingClassifier(random_state=0, init=GaussianNB()), "n_estimators"),
    "histograms stopped early": (HistGradientBoostingClassifier(random_state=0, early_stopping=True), "max_iter"),
}


@pytest.mark.parametrize("name", ALONE)
def test_what_would_not_be_the_same_is_fitted_alone(name: str, resumed: list[Any]) -> None:
    estimator, parameter = ALONE[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = []
        for kind in (GridSearchCV, Theirs):
            np.random.seed(0)
            results.append(kind(clone(estimator), {parameter: SIZES}, cv=2, refit=False).fit(X, Y).cv_results_)
    same(*results)
    assert resumed == []


def test_many_rows_stop_histograms_early(resumed: list[Any]) -> None:
    rng = np.random.default_rng(0)
    many = rng.normal(size=(10_100, 1))
    estimator = HistGradientBoostingRegressor(random_state=0, max_leaf_nodes=4)
    GridSearchCV(estimator, {"max_iter": [1, 2]}, cv=[(np.arange(10_050), np.arange(10_050, 10_100))], refit=False).fit(
        many, many[:, 0]
    )
    assert resumed == []


def test_where_bits_differ_boosting_is_not_grown(monkeypatch: pytest.MonkeyPatch, resumed: list[Any]) -> None:
    monkeypatch.setattr(warm_start, "_exact_boosting", lambda: False)
    compare(GradientBoostingClassifier(random_state=0), {"n_estimators": SIZES})
    assert resumed == []


@pytest.mark.parametrize("off", [{"paths": "none"}, {"cache_mb": 0}])
def test_it_can_be_turned_off(off: dict[str, Any], resumed: list[Any], solutions: list[Any]) -> None:
    for estimator, grid in (
        (RandomForestClassifier(random_state=0), {"n_estimators": SIZES}),
        (Ridge(), {"alpha": [1, 2, 3]}),
    ):
        GridSearchCV(estimator, grid, cv=2, **off).fit(X, Y)
    assert (resumed, solutions) == ([], [])
    with pytest.raises(ValueError, match="paths"):
        GridSearchCV(Ridge(), {"alpha": [1]}, paths="all").fit(X, Y)


def test_a_small_cap_and_failures_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    forest = RandomForestClassifier(random_state=0)
    for cap in (0.01, 0.03):
        ours = GridSearchCV(forest, {"n_estimators": SIZES}, cv=2, refit=False, cache_mb=cap).fit(X, Y)
        same(ours.cv_results_, Theirs(forest, {"n_estimators": SIZES}, cv=2, refit=False).fit(X, Y).cv_results_)

    original: Callable[..., Any] = RandomForestClassifier.fit

    def fit(self: Any, *data: Any, **params: Any) -> Any:
        if self.warm_start:
            self.estimators_.clear()
            raise MemoryError
        return original(self, *data, **params)

    monkeypatch.setattr(RandomForestClassifier, "fit", fit)
    compare(forest, {"n_estimators": SIZES})


def test_times_say_what_all_trees_took() -> None:
    forest = RandomForestClassifier(4, random_state=0)
    path = warm_start.path_of(forest, close=False)
    assert path is not None
    cache = ByteBoundedCache(10**8)
    for size, before_s in ((2, 0.0), (4, 100.0)):
        one = clone(forest).set_params(n_estimators=size)
        watched = continued_fit.ContinuedFit(one, path, "key", (), cache, lambda: False)
        one.fit(X, Y)
        assert watched.saved_s == before_s
        state = cache.take(("n_estimators", "key"))
        assert state.seconds > before_s
        cache.put(("n_estimators", "key"), state._replace(seconds=100.0), 0)
        assert cache.get("nothing") is cache.take("nothing") is None
    assert cache.held_bytes < 1000


@pytest.mark.parametrize("kind", [RandomizedSearchCV, BayesSearchCV])
def test_other_searches_grow_too(kind: Any, resumed: list[Any]) -> None:
    search = kind(
        RandomForestClassifier(random_state=0), {"n_estimators": list(range(1, 9))}, n_iter=6, cv=3, random_state=0
    )
    plain = clone(search).set_params(paths="none").fit(X, Y)
    assert resumed == []
    search.fit(X, Y)
    assert len(resumed) >= (15 if kind is RandomizedSearchCV else 3)
    same(search.cv_results_, plain.cv_results_)


def test_halving_by_the_number_of_trees_goes_on_with_the_best(resumed: list[Any]) -> None:
    settings: dict[str, Any] = {
        "estimator": RandomForestClassifier(random_state=0),
        "param_grid": {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 5, 9]},
        "resource": "n_estimators",
        "max_resources": 18,
        "min_resources": 2,
        "cv": 2,
    }
    ours = HalvingGridSearchCV(**settings).fit(X, Y)
    same(ours.cv_results_, TheirHalving(**settings).fit(X, Y).cv_results_)
    assert sorted(resumed) == [2.0] * 6 + [6.0] * 2


def test_a_store_keeps_what_was_grown(tmp_path: File, resumed: list[Any]) -> None:
    search = GridSearchCV(
        RandomForestClassifier(random_state=0), {"n_estimators": SIZES}, cv=2, store=tmp_path / "a.db", refit=False
    ).fit(X, Y)
    assert len(resumed) == 4
    again = clone(search).fit(X, Y)
    assert len(resumed) == 4
    same(again.cv_results_, search.cv_results_)
    clone(search).set_params(paths="none").fit(X, Y)  # the same results, so the same search
    with pytest.raises(StudyMismatch):
        clone(search).set_params(paths="close").fit(X, Y)


@pytest.mark.parametrize("estimator", [RandomForestClassifier(random_state=0), RidgeClassifier()])
def test_a_race_is_the_same(estimator: Any, resumed: list[Any], solutions: list[Any]) -> None:
    name = "alpha" if isinstance(estimator, RidgeClassifier) else "n_estimators"
    grid = {f"m__{name}": [1, 2, 3, 4], "s0__with_mean": [True, False]}
    search = GridSearchCV(pipe(estimator), grid, cv=5, racing=True).fit(X, Y)
    plain = clone(search).set_params(paths="none", cache_mb=0).fit(X, Y)
    same(search.cv_results_, plain.cv_results_)
    assert search.best_params_ == plain.best_params_
    assert len(resumed) + len(solutions) > 12


# --- penalties --------------------------------------------------------------------------------------------------

ALPHAS = [float(alpha) for alpha in np.logspace(-8, 6, 9)]
DOUBLED = np.c_[X, X[:, :1]]

RIDGES: dict[str, tuple[Any, Any, Any]] = {
    "classes": (RidgeClassifier(), X, Y),
    "classes by name": (RidgeClassifier(), X, np.array(["a", "b", "c"])[Y]),
    "two classes": (RidgeClassifier(), X, BINARY),
    "several labels": (RidgeClassifier(), X, np.c_[Y == 0, Y == 1].astype(int)),
    "no intercept": (RidgeClassifier(fit_intercept=False), X, Y),
    "values": (Ridge(), REGRESSION, VALUES),
    "values by Fortran": (Ridge(solver="cholesky"), np.asfortranarray(REGRESSION), VALUES),
    "integers": (Ridge(), X, Y),
    "several values": (Ridge(), REGRESSION, np.c_[VALUES, VALUES**2]),
    "values, no intercept": (Ridge(fit_intercept=False), REGRESSION, VALUES[:, None]),
    "nearly singular": (Ridge(), DOUBLED * [1, 1, 1, 1, 1e3], Y),
}


@pytest.mark.parametrize("name", RIDGES)
def test_penalties_share_their_products(name: str, solutions: list[Any]) -> None:
    estimator, X, y = RIDGES[name]
    compare(estimator, {"alpha": ALPHAS}, X, y)
    assert len(solutions) >= (2 if name == "nearly singular" else 2 * len(ALPHAS) - 2)
    path = warm_start.path_of(estimator, close=False)
    assert path is not None
    cache = ByteBoundedCache(10**8)
    for alpha in sorted(ALPHAS)[::-1]:
        one = clone(estimator).set_params(alpha=alpha)
        continued_fit.ContinuedFit(one, path, "key", (), cache, lambda: False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert attributes(one.fit(X, y)) == attributes(clone(one).fit(X, y))


OTHER_RIDGES: dict[str, tuple[Any, Any]] = {
    "solver": (Ridge(solver="svd"), REGRESSION),
    "positive": (Ridge(positive=True), REGRESSION),
    "not copied": (Ridge(copy_X=False), REGRESSION),
    "few rows": (Ridge(), REGRESSION[:, [0] * 70]),
    "single precision": (Ridge(), REGRESSION.astype(np.float32)),
    "sparse": (Ridge(solver="auto"), sp.csr_matrix(REGRESSION)),
    "frame": (Ridge(), pd.DataFrame(REGRESSION)),
    "lists": (Ridge(), REGRESSION.tolist()),
}


@pytest.mark.parametrize("name", OTHER_RIDGES)
def test_other_ridges_are_fitted_one_by_one(name: str, solutions: list[Any]) -> None:
    estimator, X = OTHER_RIDGES[name]
    compare(estimator, {"alpha": [0.1, 1.0, 10.0]}, X.copy(), VALUES)
    compare(estimator, {"alpha": [0.1, 1.0, 10.0]}, X.copy(), VALUES, fit={"sample_weight": WEIGHT[:120]})
    assert solutions == []


def test_products_that_have_other_bits_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(*arguments: Any) -> Any:
        made = ridge.normal_equations(*arguments)
        assert made is not None
        made.gram.flat[0] = np.nextafter(made.gram.flat[0], np.inf)
        return made

    monkeypatch.setattr(continued_fit, "normal_equations", off)
    compare(RidgeClassifier(), {"alpha": ALPHAS})


def test_penalties_that_are_none(solutions: list[Any]) -> None:
    with pytest.warns(FitFailedWarning):
        compare(Ridge(), {"alpha": [1.0, -1.0, 0.5, 0, "a", 2, np.float64(3.0), np.inf]}, REGRESSION, VALUES)
    assert len(solutions) == 2 * 4  # the first of each fold is solved to compare it
    compare(pipe(RidgeClassifier(), PolynomialFeatures()), {"m__alpha": ALPHAS, "m__fit_intercept": [True, False]})
    assert len(solutions) >= 6 + 4 * (len(ALPHAS) - 3)


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (Lasso(tol=1e-9, max_iter=10_000), {"alpha": [0.01, 0.1, 1.0]}),
        (ElasticNet(tol=1e-9, max_iter=10_000), {"alpha": [0.01, 0.1, 1.0], "l1_ratio": [0.2, 0.8]}),
        (LogisticRegression(tol=1e-9, max_iter=10_000), {"C": [10.0, 0.1, 1.0]}),
        (LogisticRegression(solver="newton-cholesky", tol=1e-9), {"C": [0.01, 0.1]}),
    ],
)
def test_close_paths_are_used_only_if_asked_for(estimator: Any, grid: Any, resumed: list[Any]) -> None:
    X, y = (SCALED, Y) if "C" in grid else (REGRESSION, VALUES)
    exact = compare(estimator, grid, X, y, scoring="neg_log_loss" if "C" in grid else "neg_mean_squared_error")
    assert resumed == []
    close = clone(exact).set_params(paths="close").fit(X, y)
    count = len(exact.cv_results_["params"])
    assert len(resumed) == 2 * (count - len(grid.get("l1_ratio", [0])))
    name = "mean_test_score"
    np.testing.assert_allclose(close.cv_results_[name], exact.cv_results_[name], rtol=1e-4)
    piped = Pipeline([("s", StandardScaler()), ("m", estimator)])
    GridSearchCV(piped, {f"m__{name}": values for name, values in grid.items()}, cv=2, paths="close").fit(X, y)


def test_what_close_paths_do_not_take(resumed: list[Any]) -> None:
    several = np.c_[VALUES, -VALUES]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for estimator in (
            LogisticRegression(solver="liblinear"),
            LogisticRegression(solver="saga", max_iter=5, random_state=0),
        ):
            GridSearchCV(estimator, {"C": [0.1, 1.0]}, cv=2, paths="close").fit(X, BINARY)
        for estimator in (Lasso(selection="random"), Lasso(warm_start=True)):
            GridSearchCV(estimator, {"alpha": [0.1, 1.0]}, cv=2, paths="close").fit(REGRESSION, VALUES)
        assert resumed == []
    path = warm_start.path_of(MultiTaskLasso(), close=True)
    assert path is not None
    cache = ByteBoundedCache(10**8)
    for alpha in (1.0, 0.1):  # a search of scikit-learn 1.7 refuses it
        one = MultiTaskLasso(alpha, tol=1e-9)
        continued_fit.ContinuedFit(one, path, "key", (), cache, lambda: False)
        np.testing.assert_allclose(one.fit(REGRESSION, several).coef_, clone(one).fit(REGRESSION, several).coef_)
    assert resumed == [1.0]


# --- in which order ---------------------------------------------------------------------------------------------


def test_jobs_on_a_path_go_together_and_in_its_order() -> None:
    def order(estimator: Any, name: str, workers: int, **more: Any) -> list[list[Any]]:
        grid = [{name: size, "m__max_depth": depth} for size in (3, 1, 2) for depth in (1, 2)]
        rows = np.arange(9)
        jobs = [Job(c, params, fold, rows, rows, 6, 2) for c, params in enumerate(grid) for fold in (0, 1)]
        path = warm_start.path_of(estimator[-1], close=True)
        settings = {"settled": True, "streams": False, "later": False, **more}
        batches = make_batches(estimator, jobs, workers, **settings, path=path)
        return [
            [(job.fold, job.params["m__max_depth"], job.params[name], job.shared) for _, job in batch]
            for batch in batches
        ]

    forest = pipe(RandomForestClassifier(random_state=0))
    alone = [one for (one,) in order(forest, "m__n_estimators", 1)]
    assert alone == [(fold, depth, size, 2) for fold in (0, 1) for depth in (1, 2) for size in (1, 2, 3)]
    for batch in order(forest, "m__n_estimators", 2):
        assert [one[2] for one in batch] == sorted(one[2] for one in batch)
        assert len({one[:2] for one in batch}) == 1
    kept = [one[:3] for (one,) in order(forest, "m__n_estimators", 1, settled=False)]
    assert kept == [(fold, depth, size) for size in (3, 1, 2) for depth in (1, 2) for fold in (0, 1)]
    falling = [one[2] for (one,) in order(pipe(Ridge()), "m__alpha", 1)]
    assert falling[:3] == [3, 2, 1]
