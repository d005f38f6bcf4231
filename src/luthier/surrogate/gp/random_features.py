"""Random Fourier features: functions drawn from the prior of a stationary kernel.

Source: Rahimi and Recht (2007), Random features for large-scale kernel machines, with the pair of a cosine and a sine
for each frequency (Sutherland and Schneider 2015). For their use in draws from a posterior: Wilson, Borovitskiy,
Terenin, Mostowsky and Deisenroth (2020), Efficiently sampling functions from Gaussian process posteriors, eq. 9
(Matheron's rule).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats
from luthier.key import Key
from luthier.surrogate.gp.kernel import DetailedKernel, Radial, matern32, matern52

FREQUENCIES = 512
"""The number of frequencies: the error of a draw's covariances is about 1/sqrt(2 · 512) of the variance."""

_FREEDOM: dict[Callable[[Floats], Radial], int] = {matern52: 5, matern32: 3}
"""The spectral density of a Matérn kernel of smoothness ν is a multivariate t density with 2ν degrees of freedom, that
of the squared exponential kernel a normal one (Rasmussen and Williams 2006, eq. 4.15)."""


@dataclass(frozen=True, slots=True, eq=False)
class RandomFourierFeatures:
    """Functions drawn from the prior of a kernel, of variance 1.

    Args:
        frequencies: (f, e) in scaled coordinates.
        weights: (2 f, s) of cosines and then of sines, one column for each function.
    """

    frequencies: Floats
    weights: Floats

    @classmethod
    def draw(cls, kernel: Callable[[Floats], Radial], coordinates: int, count: int, key: Key) -> RandomFourierFeatures:
        """Draw `count` functions of the given number of coordinates; they share the frequencies.

        Those with fine detail are a sum of two, and have twice as many.
        """
        if isinstance(kernel, DetailedKernel):
            smooth = cls.draw(kernel.base, coordinates, count, key)
            return smooth.with_detail(cls.draw(kernel.base, coordinates, count, key.fold("detail")), kernel)
        frequencies = key.fold("frequencies").normal((FREQUENCIES, coordinates))
        freedom = _FREEDOM.get(kernel)
        if freedom is not None:
            chi2 = (key.fold("spread").normal((FREQUENCIES, freedom)) ** 2).sum(axis=1)
            frequencies *= np.sqrt(freedom / chi2)[:, None]
        weights = key.fold("weights").normal((2 * FREQUENCIES, count)) / math.sqrt(FREQUENCIES)
        return cls(frequencies, weights)

    def with_detail(self, detail: RandomFourierFeatures, kernel: DetailedKernel) -> RandomFourierFeatures:
        """Add functions of the same base kernel as the detail of these."""
        parts = zip(np.split(self.weights, 2), np.split(detail.weights, 2), strict=True)
        weights = [np.concatenate([one, math.sqrt(kernel.share) * other]) for one, other in parts]
        frequencies = np.concatenate([self.frequencies, kernel.finer * detail.frequencies])
        return RandomFourierFeatures(frequencies, np.concatenate(weights) / math.sqrt(1.0 + kernel.share))

    def value(self, at: Floats) -> Floats:
        """Give the functions at scaled coordinates `at` (q, e); shape (q, s). Cost O(q f (e + s))."""
        phase = at @ self.frequencies.T
        f = len(self.frequencies)
        value: Floats = np.cos(phase) @ self.weights[:f] + np.sin(phase) @ self.weights[f:]
        return value
