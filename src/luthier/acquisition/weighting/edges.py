"""Penalty near the ends of numbers: what lies there has to be worth it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from luthier._typing import Floats, Integers
from luthier.acquisition.criterion import smooth_where
from luthier.acquisition.protocol import Criterion, SmoothCriterion
from luthier.surrogate import supports

_WIDTH = 0.05
"""The share of the range of a variable at each end in which the penalty rises, from 0 to all of it."""


@dataclass(frozen=True, slots=True, eq=False)
class EdgePenalty:
    """A criterion less a penalty for every number that is near an end of its range.

    At an end a model knows least, for there are trials on one side only: of a variable that does not matter it expects
    most there. A criterion on a logarithmic scale has to be larger by the penalty for the search to go there.

    Args:
        inner: the criterion, on a logarithmic scale.
        columns: the numbers whose ends are meant.
        penalties: (columns,) at the very end, at least 0, in nats; of several ends the largest counts.
    """

    inner: Criterion
    columns: Integers
    penalties: Floats

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.supports`."""
        return smooth_where(supports(self.inner, SmoothCriterion))

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        deepest: Floats = self._depths(x)[0].max(axis=1)
        return self.inner.value(x) - deepest

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        value, gradient = cast(SmoothCriterion, self.inner).value_grad(x)
        depths, slopes = self._depths(x)
        rows, deepest = np.arange(len(x)), depths.argmax(axis=1)
        gradient = gradient.copy()
        gradient[rows, self.columns[deepest]] -= slopes[rows, deepest]
        return value - depths[rows, deepest], gradient

    def _depths(self, x: Floats) -> tuple[Floats, Floats]:
        """Give how far each number is into the strip at an end, in [0, 1], and the slope of that; (q, columns) each."""
        at = x[:, self.columns]
        low, high = 1.0 - at / _WIDTH, 1.0 - (1.0 - at) / _WIDTH
        depths = np.nan_to_num(np.maximum(np.maximum(low, high), 0.0)) * self.penalties
        slopes = np.where(depths > 0.0, np.where(at < 0.5, -1.0, 1.0) * self.penalties / _WIDTH, 0.0)
        return depths, slopes
