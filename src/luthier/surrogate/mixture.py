"""The posterior of several models of different weights: a mixture, which can do what all of them can."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

import numpy as np

from luthier._typing import Floats, Integers
from luthier.key import Key
from luthier.surrogate.protocol import (
    Conditionable,
    Differentiable,
    Draws,
    Joint,
    Moments,
    MomentsGrad,
    Pathwise,
    Posterior,
    SupportsCovariance,
    SupportsLeaveOneOut,
    SupportsNoiselessDraws,
)


@dataclass(frozen=True, eq=False)
class MixturePosterior:
    """A mixture: one of the members is right, each with the probability that is its weight; ability `Several`.

    Args:
        members: posteriors, all on one scale.
        weights: (members,), positive, summing to one.
    """

    members: Sequence[Posterior]
    weights: Floats

    @property
    def best(self) -> float:
        """The lowest loss, on the members' scale."""
        return min(member.best for member in self.members)

    def moments(self, x: Floats) -> Moments:
        """Give mean and variance at `x` (q, d), by the law of total variance."""
        mean, variance = _stacked(member.moments(x) for member in self.members)
        centre = self.weights @ mean
        return Moments(centre, self.weights @ (variance + (mean - centre) ** 2))

    def _drawn(self, key: Key, count: int) -> list[tuple[int, Integers]]:
        """Say which of `count` functions are those of which member, where it has any: each as often as it weighs.

        The places are evenly spaced from a random one on (systematic sampling: Madow and Madow 1944), and then mixed.
        """
        above, stream = np.cumsum(self.weights), key.fold("member")
        places = (stream.fold("order").permutation(count) + stream.uniform()) / max(count, 1)
        chosen = np.minimum(np.searchsorted(above, places, side="right"), len(above) - 1)
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


class _Differentiable(MixturePosterior):
    def moments_grad(self, x: Floats) -> MomentsGrad:
        """See `luthier.surrogate.protocol.Differentiable`."""
        parts = [cast(Differentiable, member).moments_grad(x) for member in self.members]
        mean, variance, mean_grad, variance_grad = _stacked(parts)
        centre = self.weights @ mean
        apart = mean - centre
        # The members' distances from the centre sum to nothing, so the centre's own gradient drops out.
        slope = variance_grad + 2.0 * apart[:, :, None] * mean_grad
        return MomentsGrad(
            centre,
            self.weights @ (variance + apart**2),
            np.tensordot(self.weights, mean_grad, 1),
            np.tensordot(self.weights, slope, 1),
        )


class _Joint(MixturePosterior):
    def sample(self, x: Floats, base: Floats) -> Floats:
        """See `luthier.surrogate.protocol.Joint`.

        The first number of a row of `base`, through the normal distribution function, chooses the member; the place
        within that member's share of (0, 1) is uniform again, and the row's first normal number from there on.
        """
        from scipy.special import ndtr, ndtri

        drawn = np.empty((len(base), len(x)))
        if not len(x):
            return drawn
        uniform = ndtr(base[:, 0])
        above = np.cumsum(self.weights)
        chosen = np.minimum(np.searchsorted(above, uniform, side="right"), len(above) - 1)
        within = (uniform - (above - self.weights)[chosen]) / self.weights[chosen]
        normal = base.copy()
        normal[:, 0] = ndtri(np.clip(within, 1e-12, 1.0 - 1e-12))
        for place, member in enumerate(self.members):
            rows = np.flatnonzero(chosen == place)
            if len(rows):
                drawn[rows] = cast(Joint, member).sample(x, normal[rows])
        return drawn


class _Pathwise(MixturePosterior):
    def paths(self, key: Key, count: int) -> Callable[[Floats], Floats]:
        """See `luthier.surrogate.protocol.Pathwise`: each function is one member's."""
        drawn = [
            (rows, cast(Pathwise, self.members[place]).paths(key.fold("paths", place), len(rows)))
            for place, rows in self._drawn(key, count)
        ]

        def evaluate(x: Floats) -> Floats:
            values = np.empty((count, len(x)))
            for rows, functions in drawn:
                values[rows] = functions(x)
            return values

        return evaluate


class _Covariant(MixturePosterior):
    @property
    def noise_variance(self) -> float:
        """The members' noise, weighed."""
        return float(
            self.weights @ np.array([cast(SupportsCovariance, member).noise_variance for member in self.members])
        )

    def cross(self, x: Floats, z: Floats) -> Floats:
        """See `luthier.surrogate.protocol.SupportsCovariance`: by the law of total covariance."""
        at_x = np.stack([member.moments(x).mean for member in self.members])
        at_z = np.stack([member.moments(z).mean for member in self.members])
        between = (at_x - self.weights @ at_x).T * self.weights @ (at_z - self.weights @ at_z)
        within = np.stack([cast(SupportsCovariance, member).cross(x, z) for member in self.members])
        covariance: Floats = np.tensordot(self.weights, within, 1) + between
        return covariance


class _Conditionable(MixturePosterior):
    def condition(self, x: Floats, losses: Floats | None = None) -> MixturePosterior:
        """See `luthier.surrogate.protocol.Conditionable`: where nothing is told, each member believes its own means."""
        return replace(self, members=[cast(Conditionable, member).condition(x, losses) for member in self.members])


class _Denoised(MixturePosterior):
    def denoised(self, key: Key, count: int, more: Floats) -> MixtureDraws:
        """See `luthier.surrogate.protocol.SupportsNoiselessDraws`: each draw is one member's."""
        return MixtureDraws(
            [
                (
                    rows,
                    cast(SupportsNoiselessDraws, self.members[place]).denoised(
                        key.fold("denoised", place), len(rows), more
                    ),
                )
                for place, rows in self._drawn(key, count)
            ]
        )


class _Checked(MixturePosterior):
    def residuals(self) -> tuple[Floats, Floats]:
        """See `SupportsLeaveOneOut`. Members that left out some of the losses are left out."""
        parts = [cast(SupportsLeaveOneOut, member).residuals() for member in self.members]
        most = max(len(mean) for mean, _ in parts)
        full = [place for place, (mean, _) in enumerate(parts) if len(mean) == most]
        weights = self.weights[full] / self.weights[full].sum()
        mean, variance = _stacked(parts[place] for place in full)
        centre: Floats = weights @ mean
        return centre, weights @ (variance + (mean - centre) ** 2)


ABLE: dict[type, type[MixturePosterior]] = {
    Differentiable: _Differentiable,
    Joint: _Joint,
    Pathwise: _Pathwise,
    SupportsCovariance: _Covariant,
    Conditionable: _Conditionable,
    SupportsNoiselessDraws: _Denoised,
    SupportsLeaveOneOut: _Checked,
}
"""The abilities that a mixture has if all members have them."""


def mixture_posterior(members: Sequence[Posterior], weights: Floats, abilities: Collection[type]) -> MixturePosterior:
    """Mix posteriors.

    Args:
        members: all on one scale.
        weights: (members,), positive, summing to one.
        abilities: of the mixture; those in `ABLE` are abilities of every member.
    """
    return _kind(frozenset(abilities) & frozenset(ABLE))(members, weights)


@cache
def _kind(abilities: frozenset[type]) -> type[MixturePosterior]:
    """Make the class of mixtures that have these abilities and no others."""
    parts = tuple(part for ability, part in ABLE.items() if ability in abilities)
    return type("Blend", parts or (MixturePosterior,), {})


def _stacked(parts: Any) -> tuple[Floats, ...]:
    return tuple(np.stack(part) for part in zip(*parts, strict=True))
