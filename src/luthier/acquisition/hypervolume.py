"""Expected improvement of the hypervolume that a Pareto front dominates, for two and three objectives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import numpy as np

from luthier._typing import Floats, Integers
from luthier.acquisition.criterion import LEAST_STD, smooth_where, standard_deviation
from luthier.acquisition.directional_hypervolume import LogDirectionalEHVI, directional_hypervolume
from luthier.acquisition.normal import log_difference, log_distribution, log_improvement
from luthier.acquisition.protocol import AcquisitionContext, ValueScale
from luthier.acquisition.weighting.shared_results import SharedResults
from luthier.key import Key
from luthier.numeric import Boxes, free_boxes, non_dominated
from luthier.surrogate import Differentiable, Moments, Posterior, supports

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
_MARGIN = 0.1
"""The reference point lies beyond the front by this share of its width."""
_MOST_BOXED = 3
"""With more objectives there are too many boxes."""
_USUAL = 0.9
"""It is no better than this quantile of the losses: a front that is still narrow may grow beyond its ends."""


@dataclass(frozen=True, slots=True, eq=False)
class LogEHVI:
    """Logarithm of the expected hypervolume improvement, from a posterior of each objective.

    The part of the losses' space that no trial dominates is divided into boxes; within one of them the improvement is a
    product over the objectives, whose expectations are differences of expected improvements:
    ``EHVI(x) = Σ_b Π_j [EI_j(high_bj) - EI_j(low_bj)]`` with ``EI_j(t) = E max(t - f_j(x), 0)``, the objectives taken
    as independent. Where losses below the front are unlikely, a share of EI_j at the front's lowest loss is taken from
    every box that goes on below it.

    It is bound to the posteriors that it has, whichever posterior it is given.

    Args:
        posteriors: one for each of the 2 or 3 objectives, each on a scale of its own.
        boxes: what is not dominated, below the reference point, on these scales.
        beyond: (m,) what is added to the logarithm for losses below all known ones, by objective; 0 or less.
        shared: how much of it counts where a result is likely to be one that trials share; None: all of it.

    Cost: O(q (n² + b m)) for q points, n trials and b boxes.

    Source: Yang, Emmerich, Deutz and Bäck (2019), Efficient computation of expected hypervolume improvement using box
    decomposition algorithms, Journal of Global Optimization 75, eq. 13; Ament, Daulton, Eriksson, Balandat and Bakshy
    (2023), section 4.3, for the logarithm.
    """

    scale = ValueScale.LOG
    requires = (Posterior,)
    handles_pending = False

    posteriors: tuple[Posterior, ...]
    boxes: Boxes
    beyond: Floats
    shared: SharedResults | None = None

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.supports`."""
        return smooth_where(all(supports(posterior, Differentiable) for posterior in self.posteriors))

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> LogEHVI:
        """See `Bindable.bind`."""
        return self

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        moments = [posterior.moments(x) for posterior in self.posteriors]
        value = _log_sum(self._logs(self._sides(moments)))[0]
        return value if self.shared is None else value + self.shared.log_share(moments)

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        moments = [cast(Differentiable, posterior).moments_grad(x) for posterior in self.posteriors]
        sides = self._sides([Moments(one.mean, one.variance) for one in moments])
        value, shares = _log_sum(self._logs(sides))
        gradient = np.zeros_like(x)
        for one, side in zip(moments, sides, strict=True):
            by_mean, by_std = side.slopes(shares)
            flat = one.variance <= LEAST_STD**2
            by_variance = np.where(flat, 0.0, by_std / (2.0 * side.std))
            gradient += by_mean[:, None] * one.mean_grad + by_variance[:, None] * one.variance_grad
        return (value, gradient) if self.shared is None else self.shared.add_to(value, gradient, moments)

    def _logs(self, sides: Sequence[_Side]) -> Floats:
        """Give the logarithm of what each box contributes, (q, b)."""
        logs: Floats = np.sum([side.log_gain for side in sides], axis=0)
        return logs

    def _sides(self, moments: Sequence[Moments]) -> list[_Side]:
        least = self.boxes.highs.min(axis=0)  # of the front: a box that is open below ends there, or farther up
        with np.errstate(divide="ignore"):
            withheld = np.log(-np.expm1(self.beyond))
        ends = [(self.boxes.lows[:, j], self.boxes.highs[:, j]) for j in range(len(moments))]
        return [_side(one, *ends[j], float(least[j]), float(withheld[j])) for j, one in enumerate(moments)]


