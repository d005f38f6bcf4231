"""Weight of what is expected to give a result that trials share already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from luthier._typing import Floats, Integers
from luthier.acquisition.criterion import LEAST_STD
from luthier.surrogate import Moments, MomentsGrad

_BOUND = 2.0
"""What k trials share counts 1/k² where it is expected, if half of the trials or more tie."""


class SharedResults(NamedTuple):
    """The results of n trials, and how likely each is to be a bound, and no point of a slope.

    A point x is taken to give a result like one of those known, each with the weight ``w_i`` that the posteriors'
    normal densities at x give it. What k trials share counts 1/k², as with the lowest values of an objective, so that a
    value at x counts ``Σ w_i / k_i² / Σ w_i`` as much: all of it where nothing is shared.

    Args:
        values: (n, m) of the m objectives, on the posteriors' scales.
        log_worth: (n,) the logarithm of what each counts, at most 0.

    Cost of its functions: O(q n m) at q points.
    """

    values: Floats
    log_worth: Floats

    @classmethod
    def of(cls, values: Floats, sharing: Integers) -> SharedResults:
        """Make it of values (n, m) that so many trials (n,) have; where few tie, they are less of a bound."""
        tied = min(1.0, 2.0 * float((sharing > 1).mean()))
        return cls(values, -_BOUND * tied * np.log(sharing))

    def log_share(self, moments: Sequence[Moments | MomentsGrad]) -> Floats:
        """Give the logarithm of how much a value counts, from the moments of each objective at q points; (q,)."""
        logs = self._log_weights(moments)
        return _log_sum(logs + self.log_worth) - _log_sum(logs)

    def add_to(self, value: Floats, gradient: Floats, moments: Sequence[MomentsGrad]) -> tuple[Floats, Floats]:
        """Add `log_share` to values (q,) and its gradient to gradients (q, d)."""
        for one, (by_mean, by_variance) in zip(moments, self._slopes(moments), strict=True):
            gradient = gradient + by_mean[:, None] * one.mean_grad + by_variance[:, None] * one.variance_grad
        return value + self.log_share(moments), gradient

    def _slopes(self, moments: Sequence[MomentsGrad]) -> list[tuple[Floats, Floats]]:
        """Give the partial derivatives of `log_share` by mean and variance, (q,) each, for each objective."""
        logs = self._log_weights(moments)
        worth = logs + self.log_worth
        more = np.exp(worth - _log_sum(worth)[:, None]) - np.exp(logs - _log_sum(logs)[:, None])
        found = []
        for one, values in zip(moments, self.values.T, strict=True):
            variance = np.maximum(one.variance, LEAST_STD**2)[:, None]
            away = (values - one.mean[:, None]) / variance
            flat = one.variance <= LEAST_STD**2
            by_variance = np.where(flat, 0.0, 0.5 * (more * away**2).sum(axis=1))
            found.append(((more * away).sum(axis=1), by_variance))
        return found

    def _log_weights(self, moments: Sequence[Moments | MomentsGrad]) -> Floats:
        logs = np.zeros((len(moments[0].mean), len(self.values)))
        for one, values in zip(moments, self.values.T, strict=True):
            variance = np.maximum(one.variance, LEAST_STD**2)[:, None]
            logs -= 0.5 * (values - one.mean[:, None]) ** 2 / variance
        return logs


def _log_sum(logs: Floats) -> Floats:
    top = logs.max(axis=1)
    found: Floats = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
    return found
