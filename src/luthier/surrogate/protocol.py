"""What a surrogate model is, and the abilities its posterior may have.

A type says what a rule needs: an analytic acquisition function wants `Posterior`, gradient ascent on
it `Differentiable`, Thompson sampling `Joint`, pending trials `Conditionable`; a Parzen estimator offers `Ratio` alone.
A posterior is on a scale of its own choice (it may have scaled or warped the losses); `best` is the lowest loss on it.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo

Floats = NDArray[np.float64]


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

    def fit(self, data: Data, key: Key, memo: Memo) -> Posterior | Ratio:
        """Fit to `data.x` and `data.loss` (n at least 1); pure in (settings, data, key)."""
        ...
