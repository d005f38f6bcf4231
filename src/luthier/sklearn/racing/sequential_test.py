"""Sequential test over folds: whether a candidate can still be better than the leader on all folds.

Let e be the differences of the candidate's scores to a base on the n folds that it has, in a random order of the K
folds. Then

    (mean of e over all K - mean of e over n) / (s sqrt(1/n - 1/K))

has Student's distribution, for normal differences that are exchangeable over folds. The base may be any function of
the folds that is not made from this candidate. A correlation that all pairs of folds share, which scores of
cross-validation have, cancels, so no correction for it is needed (Nadeau and Bengio 2003 need one because they ask
about other data; this test asks about the given folds). And the quotient is independent of the means over all K folds,
so it has the same distribution for the candidate with the highest mean: the error level is not divided by the number of
candidates.

*The base* is the mean of the complete candidates, each weighted by how near its mean is to the leader's: whatever makes
a fold easy affects all of them, while the leader's scores have noise of their own (a control variate, whose coefficient
is one).

*The variance.* As n is small, s² is shrunk towards a prior worth 8 degrees of freedom (Smyth 2004, equation 4, the
moderated t-test; with a fixed weight), so that one fold is enough for a test. The prior is the pooled variance of all
candidates so far, with the same weights: bad candidates vary more, and the question is whether this one is good.

*The level* of each test is chosen so that the probability of any error equals the requested one, by simulation of the
quotients of all tests together, for variances of that prior. More of it is spent where more folds are left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import stdtr, stdtrit

from luthier._typing import Floats
from luthier.key import Key

WEIGHT = 8
"""Degrees of freedom of the prior of the variance."""

_DRAWS = 20_000
"""Simulated candidates for the levels."""

_TINY = 1e-18
"""Variances below this share of the variance of the leader's scores are rounding errors."""

_ALONE = 1e-3
"""Minimal weight of the other candidates in the base, for a complete candidate's difference to it to be used."""


@dataclass(frozen=True)
class SequentialTest:
    """The test of one candidate against the leader.

    Args:
        leader: the scores of the best complete candidate, (folds,).
        base: the scores that others are compared with, (folds,).
        weights: the weight of each candidate in the base, (candidates,); 0 for incomplete ones.
        variance: prior variance of the differences to the base; 0 if it is unknown.
        margin: by how much a candidate's mean has to be better than the leader's.
    """

    leader: Floats
    base: Floats
    weights: Floats
    variance: float
    margin: float

    def is_beaten(self, scores: Floats, order: Sequence[int], level: float) -> bool:
        """Return whether a candidate is not expected to be better than the leader by the margin, on all folds.

        Args:
            scores: the candidate's scores, (folds,); those of the folds in `order` are used.
            order: the folds on which it was evaluated, at least 1 and fewer than all.
            level: probability with which this test may be wrong.
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
    """Make the test from the scores of all candidates so far.

    Args:
        past: scores of the candidates so far, (candidates, folds), NaN where a fold was not run.
        leader: the index of the best complete one.
        running: scores of the candidates in the race, likewise.
        margin: in standard errors of the leader's mean.

    Cost: O(candidates × folds).
    """
    lead = past[leader]
    folds = len(lead)
    noise = float(lead.var(ddof=1))
    own = folds - 1.0 if noise > 0 else 0.0  # a leader with equal scores on all folds tells nothing about differences
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
    e[: len(past)] /= np.maximum(rest, _ALONE)[
        :, None
    ]  # of a candidate in the base: the difference to the rest of the base
    near[: len(past)] *= rest > _ALONE
    near[leader] = 0.0
    return SequentialTest(lead, base, share, _pooled(e, near, noise, own), margin * math.sqrt(noise / folds))


def _pooled(e: Floats, weights: Floats, noise: float, freedom: float) -> float:
    """Pool the variances of the differences, and that of the leader's own scores; 0 if there are none.

    Candidates with a constant difference on all folds are left out: they are the same model, or a constant one. On few
    folds, equal scores count: if a fold has few samples, two candidates often score the same on the first folds.
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
    """Return the level of each test, after `first` folds and more, for a given probability of any error.

    Args:
        folds: number of folds.
        first: number of folds before the first test.
        error: the probability, for a candidate that is better by exactly the margin.

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
