"""A posterior that is a vote: several models, each equally likely to be the right one.

Each model divides the space into cells, and in each of its cells the function is a normal variable of its own: so a
function is drawn by drawing a model, and in its cells values. Moments, covariances, joint draws and drawn functions
below are all those of this one distribution.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from luthier._typing import Bools, Floats, Integers
from luthier.key import Key
from luthier.surrogate.protocol import Moments


class MemberMoments(NamedTuple):
    """What one model says at q points: means and variances (q,), and the number of the cell that each is in (q,)."""

    mean: Floats
    variance: Floats
    cell: Integers


class PartitionEnsemble(ABC):
    """Several models of one function; with a `noise_variance`, abilities `Pathwise`, `Joint`, `Covariant`, `Checked`.

    Source: the moments after Hutter, Xu, Hoos and Leyton-Brown (2014), Algorithm runtime prediction, section 4.3.2.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def losses(self) -> Floats:
        """The losses that were seen, on the posterior's scale, shape (n,)."""

    @property
    @abstractmethod
    def cells(self) -> tuple[int, ...]:
        """How many cells each model has; one number a model."""

    @abstractmethod
    def opinion(self, number: int, x: Floats) -> MemberMoments:
        """Ask model `number` at `x` (q, d)."""

    @abstractmethod
    def residuals(self) -> tuple[Floats, Floats]:
        """See `luthier.surrogate.protocol.SupportsLeaveOneOut`."""

    @property
    def best(self) -> float:
        """The lowest loss, on the posterior's scale."""
        return float(self.losses.min())

    def opinions(self, x: Floats) -> MemberMoments:
        """Ask all T models at `x` (q, d); three arrays of shape (T, q)."""
        heard = [self.opinion(number, x) for number in range(len(self.cells))]
        return MemberMoments(*(np.stack(part) for part in zip(*heard, strict=True)))

    def moments(self, x: Floats) -> Moments:
        """Give mean and variance at `x` (q, d), by the law of total variance over the models.

        ``variance = mean over models of (variance + mean²) - (mean of the means)²``.
        """
        return mixture_moments(self.opinions(x))

    def sample(self, x: Floats, base: Floats) -> Floats:
        """See `luthier.surrogate.protocol.Joint`. Cost: one vote at q points, and O(s q).

        The first number of a row of `base`, through the normal distribution function, chooses the model; the place
        within that model's share of (0, 1) is uniform again, and is the row's first normal number from there on. The
        value of a cell is then drawn by the number of the first point of `x` in it.
        """
        from scipy.special import ndtr, ndtri

        if not len(x):
            return np.empty((len(base), 0))
        mean, variance, cell = self.opinions(x)
        share = ndtr(base[:, 0]) * len(mean)
        model = np.minimum(share.astype(np.int64), len(mean) - 1)
        normal = base.copy()
        normal[:, 0] = ndtri(np.clip(share - model, 1e-12, 1.0 - 1e-12))
        first = np.zeros_like(cell)
        for number in np.unique(model):
            _, index, inverse = np.unique(cell[number], return_index=True, return_inverse=True)
            first[number] = index[inverse]
        drawn: Floats = mean[model] + np.sqrt(variance[model]) * np.take_along_axis(normal, first[model], axis=1)
        return drawn

    def paths(self, key: Key, count: int) -> Callable[[Floats], Floats]:
        """See `luthier.surrogate.protocol.Pathwise`: each drawn function is one model, with a value in each cell."""
        cells = self.cells
        chosen = key.fold("model").integers(len(cells), count)
        drawn = [
            (model, rows, np.stack([key.fold("cells", int(row)).normal(cells[model]) for row in rows]))
            for model in np.unique(chosen).tolist()
            for rows in [np.flatnonzero(chosen == model)]
        ]

        def evaluate(x: Floats) -> Floats:
            values = np.empty((count, len(x)))
            for model, rows, normal in drawn:
                mean, variance, cell = self.opinion(model, x)
                values[rows] = mean + np.sqrt(variance) * normal[:, cell]
            return values

        return evaluate

    def cross(self, x: Floats, z: Floats) -> Floats:
        """See `luthier.surrogate.protocol.SupportsCovariance`. Cost O(T q m).

        ``covariance of the means over the models + mean over the models of (variance if both in one cell, else 0)``.
        """
        at_x, at_z = self.opinions(x), self.opinions(z)
        models = len(at_x.mean)
        covariance: Floats = (at_x.mean - at_x.mean.mean(axis=0)).T @ (at_z.mean - at_z.mean.mean(axis=0))
        for number in range(models):
            together = at_x.cell[number][:, None] == at_z.cell[number][None, :]
            covariance += np.where(together, at_x.variance[number][:, None], 0.0)
        return covariance / models


def mixture_moments(heard: MemberMoments) -> Moments:
    """Give mean and variance of T opinions (T, q), all of one weight, by the law of total variance; (q,) each."""
    mean, variance, _ = heard
    return Moments(mean.mean(axis=0), variance.mean(axis=0) + mean.var(axis=0))


def out_of_bag(heard: MemberMoments, out: Bools, losses: Floats) -> tuple[Floats, Floats]:
    """Give means and variances of n losses by the models that did not see them.

    Args:
        heard: all models at the n points, (T, n) each.
        out: (T, n) whether a model did not see a loss.
        losses: (n,), on the posterior's scale. Where fewer than two models did not see one, mean and variance of all
            the others take their place.

    Source: Breiman (1996), Out-of-bag estimation.
    """
    count = out.sum(axis=0)
    enough = count >= 2
    share = out / np.maximum(count, 1)
    mean = (share * heard.mean).sum(axis=0)
    variance = (share * (heard.variance + (heard.mean - mean) ** 2)).sum(axis=0)
    plain_mean, plain_variance = left_out(losses)
    return np.where(enough, mean, plain_mean), np.where(enough, variance, plain_variance)


def left_out(losses: Floats) -> tuple[Floats, Floats]:
    """Give for each of n losses mean and variance of all the others, (n,) each; where that is no variance, 1."""
    n = len(losses)
    if n == 1:
        return losses.copy(), np.ones(1)
    mean = (losses.sum() - losses) / (n - 1)
    variance = np.maximum((losses**2).sum() - losses**2, 0.0) / (n - 1) - mean**2
    spread = float(losses.var())
    return mean, np.maximum(variance, 0.1 * spread) if spread > 0 else np.ones(n)
