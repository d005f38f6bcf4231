"""Budget of a search: candidates, seconds, a target, a plateau."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any

import numpy as np

from luthier._hints import suggest
from luthier.errors import InvalidSetting
from luthier.run import Budget
from luthier.sklearn.evaluation import Scores, mean_score

_NAMES = tuple(one.name for one in fields(Budget) if one.name != "cost")


@dataclass
class SearchBudget:
    """What is left of the budget of one call of ``fit``.

    At least one candidate is evaluated, however little time there is.

    Args:
        budget: the limits; its seconds are those of the call.
        metric: the metric that decides, if there are several.
    """

    budget: Budget
    metric: Any = None
    _start_s: float = field(default_factory=time.monotonic)
    _taken: int = 0
    _done: int = 0
    _best: float = -math.inf
    _since_best: int = 0

    def take(self, candidates: int) -> int:
        """Return how many of so many further candidates may be evaluated, and count them."""
        left = candidates if self.budget.trials is None else self.budget.trials - self._taken
        self._taken += min(candidates, left)
        return min(candidates, left)

    def count(self, scores: Sequence[Scores]) -> None:
        """Count a candidate that is done, with the scores of its folds."""
        value = mean_score(scores, self.metric, worst=-math.inf)
        self._done += 1
        self._since_best = 0 if value > self._best else self._since_best + 1
        self._best = max(self._best, value)

    @property
    def spent(self) -> bool:
        """Whether no more candidates are to be begun."""
        limits = self.budget
        if self._done == 0:
            return False
        if limits.time_s is not None and self.elapsed_s() >= limits.time_s:
            return True
        if limits.target is not None and self._best >= limits.target:
            return True
        return limits.plateau is not None and self._since_best >= limits.plateau

    def elapsed_s(self) -> float:
        """Return the seconds since the call began."""
        return time.monotonic() - self._start_s

    def share_s(self, place: int, spaces: int) -> float | None:
        """Return the seconds that are left to one of several spaces, which are searched one after the other.

        What a space leaves over goes to the next ones.
        """
        limit = self.budget.time_s
        return None if limit is None else max(limit * (place + 1) / spaces - self.elapsed_s(), 0.01)

    def share_trials(self, place: int, spaces: int, before: int) -> int | None:
        """Return the number of candidates of one of several spaces, if the spaces before it have `before`."""
        limit = self.budget.trials
        return None if limit is None else max(math.ceil(limit * (place + 1) / spaces) - before, 0)


def budget_of(given: Any) -> Budget:
    """Return a budget from seconds, a `Budget`, its arguments as a mapping, or None for no limit.

    Raises:
        InvalidSetting: it is something else, has an unknown limit, or a limit that makes no sense.
    """
    if given is None:
        return Budget()
    if isinstance(given, Budget):
        if given.cost is not None:
            raise InvalidSetting("a search has no budget in cost: give time_s or trials, or run a luthier.Study")
        return given
    if isinstance(given, Mapping):
        for name in given:
            if name not in _NAMES:
                raise InvalidSetting(f"budget has {name!r}{suggest(name, _NAMES)}")
        return Budget(**{name: _plain(value) for name, value in given.items()})
    if isinstance(given, Real) and not isinstance(given, bool):
        return Budget(time_s=float(given))
    raise InvalidSetting(
        f"budget={given!r:.80}: give seconds, or a mapping such as {{'time_s': 600, 'trials': 50, 'target': 0.99}}"
    )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
