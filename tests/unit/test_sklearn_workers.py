"""Candidates in supervised processes: whom they race with, what they share, and how many are begun."""

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
from luthier.sklearn.racing.race import Race
from luthier.sklearn.reuse.shared_steps import MB, SharedSteps
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


def referee(affordable: int) -> tuple[RaceMonitor, list[Any]]:
    seen: list[Any] = []

    def objective(trial: Any) -> Any:
        seen.append(trial.context)
        return result(trial["x"])

    executor = Inline(objective)
    return RaceMonitor(executor, Race(Racing()), FOLDS, lambda running: affordable - running), seen


def test_a_trial_is_told_of_the_leader_that_there_is() -> None:
    judge, seen = referee(9)
    for number, x in enumerate([0.5, 0.9, 0.7]):
        judge.submit(Task(number, 1, {"x": x}, context={"study": "s"}))
        assert not judge.idle
        judge.poll(1.0)
        assert judge.idle
    bouts = [context["bout"] for context in seen]
    assert bouts[0].yardstick is None and bouts[0].expected == ()
    means = [float(bout.yardstick.leader.mean()) for bout in bouts[1:]]
    assert means == pytest.approx([0.535, 0.935])
    assert all(context["study"] == "s" for context in seen)
    judge.close()


def test_no_more_is_begun_than_can_be_afforded() -> None:
    judge, _ = referee(1)
    assert judge.capacity == 1
    wide = replace(judge, executor=_Wide())
    assert wide.capacity == 1  # of four
    wide.affordable = lambda running: 3 - running
    assert wide.capacity == 3
    wide.submit(Task(0, 1, {"x": 0.1}))
    assert wide.capacity == 3  # one runs, two more
    wide.affordable = lambda running: -running
    assert wide.capacity == 1  # the one that runs
    judge.close()


class _Wide(Inline):
    """Says that it runs four at once."""

    def __init__(self) -> None:
        super().__init__(lambda trial: 0.0)

    @property
    def capacity(self) -> int:
        return 4


def test_parts_of_an_evaluator_keep_no_more_than_the_whole() -> None:
    whole = SharedSteps(10 * MB, later=True, along="none")
    part = whole.part(4)
    assert part.shelf.limit_bytes == 10 * MB // 4 and (part.later, part.along) == (True, "none")
    assert isinstance(PlainEvaluator().part(3), PlainEvaluator)


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
    settings = {"n_iter": 12, "cv": 10, "random_state": 0, "method": lt.Random(), "refit": False, "workers": 2}
    search = BayesSearchCV(Scored(), {"share": (0.0, 0.95)}, **settings).fit(X, Y)
    results = search.cv_results_
    assert results["raced_out"].any() and not results["raced_out"][search.best_index_]
    assert len(results["params"]) > 12 and 110 < results["n_folds"].sum() <= 120
    assert search.study_.best.value == search.best_score_
    limited = BayesSearchCV(Scored(), {"share": (0.0, 0.95)}, budget={"trials": 6}, **settings).fit(X, Y)
    assert len(limited.cv_results_["params"]) <= 6
    few = BayesSearchCV(Scored(), {"share": (0.0, 0.95)}, **{**settings, "cv": 4}).fit(X, Y)
    assert (few.cv_results_["n_folds"] == 4).all() and len(few.cv_results_["params"]) == 12
