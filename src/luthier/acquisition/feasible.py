"""An acquisition weighed by the probability that outcome constraints hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.acquisition.criterion import LEAST_STD
from luthier.acquisition.normal import log_distribution
from luthier.acquisition.protocol import Criterion, Scale
from luthier.surrogate.protocol import Posterior

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Feasible:
    """A criterion: an acquisition times Π_j P(violation_j at most 0), or the sum of their logarithms.

    Args:
        inner: the acquisition; None where nothing feasible is known yet: then the probability alone decides
            (Gardner et al. 2014, section 3).
        scale: of its values: ``positive`` ones are multiplied by the probability, to others its logarithm is added.
        bounds: models of the violations, which are independent.
    """

    inner: Criterion | None
    scale: Scale
    bounds: Sequence[Posterior]

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        chance = np.zeros(len(x))
        for bound in self.bounds:
            mean, variance = bound.moments(x)
            chance += log_distribution(-mean / np.sqrt(np.maximum(variance, LEAST_STD**2)))
        if self.inner is None:
            return chance
        value = self.inner.value(x)
        return value * np.exp(chance) if self.scale == "positive" else value + chance
