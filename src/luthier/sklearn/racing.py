"""Race candidates over folds: one that is beaten after some folds is not evaluated on the others.

The test is about one question: would the candidate, on all K folds, have a higher mean than the best complete one, the
leader? With d the differences between the two on the n folds that both have, in an order of folds drawn at random,

    (mean of d over all K - mean of d over n) / (s sqrt(1/n - 1/K))

has Student's distribution with n - 1 degrees of freedom, for normal differences that are exchangeable over folds. A
correlation that all pairs of folds share, which scores of cross-validation have, cancels: so no correction for it is
needed (Nadeau and Bengio 2003 need one because they ask about other data; this asks about the folds at hand). And the
quotient is independent of the means over all K folds, so it keeps its distribution for the candidate that has the
highest of them: the error rate needs no division by the number of candidates, only by the number of looks, and in the
first window by that of the opponents.

As n is small, s² is drawn towards a prior: the pooled variance of all differences so far, worth eight degrees of
freedom (Smyth 2004, the moderated t-test; with a fixed weight).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.sklearn.evaluation import Scores
from luthier.sklearn.partial import is_left_out, stand_ins
from luthier.sklearn.progress import score_of
from luthier.sklearn.session import Candidate, Pair

Floats: TypeAlias = NDArray[np.float64]

FEWEST = 5
"""With fewer folds than this, nothing is raced: there is too little to save."""

WEIGHT = 8.0
"""Degrees of freedom that the prior of the variance is worth."""


@dataclass(frozen=True)
class Racing:
    """How candidates are raced over folds; what ``racing=`` takes besides True.

    Args:
        error: the probability, at most, with which the candidate that all folds would choose is stopped though it
            would be better than the chosen one by more than the margin; in (0, 1). It is split evenly over looks.
        margin: how much better a candidate must be to be worth its folds, in standard errors of the leader's mean;
            0 to stop only what is beaten. Candidates that score the same on every fold are told apart by nothing else.
        first: the folds that every candidate gets, at least 2.
        window: how many candidates are raced at once: what joblib can spread, and what a kill can cost, at most.

    Raises:
        InvalidSetting: a number is outside of its range.
    """

    error: float = 0.05
    margin: float = 0.5
    first: int = 2
    window: int = 10

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 < self.error < 1:
            raise InvalidSetting(f"error={self.error!r}: give a probability between 0 and 1, such as 0.05")
        if not math.isfinite(self.margin):
            raise InvalidSetting(f"margin={self.margin!r}: give a finite number of standard errors, such as 0.5")
        for name, least in (("first", 2), ("window", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InvalidSetting(f"{name}={value!r}: give a whole number of at least {least}")


def is_beaten(
    candidate: Floats,
    leader: Floats,
    order: Sequence[int],
    level: float,
    prior: float,
    margin: float = 0.0,
) -> bool:
    """Decide whether a candidate cannot be expected to be better than the leader by more than a margin, on all folds.

    Args:
        candidate: its scores, (folds,); those of `order` are looked at.
        leader: the leader's, all of them.
        order: the folds that the candidate was evaluated on, at least 2 and fewer than all.
        level: the probability with which this look may be wrong.
        prior: the variance that is expected of the differences.
        margin: in standard errors of the leader's mean.
    """
    count, folds = len(order), len(leader)
    d = candidate[order] - leader[order]
    freedom = WEIGHT + count - 1
    variance = (WEIGHT * prior + (count - 1) * float(d.var(ddof=1))) / freedom
    reach = -float(stdtrit(freedom, level)) * math.sqrt(variance * (1 / count - 1 / folds))
    mean = float(d.mean())
    return mean <= 0 and mean + reach < margin * math.sqrt(float(leader.var(ddof=1)) / folds)


@dataclass
class Race:
    """A schedule that stops what is beaten (see `session.Schedule`), and remembers its leader from batch to batch.

    Within a window, all are evaluated on the first folds; those that are not beaten go on fold by fold. In the first
    window, which has no leader yet, the best after the first folds is evaluated on all and leads.

    Args:
        settings: how.
        metric: which score decides, where there are several.
    """

    settings: Racing
    metric: Any = None
    past: list[Floats] = field(default_factory=list)
    """The scores of each candidate, (folds,), NaN where a fold was left out."""
    leader: int | None = None
    """The place in `past` of the best that has all folds."""
    _scores: dict[Pair, Scores] = field(default_factory=dict)
    _values: Floats = field(default_factory=lambda: np.empty((0, 0)))
    _out: dict[Pair, Scores] = field(default_factory=dict)
    _lead: Sequence[Scores] = ()

    def rounds(
        self, candidates: Sequence[Candidate], folds: int
    ) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        """See `session.Schedule.rounds`."""
        self._scores = {}
        self._values = np.full((len(candidates), folds), np.nan)
        if folds < max(FEWEST, self.settings.first + 1):
            yield [(place, fold) for place in range(len(candidates)) for fold in range(folds)]
            return
        order = [int(fold) for fold in Key.of(0).fold("folds").permutation(folds)]
        for begin in range(0, len(candidates), self.settings.window):
            yield from self._race(range(begin, min(begin + self.settings.window, len(candidates))), order)

    def left_out(self) -> Mapping[Pair, Scores]:
        """See `session.Schedule.left_out`."""
        found, self._out = self._out, {}
        return found

    def recall(self, results: Iterable[Sequence[Scores]]) -> None:
        """See `session.Schedule.recall`."""
        for scores in results:
            self._remember(scores)

    # --- one window -------------------------------------------------------------------------------------

    def _race(
        self, places: Sequence[int], order: Sequence[int]
    ) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        first, folds = self.settings.first, len(order)
        yield from self._run([(place, fold) for place in places for fold in order[:first]])
        running = list(places)
        level = self.settings.error / (folds - first)
        if self.leader is None:
            level /= max(len(places) - 1, 1)
            ahead = self._ahead(places, order[:first])
            if ahead is not None:
                yield from self._run([(ahead, fold) for fold in order[first:]])
                self._finish(ahead, folds)
                running.remove(ahead)
        for count in range(first, folds):
            prior = self._prior(running)
            beaten = [place for place in running if self._stops(self._values[place], order[:count], level, prior)]
            for place in beaten:
                running.remove(place)
                self._stop(place, folds)
            if running:
                yield from self._run([(place, order[count]) for place in running])
        for place in running:
            self._finish(place, folds)

    def _run(self, pairs: Sequence[Pair]) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        found = yield pairs
        self._scores.update(found)
        for pair, scores in found.items():
            self._values[pair] = _value(scores, self.metric)

    def _ahead(self, places: Sequence[int], order: Sequence[int]) -> int | None:
        """Give the candidate that is best after the first folds, where one did not fail."""
        means = {place: float(self._values[place, order].mean()) for place in places}
        fine = [place for place in places if not math.isnan(means[place])]
        return max(fine, key=means.__getitem__, default=None)

    def _prior(self, running: Sequence[int]) -> float:
        """Pool the variances of the differences to the leader; and that of its own scores, so that there is always one.

        Where few samples make a fold, two candidates often score the same on the first ones: that shows little.
        """
        if self.leader is None:
            return 0.0
        leader = self.past[self.leader]
        others = self.past[: self.leader] + self.past[self.leader + 1 :]
        d = np.concatenate([np.reshape(others, (-1, len(leader))), self._values[list(running)]]) - leader
        count = (~np.isnan(d)).sum(axis=1)
        d, freedom = d[count > 1], count[count > 1] - 1.0
        own = len(leader) - 1.0
        total = float(freedom @ np.nanvar(d, axis=1, ddof=1)) + own * float(leader.var(ddof=1))
        return total / float(freedom.sum() + own)

    def _stops(self, scores: Floats, order: Sequence[int], level: float, prior: float) -> bool:
        if np.isnan(scores[order]).any():  # it failed: its mean is none; or an earlier run had stopped it
            return True
        if self.leader is None:
            return False
        return is_beaten(scores, self.past[self.leader], order, level, prior, self.settings.margin)

    def _stop(self, place: int, folds: int) -> None:
        found = {fold: self._scores[place, fold] for fold in range(folds) if (place, fold) in self._scores}
        self._out.update({(place, fold): scores for fold, scores in stand_ins(found, self._lead, folds).items()})
        self.past.append(self._values[place].copy())

    def _finish(self, place: int, folds: int) -> None:
        self._remember([self._scores[place, fold] for fold in range(folds)])

    def _remember(self, scores: Sequence[Scores]) -> None:
        values = np.array([_value(one, self.metric) for one in scores])
        self.past.append(values)
        mean = float(values.mean())
        if not math.isnan(mean) and (self.leader is None or mean > float(self.past[self.leader].mean())):
            self.leader, self._lead = len(self.past) - 1, list(scores)


def _value(scores: Scores, metric: Any) -> float:
    """Give the score that decides; NaN where the fold was not run, or failed."""
    return math.nan if is_left_out(scores) else score_of([scores], metric)
