"""Portfolio of acquisition functions with exponential weights (GP-Hedge)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.acquisition.protocol import Acquisition, Bindable
from luthier.acquisition.traits import checked_members
from luthier.errors import InvalidSetting
from luthier.setting_types import check_setting_types


@translating_settings
@dataclass(frozen=True, slots=True)
class Hedge:
    """Choose among acquisition functions by exponential weights (GP-Hedge).

    In every trial each member nominates the point where it is largest, and one nominee is tried, that of member i with
    probability ``exp(η g_i) / Σ_j exp(η g_j)``. The gain g_i is the sum over all trials of the rewards of the nominees
    of i, which follow from the posterior mean. What differs from the source, and why:

    - The rewards of all earlier nominees are computed from the current posterior, the one with the most data. So the
      gains are a function of the log (each proposal notes the nominees), and cost one prediction.
    - A reward is 1 at the lowest mean of a trial, 0 at the median and above, linear between: in [0, 1], gains need no
      other normalisation, and η follows from the theory.
    - All nominees get a reward (full information), not only the one that was tried: as a model predicts the reward of
      each, the importance weights of bandit feedback (Exp3) would only add variance. The price is that every member
      is maximised in every trial: a proposal costs as much as those of all members together.

    Args:
        acquisitions: the members, at least 2, no two equal.
        eta: η, above 0; None: ``sqrt(8 log k / t)`` for k members at trial t, whose regret is at most
            ``2 sqrt(t log k / 2) + sqrt(log k / 8)`` for any sequence of rewards (the second source, theorem 2.3).

    Raises:
        InvalidSetting: fewer than 2 members, two equal ones, or an `eta` that is not a finite number above 0.

    Source: Brochu, Hoffman and de Freitas (2011), Portfolio allocation for Bayesian optimization, algorithm 2;
    Cesa-Bianchi and Lugosi (2006), Prediction, learning, and games, section 2.3.
    """

    acquisitions: tuple[Acquisition | Bindable, ...]
    eta: float | None = None

    def __post_init__(self) -> None:
        check_setting_types(self)
        object.__setattr__(self, "acquisitions", checked_members("Hedge", self.acquisitions))
        if self.eta is not None and not 0.0 < self.eta < math.inf:
            raise InvalidSetting(f"Hedge(eta={self.eta!r}): give a finite number above 0, or None")

    def chances(self, rewards: Floats) -> Floats:
        """Give the probability of each member (k,) from the rewards (t, k) of its nominees so far."""
        seen, members = rewards.shape
        eta = math.sqrt(8.0 * math.log(members) / max(seen, 1)) if self.eta is None else self.eta
        exponents = eta * rewards.sum(axis=0)
        weights = np.exp(exponents - exponents.max())
        chances: Floats = weights / weights.sum()
        return chances
