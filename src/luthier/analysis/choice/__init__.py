"""Choice of one trial of a front: by its knee, weights, prices, an order, or a person's answers."""

from __future__ import annotations

from luthier.analysis.choice.front_choice import (
    FrontChoice,
    OrderStep,
    choose_by_order,
    choose_by_prices,
    choose_by_weights,
    knee,
)
from luthier.analysis.choice.front_members import FrontMembers, front_members
from luthier.analysis.choice.preferred_trial import PreferredTrial, preferred_trial

__all__ = [
    "FrontChoice",
    "FrontMembers",
    "OrderStep",
    "PreferredTrial",
    "choose_by_order",
    "choose_by_prices",
    "choose_by_weights",
    "front_members",
    "knee",
    "preferred_trial",
]
