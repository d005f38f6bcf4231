"""What racing over folds saves, and what it costs: python benchmarks/racing.py [--seeds 20] [--out FILE].

On six data sets that scikit-learn carries, each seed splits off rows for the final test and searches the others: 40
random candidates by 10-fold cross-validation, repeated twice (--repeats), once in full and once raced, on the same
candidates and folds. The table gives fits, how often both chose the same candidate, and the scores of the refitted
winners on the rows that no search saw.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

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

from luthier.sklearn import RandomizedSearchCV  # noqa: E402

CANDIDATES, FOLDS = 40, 10
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


def compare(X: Any, y: Any, estimator: Any, seed: int, repeats: int) -> tuple[float, ...]:
    """Search in full and raced; give fits, final scores, whether the same was chosen, and seconds."""
    smooth = is_regressor(estimator)
    rows = {"train_size": min(MOST, len(y) // 2), "random_state": seed, "stratify": None if smooth else y}
    inner, outer, known, unseen = train_test_split(X, y, **rows)
    scale = StandardScaler().fit(inner)
    inner, outer = scale.transform(inner), scale.transform(outer)
    size = "alpha" if smooth else "C"
    space = {size: stats.loguniform(1e-3, 1e3), "gamma": stats.loguniform(1e-5, 1e1)}
    kind = RepeatedKFold if smooth else RepeatedStratifiedKFold
    found, took = [], []
    for racing in (False, True):
        start = time.process_time()
        search = RandomizedSearchCV(
            estimator,
            space,
            n_iter=CANDIDATES,
            cv=kind(n_splits=FOLDS, n_repeats=repeats, random_state=seed),
            random_state=seed,
            racing=racing,
            cache_mb=0,
        )
        found.append(search.fit(inner, known))
        took.append(time.process_time() - start)
    plain, raced = found
    scores = [search.score(outer, unseen) for search in found]
    fits = CANDIDATES * FOLDS * repeats, int(raced.cv_results_["n_folds"].sum())
    return (*fits, *scores, plain.best_index_ == raced.best_index_, *took)


def main() -> None:
    """Print the table, and write it to a file where one is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    lines = [
        "| data | fits | raced | times fewer | final score | raced | difference | same winner | times less CPU |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: |",
    ]
    for name, (X, y, estimator) in sets().items():
        table = np.array([compare(X, y, estimator, seed, asked.repeats) for seed in range(asked.seeds)], dtype=float)
        full, fits, before, after, same, long, short = table.mean(axis=0)
        d = table[:, 3] - table[:, 2]
        half = stats.t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
        lines.append(
            f"| {name} | {full:.0f} | {fits:.0f} | {full / fits:.2f} | {before:.4f} | {after:.4f} |"
            f" {d.mean():+.4f} ± {half:.4f} | {same * asked.seeds:.0f} of {asked.seeds} | {long / short:.2f} |"
        )
        sys.stdout.write(f"{lines[-1]}\n")
        sys.stdout.flush()
    if asked.out:
        asked.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
