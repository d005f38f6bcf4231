"""What an acquisition function is.

An *analytic* acquisition is a scalar function of (mean, std, best) with its partial derivatives; the chain rule to x is
written once, for all of them, in `criterion`. One that needs more of the posterior binds to it itself (`Bindable`).
Everything is larger-is-better; losses are minimised; `best` is the lowest loss.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from luthier.data import Data
from luthier.key import Key
from luthier.surrogate.protocol import Posterior, Ratio

Floats = NDArray[np.float64]


class Score(NamedTuple):
    """An acquisition's value and its partial derivatives, each of shape (q,)."""

    value: Floats
    d_mean: Floats
    d_std: Floats


@runtime_checkable
class Acquisition(Protocol):
    """A scalar function of what the posterior says at one point."""

    def score(self, mean: Floats, std: Floats, best: float) -> Score:
        """Give the value at q points from `mean` and `std` (q,), and the best loss so far."""
        ...


class Criterion(Protocol):
    """An acquisition bound to a posterior: a function of x to be maximised."""

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        ...


@runtime_checkable
class SmoothCriterion(Criterion, Protocol):
    """A criterion with gradients."""

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        ...


@runtime_checkable
class Bindable(Protocol):
    """An acquisition that needs more of the posterior than its moments at one point."""

    def bind(self, posterior: Posterior | Ratio, data: Data, key: Key) -> Criterion:
        """Give the criterion; raises InvalidSetting where the posterior lacks an ability it needs."""
        ...
