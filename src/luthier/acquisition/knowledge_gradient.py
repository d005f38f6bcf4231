"""Knowledge gradient: the expected decrease of the lowest posterior mean after one more evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition.best_rows import best_rows
from luthier.acquisition.criterion import average_over_members, standard_deviation
from luthier.acquisition.normal import improvement
from luthier.acquisition.protocol import AcquisitionContext, Criterion, ValueScale
from luthier.errors import InvalidSetting
from luthier.setting_types import check_setting_types
from luthier.surrogate import Posterior, SupportsCovariance


@translating_settings
@dataclass(frozen=True, slots=True)
class KnowledgeGradient:
    """The expected decrease of the lowest posterior mean over some points of the space and the evaluated point.

    ``KG(x) = min_i mean_i - E[min_i (mean_i + slope_i Z)]``, ``slope_i = cov(x_i, x) / sqrt(var(x) + noise)``, Z
    standard normal, i over the followed points and x itself.

    Args:
        points: the number of points whose means are followed: those of the lowest means, half of them among the data
            and half among points scattered over the space.

    Raises:
        InvalidSetting: `points` below 2.

    Source: Frazier, Powell and Dayanik (2009), The knowledge-gradient policy for correlated normal beliefs, eq. 14;
    Scott, Frazier and Powell (2011), The correlated knowledge gradient for simulation optimization of continuous
    parameters using Gaussian process regression, for x among the points.
    """

    scale = ValueScale.POSITIVE
    requires = (SupportsCovariance,)
    handles_pending = False

    points: int = 40

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.points < 2:
            raise InvalidSetting(f"KnowledgeGradient(points={self.points!r}): follow the means of at least 2 points")

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> Criterion:
        """See `Bindable.bind`; of a mixture, the average over its members."""

        def one(model: Posterior) -> Criterion:
            return KnowledgeGradientCriterion(cast(SupportsCovariance, model), self._followed(model, context))

        return average_over_members(posterior, one)

    def _followed(self, model: Posterior, context: AcquisitionContext) -> Floats:
        half = self.points // 2
        return np.concatenate(
            [_lowest(model, best_rows(context.data), half), _lowest(model, context.scattered, self.points - half)]
        )


@dataclass(frozen=True, slots=True, eq=False)
class KnowledgeGradientCriterion:
    """A criterion: the knowledge gradient.

    Args:
        posterior: of the loss.
        points: (k, d) the points whose means are followed.
    """

    posterior: SupportsCovariance
    points: Floats

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,). Cost that of moments and covariances, and O(q k r), r below k."""
        mean, variance = self.posterior.moments(x)
        followed = self.posterior.moments(self.points).mean
        seen = standard_deviation(variance + self.posterior.noise_variance)
        slopes = (
            np.concatenate([self.posterior.cross_covariance(x, self.points), variance[:, None]], axis=1) / seen[:, None]
        )
        starts = np.concatenate([np.broadcast_to(followed, (len(x), len(followed))), mean[:, None]], axis=1)
        return expected_decrease(starts, slopes)


def expected_decrease(starts: Floats, slopes: Floats) -> Floats:
    """Give ``min_i a_i - E[min_i (a_i + b_i Z)]`` for Z standard normal, for each of q sets of k lines.

    The lower envelope is followed from z = -inf, where the steepest line is lowest, from corner to corner, for all
    sets at once; a corner at z where the slope falls by δ adds ``δ h(-|z|)``, h(z) = φ(z) + z Φ(z).

    Args:
        starts: (q, k) a.
        slopes: (q, k) b.

    Returns:
        (q,), at least 0. Cost O(q k r), r the most lines of an envelope.

    Source: Frazier, Powell and Dayanik (2009), eq. 14, of maxima there. Their algorithm 1 finds the same envelope of
    one set by sorting the lines.
    """
    total = np.zeros(len(starts))
    rows = np.arange(len(starts))
    steepest = slopes.max(axis=1, keepdims=True)
    current = np.where(slopes == steepest, starts, math.inf).argmin(axis=1)
    while len(rows):
        a, b = starts[rows], slopes[rows]
        place = np.arange(len(rows))
        at_a, at_b = a[place, current][:, None], b[place, current][:, None]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            corners = np.where(b < at_b, (a - at_a) / (at_b - b), math.inf)
        first = corners.min(axis=1, keepdims=True)
        # Where several lines meet in a corner, the flattest goes on.
        following = np.where(corners == first, b, math.inf).argmin(axis=1)
        z = first[:, 0]
        more = np.isfinite(z)
        rows, following, z = rows[more], following[more], z[more]
        fall = at_b[more, 0] - slopes[rows, following]
        total[rows] += fall * improvement(-np.abs(z))
        current = following
    return total


def _lowest(model: Posterior, x: Floats, count: int) -> Floats:
    """Give the points of the lowest means, at most `count`."""
    return x[np.argsort(model.moments(x).mean, kind="stable")[:count]]
