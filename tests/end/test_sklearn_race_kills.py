"""Races that continue after their process is killed, with the same decisions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from killed_search import KilledSearch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")

PROGRAM = """
import sys, time
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from luthier.sklearn import BayesSearchCV, RandomizedSearchCV
from scipy import stats

class Slow(ClassifierMixin, BaseEstimator):
    def __init__(self, share=0.5, log=None):
        self.share, self.log = share, log
    def fit(self, X, y):
        if self.log:
            with open(self.log, "a") as stream:
                stream.write(f"{self.share!r}\\n")
            time.sleep(0.03)
        self.classes_ = np.unique(y)
        return self
    def score(self, X, y):
        return float((X[:, 0] < self.share).mean())

kind, store, log = sys.argv[1:]
X, y = np.random.default_rng(0).uniform(size=(200, 1)), np.arange(200) % 2
common = {
    "estimator": Slow(log=None if log == "-" else log), "cv": 10, "refit": False, "random_state": 3, "racing": True,
    "store": None if store == "-" else store,
}
if kind != "random":
    workers = 1 if kind == "worker" else None
    search = BayesSearchCV(search_spaces={"share": (0.0, 1.0)}, n_iter=6, workers=workers, **common)
else:
    search = RandomizedSearchCV(param_distributions={"share": stats.uniform(0, 1)}, n_iter=24, **common)
results = search.fit(X, y).cv_results_
for params, score, folds in zip(results["params"], results["mean_test_score"], results["n_folds"]):
    print(params, repr(float(score)), folds)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["random", "bayes", "worker"])
def test_a_killed_race_goes_on(kind: str, folder: Path) -> None:
    search = KilledSearch(PROGRAM, kind, folder)
    for fits in (13, 31):
        search.kill(fits)
    out, whole = search.go_on(), search.whole()
    assert out == whole
    once = sum(int(line.rpartition(" ")[2]) for line in whole.splitlines())
    assert once < 10 * whole.count("\n") and search.fits < 2 * once
    assert search.go_on() == out
    assert search.stored() == whole.count("\n")
