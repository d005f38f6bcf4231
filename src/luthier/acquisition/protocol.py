"""Protocols of acquisition functions, and of the criteria that they are bound to a posterior as.

An *analytic* acquisition function is a scalar function of (mean, std, best) with its partial derivatives; the chain
rule to x is written once, for all of them, in `criterion`. One that needs more of the posterior binds to it itself
(`Bindable`). Larger values are better; losses are minimised; `best` is the lowest loss.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

from luthier._typing import Floats
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.surrogate import Posterior


class ValueScale(StrEnum):
    """The scale of an acquisition function's values: it decides how a weight is applied to them."""

    POSITIVE = "positive"
    """Values of at least 0 (EI): a weight is a factor."""
    LOG = "log"
    """Logarithms of positive values (LogEI): the logarithm of a weight is added."""
    SIGNED = "signed"
    """Negated losses on the posterior's scale (UCB): the improvement on the best loss is weighted."""


class Score(NamedTuple):
    """An acquisition function's value and its two partial derivatives, each of shape (q,)."""

    value: Floats
    d_mean: Floats
    d_std: Floats


class AcquisitionContext(NamedTuple):
    """Everything beside the posterior that an acquisition function may use.

    Args:
        data: the n losses that the posterior was fitted to, with costs and noise.
        best: the lowest loss, on the posterior's scale.
        scattered: (c, d) feasible points of the whole space, at least one: for extremes and integrals over it.
        pending: (p, d) points under evaluation that the posterior was not conditioned on.
        key: the randomness.
        memo: skips work that was done before.
    """

    data: Data
    best: float
    scattered: Floats
    pending: Floats
    key: Key
    memo: Memo


class AcquisitionTraits(Protocol):
    """The declarations of every acquisition function: class attributes without an annotation, or properties."""

    @property
    def scale(self) -> ValueScale:
        """The scale of its values."""
        ...

    @property
    def requires(self) -> tuple[type, ...]:
        """The abilities of posteriors that it works with (keys of `luthier.surrogate.ABILITIES`); any one is enough."""
        ...

    @property
    def handles_pending(self) -> bool:
        """Whether it uses `AcquisitionContext.pending`; if not, the posterior is conditioned on pending points."""
        ...


@runtime_checkable
class Acquisition(AcquisitionTraits, Protocol):
    """A scalar function of the posterior's mean and standard deviation at one point."""

    def score(self, mean: Floats, std: Floats, best: float) -> Score:
        """Give the value at q points from `mean` and `std` (q,) and the lowest loss `best`."""
        ...


class Criterion(Protocol):
    """An acquisition function bound to a posterior: a function of x to be maximised."""

    def value(self, x: Floats) -> Floats:
        """Give the value at `x` (q, d); shape (q,)."""
        ...


@runtime_checkable
class SmoothCriterion(Criterion, Protocol):
    """A criterion with gradients; to be checked by `luthier.surrogate.supports`.

    A criterion that is made of parts has gradients where all of them have, and says so in its `abilities`.
    """

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the value (q,) and gradient (q, d) at `x` (q, d)."""
        ...


@runtime_checkable
class Bindable(AcquisitionTraits, Protocol):
    """An acquisition function that needs more of the posterior than its moments at one point."""

    def bind(self, posterior: Posterior, context: AcquisitionContext) -> Criterion:
        """Give the criterion; `posterior` has one of the abilities in `requires`."""
        ...


@runtime_checkable
class CriterionEnsemble(Protocol):
    """Several acquisition functions, each of which must go with the surrogate; wrappers go around each of them."""

    @property
    def acquisitions(self) -> tuple[Acquisition | Bindable, ...]:
        """The members, at least one."""
        ...


@runtime_checkable
class Portfolio(CriterionEnsemble, Protocol):
    """An ensemble of which one member at a time makes the proposal, depending on the rewards of each so far."""

    def chances(self, rewards: Floats) -> Floats:
        """Give the probability of each member (k,) from the rewards in [0, 1] of its earlier nominees, (t, k)."""
        ...
