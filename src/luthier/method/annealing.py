"""Annealing: draws near a good earlier trial, in a neighbourhood that shrinks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.batch import ProposalBatch, add_note, has_defaults
from luthier.method.bayesian.initial_design import DESIGN
from luthier.method.bayesian.step import scalarize
from luthier.method.notes import AnnealingDraw, ProposedBy, written
from luthier.method.random import Random
from luthier.method.repair import Repair
from luthier.problem import Problem
from luthier.proposal import Proposal
from luthier.setting_types import check_setting_types, settings_repr
from luthier.space import Space


@translating_settings
@dataclass(frozen=True)
class Anneal:
    """Draw each proposal near a good earlier trial, in a neighbourhood that shrinks as trials come in.

    One of the trials is picked by its rank, which is geometrically distributed, so that the best one is the most
    likely. After t trials a number is drawn uniformly from a window around that of the picked trial; the window's width
    is the share w = 1 / (1 + shrink · t) of its range, and a discrete number counts as anywhere within its level. The
    ranks of a permutation and the shares of a simplex are drawn likewise. A category, or whether an item is in a
    subset, is kept, or with probability w drawn from the prior. The first trial is the space's defaults. Simple, cheap,
    and for any space.

    Args:
        preference: the mean rank of the picked trial, at least 1; 1 always picks the best one.
        shrink: how fast the neighbourhood shrinks, at least 0; 0 keeps a window of the whole range.

    Raises:
        InvalidSetting: a number is too small.

    Cost: O(n log n + d) per proposal, for n trials.

    Source: Bergstra, Yamins and Cox (2013), Hyperopt, SciPy 2013, and the documentation of its `anneal`, whose defaults
    are these. Here one trial is picked for all variables, not one for each, so that good combinations are kept; and
    discrete numbers do not freeze when the window is narrower than a level.

    Example:
        >>> Anneal(preference=3)
        Anneal(preference=3, shrink=0.1)
    """

    preference: float = 2.0
    shrink: float = 0.1

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        for name, least in (("preference", 1), ("shrink", 0)):
            value = getattr(self, name)
            if type(value) not in (int, float) or not least <= value < math.inf:
                raise InvalidSetting(f"Anneal({name}={value!r}): give a number of at least {least}")

    def suggest(self, problem: Problem, history: History, key: Key, count: int, memo: Memo) -> tuple[Proposal, ...]:
        """Propose up to `count` configurations. See `luthier.method.protocol.Method`."""
        space = problem.space
        batch = ProposalBatch(history, count, repeat=problem.noisy)
        defaults = space.defaults() if not len(history) else None
        if defaults is not None:
            batch.offer(defaults, space.identity(defaults), written(ProposedBy(DESIGN, defaults=True)))
        batch.offer_forgotten(space, has_defaults, ProposedBy(DESIGN, defaults=True))
        data = history.data(problem).with_stopped()
        if len(data) and space.dimensions:
            self._draw(problem, data, len(history), key, batch)
        if not batch.full and not len(data):
            self._begin(problem, history, key, batch, memo)
        if not batch.proposals:
            return Random().suggest(problem, history, key, count, memo)
        return tuple(batch.proposals)

    def _begin(self, problem: Problem, history: History, key: Key, batch: ProposalBatch, memo: Memo) -> None:
        """Draw from the priors while nothing is known."""
        wanted = batch.count - len(batch.proposals)
        if batch.proposals and problem.space.size == 1 and not problem.noisy:
            return
        for proposal in add_note(Random().suggest(problem, history, key, wanted, memo), ProposedBy(DESIGN)):
            batch.offer(proposal.config, problem.space.identity(proposal.config), proposal.note)

    def _draw(self, problem: Problem, data: Data, trials: int, key: Key, batch: ProposalBatch) -> None:
        while not batch.full:
            stream = key.fold("anneal", len(batch.proposals))
            ranked = scalarize(data, stream).best_first()
            u = float(stream.fold("rank").uniform())
            rank = min(_geometric(u, self.preference), len(ranked) - 1)
            center = data.x[ranked[rank]]
            share = 1.0 / (1.0 + self.shrink * (trials + len(batch.proposals)))
            repair = Repair(problem.space, batch, center)

            def draw(
                turn: int, center: Floats = center, share: float = share, stream: Key = stream
            ) -> tuple[Floats, dict[str, float]]:
                # The window widens while everything within it is known.
                return _near(problem.space, center, min(1.0, share * 1.5**turn), stream.fold("turn", turn)), {}

            if not repair.propose(draw, stream, written(ProposedBy("anneal"), AnnealingDraw(rank + 1, share))):
                return


def _geometric(uniform: float, mean: float) -> int:
    """Give a geometrically distributed rank 0, 1, 2, … of mean `mean` - 1, from a uniform number."""
    miss = 1.0 - 1.0 / mean
    return int(math.log1p(-uniform) / math.log(miss)) if miss > 0 else 0


def _near(space: Space, center: Floats, share: float, key: Key) -> Floats:
    """Draw a point (d,) near another one; variables that are inactive there are drawn from the priors."""
    prior = space.warp(key.fold("prior").uniform((1, space.dimensions)))[0]
    half = share / 2
    levels = np.array([column.levels for column in space.columns])
    somewhere = (key.fold("level").uniform(space.dimensions) - 0.5) / np.maximum(levels, 1) * (levels > 0)
    middle = np.clip(center + somewhere, half, 1.0 - half)
    point = middle + share * (key.fold("window").uniform(space.dimensions) - 0.5)
    unordered = np.array([column.kind in ("category", "member") for column in space.columns])
    redrawn = key.fold("redraw").uniform(space.dimensions) < share
    point = np.where(unordered, np.where(redrawn, prior, center), point)
    found: Floats = np.where(np.isnan(center), prior, point)
    return found
