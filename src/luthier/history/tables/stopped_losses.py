"""The losses that pruned trials are taken to have, by the rank of their reports."""

from __future__ import annotations

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.data import LearningCurves

_LEAST = 0.5
"""A trial is pruned because it is not worth finishing: it is taken to be no better than the median."""


def stopped_losses(reports: LearningCurves, done: Integers, losses: Floats, stopped: Integers) -> Floats:
    """Impute the losses of pruned trials.

    At the last step at which a pruned trial and finished ones reported, its rank among them is that of its loss: with
    half of them ahead its loss is their median, with all of them ahead the worst one. It is never better than the
    median, and the worst where there is nothing to compare.

    Args:
        reports: the intermediate losses of all trials.
        done: (n,) the numbers of the finished trials, ascending.
        losses: (n, m) theirs.
        stopped: (s,) the numbers of the pruned ones.

    Returns:
        (s, m), of several objectives each at the same rank; NaN where no trial is finished.

    Cost O(r log r + s (r + n)) for r reports; O(1) where nothing was pruned.
    """
    found = np.full((len(stopped), losses.shape[1]), np.nan)
    if not len(stopped) or not len(done):
        return found
    numbers = reports.numbers[reports.trial] if len(reports) else reports.trial
    finished = np.isin(numbers, done)
    for row, number in enumerate(stopped.tolist()):
        found[row] = np.quantile(losses, max(_LEAST, _share_ahead(reports, numbers == number, finished)), axis=0)
    return found


def _share_ahead(reports: LearningCurves, own: Bools, finished: Bools) -> float:
    """Give the share of the finished trials that were ahead of a pruned one; 1 where none can be compared."""
    for row in np.flatnonzero(own)[::-1]:
        others = reports.loss[finished & (reports.step == reports.step[row])]
        if len(others):
            ahead = (others < reports.loss[row]).sum() + 0.5 * (others == reports.loss[row]).sum()
            return float(ahead / len(others))
    return 1.0
