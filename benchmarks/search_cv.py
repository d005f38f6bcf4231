"""The search classes against scikit-learn's: benchmarks/search_cv.py [NAME …] [--turns N].

Each search is done in turns, by Luthier's GridSearchCV and by scikit-learn's, and the median of the ratios is given,
with the lowest and the highest. Seconds are those of the processor, of this process and of its workers, which have
imported what they need. In every turn the scores of both must be equal to the bit; of the one row that asks for paths
that are close only, to a hundredth. Last, the most memory that shared steps took, against their cap.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from joblib.externals.loky import reusable_executor
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV as Theirs
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from luthier import Random
from luthier.sklearn import BayesSearchCV, GridSearchCV
from luthier.sklearn.reuse import SharedSteps

MB = 2**20

X, Y = load_digits(return_X_y=True)
ALPHAS = list(np.logspace(-3, 3, 20))


class Row(NamedTuple):
    """One budget: how many times as fast as scikit-learn's class Luthier's must be."""

    name: str
    at_least: float
    make: Callable[..., Any]
    turns: int
    bits: bool = True


def pca(kind: Any, **more: Any) -> Any:
    """3 numbers of components × 20 penalties of a ridge."""
    steps = [("scale", StandardScaler()), ("pca", PCA(random_state=0)), ("ridge", RidgeClassifier())]
    return kind(Pipeline(steps), {"pca__n_components": [10, 20, 40], "ridge__alpha": ALPHAS}, cv=5, **more)


def pca_full(kind: Any, **more: Any) -> Any:
    """The same with the solver that is exact, and slower."""
    return pca(kind, **more).set_params(estimator__pca__svd_solver="full")


def pca_neighbours(kind: Any, **more: Any) -> Any:
    """3 numbers of components × 20 numbers of neighbours, whose search in the test part is not shared."""
    steps = [("scale", StandardScaler()), ("pca", PCA(svd_solver="full")), ("near", KNeighborsClassifier())]
    grid = {"pca__n_components": [10, 20, 40], "near__n_neighbors": list(range(1, 21))}
    return kind(Pipeline(steps), grid, cv=5, **more)


def pca_logistic(kind: Any, **more: Any) -> Any:
    """3 numbers of components × 6 penalties of a model that is slow beside what is shared."""
    steps = [("scale", StandardScaler()), ("pca", PCA(svd_solver="full")), ("logistic", LogisticRegression())]
    grid = {"pca__n_components": [10, 20, 40], "logistic__C": list(np.logspace(-3, 0, 6))}
    return kind(Pipeline(steps), grid, cv=3, **more)


def forest_by_size(kind: Any, **more: Any) -> Any:
    """10 to 100 trees in steps of 10, each of two depths."""
    grid = {"n_estimators": list(range(10, 101, 10)), "max_depth": [6, None]}
    return kind(RandomForestClassifier(random_state=0), grid, cv=3, **more)


def pipeline_of_forest_by_size(kind: Any, **more: Any) -> Any:
    """The same behind a selection that is shared."""
    search = forest_by_size(kind, **more)
    select = SelectFromModel(ExtraTreesClassifier(50, random_state=0), threshold=-np.inf, max_features=32)
    grid = {f"forest__{name}": values for name, values in search.param_grid.items()}
    return kind(Pipeline([("select", select), ("forest", search.estimator)]), grid, cv=3, **more)


def boosting_by_size(kind: Any, **more: Any) -> Any:
    """10 to 50 rounds of boosting by histograms."""
    boosting = HistGradientBoostingClassifier(max_depth=3, random_state=0)
    return kind(boosting, {"max_iter": [10, 20, 30, 40, 50]}, cv=3, **more)


def ridge(kind: Any, **more: Any) -> Any:
    """A ridge by itself."""
    return kind(RidgeClassifier(), {"alpha": ALPHAS}, cv=5, **more)


def logistic(kind: Any, **more: Any) -> Any:
    """12 penalties of a logistic regression, each from the one before: by consent only."""
    steps = [("scale", StandardScaler()), ("logistic", LogisticRegression(solver="newton-cholesky"))]
    search = kind(Pipeline(steps), {"logistic__C": list(np.logspace(-3, 1, 12))}, cv=3, **more)
    return search.set_params(paths="close") if kind is GridSearchCV else search


def selection_by_trees(kind: Any, **more: Any) -> Any:
    """3 numbers of features, by 50 trees' importances, × 20 numbers of neighbours."""
    trees = SelectFromModel(ExtraTreesClassifier(50, random_state=0), threshold=-np.inf)
    steps = [("select", trees), ("scale", StandardScaler()), ("near", KNeighborsClassifier())]
    grid = {"select__max_features": [16, 32, 48], "near__n_neighbors": list(range(1, 21))}
    return kind(Pipeline(steps), grid, cv=5, **more)


