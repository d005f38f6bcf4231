"""Racing over folds: candidates that are stopped, their marks in the results, and their record."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import FitFailedWarning

import luthier as lt
from luthier.errors import InvalidSetting, StudyMismatch
from luthier.sklearn import BayesSearchCV, GridSearchCV, Racing, RandomizedSearchCV
from luthier.sklearn.racing.missing_folds import impute_scores

ROWS = 400
X = np.random.default_rng(0).uniform(size=(ROWS, 1))
Y = np.arange(ROWS) % 2


class Fake(ClassifierMixin, BaseEstimator):
    """Is right on a share of the samples, decided by X alone: paired over folds, and as good as its parameter."""

    fits = 0

    def __init__(self, share: float = 0.5, fails: bool = False) -> None:
        self.share = share
        self.fails = fails

    def fit(self, X: Any, y: Any) -> Fake:
        Fake.fits += 1
        if self.fails:
            raise RuntimeError("no")
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, X: Any) -> Any:
        return X

    def score(self, X: Any, y: Any) -> float:
        return float((X[:, 0] < self.share).mean())


class Stop(BaseException):
    """Ends a search as a kill would: it is nobody's to catch."""


class Mortal(Fake):
    """Ends the search at the fit with a certain number."""

    last = 0

    def fit(self, X: Any, y: Any) -> Fake:
        if Mortal.last and Fake.fits >= Mortal.last:
            raise Stop
        return super().fit(X, y)


GRID: dict[str, Any] = {"share": [0.3, 0.5, 0.9, 0.2, 0.88, 0.1, 0.93, 0.4, 0.6, 0.05, 0.7, 0.92, 0.15]}
DRAWN: dict[str, Any] = {"share": stats.uniform(0, 0.95)}


def count(search: Any) -> tuple[Any, int]:
    Fake.fits = 0
    search.fit(X, Y)
    return search, Fake.fits


def searches(**settings: Any) -> list[Any]:
    return [
        GridSearchCV(Fake(), GRID, cv=10, refit="accuracy" if "scoring" in settings else True, **settings),
        RandomizedSearchCV(
            Fake(),
            DRAWN,
            n_iter=13,
            cv=10,
            random_state=0,
            refit="accuracy" if "scoring" in settings else True,
            **settings,
        ),
        BayesSearchCV(
            Fake(),
            {"share": (0.0, 0.95)},
            n_iter=5,
            cv=10,
            random_state=0,
            method=lt.Random(),
            refit="accuracy" if "scoring" in settings else True,
            **settings,
        ),
    ]


@pytest.mark.parametrize("place", range(3))
def test_what_is_beaten_is_stopped_and_the_results_say_so(place: int) -> None:
    search, fits = count(searches(racing=True)[place])
    results = search.cv_results_
    table = np.stack([results[f"split{fold}_test_score"] for fold in range(10)], axis=1)
    np.testing.assert_array_equal((~np.isnan(table)).sum(axis=1), results["n_folds"])
    np.testing.assert_array_equal(results["raced_out"], results["n_folds"] < 10)
    assert results["raced_out"].any() and not results["raced_out"].all()
    assert fits == results["n_folds"].sum() + 1  # and the refit
    np.testing.assert_allclose(results["mean_test_score"], np.nanmean(table, axis=1), rtol=1e-12)
    np.testing.assert_allclose(results["std_test_score"], np.nanstd(table, axis=1), atol=1e-12)
    ranks = results["rank_test_score"]
    assert ranks.dtype == np.int32 and ranks[results["raced_out"]].min() > ranks[~results["raced_out"]].max()
    assert (results["mean_fit_time"] > 0).all()
    assert not results["raced_out"][search.best_index_]
    assert search.best_score_ == np.max(results["mean_test_score"][~results["raced_out"]])


def test_racing_chooses_what_all_folds_choose() -> None:
    plain, all_fits = count(GridSearchCV(Fake(), GRID, cv=10))
    raced, fits = count(GridSearchCV(Fake(), GRID, cv=10, racing=True))
    assert raced.best_params_ == plain.best_params_ and raced.best_score_ == plain.best_score_
    assert fits * 2.5 < all_fits
    for name, values in plain.cv_results_.items():  # complete candidates are as without racing, to the bit
        if "test_score" in name and "rank" not in name:
            kept = ~raced.cv_results_["raced_out"]
            np.testing.assert_array_equal(np.asarray(values)[kept], np.asarray(raced.cv_results_[name])[kept])


