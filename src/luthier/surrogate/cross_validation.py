"""Predictions of losses by models that were not fitted to them: leave-one-out means, and five folds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from luthier._typing import Floats, Integers
from luthier.key import Key
from luthier.surrogate.protocol import Moments

Predict = Callable[[Integers, Integers, Key], Moments]

FOLDS = 5
"""The number of parts that the losses are divided into, each predicted from all the others."""


def held_out(predict: Predict, losses: Floats, key: Key) -> tuple[Floats, Floats]:
    """Give means and variances of n losses, each predicted by a model of about four fifths of the others.

    Args:
        predict: fits to some rows and predicts others: (rows to fit, rows to predict, key) → moments of the latter.
        losses: (n,), on the posterior's scale; a single one gets itself as mean, and variance 1.
        key: divides the rows at random.
    """
    n = len(losses)
    if n == 1:
        return moments_of_others(losses)
    order = key.fold("order").permutation(n)
    mean, variance = np.empty(n), np.empty(n)
    for part in range(min(FOLDS, n)):
        test = np.sort(order[part::FOLDS])
        train = np.setdiff1d(np.arange(n), test)
        mean[test], variance[test] = predict(train, test, key.fold("part", part))
    return mean, variance


def moments_of_others(losses: Floats) -> tuple[Floats, Floats]:
    """Give for each of n losses the mean and variance of all the others, (n,) each; 1 in place of a variance of 0."""
    n = len(losses)
    if n == 1:
        return losses.copy(), np.ones(1)
    mean = (losses.sum() - losses) / (n - 1)
    variance = np.maximum((losses**2).sum() - losses**2, 0.0) / (n - 1) - mean**2
    spread = float(losses.var())
    return mean, np.maximum(variance, 0.1 * spread) if spread > 0 else np.ones(n)
