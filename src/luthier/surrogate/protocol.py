"""Protocols of surrogate models, and of the abilities that their posteriors may have.

A type says what a caller needs: an analytic acquisition function wants `Posterior`, gradient ascent on it
`Differentiable`, Thompson sampling `Pathwise`, pending trials `Conditionable`; a Parzen estimator offers `Ratio` alone.
A surrogate declares the abilities of its posteriors in `abilities`, and an acquisition function those that it works
with in `requires`: so a meaningless pair is refused before anything is fitted.
A posterior is on a scale of its own choice (the losses may be scaled or warped); `best` is the lowest loss on it.
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
    """A distribution of the objective function given data: means and variances."""

    @property
    def best(self) -> float:
        """The lowest observed loss, on the posterior's scale."""
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
    """A posterior with a joint distribution of the values at several points."""

    def sample(self, x: Floats, base: Floats) -> Floats:
        """Draw functions at `x` (q, d) from standard normal `base` (s, q); shape (s, q)."""
        ...


@runtime_checkable
class Conditionable(Posterior, Protocol):
    """A posterior that can be conditioned on further points."""

    def condition(self, x: Floats, losses: Floats | None = None) -> Posterior:
        """Add points `x` (p, d) with `losses` (p,), or with their current means where None (kriging believer)."""
        ...


@runtime_checkable
class Pathwise(Posterior, Protocol):
    """A posterior from which whole functions can be drawn."""

    def paths(self, key: Key, count: int) -> Callable[[Floats], Floats]:
        """Draw `count` noise-free functions: a map from points (q, d) to their values there, (count, q)."""
        ...


@runtime_checkable
class SupportsCovariance(Posterior, Protocol):
    """A posterior with covariances between the values at different points."""

    @property
    def noise_variance(self) -> float:
        """The variance of the noise of one more observation, on the posterior's scale."""
        ...

    def cross_covariance(self, x: Floats, z: Floats) -> Floats:
        """Give the covariance of the noise-free function between `x` (q, d) and `z` (m, d); shape (q, m)."""
        ...


class Draws(Protocol):
    """Posteriors given each of s draws of the function at the data, without noise."""

    def moments(self, x: Floats) -> Moments:
        """Give mean, (s, q), and variance, (s, q) or (q,) if it is that of every draw, at `x` (q, d)."""
        ...


@runtime_checkable
class SupportsNoiselessDraws(Posterior, Protocol):
    """A posterior that can draw the losses without their noise, and be conditioned on them."""

    def noiseless_draws(self, key: Key, count: int, more: Floats) -> Draws:
        """Draw the function `count` times at the data and at `more` (p, d), and condition on each draw exactly."""
        ...


@runtime_checkable
class SupportsLeaveOneOut(Posterior, Protocol):
    """A posterior with predictions of its own observations, each left out in turn."""

    def leave_one_out(self) -> tuple[Floats, Floats]:
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
        """Give log(density of the good / density of the rest) at `x` (q, d); shape (q,)."""
        ...

    def draw(self, key: Key, count: int) -> Floats:
        """Draw `count` points from the density of the good; shape (count, d)."""
        ...


class Surrogate(Protocol):
    """The settings of a model, with one pure function."""

    @property
    def abilities(self) -> tuple[type, ...]:
        """The abilities of what `fit` gives; a class attribute without an annotation, or a property."""
        ...

    def fit(self, data: Data, key: Key, memo: Memo) -> Posterior | Ratio:
        """Fit to `data.x` and `data.loss` (n at least 1); pure in (settings, data, key)."""
        ...


@runtime_checkable
class SupportsScalarization(Surrogate, Protocol):
    """A surrogate that models a scalarization of several losses with the help of models of each of them."""

    def fit_scalarization(self, data: Data, parts: Sequence[Data], key: Key, memo: Memo) -> Posterior | Ratio:
        """Fit to `data`, whose losses are a scalarization of those of the parts; the points are the same."""
        ...


@runtime_checkable
class HasDistance(Posterior, Protocol):
    """A posterior with a distance between points."""

    def distance(self, x: Floats, z: Floats) -> Floats:
        """Give distances between `x` (q, d) and `z` (m, d) in length-scales, so that about 1 is far; shape (q, m)."""
        ...


class ScaledLosses(NamedTuple):
    """The losses on the posterior's scale (n,), and the rows that the model was fitted to (k,)."""

    scaled: Floats
    rows: NDArray[np.int64]


@runtime_checkable
class HasOutputTransform(Surrogate, Protocol):
    """A surrogate that tells the scale of its losses, so that its posterior can be read in their units."""

    def scale(self, data: Data, key: Key, memo: Memo) -> ScaledLosses:
        """Give the losses on the scale of what `fit` gives of the same data, and the rows that it was fitted to."""
        ...
