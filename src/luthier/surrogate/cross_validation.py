"""Predictions of losses by models that did not see them, for models that have no shorter way to that."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from luthier._typing import Floats, Integers
from luthier.key import Key
from luthier.surrogate.protocol import Moments
from luthier.surrogate.trees.partition_ensemble import left_out

Predict = Callable[[Integers, Integers, Key], Moments]

FOLDS = 5
"""Into how many parts the losses are divided, each predicted from all the others."""


def held_out(predict: Predict, losses: Floats, key: Key) -> tuple[Floats, Floats]:
    """Give means and variances of n losses, each predicted by a model of about four fifths of the others.

    Args:
        predict: fits to some rows and predicts others: (rows to fit, rows to predict, key) → moments of the latter.
        losses: (n,), on the posterior's scale; a single one is said to be as likely as not to be anything.
        key: divides the rows at random.
    """
    n = len(losses)
    if n == 1:
        return left_out(losses)
    order = key.fold("order").permutation(n)
    mean, variance = np.empty(n), np.empty(n)
    for part in range(min(FOLDS, n)):
        test = np.sort(order[part::FOLDS])
        train = np.setdiff1d(np.arange(n), test)
        mean[test], variance[test] = predict(train, test, key.fold("part", part))
    return mean, variance
