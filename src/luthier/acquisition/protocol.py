"""What an acquisition function is.

An *analytic* acquisition is a scalar function of (mean, std, best) with its partial derivatives; the chain rule to x is
written once, for all of them, in `criterion`. One that needs more of the posterior binds to it itself (`Bindable`).
Everything is larger-is-better; losses are minimised; `best` is the lowest loss.

Every acquisition says on what scale its values are, so that wrappers know how to weigh them: ``positive`` ones are
multiplied by a weight (EI), ``log`` ones are logarithms of such, to which a weight's logarithm is added (LogEI), and
``signed`` ones are losses in disguise, on the posterior's scale (UCB).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol, runtime_checkable

from luthier._typing import Floats
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.surrogate import Posterior

Scale = Literal["positive", "log", "signed"]


class Score(NamedTuple):
    """An acquisition's value and its partial derivatives, each of shape (q,)."""

    value: Floats
    d_mean: Floats
    d_std: Floats


class AcquisitionContext(NamedTuple):
    """What an acquisition may know beside the posterior.

    Args:
        data: what the posterior was fitted to (n losses), with costs and noise.
        best: the lowest loss, on the posterior's scale.
        scattered: (c, d) feasible points of the whole space, at least one: for extremes and integrals over it.
        pending: (p, d) points that are being evaluated and that the posterior was not told of.
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
    """What every acquisition says of itself; class attributes, or properties of a wrapper."""

    @property
    def scale(self) -> Scale:
        """On what scale its values are; see the module."""
        ...

    @property
    def requires(self) -> tuple[type, ...]:
        """Abilities of posteriors (protocols of `luthier.surrogate.protocol`), any one of which is enough."""
        ...

    @property
    def handles_pending(self) -> bool:
        """Whether it treats pending points itself; else the posterior is told of them beforehand."""
        ...


@runtime_checkable
class Acquisition(AcquisitionTraits, Protocol):
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
class Bindable(AcquisitionTraits, Protocol):
    """An acquisition that needs more of the posterior than its moments at one point."""

    def bind(self, posterior: Posterior, situation: AcquisitionContext) -> Criterion:
        """Give the criterion; `posterior` has one of the abilities in `needs`."""
        ...


@runtime_checkable
class CriterionEnsemble(Protocol):
    """Several acquisitions; each of them must go with the surrogate, and wrappers go around each of them."""

    @property
    def acquisitions(self) -> tuple[Acquisition | Bindable, ...]:
        """The members, at least one."""
        ...


@runtime_checkable
class Portfolio(CriterionEnsemble, Protocol):
    """An ensemble of which one member at a time makes the proposal, by how well each of them did so far."""

    def chances(self, rewards: Floats) -> Floats:
        """Give the probability of each member (k,) from the rewards in [0, 1] of what each nominated before, (t, k)."""
        ...
