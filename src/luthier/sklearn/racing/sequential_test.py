"""Decide after some folds whether a candidate can still turn out better than the leader on all of them.

With e the differences of its scores to a base on the n folds that it has, in an order of the K folds drawn at random,

    (mean of e over all K - mean of e over n) / (s sqrt(1/n - 1/K))

has Student's distribution, for normal differences that are exchangeable over folds. The base may be anything that is
known of all folds and not made from this candidate. A correlation that all pairs of folds share, which scores of
cross-validation have, cancels: so no correction for it is needed (Nadeau and Bengio 2003 need one because they ask
about other data; this asks about the folds at hand). And the quotient is independent of the means over all K folds, so
it keeps its distribution for the candidate that has the highest of them: the error rate needs no division by the number
of candidates.

*The base* is the mean of the complete candidates, each weighed by how near to the leader's its own mean is: what
makes a fold easy shows in all of them, while the leader's scores have noise of their own (a control variate, whose
coefficient is one).

*The variance.* As n is small, s² is drawn towards a prior worth 8 degrees of freedom (Smyth 2004, equation 4, the
moderated t-test; with a fixed weight), so that one fold is enough for a test. The prior is the pooled variance of all
candidates so far, weighed likewise: bad candidates vary more, and the question is whether this one is a good one.

*The level* of each look is such that one of them errs with the probability that was asked for: by simulation of
the quotients of all looks together, for variances of that prior. More of it is spent where more folds are left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from luthier.key import Key

Floats: TypeAlias = NDArray[np.float64]

WEIGHT = 8
"""Degrees of freedom that the prior of the variance is worth."""

_DRAWS = 20_000

_TINY = 1e-18
"""What share of the variance of the leader's scores is none, but rounding."""

_ALONE = 1e-3
"""What share of the base the others have at least, where its difference to a complete candidate counts."""


@dataclass(frozen=True)
class SequentialTest:
    """What a candidate is measured by.

    Args:
        leader: the scores of the best complete candidate, (folds,).
        base: what scores are compared with, (folds,).
        weights: the share of each complete candidate in the base, (candidates,); 0 for the others.
        variance: that is expected of the differences to the base; 0 where nothing is known of it.
        margin: by how much the mean of a candidate has to be better than the leader's.
    """

    leader: Floats
    base: Floats
    weights: Floats
    variance: float
    margin: float

    def is_beaten(self, scores: Floats, order: Sequence[int], level: float) -> bool:
        """Say whether a candidate cannot be expected to be better than the leader by the margin, on all folds.

        Args:
            scores: the candidate's, (folds,); those of `order` are looked at.
            order: the folds that it was evaluated on, at least 1 and fewer than all.
            level: the probability with which this look may be wrong.
        """
        count, folds = len(order), len(self.base)
        e = scores[order] - self.base[order]
        own = float(e.var(ddof=1)) if count > 1 else 0.0
        freedom = (WEIGHT if self.variance > 0 else 0) + count - 1
        if freedom == 0:
            return False
        variance = ((freedom - count + 1) * self.variance + (count - 1) * own) / freedom
        ahead = float(e.mean()) + float(self.base.mean() - self.leader.mean())
        reach = -float(stdtrit(freedom, level)) * math.sqrt(variance * (1 / count - 1 / folds))
        return ahead <= 0 and ahead + reach < self.margin


def sequential_test(past: Floats, leader: int, running: Floats, margin: float) -> SequentialTest:
    """Make what candidates are measured by.

    Args:
        past: scores of the candidates so far, (candidates, folds), NaN where a fold was not run.
        leader: the place of the best complete one.
        running: scores of those that are being raced, likewise.
        margin: in standard errors of the leader's mean.

    Cost: O(candidates × folds).
    """
    lead = past[leader]
    folds = len(lead)
    noise = float(lead.var(ddof=1))
    own = folds - 1.0 if noise > 0 else 0.0  # a leader that is the same everywhere says nothing of differences
    rows = np.concatenate([past, running])
    rows[np.isinf(rows)] = math.nan
    d = rows - lead
    count = (~np.isnan(d)).sum(axis=1)
    behind = np.where(count > 0, np.nansum(d, axis=1) / np.maximum(count, 1), -math.inf)
    spread = noise or _pooled(d, np.ones(len(d)), noise, own)
    near = np.exp(-0.5 * behind**2 / spread) if spread > 0 else (behind == 0).astype(float)
    share = near[: len(past)] * (count[: len(past)] == folds)
    share /= share.sum()
    base = lead + share @ np.nan_to_num(d[: len(past)])
    e = rows - base
    rest = 1 - share
    e[: len(past)] /= np.maximum(rest, _ALONE)[:, None]  # of one in the base, the difference to the rest of it
    near[: len(past)] *= rest > _ALONE
    near[leader] = 0.0
    return SequentialTest(lead, base, share, _pooled(e, near, noise, own), margin * math.sqrt(noise / folds))


def _pooled(e: Floats, weights: Floats, noise: float, freedom: float) -> float:
    """Pool the variances of differences, and that of the leader's own scores; 0 where there is none.

    Candidates that differ by nothing, or by a constant, on all folds are left out: they are the same model, or none.
    Where few samples make a fold, two candidates often score the same on the first ones: those count.
    """
    count = (~np.isnan(e)).sum(axis=1)
    kept = count > 1
    e, count, weights = e[kept], count[kept], weights[kept]
    variances = np.nanvar(e, axis=1, ddof=1) if len(e) else np.zeros(0)
    weights = weights * (count - 1.0) * ((variances > _TINY * noise) | (count < e.shape[1]))
    total = float(weights.sum()) + freedom
    return (float(weights @ variances) + freedom * noise) / total if total > 0 else 0.0


@lru_cache(maxsize=64)
def levels(folds: int, first: int, error: float) -> tuple[float, ...]:
    """Give the level of each look, after `first` folds and more, so that one of them errs with a probability.

    Args:
        folds: how many there are.
        first: after how many the first look is.
        error: the probability, for a candidate that is exactly as good as it must not be lost.

    Cost: O(20,000 × folds), with fewer draws for more than 20 folds.
    """
    key = Key.of(0).fold("levels of a race")
    draws = max(min(_DRAWS, 20 * _DRAWS // folds), 1000)
    d = key.fold("scores").normal((draws, folds))
    d -= d.mean(axis=1, keepdims=True)
    d *= np.sqrt(WEIGHT / (key.fold("variances").normal((draws, WEIGHT)) ** 2).sum(axis=1))[:, None]
    counts = np.arange(first, folds)
    means = np.cumsum(d, axis=1)[:, first - 1 : -1] / counts
    squares = np.cumsum(d**2, axis=1)[:, first - 1 : -1] - counts * means**2  # (count - 1) times the variance
    freedom = WEIGHT + counts - 1.0
    quotients = means / np.sqrt((WEIGHT + squares) / freedom * (1 / counts - 1 / folds))
    shares = np.sqrt(1 - counts / folds)
    least = (stdtr(freedom, quotients) / shares).min(axis=1)
    return tuple(np.minimum(np.quantile(least, error) * shares, 0.5).tolist())
