"""What a method thought of a proposal that it made: the proposal is made again, by a search that knows its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np

from luthier._typing import Floats
from luthier.acquisition import Criterion
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.acquisition_optimizer import AcquisitionOptimizer, EvaluatedPoints
from luthier.method.protocol import Method
from luthier.problem import Problem
from luthier.space import Space

_ELSEWHERE = 256


@runtime_checkable
class Searching(Method, Protocol):
    """A method (a dataclass) that maximises a criterion by its setting `search`."""

    @property
    def search(self) -> AcquisitionOptimizer:
        """How candidates are found."""
        ...


@dataclass(frozen=True, slots=True)
class Rating:
    """What the criterion of a proposal was.

    Args:
        value: at the proposal, on a scale of the criterion's own; larger is better.
        above: the share of the points of the whole space, drawn at random, that it rates lower, in [0, 1].
    """

    value: float
    above: float


@dataclass(frozen=True, slots=True)
class _Probe(AcquisitionOptimizer):
    """A search that finds what was proposed, and writes down what the criterion says of it.

    Args:
        points: (b, d) the proposals of the batch, in order.
        ratings: filled with the row of a proposal and its rating, one for each criterion that is maximised.
    """

    points: Floats = field(default_factory=lambda: np.empty((0, 0)))
    ratings: list[tuple[int, Rating]] = field(default_factory=list)

    def maximise(self, space: Space, criterion: Criterion, best: Floats, known: EvaluatedPoints, key: Key) -> Floats:
        """See `AcquisitionOptimizer.maximise`; in place of a search, the next of the proposals."""
        rows = np.flatnonzero(known.fresh(self.points))
        if not len(rows):
            return self.points[:0]
        point = self.points[rows[:1]]
        there = float(criterion.value(point)[0])
        elsewhere = criterion.value(space.sample(key.fold("elsewhere"), _ELSEWHERE))
        self.ratings.append((int(rows[0]), Rating(there, float((elsewhere < there).mean()))))
        return point


def rate_again(
    method: Method, problem: Problem, history: History, key: Key, count: int, memo: Memo, points: Floats, row: int
) -> Sequence[Rating]:
    """Give the ratings of one proposal: one, or of a portfolio one a member; none where no criterion was maximised.

    Args:
        method: made the proposals.
        problem, history, key, count, memo: what it made them from.
        points: (b, d) the proposals of the batch, in order.
        row: which of them is meant.

    Cost: that of the proposals without their search.
    """
    if not isinstance(method, Searching):
        return ()
    probe = _Probe(points=points)
    asked: Method = replace(cast(Any, method), search=probe)
    asked.suggest(problem, history, key, count, memo)
    return [rating for found, rating in probe.ratings if found == row]