def test_saved_folds_go_to_more_candidates() -> None:
    plain, _ = count(searches(racing=False)[2])
    raced, fits = count(searches(racing=True)[2])
    assert len(plain.cv_results_["params"]) == 5 < len(raced.cv_results_["params"])
    assert 40 < fits - 1 <= 50
    few, _ = count(searches(racing=True)[2].set_params(budget={"trials": 6}, n_iter=6))
    assert len(few.cv_results_["params"]) == 6
    assert not any(search.racing for search in searches())


def test_without_racing_n_iter_is_a_promise_and_ranks_are_those_of_the_means() -> None:
    """What swaps the import gets what it expects, also with many folds."""
    results = searches()[2].fit(X, Y).cv_results_
    assert len(results["params"]) == 5 and {"n_folds", "raced_out"}.isdisjoint(results)
    ranks = stats.rankdata(-results["mean_test_score"], method="min")
    np.testing.assert_array_equal(results["rank_test_score"], ranks)


def test_few_folds_are_not_raced() -> None:
    search, fits = count(BayesSearchCV(Fake(), {"share": (0.0, 1.0)}, n_iter=4, cv=4, random_state=0, racing=True))
    assert fits == 17 and (search.cv_results_["n_folds"] == 4).all() and not search.cv_results_["raced_out"].any()


def test_the_columns_are_there_only_where_racing_is() -> None:
    for search in searches(racing=False):
        assert {"n_folds", "raced_out"}.isdisjoint(search.fit(X, Y).cv_results_)
    # A function that chooses looks at all of the results: so nothing is left out.
    search, fits = count(GridSearchCV(Fake(), GRID, cv=10, racing=True, refit=lambda results: 2))
    assert fits == 131 and "n_folds" not in search.cv_results_


def test_a_study_records_imputed_means(tmp_path: Path) -> None:
    for search in searches(racing=True, store=None):
        search.set_params(store=tmp_path / f"{type(search).__name__}.db").fit(X, Y)
        assert search.study_.best.value == search.best_score_
        assert dict(search.study_.best.params) == search.best_params_
        again = pickle.loads(pickle.dumps(search))
        assert len(again.study_) == len(search.cv_results_["params"])


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("kills", [(1, 27, 55), (24, 40)])
def test_a_killed_race_goes_on(place: int, kills: tuple[int, ...], tmp_path: Path) -> None:
    whole, fits = count(searches(racing=True)[place].set_params(estimator=Mortal(), refit=False))
    done = 0
    for last in kills:
        search = searches(racing=True)[place].set_params(estimator=Mortal(), refit=False, store=tmp_path / "s.db")
        Fake.fits, Mortal.last = 0, last - done
        try:
            search.fit(X, Y)
        except Stop:
            pass
        finally:
            Mortal.last = 0
        done += Fake.fits
    search = searches(racing=True)[place].set_params(estimator=Mortal(), refit=False, store=tmp_path / "s.db")
    search, rest = count(search)
    for name, values in whole.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(np.asarray(search.cv_results_[name]), np.asarray(values))
    assert done + rest <= fits + len(kills) * 60  # a kill costs no more than the window that was raced
    again, none = count(clone(search))
    assert none == 0
    np.testing.assert_array_equal(again.cv_results_["mean_fit_time"], search.cv_results_["mean_fit_time"])


def test_a_race_belongs_to_its_store(tmp_path: Path) -> None:
    search = searches(racing=True)[0].set_params(store=tmp_path / "s.db").fit(X, Y)
    for other in (False, Racing(error=0.01)):
        with pytest.raises(StudyMismatch, match="settings"):
            clone(search).set_params(racing=other).fit(X, Y)


def test_a_race_that_grows(tmp_path: Path) -> None:
    made = RandomizedSearchCV(Fake(), DRAWN, n_iter=7, cv=10, random_state=0, racing=True, store=tmp_path / "s.db")
    first = made.fit(X, Y).cv_results_
    second = clone(made).set_params(n_iter=15).fit(X, Y).cv_results_
    for name in ("n_folds", "mean_test_score", "mean_fit_time"):
        np.testing.assert_array_equal(second[name][:7], first[name])


