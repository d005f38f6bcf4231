"""An acquisition weighed by the probability that outcome constraints hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.acquisition.criterion import LEAST_STD
from luthier.acquisition.normal import log_distribution
from luthier.surrogate.protocol import Posterior

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Feasible:
    """A criterion: an acquisition times Π_j P(violation_j at most 0), or the sum of their logarithms.

    Args:
        inner: the acquisition's value at points (q, d); None where nothing feasible is known yet: then the probability
            alone decides (Gardner et al. 2014, section 3).
        product: multiply the value by the probability; else add the logarithm, for values that are logarithms or
            stand in units of the model's deviations.
        bounds: models of the violations, which are independent.
    """

    inner: Callable[[Floats], Floats] | None
    product: bool
    bounds: Sequence[Posterior]

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        chance = np.zeros(len(x))
        for bound in self.bounds:
            mean, variance = bound.moments(x)
            chance += log_distribution(-mean / np.sqrt(np.maximum(variance, LEAST_STD**2)))
        if self.inner is None:
            return chance
        return self.inner(x) * np.exp(chance) if self.product else self.inner(x) + chance
