"""Posterior of an ensemble of partitions of the space, such as the trees of a forest.

Each member is as likely to be right as the others. It divides the space into leaves, and in each leaf the function is
its mean and its standard deviation times one normal number, independent of the other leaves (a constant, where mean and
deviation are): so a function is drawn by drawing a member, and a number for each of its leaves. Moments, covariances,
joint draws and drawn functions are all those of this distribution.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.key import Key
from luthier.surrogate.cross_validation import moments_of_others
from luthier.surrogate.protocol import Moments


class MemberMoments(NamedTuple):
    """Moments by one member at q points: means and variances (q,), and the number of the leaf of each point (q,)."""

    mean: Floats
    variance: Floats
    leaf: Integers


class PartitionEnsemble(ABC):
    """A posterior of T members; with a `noise_variance` it has the abilities of a forest.

    Source: the moments after Hutter, Xu, Hoos and Leyton-Brown (2014), Algorithm runtime prediction, section 4.3.2.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def losses(self) -> Floats:
        """The losses of the data, on the posterior's scale, shape (n,)."""

    @property
    @abstractmethod
    def leaves(self) -> tuple[int, ...]:
        """The number of leaves of each member, (T,)."""

    @abstractmethod
    def moments_of(self, number: int, x: Floats) -> MemberMoments:
        """Give the moments by member `number` at `x` (q, d)."""

    @abstractmethod
    def leave_one_out(self) -> tuple[Floats, Floats]:
        """See `luthier.surrogate.protocol.SupportsLeaveOneOut`."""

    @property
    def best(self) -> float:
        """The lowest loss, on the posterior's scale."""
        return float(self.losses.min())

    def member_moments(self, x: Floats) -> MemberMoments:
        """Give the moments by all members at `x` (q, d); three arrays of shape (T, q)."""
        return stack_moments([self.moments_of(number, x) for number in range(len(self.leaves))])

    def moments(self, x: Floats) -> Moments:
        """Give mean and variance at `x` (q, d), by the law of total variance over the members.

        ``variance = mean over members of (variance + mean²) - (mean of the means)²``.
        """
        return mixture_moments(self.member_moments(x))

    def sample(self, x: Floats, base: Floats) -> Floats:
        """See `luthier.surrogate.protocol.Joint`. Cost: the moments by all members, and O(s q).

        The first number of a row of `base`, through the normal distribution function, chooses the member; its position
        within that member's share of (0, 1) is uniform again, and replaces it as a normal number. The value of a leaf
        is then drawn with the number that belongs to the first point of `x` in it.
        """
        from scipy.special import ndtr, ndtri

        if not len(x):
            return np.empty((len(base), 0))
        mean, variance, leaf = self.member_moments(x)
        share = ndtr(base[:, 0]) * len(mean)
        member = np.minimum(share.astype(np.int64), len(mean) - 1)
        normal = base.copy()
        normal[:, 0] = ndtri(np.clip(share - member, 1e-12, 1.0 - 1e-12))
        first = np.zeros_like(leaf)
        for number in np.unique(member):
            _, index, inverse = np.unique(leaf[number], return_index=True, return_inverse=True)
            first[number] = index[inverse]
        drawn: Floats = mean[member] + np.sqrt(variance[member]) * np.take_along_axis(normal, first[member], axis=1)
        return drawn

    def paths(self, key: Key, count: int) -> Callable[[Floats], Floats]:
        """See `luthier.surrogate.protocol.Pathwise`: each drawn function is one member, with a value in each leaf."""
        leaves = self.leaves
        chosen = key.fold("model").integers(len(leaves), count)
        drawn = [
            (member, rows, np.stack([key.fold("cells", int(row)).normal(leaves[member]) for row in rows]))
            for member in np.unique(chosen).tolist()
            for rows in [np.flatnonzero(chosen == member)]
        ]

        def evaluate(x: Floats) -> Floats:
            values = np.empty((count, len(x)))
            for member, rows, normal in drawn:
                mean, variance, leaf = self.moments_of(member, x)
                values[rows] = mean + np.sqrt(variance) * normal[:, leaf]
            return values

        return evaluate

    def cross_covariance(self, x: Floats, z: Floats) -> Floats:
        """See `luthier.surrogate.protocol.SupportsCovariance`. Cost O(T q m).

        ``covariance of the means over the members + mean over the members of (the product of the standard deviations if
        both are in one leaf, else 0)``.
        """
        at_x, at_z = self.member_moments(x), self.member_moments(z)
        members = len(at_x.mean)
        std_x, std_z = np.sqrt(at_x.variance), np.sqrt(at_z.variance)
        covariance: Floats = (at_x.mean - at_x.mean.mean(axis=0)).T @ (at_z.mean - at_z.mean.mean(axis=0))
        for number in range(members):
            together = at_x.leaf[number][:, None] == at_z.leaf[number][None, :]
            covariance += np.where(together, std_x[number][:, None] * std_z[number][None, :], 0.0)
        return covariance / members


def stack_moments(parts: Sequence[MemberMoments]) -> MemberMoments:
    """Stack the moments by T members at q points into arrays (T, q)."""
    return MemberMoments(*(np.stack(part) for part in zip(*parts, strict=True)))


def mixture_moments(members: MemberMoments) -> Moments:
    """Give mean and variance of a mixture of T members (T, q) of equal weight, (q,) each."""
    mean, variance, _ = members
    return Moments(mean.mean(axis=0), variance.mean(axis=0) + mean.var(axis=0))


def out_of_bag(members: MemberMoments, out: Bools, losses: Floats) -> tuple[Floats, Floats]:
    """Give means and variances of n losses by the members that were not fitted to them.

    Args:
        members: the moments by all members at the n points, (T, n) each.
        out: (T, n) whether a member was not fitted to a loss.
        losses: (n,), on the posterior's scale. A loss that fewer than two members were not fitted to is predicted by
            the mean and variance of all the others.

    Source: Breiman (1996), Out-of-bag estimation.
    """
    count = out.sum(axis=0)
    enough = count >= 2
    share = out / np.maximum(count, 1)
    mean = (share * members.mean).sum(axis=0)
    variance = (share * (members.variance + (members.mean - mean) ** 2)).sum(axis=0)
    plain_mean, plain_variance = moments_of_others(losses)
    return np.where(enough, mean, plain_mean), np.where(enough, variance, plain_variance)