def bind_hypervolume(
    posteriors: Sequence[Posterior],
    points: Floats,
    beyond: Floats | None = None,
    key: Key | None = None,
    sharing: Integers | None = None,
) -> LogEHVI | LogDirectionalEHVI:
    """Make the criterion of an improvement on the front of the predicted means.

    The reference point is beyond the front by a tenth of its width, and no better than the 0.9 quantile of the means,
    in each objective. Of two and three objectives the improvement is in closed form; of more it is along directions.

    Args:
        posteriors: one for each objective, conditioned on pending points.
        points: (n, d) that keep the outcome constraints, tried or pending, n at least 1.
        beyond: see `LogEHVI`; None: nothing.
        key: draws the directions for more than three objectives; None: always the same ones.
        sharing: (n,) how many trials have the result of each point, 1 where it is alone; None: all are alone.
    """
    means = np.column_stack([posterior.moments(points).mean for posterior in posteriors])
    front = means[non_dominated(means)]
    reference = reference_point(means, front)
    less = np.zeros(len(reference)) if beyond is None else beyond
    shared = None if sharing is None or (sharing < 2).all() else SharedResults.of(means, sharing)
    if len(reference) > _MOST_BOXED:
        return replace(directional_hypervolume(posteriors, front, reference, less, key or Key.of(0)), shared=shared)
    return LogEHVI(tuple(posteriors), free_boxes(front, reference), less, shared)


def reference_point(means: Floats, front: Floats) -> Floats:
    """Give the point below which volume counts, (m,): see `bind_hypervolume`.

    Args:
        means: (n, m) predicted losses.
        front: (f, m) those of them that no other one dominates.
    """
    width = np.maximum(np.ptp(front, axis=0), LEAST_STD)
    found: Floats = np.maximum(front.max(axis=0) + _MARGIN * width, np.quantile(means, _USUAL, axis=0))
    return found


class _Side(NamedTuple):
    """What one objective contributes at q points to b boxes.

    Args:
        std: (q,) of the objective.
        log_gain: (q, b) log of EI(high) - EI(low).
        thresholds: (q, t) the standardised values of all ends of boxes.
        high: (b,) the place of each upper end among them.
        low: (b,) of each lower end; where there is none, of the lowest upper end.
        log_weight: (b,) log of what EI(low) counts: 0, but for boxes without a lower end.
    """

    std: Floats
    log_gain: Floats
    thresholds: Floats
    high: Integers
    low: Integers
    log_weight: Floats

    def slopes(self, shares: Floats) -> tuple[Floats, Floats]:
        """Give the partial derivatives of the logarithm of the sum by mean and std, (q,) each.

        Args:
            shares: (q, b) of each box in the sum.
        """
        below = log_distribution(self.thresholds)
        at = -0.5 * self.thresholds**2 - _HALF_LOG_2PI
        return (
            self._total(shares, below[:, self.low] + self.log_weight) - self._total(shares, below[:, self.high]),
            self._total(shares, at[:, self.high]) - self._total(shares, at[:, self.low] + self.log_weight),
        )

    def _total(self, shares: Floats, logs: Floats) -> Floats:
        """Give Σ_b share_b e^(log at an end of b) / gain_b; (q,)."""
        exponent = np.where(shares > 0.0, logs - self.log_gain, -np.inf)
        total: Floats = (shares * np.exp(exponent)).sum(axis=1)
        return total


def _side(moments: Moments, lows: Floats, highs: Floats, least: float, withheld: float) -> _Side:
    """Give what one objective contributes.

    Args:
        moments: at q points.
        lows, highs: (b,) ends of the boxes.
        least: the lowest loss of the front.
        withheld: log of the share of EI(least) that does not count, in boxes that go on below it.
    """
    std = standard_deviation(moments.variance)
    bounded = np.isfinite(lows)
    ends, places = np.unique(np.concatenate([highs, np.where(bounded, lows, least)]), return_inverse=True)
    high, low = np.split(places.astype(np.int64), 2)
    thresholds = (ends - moments.mean[:, None]) / std[:, None]
    logs = np.log(std)[:, None] + log_improvement(thresholds)
    log_weight = np.where(bounded, 0.0, withheld)
    return _Side(std, log_difference(logs[:, high], logs[:, low] + log_weight), thresholds, high, low, log_weight)


def _log_sum(logs: Floats) -> tuple[Floats, Floats]:
    """Give the logarithm of the sum over the boxes, (q,), and the share of each, (q, b)."""
    top = logs.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    parts = np.exp(logs - top)
    total = parts.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        value: Floats = (top + np.log(total))[:, 0]
    return value, parts / np.where(total > 0.0, total, 1.0)