def ordinary(kind: Any, **more: Any) -> Any:
    """300 candidates that cost next to nothing, and share nothing."""
    return kind(GaussianNB(), {"var_smoothing": list(np.logspace(-9, 0, 300))}, cv=5, **more)


def pipeline_that_shares_nothing(kind: Any, **more: Any) -> Any:
    """A pipeline whose first step is another one in each candidate."""
    steps = [("pca", PCA(svd_solver="full")), ("bayes", GaussianNB())]
    return kind(Pipeline(steps), {"pca__n_components": list(range(1, 61))}, cv=5, **more)


def pipeline_of_cheap_steps(kind: Any, **more: Any) -> Any:
    """A scaler that all share, and that costs about as much as what sharing does."""
    steps = [("scale", StandardScaler()), ("bayes", GaussianNB())]
    return kind(Pipeline(steps), {"bayes__var_smoothing": list(np.logspace(-9, 0, 60))}, cv=5, **more)


ROWS = [
    Row("pca", 3.0, pca, 7),
    Row("pca, full", 3.0, pca_full, 5),
    Row("pca, neighbours", 1.5, pca_neighbours, 3),
    Row("pca, logistic", 1.0, pca_logistic, 3),
    Row("selection by trees", 3.0, selection_by_trees, 3),
    Row("forest by size", 2.0, forest_by_size, 3),
    Row("pipeline of forest by size", 2.0, pipeline_of_forest_by_size, 3),
    Row("boosting by size", 1.5, boosting_by_size, 3),
    Row("ridge", 1.2, ridge, 7),
    Row("logistic, close", 1.3, logistic, 3, bits=False),
    Row("ordinary", 1 / 1.05, ordinary, 7),
    Row("nothing shared", 1 / 1.05, pipeline_that_shares_nothing, 5),
    Row("cheap steps", 1 / 1.05, pipeline_of_cheap_steps, 7),
]


def processor_s() -> float:
    """Give the seconds that this process and its living workers have used, to a hundredth (Linux)."""
    found = time.process_time()
    for pid in reusable_executor._executor._processes if reusable_executor._executor else ():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def spent(search: Any) -> float:
    """Give the processor's seconds of one fit."""
    start_s = time.process_time() if search.n_jobs is None else processor_s()
    search.fit(X, Y)
    return (time.process_time() if search.n_jobs is None else processor_s()) - start_s


def equal(ours: dict[str, Any], theirs: dict[str, Any], bits: bool) -> bool:
    """Say whether all scores are equal: to the bit, or to a hundredth."""
    scores = {name: values for name, values in theirs.items() if name.startswith("split") and "test_score" in name}
    if bits:
        return all(np.array_equal(ours[name], values) for name, values in scores.items())
    return all(np.allclose(ours[name], values, rtol=0.0, atol=0.01) for name, values in scores.items())


def measure(row: Row, n_jobs: int | None, turns: int) -> bool:
    """Print one line, and say whether the budget is kept."""
    ratios, own = [], []
    more = {"n_jobs": n_jobs, "refit": False}
    if n_jobs is not None:
        for kind in (Theirs, GridSearchCV):  # the workers import what they need
            row.make(kind, **more).set_params(cv=2).fit(X[:200], Y[:200])
    for turn in range(turns):
        searches = [row.make(GridSearchCV, **more), row.make(Theirs, **more)]
        seconds = {type(one).__module__: spent(one) for one in (searches if turn % 2 else searches[::-1])}
        ours_s, theirs_s = seconds["luthier.sklearn.grid_search"], seconds["sklearn.model_selection._search"]
        if not equal(searches[0].cv_results_, searches[1].cv_results_, row.bits):
            print(f"{row.name}: the results differ")
            return False
        ratios.append(theirs_s / ours_s)
        own.append(ours_s)
    ratio = statistics.median(ratios)
    print(
        f"{row.name:26} n_jobs={n_jobs!s:4} {ratio:6.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f},"
        f" {turns} turns, {statistics.median(own):.2f} s); wanted {row.at_least:.2f}",
        flush=True,
    )
    return ratio >= row.at_least


