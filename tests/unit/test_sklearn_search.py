"""The search classes: results equal to scikit-learn's, all kinds of input, and refused input."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from scipy import stats
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit
from sklearn.model_selection import _search as theirs
from sklearn.model_selection import _search_successive_halving as theirs_halving
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import luthier as lt
from luthier.errors import InvalidSetting, InvalidSpace, StudyMismatch
from luthier.sklearn import (
    BayesSearchCV,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    study_of,
)

X, Y = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(random_state=0)
GRID: dict[str, Any] = {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 5]}
DRAWN: dict[str, Any] = {"max_depth": [1, 2, 3], "min_samples_leaf": stats.randint(1, 20)}


def searches(**settings: Any) -> list[Any]:
    """One of each class, over the same few parameters."""
    return [
        GridSearchCV(TREE, GRID, **settings),
        RandomizedSearchCV(TREE, DRAWN, n_iter=3, random_state=0, **settings),
        HalvingGridSearchCV(TREE, GRID, random_state=0, **settings),
        HalvingRandomSearchCV(TREE, DRAWN, n_candidates=4, random_state=0, **settings),
        BayesSearchCV(TREE, DRAWN, n_iter=3, random_state=0, **settings),
    ]


ALL = [type(search).__name__ for search in searches()]


def same(ours: dict[str, Any], other: dict[str, Any]) -> None:
    assert list(ours) == list(other)
    for name, values in other.items():
        if "time" in name:
            assert ours[name].dtype == values.dtype
        elif name == "params":
            assert ours[name] == values
        else:
            assert ours[name].dtype == values.dtype
            np.testing.assert_array_equal(ours[name], values)
            if isinstance(values, np.ma.MaskedArray):
                np.testing.assert_array_equal(ours[name].mask, values.mask)


# --- what is drop-in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("durable", [False, True])
def test_the_results_are_those_of_scikit_learn(place: int, durable: bool, tmp_path: Path) -> None:
    ours = searches(return_train_score=True, cv=3)[place]
    module: Any = theirs_halving if "Halving" in type(ours).__name__ else theirs
    kind = getattr(module, type(ours).__name__)
    assert isinstance(ours, kind)
    settings = {name: value for name, value in ours.get_params(deep=False).items() if name in kind._get_param_names()}
    other = kind(**settings).fit(X, Y)
    ours.set_params(store=tmp_path / "search.db" if durable else None).fit(X, Y)
    same(ours.cv_results_, other.cv_results_)
    assert ours.best_params_ == other.best_params_
    assert (ours.best_score_, ours.best_index_) == (other.best_score_, other.best_index_)
    np.testing.assert_array_equal(ours.predict(X), other.predict(X))
    assert ours.score(X, Y) == other.score(X, Y)
    if durable:  # once more, from the store
        again = clone(ours).fit(X, Y)
        np.testing.assert_array_equal(again.cv_results_["mean_fit_time"], ours.cv_results_["mean_fit_time"])
        same(again.cv_results_, other.cv_results_)


def test_the_constructors_take_what_those_of_scikit_learn_take() -> None:
    for search in searches()[:4]:
        module: Any = theirs_halving if "Halving" in type(search).__name__ else theirs
        kind = getattr(module, type(search).__name__)
        more = {"store", "cache_mb", "paths", "budget", "workers", "trial_time_s", "trial_memory_mb"} | (
            set() if "Halving" in type(search).__name__ else {"racing", "one_standard_error"}
        )
        assert set(search.get_params(deep=False)) == set(kind._get_param_names()) | more


def test_importing_luthier_does_not_import_scikit_learn() -> None:
    program = "import sys, luthier; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("place", range(5), ids=ALL)
def test_pickling_and_cloning(place: int, tmp_path: Path) -> None:
    search = searches(store=tmp_path / "s.db")[place]
    assert clone(search).get_params(deep=False).keys() == search.get_params(deep=False).keys()
    search.fit(X, Y)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    assert again.study_.name == search.study_.name
    assert len(again.study_) == len(search.study_)
    assert again._repr_html_() and type(search).__name__ in again._repr_html_()


@pytest.mark.parametrize("place", range(5), ids=ALL)
def test_a_study_without_a_store(place: int) -> None:
    search = searches()[place].fit(X, Y)
    for one in (search, pickle.loads(pickle.dumps(search))):
        assert len(one.study_) == len(one.cv_results_["params"])
        assert one.study_.best.value == max(one.cv_results_["mean_test_score"])
    with pytest.raises(NotFittedError):
        _ = clone(search).study_


@pytest.mark.parametrize("place", range(5), ids=ALL)
def test_data_of_all_kinds(place: int) -> None:
    plain = searches()[place].fit(X, Y).cv_results_["mean_test_score"]
    names = ["a", "b", "c", "d"]
    for data in (pd.DataFrame(X, columns=names), pl.DataFrame(X, schema=names), sp.csr_matrix(X), X.tolist()):
        search = searches()[place].fit(data, pd.Series(Y) if isinstance(data, pd.DataFrame) else Y)
        np.testing.assert_allclose(search.cv_results_["mean_test_score"], plain)
    assert searches()[place].fit(pd.DataFrame(X, columns=names), Y).feature_names_in_.tolist() == names


@pytest.mark.parametrize("data", [pd.DataFrame(X), pl.DataFrame(X), sp.csr_matrix(X)])
def test_a_store_with_data_of_all_kinds(data: Any, tmp_path: Path) -> None:
    first = GridSearchCV(TREE, GRID, store=tmp_path / "s.db").fit(data, Y)
    second = GridSearchCV(TREE, GRID, store=tmp_path / "s.db").fit(data, Y)
    np.testing.assert_array_equal(first.cv_results_["mean_fit_time"], second.cv_results_["mean_fit_time"])


def test_weights_and_groups_reach_everybody() -> None:
    groups = np.arange(len(Y)) % 5
    weights = np.linspace(0.1, 1, len(Y))
    for search in (GridSearchCV(TREE, GRID, cv=GroupKFold(5)), BayesSearchCV(TREE, DRAWN, n_iter=2, cv=GroupKFold(5))):
        with pytest.raises(ValueError, match="groups"):
            search.fit(X, Y)
        search.fit(X, Y, groups=groups, sample_weight=weights)
    other = theirs.GridSearchCV(TREE, GRID, cv=GroupKFold(5)).fit(X, Y, groups=groups, sample_weight=weights)
    ours = GridSearchCV(TREE, GRID, cv=GroupKFold(5)).fit(X, Y, groups=groups, sample_weight=weights)
    same(ours.cv_results_, other.cv_results_)


@pytest.mark.parametrize("place", range(5), ids=ALL)
def test_metadata_routing(place: int) -> None:
    weights = np.linspace(0.1, 1, len(Y))
    with sklearn.config_context(enable_metadata_routing=True):
        search = searches()[place]
        search.set_params(
            estimator=clone(TREE).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        )
        routed = search.fit(X, Y, sample_weight=weights)
    assert routed.best_score_ > 0.5
    plain = searches()[place].fit(X, Y)
    assert not np.array_equal(routed.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])


@pytest.mark.slow
@pytest.mark.parametrize("place", range(5), ids=ALL)
def test_jobs_in_processes_and_threads(place: int, tmp_path: Path) -> None:
    import joblib

    plain = searches()[place].fit(X, Y).cv_results_["mean_test_score"]
    for count, backend in enumerate(("threading", "multiprocessing")):
        with joblib.parallel_config(backend, n_jobs=2):
            search = searches(store=tmp_path / f"{count}.db")[place].fit(X, Y)
        np.testing.assert_array_equal(search.cv_results_["mean_test_score"], plain)


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.sklearn.search_progress.time.monotonic", iter(range(0, 10_000, 7)).__next__)
    GridSearchCV(TREE, GRID, verbose=1).fit(X, Y)
    shown = capsys.readouterr()
    assert shown.out == "Fitting 5 folds for each of 6 candidates, totalling 30 fits\n"
    assert "left" in shown.err and "6 of 6 candidates, best score 0.9" in shown.err.splitlines()[-1]


@pytest.mark.slow
def test_workers_count_each_candidate_once(capsys: pytest.CaptureFixture[str]) -> None:
    BayesSearchCV(TREE, DRAWN, n_iter=3, cv=3, random_state=0, workers=2, verbose=1).fit(X, Y)
    assert capsys.readouterr().err.splitlines()[-1].startswith("3 of 3 candidates, best score 0.9")


def test_callbacks_of_scikit_learn() -> None:
    tests = pytest.importorskip("sklearn.callback.tests._utils", reason="there are callbacks from scikit-learn 1.9 on")
    for search, batches in zip(searches()[:2] + searches()[4:], (0, 0, 3), strict=True):
        search.set_params(racing=False)
        recording = tests.RecordingCallback()
        search.set_callbacks(recording).fit(X, Y)
        jobs = len(search.cv_results_["params"]) * search.n_splits_
        assert recording.count_hooks("on_fit_task_begin") == 3 + batches + jobs  # the fit, the search and the refit
        assert recording.count_hooks("on_fit_task_end") == 3 + batches + jobs


# --- spaces -------------------------------------------------------------------------------------------------


def test_a_grid_of_variables_with_conditions_and_constraints() -> None:
    space = lt.Space(
        {
            "kernel": lt.Choice("rbf", "poly"),
            "C": lt.Float(0.1, 10, log=True),
            "degree": lt.Int(2, 3, when="kernel == 'poly'"),
        },
        require=["kernel != 'poly' or C <= 1"],
    )
    search = GridSearchCV(SVC(), space, cv=3).fit(X, Y)
    params = search.cv_results_["params"]
    assert len(params) == 10 + 5 * 2
    assert all(("degree" in one) == (one["kernel"] == "poly") for one in params)
    assert all(one["C"] <= 1.0 for one in params if one["kernel"] == "poly")
    assert np.ma.is_masked(search.cv_results_["param_degree"])
    assert len(search.study_) == 20


def test_random_points_of_variables(tmp_path: Path) -> None:
    space = [lt.Space({"C": lt.Float(0.1, 10), "gamma": lt.Float(0.1, 1)}, require=["C * gamma <= 1"]), {"C": [1, 2]}]
    found = [
        RandomizedSearchCV(SVC(), space, n_iter=8, cv=3, random_state=1, store=store).fit(X, Y).cv_results_["params"]
        for store in (None, tmp_path / "s.db", tmp_path / "s.db")
    ]
    assert found[0] == found[1] == found[2] and len(found[0]) == 8
    assert all(one["C"] * one.get("gamma", 0) <= 1 for one in found[0])
    with pytest.warns(UserWarning, match="total space of parameters 4 is smaller"):
        RandomizedSearchCV(SVC(), {"degree": lt.Int(1, 4)}, n_iter=8, cv=3).fit(X, Y)


def test_halving_over_variables() -> None:
    search = HalvingRandomSearchCV(SVC(), {"C": lt.Float(0.1, 10, log=True)}, n_candidates=6, random_state=0).fit(X, Y)
    assert search.n_candidates_[0] == 6
    assert len(search.study_) == len(search.cv_results_["params"])
    grid = HalvingGridSearchCV(SVC(), lt.Space({"C": lt.Float(0.1, 10)}), random_state=0).fit(X, Y)
    assert grid.n_candidates_[0] == 10


def test_whole_estimators_as_values(tmp_path: Path) -> None:
    pipe = Pipeline([("scale", StandardScaler()), ("clf", SVC())])
    grid = [{"clf": [SVC(), SVC(kernel="poly")], "clf__C": [0.1, 1]}, {"clf": [TREE], "clf__max_depth": [1, 2]}]
    first = GridSearchCV(pipe, grid, store=tmp_path / "s.db").fit(X, Y)
    second = GridSearchCV(pipe, grid, store=tmp_path / "s.db").fit(X, Y)
    np.testing.assert_array_equal(first.cv_results_["mean_fit_time"], second.cv_results_["mean_fit_time"])
    assert second.study_.best.params["clf"] is not None
    bayes = BayesSearchCV(pipe, [(grid[0], 3), (grid[1], 2)], cv=3, random_state=0).fit(X, Y)
    assert len(bayes.cv_results_["params"]) == 5 and bayes.total_iterations == 5


# --- the store ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(5), ids=ALL)
def test_a_store_belongs_to_one_search(place: int, tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    searches(store=store)[place].fit(X, Y)
    changes: list[tuple[str, dict[str, Any], Any]] = [
        ("estimator", {"estimator": DecisionTreeClassifier(random_state=1)}, Y),
        ("data", {}, 1 - (Y > 0)),
        ("folds", {"cv": 4}, Y),
        ("scoring", {"scoring": "f1_macro"}, Y),
        ("settings", {"return_train_score": "Halving" not in ALL[place]}, Y),
    ]
    for what, settings, targets in changes:
        with pytest.raises(StudyMismatch, match=rf"belongs to another search, .*{what}"):
            searches(store=store)[place].set_params(**settings).fit(X, targets)
    other = searches(store=store)[(place + 1) % 5]
    with pytest.raises(StudyMismatch, match=r"belongs to another search, .*search"):
        other.fit(X, Y)


def test_a_store_refuses_what_is_no_search_of_its_kind(tmp_path: Path) -> None:
    with lt.Study("mine", {"x": lt.Float(0, 1)}, minimize="loss", store=tmp_path / "t.db"):
        pass
    with pytest.raises(StudyMismatch, match="the study 'mine'"):
        GridSearchCV(TREE, GRID, store=tmp_path / "t.db").fit(X, Y)
    BayesSearchCV(TREE, GRID, n_iter=2, store=tmp_path / "b.db").fit(X, Y)
    with pytest.raises(StudyMismatch, match=r"another space.*a store of its own"):
        BayesSearchCV(TREE, {"max_depth": (1, 9)}, n_iter=2, store=tmp_path / "b.db").fit(X, Y)


class Counted(DecisionTreeClassifier):  # type: ignore[misc]
    """Counts its fits."""

    fits = 0

    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> Counted:
        Counted.fits += 1
        super().fit(X, y, sample_weight, check_input)
        return self


@pytest.mark.parametrize(
    ("grid", "fits"),
    [
        ({"max_depth": [1, 2, 3, 4]}, 2),
        ({"max_depth": [2, 1]}, 0),
        ({"max_depth": [3, 1]}, 1),
        ({"max_depth": [1, 2], "min_samples_leaf": [1, 5]}, 4),
    ],
)
def test_a_stored_grid_search_grows(grid: dict[str, Any], fits: int, tmp_path: Path) -> None:
    def search(grid: dict[str, Any], **more: Any) -> Any:
        return GridSearchCV(Counted(random_state=0), grid, refit=False, cv=3, **more)

    first = search({"max_depth": [1, 2]}, store=tmp_path / "s.db").fit(X, Y)
    Counted.fits = 0
    grown = search(grid, store=tmp_path / "s.db").fit(X, Y)
    assert Counted.fits == 3 * fits
    same(grown.cv_results_, search(grid).fit(X, Y).cv_results_)
    assert len(study_of(grown).trials) == len(grown.cv_results_["params"])
    assert len(study_of(pickle.loads(pickle.dumps(first))).trials) == 2  # nothing is lost
    Counted.fits = 0
    search(grid, store=tmp_path / "s.db").fit(X, Y)
    assert Counted.fits == 0


def test_a_random_search_over_lists_grows(tmp_path: Path) -> None:
    """More points drawn from lists are other points: those in the store come first."""
    space = {"max_depth": list(range(1, 20)), "min_samples_leaf": list(range(1, 20))}

    def fit(count: int) -> Any:
        made = RandomizedSearchCV(
            Counted(random_state=0), space, n_iter=count, cv=3, random_state=0, refit=False, store=tmp_path / "s.db"
        )
        return made.fit(X, Y).cv_results_["params"]

    first = fit(4)
    Counted.fits = 0
    second = fit(9)
    assert second[:4] == first and Counted.fits == 5 * 3
    assert len({str(one) for one in second}) == 9
    assert fit(9) == second and Counted.fits == 5 * 3


def test_the_study_of_any_fitted_search() -> None:
    for search in [*searches(), theirs.GridSearchCV(TREE, GRID), theirs.RandomizedSearchCV(TREE, DRAWN, n_iter=3)]:
        with pytest.raises(InvalidSetting, match="fitted"):
            study_of(search)
        study = study_of(search.fit(X, Y))
        assert [dict(trial.params) for trial in study.trials][:2] == search.cv_results_["params"][:2] or len(study) > 3
        assert study.best_value == pytest.approx(max(search.cv_results_["mean_test_score"]))
    halving = theirs_halving.HalvingGridSearchCV(TREE, GRID, random_state=0).fit(X, Y)
    assert len(study_of(halving).trials) == len(halving.cv_results_["params"])
    for wrong in (TREE, TREE.fit(X, Y), 3):
        with pytest.raises(InvalidSetting, match="search"):
            study_of(wrong)


@pytest.mark.parametrize("place", range(5), ids=ALL)
def test_fitted_searches_go_through_joblib(place: int, tmp_path: Path) -> None:
    import joblib

    fitted = searches()[place].fit(X, Y)
    joblib.dump(fitted, tmp_path / "s.joblib")
    again = joblib.load(tmp_path / "s.joblib")
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.cv_results_["params"] == fitted.cv_results_["params"]
    assert [trial.value for trial in study_of(again).trials] == [trial.value for trial in study_of(fitted).trials]


def test_a_store_needs_folds_that_stay(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="random_state that is an integer"):
        GridSearchCV(TREE, GRID, cv=ShuffleSplit(3), store=tmp_path / "s.db").fit(X, Y)
    GridSearchCV(TREE, GRID, cv=KFold(3, shuffle=True, random_state=0), store=tmp_path / "s.db").fit(X, Y)


def test_a_random_search_that_grows(tmp_path: Path) -> None:
    drawn = {"max_depth": stats.randint(1, 30)}
    first = RandomizedSearchCV(TREE, drawn, n_iter=3, store=tmp_path / "s.db").fit(X, Y)
    second = RandomizedSearchCV(TREE, drawn, n_iter=6, store=tmp_path / "s.db").fit(X, Y)
    assert second.cv_results_["params"][:3] == first.cv_results_["params"]
    np.testing.assert_array_equal(second.cv_results_["mean_fit_time"][:3], first.cv_results_["mean_fit_time"])


def test_failed_fits_and_several_metrics_come_back_from_the_store(tmp_path: Path) -> None:
    grid = {"C": [1.0, -1.0], "kernel": ["rbf", "linear"]}
    found = []
    for _ in range(2):
        with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
            search = GridSearchCV(
                SVC(), grid, scoring=["accuracy", "f1_macro"], refit="f1_macro", store=tmp_path / "s.db"
            ).fit(X, Y)
        found.append(search)
    same(found[0].cv_results_, found[1].cv_results_)
    np.testing.assert_array_equal(found[0].cv_results_["mean_fit_time"], found[1].cv_results_["mean_fit_time"])
    assert search.study_.best.value == search.best_score_
    with pytest.raises(ValueError, match="C"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        GridSearchCV(SVC(), grid, error_score="raise", store=tmp_path / "t.db").fit(X, Y)


# --- Bayesian search ------------------------------------------------------------------------------------------


def test_bayes_is_repeatable_and_proved(tmp_path: Path) -> None:
    space = {"C": (1e-2, 1e2, "log-uniform"), "kernel": ["rbf", "linear"]}
    one, two = (BayesSearchCV(SVC(), space, n_iter=8, cv=3, random_state=3).fit(X, Y) for _ in range(2))
    assert one.cv_results_["params"] == two.cv_results_["params"]
    assert one.study_.verify().mismatches == ()
    part = BayesSearchCV(SVC(), space, n_iter=5, cv=3, random_state=3, store=tmp_path / "s.db").fit(X, Y)
    whole = BayesSearchCV(SVC(), space, n_iter=8, cv=3, random_state=3, store=tmp_path / "s.db").fit(X, Y)
    assert whole.cv_results_["params"] == one.cv_results_["params"]
    np.testing.assert_array_equal(whole.cv_results_["mean_fit_time"][:5], part.cv_results_["mean_fit_time"])


def test_bayes_takes_the_arguments_of_skopt() -> None:
    heard: list[Any] = []
    search = BayesSearchCV(
        SVC(),
        {"C": (1e-6, 1e6, "log-uniform"), "degree": (1, 8), "kernel": ["linear", "poly", "rbf"]},
        {"base_estimator": "RF", "n_initial_points": 4},
        n_iter=7,
        scoring="accuracy",
        fit_params={"sample_weight": np.ones(len(Y))},
        n_jobs=1,
        n_points=3,
        cv=3,
        random_state=np.random.RandomState(0),
        return_train_score=True,
    )
    search.fit(X, Y, callback=[heard.append, lambda result: None])
    assert [len(result.x_iters) for result in heard] == [3, 6, 7]
    result = search.optimizer_results_[0]
    assert result.fun == -search.best_score_
    assert dict(zip(result.names, result.x, strict=True)) == search.best_params_
    assert search.cv_results_["rank_train_score"].min() == 1


def test_bayes_ends_where_a_callback_says_so() -> None:
    search = BayesSearchCV(TREE, DRAWN, n_iter=20, cv=3, random_state=0)
    search.fit(X, Y, callback=lambda result: len(result.x_iters) >= 2)
    assert len(search.cv_results_["params"]) == 2
    with pytest.raises(InvalidSetting, match="a function"):
        search.fit(X, Y, callback=[3])


def test_bayes_with_several_metrics() -> None:
    settings = {"n_iter": 3, "cv": 3, "random_state": 0}
    search = BayesSearchCV(TREE, DRAWN, scoring=["accuracy", "f1_macro"], refit="f1_macro", **settings).fit(X, Y)
    assert search.best_score_ == search.study_.best.value == max(search.cv_results_["mean_test_f1_macro"])
    for refit in (True, False, "auc"):
        with pytest.raises(ValueError, match="must be set to a scorer key"):
            BayesSearchCV(TREE, DRAWN, scoring=["accuracy", "f1_macro"], refit=refit, **settings).fit(X, Y)


def test_bayes_with_a_method_and_a_budget() -> None:
    search = BayesSearchCV(TREE, DRAWN, method=lt.Random(), budget={"target": 0.5}, n_iter=20, random_state=0, cv=3)
    assert len(search.fit(X, Y).cv_results_["params"]) < 20
    search.set_params(budget=lt.run.Budget(trials=2)).fit(X, Y)
    assert len(search.cv_results_["params"]) == 2
    with pytest.raises(InvalidSetting, match="budget has 'time'"):
        search.set_params(budget={"time": 3}).fit(X, Y)
    with pytest.raises(InvalidSetting, match="not both"):
        search.set_params(budget=None, optimizer_kwargs={"acq_func": "EI"}).fit(X, Y)


def test_bayes_ends_with_a_space_that_is_used_up() -> None:
    search = BayesSearchCV(TREE, {"max_depth": [1, 2, 3]}, n_iter=10, cv=3)
    with pytest.warns(UserWarning, match="no more than 3 candidates"):
        search.fit(X, Y)
    assert sorted(one["max_depth"] for one in search.cv_results_["params"]) == [1, 2, 3]


def test_bayes_over_a_space_with_conditions() -> None:
    space = lt.Space(
        {"kernel": lt.Choice("rbf", "poly"), "degree": lt.Int(2, 5, when="kernel == 'poly'"), "C": lt.Float(0.1, 10)},
        require=["kernel == 'rbf' or C <= 5"],
    )
    search = BayesSearchCV(SVC(), space, n_iter=8, cv=3, random_state=0).fit(X, Y)
    assert all(("degree" in one) == (one["kernel"] == "poly") for one in search.cv_results_["params"])


def test_a_candidate_that_fails_does_not_end_the_search() -> None:
    search = BayesSearchCV(SVC(), {"C": [-1.0, 0.5, 1.0, 2.0]}, n_iter=4, cv=3, random_state=0)
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search.fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"]).sum() == 1 and search.best_params_["C"] > 0
    with pytest.raises(ValueError, match="C"):
        search.set_params(error_score="raise").fit(X, Y)


@pytest.mark.parametrize(
    ("space", "error"),
    [
        ({}, ValueError),
        ([], ValueError),
        ([3], TypeError),
        ([({"max_depth": [1]}, -1)], ValueError),
        ([({"max_depth": [1]}, 1.5)], ValueError),
        ({"max_depth": 3}, ValueError),
        ({"max_dept": [1, 2]}, ValueError),
        ("max_depth", ValueError),
    ],
)
def test_bayes_refuses(space: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        BayesSearchCV(TREE, space, n_iter=2).fit(X, Y)


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", range(5), ids=ALL)
def test_a_parameter_that_the_estimator_lacks(place: int) -> None:
    search = searches()[place]
    name = next(name for name in ("param_grid", "param_distributions", "search_spaces") if hasattr(search, name))
    search.set_params(**{name: {"max_dept": [1, 2, 3], "min_samples_leaf": [1, 2]}})
    with pytest.raises(InvalidSpace, match=r"Invalid parameter 'max_dept' .*did you mean 'max_depth'"):
        search.fit(X, Y)


@pytest.mark.parametrize(
    "settings",
    [
        {"cv": 1},
        {"cv": "five"},
        {"scoring": "accurasy"},
        {"refit": 3},
        {"verbose": "much"},
        {"error_score": "ignore"},
        {"n_jobs": 1.5},
        {"scoring": ["accuracy", "recall_macro"]},
    ],
)
def test_what_scikit_learn_refuses(settings: dict[str, Any]) -> None:
    with pytest.raises(Exception) as theirs_raised:
        theirs.GridSearchCV(TREE, GRID, **settings).fit(X, Y)
    for search in (GridSearchCV(TREE, GRID, **settings), BayesSearchCV(TREE, DRAWN, n_iter=2, **settings)):
        with pytest.raises(Exception) as raised:
            search.fit(X, Y)
        assert isinstance(raised.value, theirs_raised.type) or type(raised.value) is theirs_raised.type
    for wrong in (X[:-1], X[:, 0]):
        with pytest.raises(ValueError, match=r"inconsistent|Expected 2D"):
            GridSearchCV(TREE, GRID, error_score="raise").fit(wrong, Y)


def test_no_estimator_at_all() -> None:
    class Nothing(BaseEstimator):
        pass

    with pytest.raises(ValueError, match="estimator"):
        GridSearchCV(Nothing(), {"a": [1]}).fit(X, Y)
    with pytest.raises(ValueError, match="store"):
        GridSearchCV(Ridge(), {"alpha": [1]}, store=3).fit(X, Y)
    with pytest.raises(ValueError, match="workers"):
        BayesSearchCV(LogisticRegression(), {"C": [1, 2]}, workers=0).fit(X, Y)


def test_halving_by_a_parameter_of_the_estimator(tmp_path: Path) -> None:
    from sklearn.ensemble import RandomForestClassifier

    def search(store: Any) -> Any:
        return HalvingGridSearchCV(
            RandomForestClassifier(random_state=0),
            {"max_depth": [1, 2, 3, 4]},
            resource="n_estimators",
            max_resources=6,
            min_resources=2,
            cv=2,
            store=store,
        ).fit(X, Y)

    first, again, unkept = search(tmp_path / "s.db"), search(tmp_path / "s.db"), search(None)
    np.testing.assert_array_equal(first.cv_results_["mean_fit_time"], again.cv_results_["mean_fit_time"])
    same(unkept.cv_results_, first.cv_results_)
    assert [trial["n_estimators"] for trial in again.study_.trials] == [2, 2, 2, 2, 6, 6]
    assert [trial["n_estimators"] for trial in unkept.study_.trials] == [2, 2, 2, 2, 6, 6]


def test_a_store_that_is_an_object_stays_open() -> None:
    store = lt.store.Memory()
    first = RandomizedSearchCV(TREE, DRAWN, n_iter=3, store=store).fit(X, Y)
    second = RandomizedSearchCV(TREE, DRAWN, n_iter=3, store=store).fit(X, Y)
    np.testing.assert_array_equal(first.cv_results_["mean_fit_time"], second.cv_results_["mean_fit_time"])
    assert len(store.names()) == 1


def test_groups_by_routing() -> None:
    groups = np.arange(len(Y)) % 5
    with sklearn.config_context(enable_metadata_routing=True):
        search = BayesSearchCV(TREE, DRAWN, n_iter=2, cv=GroupKFold(5), random_state=0).fit(X, Y, groups=groups)
    assert search.n_splits_ == 5
