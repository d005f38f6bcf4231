"""Posterior density of hyperparameters that include input warps.

Source: Snoek, Swersky, Zemel and Adams (2014), Input warping for Bayesian optimization, section 3.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from luthier._typing import Floats
from luthier.surrogate.gp.embedding import Embedding
from luthier.surrogate.gp.input_warping import Warp, warpable
from luthier.surrogate.gp.kernel import Radial, squares
from luthier.surrogate.gp.marginal_likelihood import Drift, HyperparameterPosterior, Hyperpriors


class WarpedHyperparameterPosterior:
    """The negative log posterior density of length-scales, noise and warps, for given data.

    Args:
        embedding: the coordinates.
        x: (n, d) the points.
        y, noise, kernel, hyperpriors, drift: see `HyperparameterPosterior`.
    """

    __slots__ = ("_fixed", "_flat", "_lower", "_owners", "_places", "_std", "_upper", "_warped", "_x")

    def __init__(
        self,
        embedding: Embedding,
        x: Floats,
        y: Floats,
        noise: Floats | None,
        kernel: Callable[[Floats], Radial],
        hyperpriors: Hyperpriors,
        drift: Drift | None = None,
    ) -> None:
        self._places = warpable(embedding.columns)
        self._warped = [int(np.flatnonzero(embedding.sources == place)[0]) for place in self._places]
        self._fixed = embedding.embed(x)
        self._fixed[:, self._warped] = 0.0
        self._flat = HyperparameterPosterior(embedding, self._fixed, y, noise, kernel, hyperpriors, drift)
        self._lower, self._upper = np.tril_indices(len(x), -1)
        self._owners = embedding.owners
        self._x, self._std = x, hyperpriors.log_warp_std

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """See `LogDensity.bounds`."""
        return self._flat.bounds + ((-2.0, 2.0),) * (2 * len(self._places))

    @property
    def width(self) -> Floats:
        """See `LogDensity.width`."""
        return np.append(self._flat.width, np.full(2 * len(self._places), self._std))

    def start(self) -> Floats:
        """Give the start of length-scales and noise, and no warping."""
        return np.append(self._flat.start(), np.zeros(2 * len(self._places)))

    def value(self, theta: Floats) -> float:
        """Give the negative log posterior, up to a constant, at `theta` (v + 1 + 2 w,)."""
        plain, shape = self._split(theta)
        coordinates = self._fixed.copy()
        coordinates[:, self._warped] = Warp(self._places, shape).values(self._x)
        scaled = coordinates * np.exp(-plain[:-1])[self._owners]
        value = self._flat.value_at(plain, squares(scaled, scaled)[self._lower, self._upper])
        return value + 0.5 * float(shape @ shape) / self._std**2

    def value_grad(self, theta: Floats) -> tuple[float, Floats]:
        """Give the negative log posterior, up to a constant, and its gradient. O(n³ + (v + w) n²)."""
        plain, shape = self._split(theta)
        warped = Warp(self._places, shape).partials(self._x)
        value, gradient, by_r2 = self._flat.value_grad_at(plain, self._distances(warped.value))
        n, w = len(self._x), len(self._places)
        pairs = np.zeros((n, n))
        pairs[self._lower, self._upper] = by_r2
        pairs += pairs.T
        weights = 2.0 * np.exp(-2.0 * plain[self._owners[self._warped]])
        by_value = weights * (warped.value * pairs.sum(axis=1)[:, None] - pairs @ warped.value)
        by_shape = np.empty(2 * w)
        by_shape[:w] = (by_value * warped.by_log_a).sum(axis=0)
        by_shape[w:] = (by_value * warped.by_log_b).sum(axis=0)
        prior = 0.5 * float(shape @ shape) / self._std**2
        return value + prior, np.append(gradient, by_shape + shape / self._std**2)

    def _split(self, theta: Floats) -> tuple[Floats, Floats]:
        at = self._flat.variables + 1
        return theta[:at], theta[at:]

    def _distances(self, warped: Floats) -> Floats:
        """Add the squared distances of the warped columns (n, w) to those of the others."""
        distances = self._flat.distances.copy()
        for place, owner in enumerate(self._owners[self._warped]):
            distances[owner] += (warped[self._lower, place] - warped[self._upper, place]) ** 2
        return distances
