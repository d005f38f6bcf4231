"""The posterior of a Gaussian process whose hyperparameters are not known, but drawn from what is believed of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from luthier.key import Key
from luthier.surrogate.gaussian import Gaussian
from luthier.surrogate.protocol import Draws, Moments, MomentsGrad

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """A mixture of Gaussian processes of equal weights, one for each draw of the hyperparameters; every ability.

    Its moments are those of the mixture, by the law of total variance, and a function is drawn by drawing a member and
    then a function of it. An acquisition function is averaged over the members (`Several`).

    Args:
        members: at least one, all of the same data on one scale.

    Source: Snoek, Larochelle and Adams (2012), Practical Bayesian optimization, section 3.2.
    """

    members: Sequence[Gaussian]

    @property
    def weights(self) -> Floats:
        """See `Several.weights`: equal ones."""
        return np.full(len(self.members), 1.0 / len(self.members))

    @property
    def best(self) -> float:
        """The lowest loss, on the posterior's scale."""
        return min(member.best for member in self.members)

    @property
    def noise_variance(self) -> float:
        """See `Covariant.noise_variance`."""
        return float(np.mean([member.noise_variance for member in self.members]))

    def moments(self, x: Floats) -> Moments:
        """See `Posterior.moments`. Cost: those of each member."""
        return _total([member.moments(x) for member in self.members])

    def moments_grad(self, x: Floats) -> MomentsGrad:
        """See `Differentiable.moments_grad`. Cost: those of each member."""
        parts = [member.moments_grad(x) for member in self.members]
        mean, variance = _total([Moments(part.mean, part.variance) for part in parts])
        mean_grad = np.mean([part.mean_grad for part in parts], axis=0)
        square_grad = np.mean(
            [part.variance_grad + 2.0 * part.mean[:, None] * part.mean_grad for part in parts], axis=0
        )
        return MomentsGrad(mean, variance, mean_grad, square_grad - 2.0 * mean[:, None] * mean_grad)

    def sample(self, x: Floats, base: Floats) -> Floats:
        """See `Joint.sample`.

        The first number of a row of `base`, through the normal distribution function, chooses the member; its place
        within that member's share of (0, 1) is uniform again, and is the row's first normal number from there on.
        """
        from scipy.special import ndtr, ndtri

        if not len(x):
            return np.empty((len(base), 0))
        count = len(self.members)
        share = ndtr(base[:, 0]) * count
        chosen = np.minimum(share.astype(np.int64), count - 1)
        normal = base.copy()
        normal[:, 0] = ndtri(np.clip(share - chosen, 1e-12, 1.0 - 1e-12))
        drawn = np.empty((len(base), len(x)))
        for number in np.unique(chosen):
            rows = chosen == number
            drawn[rows] = self.members[number].sample(x, normal[rows])
        return drawn

    def condition(self, x: Floats, losses: Floats | None = None) -> Marginal:
        """See `Conditionable.condition`; each member believes its own mean."""
        return Marginal([member.condition(x, losses) for member in self.members])

    def paths(self, key: Key, count: int) -> Callable[[Floats], Floats]:
        """See `Pathwise.paths`: members take turns, in random order."""
        drawn = [
            (rows, self.members[number].paths(key.fold(number), len(rows))) for number, rows in self._turns(key, count)
        ]

        def values(x: Floats) -> Floats:
            found = np.empty((count, len(x)))
            for rows, functions in drawn:
                found[rows] = functions(x)
            return found

        return values

    def cross(self, x: Floats, z: Floats) -> Floats:
        """See `Covariant.cross`: the mean of the members' covariances, and the covariance of their means."""
        within = np.mean([member.cross(x, z) for member in self.members], axis=0)
        at_x = np.stack([member.moments(x).mean for member in self.members])
        at_z = np.stack([member.moments(z).mean for member in self.members])
        between = (at_x - at_x.mean(axis=0)).T @ (at_z - at_z.mean(axis=0)) / len(self.members)
        covariance: Floats = within + between
        return covariance

    def denoised(self, key: Key, count: int, more: Floats) -> MarginalDraws:
        """See `Denoised.denoised`: members take turns, in random order."""
        return MarginalDraws(
            [
                (rows, self.members[number].denoised(key.fold(number), len(rows), more))
                for number, rows in self._turns(key, count)
            ]
        )

    def residuals(self) -> tuple[Floats, Floats]:
        """Give leave-one-out means and variances of the n observations, (n,) each, for hyperparameters of all data."""
        parts = [member.residuals() for member in self.members]
        mean, variance = _total([Moments(*part) for part in parts])
        return mean, variance

    def _turns(self, key: Key, count: int) -> list[tuple[int, Integers]]:
        """Say which of `count` draws are those of which member, for members that have any."""
        order = key.fold("member").permutation(len(self.members)).tolist()
        turns = np.arange(count) % len(order)
        return [(number, np.flatnonzero(turns == place)) for place, number in enumerate(order[:count])]


@dataclass(frozen=True, slots=True, eq=False)
class MarginalDraws:
    """Draws of several members; their variances differ.

    Args:
        parts: which of the s draws are those of a member, and these draws.
    """

    parts: Sequence[tuple[Integers, Draws]]

    def moments(self, x: Floats) -> Moments:
        """Give means and variances at `x` (q, d) of all draws, (s, q) each."""
        count = sum(len(rows) for rows, _ in self.parts)
        mean, variance = np.empty((count, len(x))), np.empty((count, len(x)))
        for rows, draws in self.parts:
            mean[rows], variance[rows] = draws.moments(x)
        return Moments(mean, variance)


def _total(parts: Sequence[Moments]) -> Moments:
    """Give mean and variance of a mixture of equal weights, by the law of total variance."""
    means = np.stack([part.mean for part in parts])
    variances = np.stack([part.variance for part in parts])
    return Moments(means.mean(axis=0), variances.mean(axis=0) + means.var(axis=0))
