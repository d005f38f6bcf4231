"""Mixture of posteriors with weights, which has the abilities that all of them have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from luthier._typing import Floats, Integers
from luthier.key import Key
from luthier.surrogate.protocol import (
    Conditionable,
    Differentiable,
    Draws,
    IsMixture,
    Joint,
    Moments,
    MomentsGrad,
    Pathwise,
    Posterior,
    SupportsCovariance,
    SupportsLeaveOneOut,
    SupportsNoiselessDraws,
)

SHARED: tuple[type, ...] = (
    Differentiable,
    Joint,
    Pathwise,
    SupportsCovariance,
    Conditionable,
    SupportsNoiselessDraws,
    SupportsLeaveOneOut,
)
"""The abilities that a mixture has if all members have them."""


def mixture_abilities(members: Iterable[Iterable[type]]) -> tuple[type, ...]:
    """Give the abilities of a mixture from those of each member."""
    given = [frozenset(abilities) for abilities in members]
    return (Posterior, IsMixture, *(ability for ability in SHARED if all(ability in one for one in given)))


@dataclass(frozen=True, slots=True, eq=False)
class MixturePosterior:
    """A mixture: one of the members is right, each with the probability that is its weight.

    Args:
        members: posteriors, all on one scale.
        weights: (members,), positive, summing to one.
        abilities: of the mixture (see `mixture_abilities`); the methods of others must not be called.
    """

    members: Sequence[Posterior]
    weights: Floats
    abilities: tuple[type, ...]

    @property
    def best(self) -> float:
        """The lowest loss, on the members' scale."""
        return min(member.best for member in self.members)

    @property
    def noise_variance(self) -> float:
        """See `luthier.surrogate.protocol.SupportsCovariance`: the weighted mean of the members'."""
        return float(
            self.weights @ np.array([cast(SupportsCovariance, member).noise_variance for member in self.members])
        )

    def moments(self, x: Floats) -> Moments:
        """Give mean and variance at `x` (q, d), by the law of total variance."""
        mean, variance = _stacked(member.moments(x) for member in self.members)
        centre = self.weights @ mean
        return Moments(centre, self.weights @ (variance + (mean - centre) ** 2))

    def moments_grad(self, x: Floats) -> MomentsGrad:
        """See `luthier.surrogate.protocol.Differentiable`."""
        parts = (cast(Differentiable, member).moments_grad(x) for member in self.members)
        mean, variance, mean_grad, variance_grad = _stacked(parts)
        centre = self.weights @ mean
        apart = mean - centre
        # The weighted distances of the means from their centre sum to zero, so the gradient of the centre drops out.
        slope = variance_grad + 2.0 * apart[:, :, None] * mean_grad
        return MomentsGrad(
            centre,
            self.weights @ (variance + apart**2),
            np.tensordot(self.weights, mean_grad, 1),
            np.tensordot(self.weights, slope, 1),
        )

    def sample(self, x: Floats, base: Floats) -> Floats:
        """See `luthier.surrogate.protocol.Joint`.

        The first number of a row of `base`, through the normal distribution function, chooses the member; its position
        within that member's share of (0, 1) is uniform again, and replaces it as a normal number.
        """
        from scipy.special import ndtr, ndtri

        drawn = np.empty((len(base), len(x)))
        if not len(x):
            return drawn
        uniform = ndtr(base[:, 0])
        cumulative = np.cumsum(self.weights)
        chosen = np.minimum(np.searchsorted(cumulative, uniform, side="right"), len(cumulative) - 1)
        within = (uniform - (cumulative - self.weights)[chosen]) / self.weights[chosen]
        normal = base.copy()
        normal[:, 0] = ndtri(np.clip(within, 1e-12, 1.0 - 1e-12))
        for place, member in enumerate(self.members):
            rows = np.flatnonzero(chosen == place)
            if len(rows):
                drawn[rows] = cast(Joint, member).sample(x, normal[rows])
        return drawn

    def paths(self, key: Key, count: int) -> Callable[[Floats], Floats]:
        """See `luthier.surrogate.protocol.Pathwise`: each function is one member's."""
        drawn = [
            (rows, cast(Pathwise, self.members[place]).paths(key.fold("paths", place), len(rows)))
            for place, rows in self._allocate(key, count)
        ]

        def evaluate(x: Floats) -> Floats:
            values = np.empty((count, len(x)))
            for rows, functions in drawn:
                values[rows] = functions(x)
            return values

        return evaluate

    def cross_covariance(self, x: Floats, z: Floats) -> Floats:
        """See `luthier.surrogate.protocol.SupportsCovariance`: by the law of total covariance."""
        at_x = np.stack([member.moments(x).mean for member in self.members])
        at_z = np.stack([member.moments(z).mean for member in self.members])
        between = (at_x - self.weights @ at_x).T * self.weights @ (at_z - self.weights @ at_z)
        within = np.stack([cast(SupportsCovariance, member).cross_covariance(x, z) for member in self.members])
        covariance: Floats = np.tensordot(self.weights, within, 1) + between
        return covariance

    def condition(self, x: Floats, losses: Floats | None = None) -> MixturePosterior:
        """See `luthier.surrogate.protocol.Conditionable`: without `losses` each member takes its own means."""
        return replace(self, members=[cast(Conditionable, member).condition(x, losses) for member in self.members])

    def noiseless_draws(self, key: Key, count: int, more: Floats) -> MixtureDraws:
        """See `luthier.surrogate.protocol.SupportsNoiselessDraws`: each draw is one member's."""

        def draw(place: int, rows: Integers) -> Draws:
            member = cast(SupportsNoiselessDraws, self.members[place])
            return member.noiseless_draws(key.fold("denoised", place), len(rows), more)

        return MixtureDraws([(rows, draw(place, rows)) for place, rows in self._allocate(key, count)])

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """See `SupportsLeaveOneOut`, by the members that were fitted to the most losses."""
        parts = [cast(SupportsLeaveOneOut, member).leave_one_out() for member in self.members]
        most = max(len(mean) for mean, _ in parts)
        full = [place for place, (mean, _) in enumerate(parts) if len(mean) == most]
        weights = self.weights[full] / self.weights[full].sum()
        mean, variance = _stacked(parts[place] for place in full)
        centre: Floats = weights @ mean
        return centre, weights @ (variance + (mean - centre) ** 2)

    def _allocate(self, key: Key, count: int) -> list[tuple[int, Integers]]:
        """Divide `count` draws among the members in proportion to their weights; those without a draw are left out.

        The places are evenly spaced from a random one on (systematic sampling: Madow and Madow 1944), and shuffled.
        """
        cumulative, stream = np.cumsum(self.weights), key.fold("member")
        places = (stream.fold("order").permutation(count) + stream.uniform()) / max(count, 1)
        chosen = np.minimum(np.searchsorted(cumulative, places, side="right"), len(cumulative) - 1)
        return [(place, np.flatnonzero(chosen == place)) for place in np.unique(chosen).tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class MixtureDraws:
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


def _stacked(parts: Iterable[tuple[Floats, ...]]) -> tuple[Floats, ...]:
    return tuple(np.stack(part) for part in zip(*parts, strict=True))