def memory() -> bool:
    """Print the most that was kept and allocated, with caps below and above what the search would keep.

    Besides what is kept, one job has the copies that it works on: three times the data are allowed for them.
    """
    kept = True
    steps = [("pca", PCA(random_state=0)), ("ridge", RidgeClassifier())]
    grid = {"pca__n_components": list(range(20, 60, 2)), "ridge__alpha": [0.1, 1.0]}
    peaks = {}
    for cap_mb in (0.0, 2.0, 5.0, 512.0):
        made: list[SharedSteps] = []

        class Seen(GridSearchCV):
            """Lets the cache be looked at."""

            def _evaluator(self, made: list[SharedSteps] = made) -> Any:
                evaluator = super()._evaluator()
                made.extend([evaluator] if isinstance(evaluator, SharedSteps) else [])
                return evaluator

        search = Seen(Pipeline(steps), grid, cv=5, refit=False, cache_mb=cap_mb)
        tracemalloc.start()
        search.fit(X, Y)
        peaks[cap_mb] = tracemalloc.get_traced_memory()[1] / MB
        tracemalloc.stop()
        held = made[0].cache.peak_bytes / MB if made else 0.0
        more = peaks[cap_mb] - peaks[0.0]
        print(
            f"cap {cap_mb:5.1f} MB: at most {held:5.2f} MB kept, {more:5.2f} MB more allocated than without", flush=True
        )
        kept = kept and held <= cap_mb and more <= cap_mb + 3 * X.nbytes / MB
    return kept


class Resident:
    """Notes the most resident memory that each process below this one has, while it is entered (Linux)."""

    def __init__(self) -> None:
        self.peak_mb: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        for pid in self._workers():
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # sets the peak to what there is now
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.02):
            for pid in self._workers():
                with suppress(OSError, IndexError):  # it has just ended
                    status = Path(f"/proc/{pid}/status").read_text()
                    self.peak_mb[pid] = int(status.split("VmHWM:")[1].split()[0]) / 1024

    def _workers(self) -> list[int]:
        """Give the children, those of all threads."""
        found = []
        for task in Path("/proc/self/task").iterdir():
            with suppress(OSError):
                found += [int(pid) for pid in (task / "children").read_text().split()]
        return found


def resident() -> bool:
    """Print how much more resident memory two workers have together at their peaks than without what is kept.

    The arrays are large, so that the size of the processes hardly matters. Each worker has the copies that it works
    on: three times the data are allowed for them.
    """
    kept = True
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((4000, 200)), np.arange(4000) % 2
    pipeline = Pipeline([("pca", PCA(random_state=0, svd_solver="covariance_eigh")), ("ridge", RidgeClassifier())])
    space = {"pca__n_components": list(range(150, 190, 4)), "ridge__alpha": [0.1, 1.0]}
    more: dict[str, Any] = {"cv": 5, "refit": False, "paths": "none"}
    kinds = {
        "GridSearchCV(n_jobs=2)": lambda cap: GridSearchCV(pipeline, space, n_jobs=2, cache_mb=cap, **more),
        "BayesSearchCV(workers=2)": lambda cap: BayesSearchCV(
            pipeline, space, n_iter=20, workers=2, method=Random(), random_state=0, racing=False, cache_mb=cap, **more
        ),
    }
    for name, make in kinds.items():
        peaks = {}
        make(0.0).fit(*rows)  # workers import what they need, and have had the arrays
        for cap_mb in (0.0, 20.0, 80.0, 512.0):
            with Resident() as seen:
                make(cap_mb).fit(*rows)
            peaks[cap_mb] = sum(seen.peak_mb.values())
            over = peaks[cap_mb] - peaks[0.0]
            print(f"{name} cap {cap_mb:5.1f} MB: {over:6.1f} MB more resident than without, in all workers", flush=True)
            kept = kept and over <= cap_mb + 2 * 3 * rows[0].nbytes / MB
    return kept


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--turns", type=int)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    kept = True
    for row in ROWS:
        for n_jobs in (None, 2):
            if not arguments.names or any(name in row.name for name in arguments.names):
                kept = measure(row, n_jobs, arguments.turns or row.turns) and kept
    if not arguments.names or "memory" in arguments.names:
        kept = memory() and kept
        kept = resident() and kept
    if reusable_executor._executor:
        reusable_executor._executor.shutdown(wait=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
