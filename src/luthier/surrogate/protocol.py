"""What a surrogate model is, and the abilities its posterior may have.

A type says what a rule needs: an analytic acquisition function wants `Posterior`, gradient ascent on it
`Differentiable`, Thompson sampling `Pathwise`, pending trials `Conditionable`; a Parzen estimator offers `Ratio` alone.
A surrogate names the abilities of its posteriors beforehand, in `gives`, and an acquisition function those that it can
work with, in `needs`: so a pair that has no meaning is refused before anything is fitted.
A posterior is on a scale of its own choice (it may have scaled or warped the losses); `best` is the lowest loss on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo


class Moments(NamedTuple):
    """Mean and variance of the noise-free function at q points, each of shape (q,)."""

    mean: Floats
    variance: Floats


class MomentsGrad(NamedTuple):
    """`Moments` and their gradients, each of shape (q, d); 0 along inactive columns."""

    mean: Floats
    variance: Floats
    mean_grad: Floats
    variance_grad: Floats


@runtime_checkable
class Posterior(Protocol):
    """A belief about the objective function."""

    @property
    def best(self) -> float:
        """The lowest loss that was seen, on the posterior's scale."""
        ...

    def moments(self, x: Floats) -> Moments:
        """Give mean and variance of the noise-free function at `x`, shape (q, d)."""
        ...


@runtime_checkable
class Differentiable(Posterior, Protocol):
    """A posterior whose moments have gradients."""

    def moments_grad(self, x: Floats) -> MomentsGrad:
        """Give the moments at `x`, shape (q, d), and their gradients."""
        ...


@runtime_checkable
class Joint(Posterior, Protocol):
    """A posterior over functions, not over values alone."""

    def sample(self, x: Floats, base: Floats) -> Floats:
        """Draw functions at `x` (q, d) from standard normal `base` (s, q); shape (s, q)."""
        ...


@runtime_checkable
class Conditionable(Posterior, Protocol):
    """A posterior that can be told what to believe at further points."""

    def condition(self, x: Floats, losses: Floats | None = None) -> Posterior:
        """Add points `x` (p, d) with `losses` (p,), or with their present means where None (Kriging believer)."""
        ...


@runtime_checkable
class Pathwise(Posterior, Protocol):
    """A posterior from which whole functions can be drawn."""

    def paths(self, key: Key, count: int) -> Callable[[Floats], Floats]:
        """Draw `count` noise-free functions; what is given maps points (q, d) to their values there, (count, q)."""
        ...


@runtime_checkable
class SupportsCovariance(Posterior, Protocol):
    """A posterior that tells how what is learnt at one point changes what is believed at another."""

    @property
    def noise_variance(self) -> float:
        """The variance of the noise of one more observation, on the posterior's scale."""
        ...

    def cross(self, x: Floats, z: Floats) -> Floats:
        """Give the covariance of the noise-free function between `x` (q, d) and `z` (m, d); shape (q, m)."""
        ...


class Draws(Protocol):
    """Posteriors given each of s draws of the function at the data, exactly."""

    def moments(self, x: Floats) -> Moments:
        """Give mean, (s, q), and variance, (q,) where it is that of every draw and else (s, q), at `x` (q, d)."""
        ...


@runtime_checkable
class SupportsNoiselessDraws(Posterior, Protocol):
    """A posterior that can be told what the observations would have been without noise."""

    def denoised(self, key: Key, count: int, more: Floats) -> Draws:
        """Draw the function `count` times at the data and at `more` (p, d), and condition on each draw exactly."""
        ...


@runtime_checkable
class SupportsLeaveOneOut(Posterior, Protocol):
    """A posterior that knows how well it predicts what it has not seen."""

    def residuals(self) -> tuple[Floats, Floats]:
        """Give leave-one-out (or out-of-bag) means and variances of the n observations, (n,) each."""
        ...


@runtime_checkable
class IsMixture(Posterior, Protocol):
    """A mixture of posteriors, over which an acquisition function is averaged."""

    @property
    def members(self) -> Sequence[Posterior]:
        """The posteriors, at least one, all on one scale."""
        ...

    @property
    def weights(self) -> Floats:
        """Their weights, positive, summing to one; shape (members,)."""
        ...


@runtime_checkable
class Ratio(Protocol):
    """A model of where good configurations are, not of the objective's value."""

    def log_ratio(self, x: Floats) -> Floats:
        """Give log(density among the good / density among the rest) at `x` (q, d); shape (q,)."""
        ...

    def draw(self, key: Key, count: int) -> Floats:
        """Draw `count` points from the density of the good; shape (count, d)."""
        ...


class Surrogate(Protocol):
    """Settings of a model, with one pure function."""

    @property
    def abilities(self) -> tuple[type, ...]:
        """The abilities that what `fit` gives will have: protocols of this module. A class attribute will do."""
        ...

    def fit(self, data: Data, key: Key, memo: Memo) -> Posterior | Ratio:
        """Fit to `data.x` and `data.loss` (n at least 1); pure in (settings, data, key)."""
        ...


@runtime_checkable
class SupportsScalarization(Surrogate, Protocol):
    """A surrogate that learns of a mixture of several losses from what it has learnt of each of them."""

    def fit_mixture(self, data: Data, parts: Sequence[Data], key: Key, memo: Memo) -> Posterior | Ratio:
        """Fit to `data`, whose losses are a mixture of those of the parts; the points are the same."""
        ...


@runtime_checkable
class HasDistance(Posterior, Protocol):
    """A posterior that says how far apart two points are for it."""

    def distance(self, x: Floats, z: Floats) -> Floats:
        """Give distances between `x` (q, d) and `z` (m, d) in length-scales, so that about 1 is far; shape (q, m)."""
        ...


class Scale(NamedTuple):
    """What a surrogate made of n losses: they on the posterior's scale (n,), and the rows it looked at (k,)."""

    scaled: Floats
    rows: NDArray[np.int64]


@runtime_checkable
class HasOutputTransform(Surrogate, Protocol):
    """A surrogate that says what it makes of the losses, so that its posterior can be read in their units."""

    def scale(self, data: Data, key: Key, memo: Memo) -> Scale:
        """Give the scale of what `fit` gives of the same data; residuals, where it has any, are those of the rows."""
        ...


ABILITIES: dict[type, str] = {
    Posterior: "means and variances of losses",
    Differentiable: "gradients",
    Joint: "joint draws at several points",
    Conditionable: "conditioning on further points",
    Pathwise: "draws of whole functions",
    SupportsCovariance: "covariances between points",
    SupportsNoiselessDraws: "draws of the losses without their noise",
    SupportsLeaveOneOut: "leave-one-out predictions",
    IsMixture: "several models to average over",
    Ratio: "a ratio of densities, and neither means nor variances of losses",
}
"""Each ability in words, for messages."""
