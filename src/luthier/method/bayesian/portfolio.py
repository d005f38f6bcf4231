"""The choice among the members of a portfolio, by what each of them nominated so far."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from luthier._typing import Floats
from luthier.acquisition import Portfolio
from luthier.data import Data
from luthier.history import History
from luthier.key import Key
from luthier.method.notes import PortfolioChoice, read
from luthier.space import Space
from luthier.surrogate import Posterior

_LATEST = 500
"""The number of latest trials whose nominees are rewarded, so that the cost does not grow without bound."""
_DIGITS = 9


def select_member(
    portfolio: Portfolio,
    names: Sequence[str],
    nominated: Sequence[Floats],
    history: History,
    space: Space,
    model: Posterior,
    data: Data,
    key: Key,
) -> tuple[int, PortfolioChoice]:
    """Draw a member of a portfolio by the rewards of its earlier nominees.

    Args:
        portfolio: k members.
        names: of the members, under which their nominees are noted.
        nominated: the points of each, (r, d), its nominee first; r at least 1.
        history: what is known.
        space: the space; earlier nominees in another space do not count.
        model: predicts the losses of the nominees of finished trials; it is not conditioned on pending ones.
        data: what it was fitted to.
        key: the randomness.

    Returns:
        The index of the member, and the note: the member, its probability and all nominees.
    """
    past = _past(history, names, _mark(space), len(data.columns))
    rewards = np.zeros((0, len(names)))
    if len(past):
        means = model.moments(past.reshape(-1, past.shape[2])).mean.reshape(len(past), len(names))
        rewards = member_reward(means, model.moments(data.x).mean)
    chances = portfolio.chances(rewards)
    arm = min(int(np.searchsorted(np.cumsum(chances), key.fold("arm").uniform(), side="right")), len(names) - 1)
    nominees = {name: _rounded(points[0]) for name, points in zip(names, nominated, strict=True)}
    return arm, PortfolioChoice(names[arm], float(chances[arm]), nominees, _mark(space))


def member_reward(means: Floats, seen: Floats) -> Floats:
    """Give rewards in [0, 1] of means (any shape): 1 at or below the lowest mean `seen`, 0 at or above their median."""
    best, middle = float(seen.min()), float(np.median(seen))
    if not middle > best:
        return np.zeros_like(means)
    return np.clip((middle - means) / (middle - best), 0.0, 1.0)


def _past(history: History, names: Sequence[str], mark: str, dimensions: int) -> Floats:
    """Give the nominees of the latest finished trials; shape (t, k, d)."""
    found = []
    for trial in reversed(history.trials):
        choice = read(PortfolioChoice, trial.note) if "nominees" in trial.note else None
        if trial.outcome is None or trial.forgotten or choice is None or choice.space != mark:
            continue
        if set(choice.nominees) == set(names):
            found.append([[math.nan if u is None else u for u in choice.nominees[name]] for name in names])
            if len(found) == _LATEST:
                break
    return np.array(found[::-1]).reshape(len(found), len(names), dimensions)


def _rounded(point: Floats) -> tuple[float | None, ...]:
    return tuple(None if math.isnan(u) else round(u, _DIGITS) for u in point.tolist())


def _mark(space: Space) -> str:
    return space.digest[:12]
