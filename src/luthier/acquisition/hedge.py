"""A portfolio of acquisitions: each trial one of them proposes, the more often the better its nominees turn out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats
from luthier.acquisition.protocol import Acquisition, Bindable
from luthier.acquisition.weighting.weighted import check_inner
from luthier.errors import InvalidSetting


@dataclass(frozen=True, slots=True)
class Hedge:
    """Choose among acquisitions by exponential weights (GP-Hedge).

    Every trial each acquisition nominates the point where it is largest, and one nominee is tried, that of acquisition
    i with probability ``exp(η g_i) / Σ_j exp(η g_j)``. The gain g_i is the sum over all trials of how good the nominee
    of i is by the posterior's mean. What differs from the source, and why:

    - Rewards are computed afresh by the present posterior, which knows most, for all earlier nominees at once; so the
      gains are a function of the log (each proposal notes the nominees), and cost one prediction.
    - A reward is 1 at the lowest mean of a trial, 0 at the median and above, linear between: on a scale of their own,
      gains need no other normalisation, and η follows from the theory.
    - All nominees are rewarded (full information), not the one that was tried alone: with a model to judge them, the
      importance weights of bandit feedback (Exp3) would only add variance. The price is that every acquisition is
      maximised every trial: a proposal costs as much as those of all members together.

    Args:
        acquisitions: the members, at least 2, no two equal.
        eta: η, above 0; None: ``sqrt(8 log k / t)`` for k members at trial t, whose regret is at most
            ``2 sqrt(t log k / 2) + sqrt(log k / 8)`` whatever happens (the second source, theorem 2.3).

    Raises:
        InvalidSetting: fewer than 2 members, two equal ones, or a senseless eta.

    Source: Brochu, Hoffman and de Freitas (2011), Portfolio allocation for Bayesian optimization, algorithm 2;
    Cesa-Bianchi and Lugosi (2006), Prediction, learning, and games, section 2.3.
    """

    acquisitions: tuple[Acquisition | Bindable, ...]
    eta: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "acquisitions", checked_members("Hedge", self.acquisitions))
        if self.eta is not None and not 0.0 < self.eta < math.inf:
            raise InvalidSetting(f"Hedge(eta={self.eta!r}): give a finite number above 0, or None")

    def chances(self, rewards: Floats) -> Floats:
        """Give the probability of each member (k,) from the rewards (t, k) of what each nominated so far."""
        seen, members = rewards.shape
        eta = math.sqrt(8.0 * math.log(members) / max(seen, 1)) if self.eta is None else self.eta
        exponents = eta * rewards.sum(axis=0)
        weights = np.exp(exponents - exponents.max())
        chances: Floats = weights / weights.sum()
        return chances


def checked_members(name: str, acquisitions: object) -> tuple[Acquisition | Bindable, ...]:
    """Give the members of an ensemble as a tuple.

    Raises:
        InvalidSetting: they are none, fewer than 2, or two are equal.
    """
    members = tuple(acquisitions) if isinstance(acquisitions, tuple | list) else ()
    if len(members) < 2:
        raise InvalidSetting(f"{name}({acquisitions!r}): give at least 2 acquisition functions, as a tuple")
    for place, member in enumerate(members):
        check_inner(name, member)
        if member in members[:place]:
            raise InvalidSetting(f"{name}: {member!r} is given twice")
    return members