@pytest.mark.parametrize("place", range(3))
def test_several_metrics_and_scores_of_training(place: int) -> None:
    def scorer(estimator: Any, X: Any, y: Any) -> dict[str, float]:
        return {"accuracy": estimator.score(X, y), "other": 1 - estimator.score(X, y)}

    search = searches(racing=True, scoring=scorer, return_train_score=True)[place].fit(X, Y)
    results = search.cv_results_
    raced = results["raced_out"]
    assert raced.any() and not raced[search.best_index_]
    for name in ("test_accuracy", "test_other", "train_accuracy"):
        table = np.stack([results[f"split{fold}_{name}"] for fold in range(10)], axis=1)
        np.testing.assert_array_equal(np.isnan(table).any(axis=1), raced)
        np.testing.assert_allclose(results[f"mean_{name}"], np.nanmean(table, axis=1), rtol=1e-12)
    assert results["rank_test_other"][raced].min() > results["rank_test_other"][~raced].max()


@pytest.mark.parametrize("scoring", [None, lambda e, X, y: {"a": e.score(X, y)}])
def test_a_candidate_that_fails_is_stopped(scoring: Any) -> None:
    grid = {"share": [0.8, 0.1], "fails": [True, False]}
    search = GridSearchCV(Fake(), grid, cv=10, racing=True, scoring=scoring, refit="a" if scoring else True)
    with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of"), pytest.warns(UserWarning):
        search.fit(X, Y)
    assert search.cv_results_["n_folds"].tolist()[:2] == [1, 1] and search.best_params_["share"] == 0.8
    with pytest.raises(ValueError, match="All the 2 fits failed"):
        GridSearchCV(Fake(), {"fails": [True], "share": [0.1, 0.2]}, cv=10, racing=True).fit(X, Y)


def test_jobs_at_once_change_nothing() -> None:
    import joblib

    alone = searches(racing=True)[0].fit(X, Y).cv_results_
    with joblib.parallel_config("threading", n_jobs=3):
        many = searches(racing=True)[0].fit(X, Y).cv_results_
    np.testing.assert_array_equal(alone["n_folds"], many["n_folds"])


@pytest.mark.parametrize(
    "settings", [{"error": 0.0}, {"error": 1.0}, {"margin": float("nan")}, {"first": 0}, {"window": 0}, {"first": 2.5}]
)
def test_settings_that_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting, match=next(iter(settings))):
        Racing(**settings)
    with pytest.raises(ValueError, match="racing"):
        GridSearchCV(Fake(), GRID, racing="yes").fit(X, Y)


def test_imputed_scores_of_folds_left_out() -> None:
    def scores(value: float, error: str | None = None) -> dict[str, Any]:
        return {"test_scores": value, "fit_time": 1.0, "score_time": 1.0, "n_test_samples": 3, "fit_error": error}

    leader = [scores(value) for value in (0.5, 0.7, 0.9)]
    made = impute_scores({0: scores(0.4), 1: scores(0.4)}, leader, 3)
    assert made.keys() == {2} and made[2]["test_scores"] == pytest.approx(0.9 - 0.2)
    assert made[2]["fit_time"] == 0 and made[2]["left_out"]
    failed = impute_scores({0: scores(0.4), 2: scores(float("nan"), "no")}, leader, 3)
    assert np.isnan(failed[1]["test_scores"]) and failed[1]["fit_error"] == "no"


def test_a_space_that_is_used_up_by_what_was_saved(recwarn: pytest.WarningsRecorder) -> None:
    space = {"share": [0.1, 0.2, 0.3, 0.4, 0.5, 0.9]}
    search = BayesSearchCV(Fake(), space, n_iter=5, cv=10, random_state=0, racing=True).fit(X, Y)
    assert len(search.cv_results_["params"]) == 6
    assert not [one for one in recwarn if "no more than" in str(one.message)]


def test_how_many_fits_are_announced(capsys: pytest.CaptureFixture[str]) -> None:
    GridSearchCV(Fake(), GRID, cv=10, racing=True, verbose=1).fit(X, Y)
    assert "totalling at most 130 fits" in capsys.readouterr().out


def test_spaces_that_race_with_each_other(tmp_path: Path) -> None:
    spaces = [({"share": (0.8, 0.9)}, 2), ({"share": (0.0, 0.3)}, 3)]
    search = BayesSearchCV(Fake(), spaces, cv=10, random_state=0, racing=True, store=tmp_path / "s.db").fit(X, Y)
    results = search.cv_results_
    second = np.array([one["share"] < 0.5 for one in results["params"]])
    assert second.sum() > 3 and (results["n_folds"][second] < 10).all()
    again, fits = count(clone(search).set_params(refit=False))
    assert fits == 0
    np.testing.assert_array_equal(again.cv_results_["n_folds"], results["n_folds"])
