"""What racing over folds saves, and what it costs: benchmarks/racing.py [--seeds 20] [--folds 10] [--out FILE].

On six data sets that scikit-learn carries, each seed splits off rows for the final test and searches the others: 40
random candidates by cross-validation (--folds, --repeats), once in full and once raced, on the same candidates and
folds. The table gives fits, how often both chose the same candidate, and the scores of the refitted winners on the
rows that no search saw.

With --bayes, BayesSearchCV has as many fits with racing as without: what is saved goes to more candidates.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 (one thread first)
from scipy import stats  # noqa: E402
from sklearn import datasets  # noqa: E402
from sklearn.base import is_regressor  # noqa: E402
from sklearn.kernel_ridge import KernelRidge  # noqa: E402
from sklearn.model_selection import (  # noqa: E402
    RepeatedKFold,
    RepeatedStratifiedKFold,
    train_test_split,
)
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.svm import SVC  # noqa: E402

from luthier.sklearn import BayesSearchCV, RandomizedSearchCV  # noqa: E402

CANDIDATES = 40
FEW = 15
"""Candidates that are evaluated on all folds by the search that chooses them."""
MOST = 150
"""Rows of the half that is searched, at most: the rest goes to the final test."""


def sets() -> dict[str, tuple[Any, Any, Any]]:
    """Give the data sets, each with an estimator: all that scikit-learn carries but Linnerud's 20 rows."""
    digits = datasets.load_digits()
    pair = np.isin(digits.target, (3, 8))
    return {
        "iris": (*datasets.load_iris(return_X_y=True), SVC()),
        "wine": (*datasets.load_wine(return_X_y=True), SVC()),
        "breast cancer": (*datasets.load_breast_cancer(return_X_y=True), SVC()),
        "digits": (digits.data, digits.target, SVC()),
        "digits 3 and 8": (digits.data[pair], digits.target[pair], SVC()),
        "diabetes": (*datasets.load_diabetes(return_X_y=True), KernelRidge(kernel="rbf")),
    }


class Split(NamedTuple):
    """The rows that are searched, and those that no search sees, in units of the former's deviations."""

    inner: Any
    known: Any
    outer: Any
    unseen: Any
    cv: Any


def split(X: Any, y: Any, smooth: bool, seed: int, asked: argparse.Namespace) -> Split:
    """Split off the rows for the final test."""
    rows = {"train_size": min(MOST, len(y) // 2), "random_state": seed, "stratify": None if smooth else y}
    inner, outer, known, unseen = train_test_split(X, y, **rows)
    scale = StandardScaler().fit(inner)
    kind = RepeatedKFold if smooth else RepeatedStratifiedKFold
    cv = kind(n_splits=asked.folds, n_repeats=asked.repeats, random_state=seed)
    return Split(scale.transform(inner), known, scale.transform(outer), unseen, cv)


def compare(X: Any, y: Any, estimator: Any, seed: int, asked: argparse.Namespace) -> tuple[float, ...]:
    """Search in full and raced; give fits, final scores, whether the same was chosen, and seconds."""
    smooth = is_regressor(estimator)
    rows = split(X, y, smooth, seed, asked)
    space = {"alpha" if smooth else "C": stats.loguniform(1e-3, 1e3), "gamma": stats.loguniform(1e-5, 1e1)}
    found, took = [], []
    for racing in (False, True):
        start = time.process_time()
        search = RandomizedSearchCV(
            estimator, space, n_iter=CANDIDATES, cv=rows.cv, random_state=seed, racing=racing, cache_mb=0
        )
        found.append(search.fit(rows.inner, rows.known))
        took.append(time.process_time() - start)
    plain, raced = found
    scores = [search.score(rows.outer, rows.unseen) for search in found]
    fits = CANDIDATES * asked.folds * asked.repeats, int(raced.cv_results_["n_folds"].sum())
    return (*fits, *scores, plain.best_index_ == raced.best_index_, *took)


def spend(X: Any, y: Any, estimator: Any, seed: int, asked: argparse.Namespace) -> tuple[float, ...]:
    """Spend as many fits with racing as without; give candidates, fits, best means over folds, and final scores."""
    smooth = is_regressor(estimator)
    rows = split(X, y, smooth, seed, asked)
    space = {
        "alpha" if smooth else "C": (1e-3, 1e3, "log-uniform"),
        "gamma": (1e-5, 1e1, "log-uniform"),
        "kernel": ["rbf", "poly", "sigmoid", "laplacian" if smooth else "linear"],
        "degree": (1, 5),
        "coef0": (-1.0, 5.0),
    }
    found = []
    for racing in (False, True):
        search = BayesSearchCV(estimator, space, n_iter=FEW, cv=rows.cv, random_state=seed, racing=racing, cache_mb=0)
        search.fit(rows.inner, rows.known)
        folds = search.cv_results_.get("n_folds", np.full(FEW, search.n_splits_))
        found.append((len(folds), folds.sum(), search.best_score_, search.score(rows.outer, rows.unseen)))
    return tuple(float(value) for pair in zip(*found, strict=True) for value in pair)


def paired(before: Any, after: Any) -> str:
    """Write a mean difference with its interval (95 %, Student's)."""
    d = after - before
    half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
    return f"{d.mean():+.4f} ± {half:.4f}"


def fewer(name: str, table: Any) -> str:
    """Write the row of a data set: how many fits racing saves."""
    full, fits, before, after, same, long, short = table.mean(axis=0)
    return (
        f"| {name} | {full:.0f} | {fits:.0f} | {full / fits:.2f} | {before:.4f} | {after:.4f} |"
        f" {paired(table[:, 2], table[:, 3])} | {same * len(table):.0f} of {len(table)} | {long / short:.2f} |"
    )


def more(name: str, table: Any) -> str:
    """Write the row of a data set: what racing makes of the same number of fits."""
    plain, raced, fits, spent, *_, before, after = table.mean(axis=0)
    return (
        f"| {name} | {fits:.0f} | {spent:.0f} | {plain:.0f} | {raced:.1f} | {paired(table[:, 4], table[:, 5])} |"
        f" {before:.4f} | {after:.4f} | {paired(table[:, 6], table[:, 7])} |"
    )


FEWER = """\
| data | fits | raced | times fewer | final score | raced | difference | same winner | times less CPU |
| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: |"""

MORE = """\
| data | fits | raced | candidates | raced | mean over folds, difference | final score | raced | difference |
| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |"""


def main() -> None:
    """Print the table, and write it to a file where one is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--bayes", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")  # of powers that overflow
    head, measure, row = (MORE, spend, more) if asked.bayes else (FEWER, compare, fewer)
    lines, seeds = [head], range(asked.first, asked.first + asked.seeds)
    sys.stdout.write(f"{head}\n")
    for name, (X, y, estimator) in sets().items():
        table = np.array([measure(X, y, estimator, seed, asked) for seed in seeds], dtype=float)
        lines.append(row(name, table))
        sys.stdout.write(f"{lines[-1]}\n")
        sys.stdout.flush()
    if asked.out:
        asked.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
