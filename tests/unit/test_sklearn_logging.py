"""Log records of races, which hold no parameters."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from luthier.executor import Inline, Task
from luthier.sklearn import GridSearchCV, Racing
from luthier.sklearn.racing import Race
from luthier.sklearn.worker_objective import RaceMonitor

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(120, 3)), RNG.integers(0, 2, 120)


class Scored(ClassifierMixin, BaseEstimator):
    """Is as good as its parameter, on rows that X decides."""

    def __init__(self, share: float = 0.5, password: str = "") -> None:
        self.share = share
        self.password = password

    def fit(self, X: Any, y: Any) -> Scored:
        self.classes_ = np.unique(y)
        return self

    def score(self, X: Any, y: Any) -> float:
        return float((np.sin(1e4 * X.sum(axis=1)) < self.share).mean())


def test_decisions_of_a_race_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "luthier.sklearn")
    grid = {"share": [0.9, 0.1, 0.05, 0.0], "password": ["hunter2"]}
    search = GridSearchCV(Scored(), grid, cv=10, racing=True, refit=False).fit(X, Y)
    folds = search.cv_results_["n_folds"]
    assert folds.sum() < 40
    stops = [record.getMessage() for record in caplog.records if record.levelno == logging.DEBUG]
    expected = {f"candidate {place} of the batch is stopped after {n} of 10 folds" for place, n in enumerate(folds)}
    assert set(stops) == {text for text in expected if "after 10" not in text}
    (summary,) = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert summary == f"racing saved {40 - folds.sum()} of 40 fits of 4 candidates"
    assert {record.name for record in caplog.records} == {"luthier.sklearn.racing.race"}
    assert "hunter2" not in caplog.text


def test_a_search_that_does_not_race_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "luthier.sklearn")
    GridSearchCV(Scored(), {"share": [0.1, 0.9]}, cv=3, refit=False).fit(X, Y)
    assert caplog.records == []


def test_trials_that_are_stopped_in_workers_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "luthier.sklearn")
    fold = {"test_scores": 0.5, "fit_time": 0.0, "score_time": 0.0, "n_test_samples": 1, "fit_error": None}
    left_out = {**fold, "left_out": True}

    def objective(trial: Any) -> Any:
        return {"score": 0.5, "folds": [fold] * trial["ran"] + [left_out] * (8 - trial["ran"])}

    monitor = RaceMonitor(Inline(objective), Race(Racing()), 8, lambda running: 9 - running)
    for number, ran in enumerate((8, 3)):
        monitor.submit(Task(number, 1, {"ran": ran}))
        monitor.poll(1.0)
    monitor.close()
    assert [record.getMessage() for record in caplog.records] == ["racing stopped trial 1 after 3 of 8 folds"]
