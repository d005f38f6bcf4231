"""Penalty far from given points: the search stays near them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from luthier._typing import Floats, Integers
from luthier.acquisition.criterion import smooth_where
from luthier.acquisition.protocol import Criterion, SmoothCriterion
from luthier.surrogate import supports

_SLOPE = 100.0
"""The penalty for a whole range, in nats: a hundredth of the range beyond the box costs a factor of e."""


@dataclass(frozen=True, slots=True, eq=False)
class NearnessPenalty:
    """A criterion less a penalty for what lies outside of a box around each of some points.

    Source: the trust regions of Eriksson, Pearce, Gardner, Turner and Poloczek (2019), Scalable global optimization via
    local Bayesian optimization; here as a penalty, of one size, and around several points at once.

    Args:
        inner: the criterion, on a logarithmic scale.
        points: (k, d) the centres, at least one.
        columns: the numbers that are meant; in all other variables everything is near.
        reach: half the width of a box, as a share of the range of each number.
    """

    inner: Criterion
    points: Floats
    columns: Integers
    reach: float

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.supports`."""
        return smooth_where(supports(self.inner, SmoothCriterion))

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,). Cost O(q k d)."""
        return self.inner.value(x) - _SLOPE * self._beyond(x)[0]

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d). Cost O(q k d)."""
        value, gradient = cast(SmoothCriterion, self.inner).value_grad(x)
        beyond, farthest, sign = self._beyond(x)
        gradient = gradient.copy()
        gradient[np.arange(len(x)), farthest] -= np.where(beyond > 0.0, _SLOPE * sign, 0.0)
        return value - _SLOPE * beyond, gradient

    def _beyond(self, x: Floats) -> tuple[Floats, Integers, Floats]:
        """Give how far each point lies outside of the nearest box, in which column, and in which direction; (q,) each.

        Of a number that is not active in both points everything is near.
        """
        steps = x[:, None, self.columns] - self.points[None, :, self.columns]
        over = np.nan_to_num(np.maximum(np.abs(steps) - self.reach, 0.0))
        nearest = over.max(axis=2).argmin(axis=1)
        rows = np.arange(len(x))
        over, steps = over[rows, nearest], steps[rows, nearest]
        farthest = over.argmax(axis=1)
        return over[rows, farthest], self.columns[farthest], np.sign(steps[rows, farthest])
