"""Candidates in supervised processes: the race, the reuse of fits, and the number of trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import Pipeline

import luthier as lt
from luthier.executor import Inline, Task
from luthier.sklearn import BayesSearchCV, Racing
from luthier.sklearn.evaluation import PlainEvaluator
from luthier.sklearn.racing import Race
from luthier.sklearn.reuse import SharedSteps
from luthier.sklearn.worker_objective import RaceMonitor

X, Y = load_iris(return_X_y=True)
FOLDS = 8


class Scored(ClassifierMixin, BaseEstimator):
    """Is as good as its parameter, on rows that X decides."""

    def __init__(self, share: float = 0.5) -> None:
        self.share = share

    def fit(self, X: Any, y: Any) -> Scored:
        self.classes_ = np.unique(y)
        return self

    def score(self, X: Any, y: Any) -> float:
        return float((np.sin(1e4 * X.sum(axis=1)) < self.share).mean())


def table(search: Any) -> np.ndarray:
    return np.stack([search.cv_results_[f"split{fold}_test_score"] for fold in range(search.n_splits_)], axis=1)


def result(value: float) -> dict[str, Any]:
    fold = {"test_scores": value, "fit_time": 0.0, "score_time": 0.0, "n_test_samples": 1, "fit_error": None}
    return {"score": value, "folds": [dict(fold, test_scores=value + 0.01 * place) for place in range(FOLDS)]}


def race_monitor(affordable: int) -> tuple[RaceMonitor, list[Any]]:
    seen: list[Any] = []

    def objective(trial: Any) -> Any:
        seen.append(trial.context)
        return result(trial["x"])

    executor = Inline(objective)
    return RaceMonitor(executor, Race(Racing()), FOLDS, lambda running: affordable - running), seen


def test_a_trial_races_against_the_leader_at_its_start() -> None:
    monitor, seen = race_monitor(9)
    for number, x in enumerate([0.5, 0.9, 0.7]):
        monitor.submit(Task(number, 1, {"x": x}, context={"study": "s"}))
        assert not monitor.idle
        monitor.poll(1.0)
        assert monitor.idle
    snapshots = [context["race"] for context in seen]
    assert snapshots[0].test is None and snapshots[0].expected == ()
    means = [float(snapshot.test.leader.mean()) for snapshot in snapshots[1:]]
    assert means == pytest.approx([0.535, 0.935])
    assert all(context["study"] == "s" for context in seen)
    monitor.close()


def test_no_more_is_begun_than_can_be_afforded() -> None:
    monitor, _ = race_monitor(1)
    assert monitor.capacity == 1
    wide = replace(monitor, executor=_Wide())
    assert wide.capacity == 1  # of four
    wide.affordable = lambda running: 3 - running
    assert wide.capacity == 3
    wide.submit(Task(0, 1, {"x": 0.1}))
    assert wide.capacity == 3  # one runs, two more
    wide.affordable = lambda running: -running
    assert wide.capacity == 1  # the one that runs
    monitor.close()


class _Wide(Inline):
    """Says that it runs four at once."""

    def __init__(self) -> None:
        super().__init__(lambda trial: 0.0)

    @property
    def capacity(self) -> int:
        return 4


def test_a_split_evaluator_caches_no_more_than_the_whole() -> None:
    whole = SharedSteps(10**7, later=True, paths="none")
    part = whole.split(4)
    assert part.cache.limit_bytes == 10**7 // 4 and (part.later, part.paths) == (True, "none")
    assert isinstance(PlainEvaluator().split(3), PlainEvaluator)


@pytest.mark.slow
@pytest.mark.parametrize("racing", [False, True])
def test_workers_change_no_score(racing: bool) -> None:
    """One worker after the other asks the same questions; two, others, with the same answers."""
    pipeline = Pipeline([("pca", PCA()), ("ridge", RidgeClassifier())])
    space = {"pca__n_components": [1, 2, 3], "ridge__alpha": (1e-2, 1e2, "log-uniform")}

    def search(**more: Any) -> Any:
        made = BayesSearchCV(
            pipeline, space, n_iter=6, cv=FOLDS, method=lt.Random(), random_state=0, racing=racing, refit=False, **more
        )
        return made.fit(X, Y)

    plain, one, two = search(cache_mb=0), search(workers=1), search(workers=2)
    assert one.cv_results_["params"] == plain.cv_results_["params"]
    np.testing.assert_array_equal(table(one), table(plain))
    known = {repr(params): row for params, row in zip(plain.cv_results_["params"], table(plain), strict=True)}
    common = [place for place, params in enumerate(two.cv_results_["params"]) if repr(params) in known]
    assert len(common) >= 6
    for place in common:
        ours, theirs = table(two)[place], known[repr(two.cv_results_["params"][place])]
        both = ~np.isnan(ours) & ~np.isnan(theirs)
        assert both.any()
        np.testing.assert_array_equal(ours[both], theirs[both])


@pytest.mark.slow
def test_workers_race_within_the_folds_that_were_asked_for() -> None:
    # Who leads when a candidate begins is a matter of time. Twelve are enough for a thirteenth, whoever leads.
    settings = {"n_iter": 12, "cv": 10, "random_state": 0, "method": lt.Random(), "refit": False}
    settings |= {"workers": 2, "racing": True}
    search = BayesSearchCV(Scored(), {"share": (0.0, 0.95)}, **settings).fit(X, Y)
    results = search.cv_results_
    assert results["raced_out"].any() and not results["raced_out"][search.best_index_]
    assert len(results["params"]) > 12 and 110 < results["n_folds"].sum() <= 120
    assert search.study_.best.value == search.best_score_
    limited = BayesSearchCV(Scored(), {"share": (0.0, 0.95)}, budget={"trials": 6}, **settings).fit(X, Y)
    assert len(limited.cv_results_["params"]) <= 6
    few = BayesSearchCV(Scored(), {"share": (0.0, 0.95)}, **{**settings, "cv": 4}).fit(X, Y)
    assert (few.cv_results_["n_folds"] == 4).all() and len(few.cv_results_["params"]) == 12
