"""Bias of `best_score_` and `best_estimate_`, on data whose true scores are known.

The data are two normal classes, the candidates linear discriminants on random subsets of the variables, with random
regularisation: the accuracy of each on new data is a formula.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr

from luthier.sklearn.selection.bias_correction import estimate

Floats = NDArray[np.float64]


def fitted(X: Floats, y: Floats, shrinkage: float) -> tuple[Floats, float]:
    low, high = X[y == 0].mean(axis=0), X[y == 1].mean(axis=0)
    centred = X - np.where(y[:, None] == 0, low, high)
    weights = np.linalg.solve(centred.T @ centred / len(X) + shrinkage * np.eye(X.shape[1]), high - low)
    return weights, float(-weights @ (low + high) / 2)


def one_search(rng: np.random.Generator, rows: int, folds: int, candidates: int) -> tuple[Floats, Floats]:
    """Give the scores by candidate and fold, and the true accuracy of each candidate fitted to all rows."""
    shift = np.r_[np.full(5, 0.6), np.zeros(7)]
    y = np.arange(rows) % 2.0
    X = rng.standard_normal((rows, 12)) + y[:, None] * shift
    fold = np.empty(rows, dtype=int)
    for kind in (0, 1):
        members = rng.permutation(np.flatnonzero(y == kind))
        fold[members] = np.arange(len(members)) % folds
    scores, truth = np.empty((candidates, folds)), np.empty(candidates)
    for place in range(candidates):
        some = rng.choice(12, rng.integers(2, 6), replace=False)
        shrinkage = 10 ** rng.uniform(-2, 2)
        for k in range(folds):
            weights, bias = fitted(X[fold != k][:, some], y[fold != k], shrinkage)
            scores[place, k] = ((X[fold == k][:, some] @ weights + bias > 0) == y[fold == k]).mean()
        weights, bias = fitted(X[:, some], y, shrinkage)
        size = np.linalg.norm(weights)
        truth[place] = 0.5 * ndtr((weights @ shift[some] + bias) / size) + 0.5 * ndtr(-bias / size)
    return scores, truth


@pytest.mark.parametrize(
    ("rows", "folds", "candidates", "share"),
    # Where the optimism is small, the correction is too large: the resamples have fewer folds to choose by.
    [(60, 5, 40, 0.1), pytest.param(200, 10, 20, 0.7, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("raced", [False, True])
def test_the_estimate_is_far_less_biased_than_the_best_score(
    rows: int, folds: int, candidates: int, share: float, raced: bool
) -> None:
    rng = np.random.default_rng(0)
    bias, left, covered = [], [], []
    for _ in range(100):
        scores, truth = one_search(rng, rows, folds, candidates)
        best = int(np.argmax(scores.mean(axis=1)))
        if raced:  # the worse half was stopped after two folds
            worse = np.argsort(scores[:, :2].mean(axis=1))[: candidates // 2]
            scores[worse[worse != best], 2:] = np.nan
        names = {f"split{fold}_test_score": scores[:, fold] for fold in range(folds)}
        found = estimate({**names, "mean_test_score": np.nanmean(scores, axis=1)}, "score", best, folds)
        bias.append(scores[best].mean() - truth[best])
        left.append(found.score - truth[best])
        covered.append(found.low <= truth[best] <= found.high)
    assert np.mean(bias) > 0.02
    assert abs(np.mean(left)) < share * np.mean(bias)
    assert 0.9 <= np.mean(covered) <= 1
