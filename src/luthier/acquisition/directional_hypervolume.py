"""Expected improvement of the hypervolume along random directions, for four and more objectives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.criterion import LEAST_STD, smooth_where, standard_deviation
from luthier.acquisition.normal import log_distribution
from luthier.acquisition.protocol import AcquisitionContext, ValueScale
from luthier.acquisition.weighting.shared_results import SharedResults
from luthier.key import Key
from luthier.numeric import quasi_normal
from luthier.surrogate import Differentiable, Moments, Posterior, supports

_DIRECTIONS = 64
_NODES = 6
"""The number of nodes of the integral along each direction; they are densest where an improvement begins."""
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True, slots=True, eq=False)
class LogDirectionalEHVI:
    """Logarithm of the expected hypervolume improvement for m objectives, by common random directions.

    From the reference point r the front is seen in directions λ on the positive unit sphere; the hypervolume is the
    mean of the m-th powers u^m of the lengths up to the front, times a constant. A point y improves on the length in
    one of them with ``P(u) = Π_j P(y_j ≤ r_j - λ_j u)``, so that ``EHVI = c E_λ ∫ m u^(m-1) P(u) du`` from the front
    on. The directions are the same for all points; the integral is a Gauss-Legendre sum in the square root of the
    distance from the front. The cost does not depend on the size of the front.

    It is bound to the posteriors that it has, whichever posterior it is given.

    Args:
        posteriors: one for each of the m objectives, each on a scale of its own.
        thresholds: (t, m) the points r - λ u of all directions and nodes.
        log_weights: (t,) logarithms of the nodes' weights.
        shared: see `LogEHVI`.

    Cost: O(q (n² + t m)) for q points and n trials.

    Source: Zhang and Golovin (2020), Random hypervolume scalarizations for provable multi-objective black box
    optimization, ICML, lemma 5, for the volume by directions; the expectation in closed form along each is ours.
    """

    scale = ValueScale.LOG
    requires = (Posterior,)
    handles_pending = False

    posteriors: tuple[Posterior, ...]
    thresholds: Floats
    log_weights: Floats
    shared: SharedResults | None = None

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.supports`."""
        return smooth_where(all(supports(posterior, Differentiable) for posterior in self.posteriors))

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> LogDirectionalEHVI:
        """See `Bindable.bind`."""
        return self

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        logs = np.broadcast_to(self.log_weights, (len(x), len(self.log_weights))).copy()
        moments = [posterior.moments(x) for posterior in self.posteriors]
        for place, one in enumerate(moments):
            logs += log_distribution(self._standardized(one, place)[0])
        value = _log_sum(logs)[0]
        return value if self.shared is None else value + self.shared.log_share(moments)

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        moments = [cast(Differentiable, posterior).moments_grad(x) for posterior in self.posteriors]
        sides = [self._standardized(Moments(one.mean, one.variance), place) for place, one in enumerate(moments)]
        chances = [log_distribution(z) for z, _ in sides]
        value, shares = _log_sum(self.log_weights + np.sum(chances, axis=0))
        gradient = np.zeros_like(x)
        for one, (z, std), chance in zip(moments, sides, chances, strict=True):
            slopes = shares * np.exp(-0.5 * z * z - _HALF_LOG_2PI - chance)
            by_mean, by_std = -slopes.sum(axis=1) / std, -(slopes * z).sum(axis=1) / std
            by_variance = np.where(one.variance <= LEAST_STD**2, 0.0, by_std / (2.0 * std))
            gradient += by_mean[:, None] * one.mean_grad + by_variance[:, None] * one.variance_grad
        return (value, gradient) if self.shared is None else self.shared.add_to(value, gradient, moments)

    def _standardized(self, moments: Moments, place: int) -> tuple[Floats, Floats]:
        """Give the thresholds of one objective in standard deviations from the mean, (q, t); and these, (q,)."""
        std = standard_deviation(moments.variance)
        return (self.thresholds[:, place] - moments.mean[:, None]) / std[:, None], std


def directional_hypervolume(
    posteriors: Sequence[Posterior],
    front: Floats,
    reference: Floats,
    beyond: Floats,
    key: Key,
    directions: int = _DIRECTIONS,
) -> LogDirectionalEHVI:
    """Make the criterion of an improvement on a front.

    Args:
        posteriors: one for each of the m objectives.
        front: (n, m) losses on the posteriors' scales, n at least 1.
        reference: (m,) worse than the front.
        beyond: (m,) what is added to the logarithm for losses below all known ones, by objective; 0 or less.
        key: draws the directions.
        directions: how many, best a power of 2.

    Integrals end where an objective would fall below its best known loss by the width from there to the reference
    point: no model is asked what lies farther.
    """
    count = len(reference)
    drawn = np.abs(quasi_normal(key, directions, count)) + 1e-9
    units = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    lengths = ((reference - front)[None] / units[:, None]).min(axis=2).max(axis=1)  # (h,) up to the front
    lengths = np.maximum(lengths, 0.0)
    ends = (2.0 * (reference - front.min(axis=0)) / units).min(axis=1)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    roots, weights = 0.5 * (nodes + 1.0), 0.5 * weights
    spans = np.maximum(ends - lengths, LEAST_STD)[:, None]
    u = lengths[:, None] + spans * roots**2
    scale = math.log(count) + 0.5 * count * math.log(math.pi) - count * math.log(2.0) - math.lgamma(0.5 * count + 1.0)
    logs = scale - math.log(directions) + (count - 1) * np.log(u) + np.log(2.0 * roots * weights) + np.log(spans)
    thresholds = reference - u[:, :, None] * units[:, None, :]
    lower = (thresholds < front.min(axis=0)) @ beyond
    return LogDirectionalEHVI(tuple(posteriors), thresholds.reshape(-1, count), (logs + lower).ravel())


def _log_sum(logs: Floats) -> tuple[Floats, Floats]:
    """Give the logarithm of the sum over the last axis, (q,), and the share of each term, (q, t)."""
    top = logs.max(axis=1, keepdims=True)
    parts = np.exp(logs - top)
    total = parts.sum(axis=1, keepdims=True)
    value: Floats = (top + np.log(total))[:, 0]
    return value, parts / total
