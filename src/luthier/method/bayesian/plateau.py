"""Plateaus: where the nearest trials tie, and how often one more was better than they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.acquisition import Criterion, FunctionCriterion
from luthier.data import Data
from luthier.method.bayesian.step import FittedModel
from luthier.surrogate import GPPosterior

_SURROUNDED = 3
"""A point is on a plateau if so many of the nearest trials tie with others."""
_MOST = 9
"""With so many, it is in the midst of it: no more are looked at."""
_LATEST = 300
"""Earlier trials than so many are left out, so that the cost does not grow without bound."""


@dataclass(frozen=True, slots=True, eq=False)
class Plateaus:
    """What it costs to look where the nearest trials tie.

    Args:
        process: a Gaussian process, by whose length-scales trials are near.
        trials: (n, e) their coordinates, divided by the length-scales.
        tied: (n,) whether another trial has the same loss.
        penalty: above 0, on a plateau, in nats; in the midst of one it is three times that.
    """

    process: GPPosterior
    trials: Floats
    tied: Bools
    penalty: float

    @property
    def futile(self) -> float:
        """The share of the trials on plateaus that are to be made where fewest are, at most a half."""
        return 0.5 * (1.0 - math.exp(-self.penalty))

    def penalties(self, x: Floats) -> Floats:
        """Give the penalty at `x` (q, d); shape (q,). Cost O(q n e)."""
        run = _run(_squares(_coordinates(self.process, x), self.trials), self.tied)
        return np.where(run >= _SURROUNDED, self.penalty * run / _SURROUNDED, 0.0)


def find_plateaus(models: Sequence[FittedModel], data: Data) -> Plateaus | None:
    """Tell what plateaus cost; None where nothing speaks against them.

    Of n trials whose nearest ones before them tie, s had a loss that no trial had before. By Laplace's rule the next
    one has with probability (s + 1) / (n + 2), which was 1 / 2 while nothing was known: the logarithm of the ratio is
    the penalty. So it grows only where such trials told nothing, and falls again when one does.

    Args:
        models: of the losses; the first Gaussian process says by its length-scales which trials are near.
        data: n trials; only the latest 300 count.

    Cost O(n² e).
    """
    process = next((one.posterior for one in models if isinstance(one.posterior, GPPosterior)), None)
    x, losses = data.x[-_LATEST:], data.loss[-_LATEST:]
    if process is None or len(x) <= _SURROUNDED:
        return None
    trials = _coordinates(process, x)
    _, first, group, counts = np.unique(losses, return_index=True, return_inverse=True, return_counts=True)
    tied = counts[group] > 1
    distances = _squares(trials, trials)
    distances[np.triu_indices(len(x))] = math.inf
    later = np.arange(_SURROUNDED, len(x))
    surrounded = _run(distances[later], tied) >= _SURROUNDED
    new = int((surrounded & (first[group[later]] == later)).sum())
    penalty = math.log((int(surrounded.sum()) + 2) / (2 * (new + 1)))
    return Plateaus(process, trials, tied, penalty) if penalty > 0 else None


def widest_gap(data: Data) -> Criterion:
    """Give the criterion that is largest where the nearest trial is farthest.

    Numbers are on a circle, so that no end of a range is farther from the trials than its middle; different categories
    are as far apart as a number can be, and so are an active and an inactive variable.
    """
    known = np.concatenate([data.x, data.failed, data.pending])[-_LATEST:]
    number = np.array([column.kind == "number" for column in data.columns])

    def gap(x: Floats) -> Floats:
        total = np.zeros((len(x), len(known)))
        for j in range(len(data.columns)):
            at, other = x[:, j, None], known[None, :, j]
            apart = np.abs(at - other)
            apart = np.minimum(apart, 1.0 - apart) if number[j] else 0.5 * (apart > 0)
            both = np.isnan(at) & np.isnan(other)
            total += np.where(both, 0.0, np.where(np.isnan(apart), 0.5, apart)) ** 2
        nearest: Floats = np.sqrt(total.min(axis=1))
        return nearest

    return FunctionCriterion(gap)


def _coordinates(process: GPPosterior, x: Floats) -> Floats:
    lengths: Floats = np.exp(process.theta)[process.embedding.owners]
    return process.embedding.embed(x) / lengths


def _squares(a: Floats, b: Floats) -> Floats:
    found: Floats = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2.0 * (a @ b.T)
    return found


def _run(distances: Floats, tied: Bools) -> Integers:
    """Count how many of the nearest trials, one after another, are tied; (q,) from (q, n)."""
    most = min(_MOST, distances.shape[1])
    near = np.argpartition(distances, most - 1, axis=1)[:, :most]
    rows = np.arange(len(distances))[:, None]
    near = near[rows, np.argsort(distances[rows, near], axis=1, kind="stable")]
    run: Integers = np.logical_and.accumulate(tied[near] & np.isfinite(distances[rows, near]), axis=1).sum(axis=1)
    return run
