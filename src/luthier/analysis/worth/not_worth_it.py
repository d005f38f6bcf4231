"""The rule that ends a run once more trials are not worth their cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier.analysis.forecast import MOST_TRIALS, forecast_gain
from luthier.analysis.worth.end_rule import EndEvidence, EndFinding, EndRule
from luthier.analysis.worth.no_progress import NoProgress
from luthier.analysis.worth.regret_bound import RegretBound
from luthier.errors import InvalidSetting
from luthier.setting_types import check_setting_types

_LATEST = 20
"""The trials whose mean cost further ones are expected to have."""
_FEWEST = 10
"""With fewer finished trials than this nothing is concluded from a forecast."""
_LEVEL = 0.9


@translating_settings
@dataclass(frozen=True, slots=True)
class NotWorthIt(EndRule):
    """End a run once more trials are not worth it: by a price, or without one by `RegretBound` or `NoProgress`.

    With a price, the gain of the next trials is forecast (`Study.forecast`), and their cost is that of the latest 20
    trials on average: in the unit of the study's cost, or in seconds. The run ends where no number of trials, up to
    `trials`, is expected to bring as much for each unit of cost as the price says.

    Args:
        price: what a unit of cost has to bring, in the units of the objective, more than 0: with accuracies and
            dollars, 0.001 ends a run where a dollar is expected to bring less than 0.1 % of accuracy. None: no price.
        trials: the number of further trials that are looked at, from 1 to 200.

    Raises:
        InvalidSetting: a setting outside its range.

    Cost: that of a forecast, or of `RegretBound`.

    Source: Xie, Cai, Terenin, Frazier and Scully (2025), Cost-aware stopping for Bayesian optimization: stop where no
    point's expected improvement is worth its cost. Here several trials are looked at, as one alone may bring little.

    Example:
        >>> import luthier as lt
        >>> lt.NotWorthIt(price=0.001)
        NotWorthIt(price=0.001, trials=20)
    """

    price: float | None = None
    trials: int = 20

    def __post_init__(self) -> None:
        check_setting_types(self)
        if (self.price is not None and not self.price > 0) or not 1 <= self.trials <= MOST_TRIALS:
            raise InvalidSetting(f"{self!r}: give a price of more than 0, and from 1 to {MOST_TRIALS} trials")

    def decide(self, evidence: EndEvidence) -> EndFinding | None:
        """See `EndRule.decide`."""
        if self.price is None:
            return NoProgress().decide(evidence) or RegretBound().decide(evidence)
        history = evidence.history
        costs = history.data(history.problem()).costs
        known = costs[np.isfinite(costs)][-_LATEST:]
        each = float(known.mean()) if len(known) else 0.0
        if history.finished < _FEWEST or not each > 0:
            return None
        found = forecast_gain(evidence.model(), self.trials, _LEVEL, evidence.key.fold("forecast"), evidence.memo)
        gains = np.array([gain.value for gain in found.gain])
        spent = each * np.array(found.trials)
        best = int(np.argmax(gains / spent))
        if gains[best] / spent[best] >= self.price:
            return None
        return EndFinding("Price", {"gain": float(gains[best]), "cost": float(spent[best]), "price": self.price})
