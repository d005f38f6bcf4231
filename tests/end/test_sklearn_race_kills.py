"""Races that continue after their process is killed, with the same decisions."""

from __future__ import annotations

import contextlib
import io
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import luthier as lt

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


def run(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    script = folder / "race.py"
    script.write_text(PROGRAM, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(script), *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run_here(folder: Path, *arguments: str) -> str:
    """Run the race in this process, which is another one than those that were killed; gives what it prints."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(sys, "argv", ["race.py", *arguments])
        runpy.run_path(str(folder / "race.py"), run_name="__main__")
    return printed.getvalue()


def lines(file: Path) -> int:
    return file.read_text().count("\n") if file.exists() else 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["random", "bayes", "worker"])
def test_a_killed_race_goes_on(kind: str, folder: Path) -> None:
    log, store = folder / "fits.log", folder / "search.db"
    for fits in (13, 31):
        process = run(folder, kind, str(store), str(log))
        limit_s = time.monotonic() + 120
        while lines(log) < fits and process.poll() is None:
            assert time.monotonic() < limit_s
            time.sleep(0.005)
        assert process.poll() is None, process.communicate()
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    out = run_here(folder, kind, str(store), str(log))
    whole = run_here(folder, kind, "-", "-")
    assert out.replace(f"'{log}'", "None") == whole
    once = sum(int(line.rpartition(" ")[2]) for line in whole.splitlines())
    assert once < 10 * whole.count("\n") and lines(log) < 2 * once
    again = run_here(folder, kind, str(store), str(log))
    assert again == out
    with lt.Study(lt.store.open_store(store).names()[0], store=store) as study:
        assert len(study) == whole.count("\n")
