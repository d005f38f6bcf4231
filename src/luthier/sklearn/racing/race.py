"""Race of candidates over folds: opponents, order of the folds, and memory of the leader.

`sequential_test` decides when a candidate is beaten.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from luthier._hints import translating_settings
from luthier._runtime.logger import silent_logger
from luthier._typing import Floats
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.sklearn.evaluation import Candidate, Scores, is_left_out, mean_score
from luthier.sklearn.fold_schedule import Pair
from luthier.sklearn.racing.missing_folds import cap_mean, impute_scores, weighted_scores
from luthier.sklearn.racing.sequential_test import SequentialTest, levels, sequential_test

FEWEST = 5
"""Minimal number of folds for a race: with fewer there is too little to save."""

RECENT = 1000
"""Number of latest candidates that the test for the next ones is made from, besides those that have all folds."""

_log = silent_logger(__name__)


@translating_settings
@dataclass(frozen=True)
class Racing:
    """Settings of races over folds; the value of ``racing=`` besides True and False.

    Args:
        error: maximal probability that the candidate which all folds would choose is stopped although it would be
            better than the chosen one by more than the margin; in (0, 1).
        margin: how much better a candidate must be to be worth its folds, in standard errors of the leader's mean;
            0 to stop only what is beaten. Only the margin stops candidates that score the same as the leader on every
            fold.
        first: number of folds on which every candidate is evaluated; by default a tenth of them, at least 1.
        window: number of candidates that race at once: also the most that joblib can spread, and that a kill can cost.

    Raises:
        InvalidSetting: a number is outside its range.
    """

    error: float = 0.05
    margin: float = 0.5
    first: int | None = None
    window: int = 10

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 0 < self.error < 1:
            raise InvalidSetting(f"error={self.error!r}: give a probability between 0 and 1, such as 0.05")
        if not math.isfinite(self.margin):
            raise InvalidSetting(f"margin={self.margin!r}: give a finite number of standard errors, such as 0.5")
        for name, value in (("first", 1 if self.first is None else self.first), ("window", self.window)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InvalidSetting(f"{name}={value!r}: give a whole number of at least 1")

    def begin(self, folds: int) -> int:
        """Return the number of folds after which a candidate may be stopped; `folds` if there is no race."""
        first = max(1, folds // 10) if self.first is None else self.first
        return first if folds >= max(FEWEST, first + 1) else folds


@dataclass(frozen=True)
class RaceSnapshot:
    """State of a race against which one candidate is tested; all that its own process has to know of the race.

    Args:
        order: the folds, in the order in which they are run.
        levels: error levels of the tests after 0, 1, 2, … folds; 0 for no test.
        test: compares the candidate with the leader; None if there is no leader yet.
        expected: the base scores of all folds; empty if there is no leader.
        metric: the deciding metric, if there are several.
    """

    order: Sequence[int]
    levels: Sequence[float]
    test: SequentialTest | None
    expected: Sequence[Scores]
    metric: Any

    def stops(self, scores: Floats, count: int) -> bool:
        """Return whether a candidate is stopped after `count` folds.

        Args:
            scores: the candidate's scores, (folds,); the first `count` folds of the order are used.
            count: number of folds that were run.
        """
        seen = self.order[:count]
        if np.isnan(scores[seen]).any():  # it failed, so its mean is NaN; or an earlier run had stopped it
            return True
        level = self.levels[count]
        return self.test is not None and level > 0 and self.test.is_beaten(scores, seen, level)

    def impute(self, found: Mapping[int, Scores]) -> dict[int, Scores]:
        """Impute the scores of the folds that were not run; the candidate's mean is then at most the leader's."""
        imputed = impute_scores(found, self.expected, len(self.order))
        if self.test is not None and self.expected:
            imputed = cap_mean(found, imputed, self.metric, float(self.test.leader.mean()))
        return imputed


@dataclass
class Race:
    """A schedule that stops beaten candidates (see `FoldSchedule`), and remembers its leader from batch to batch.

    In each window, all candidates are evaluated on the first folds; those that are not beaten continue fold by fold. In
    the first window there is no leader yet: the best candidate after the first folds is evaluated on all folds and
    becomes the leader. Since it was chosen by scores that the others are then compared with, their error levels are
    divided by the number of the others.

    Args:
        settings: the settings of the race.
        metric: the deciding metric, if there are several.
    """

    settings: Racing
    metric: Any = None
    past: list[Floats] = field(default_factory=list)
    """The scores of each candidate so far, (folds,), NaN where a fold was left out."""
    leader: int | None = None
    """The index in `past` of the best candidate that has all folds."""
    _complete: dict[int, Sequence[Scores]] = field(default_factory=dict)
    _scores: dict[Pair, Scores] = field(default_factory=dict)
    _values: Floats = field(default_factory=lambda: np.empty((0, 0)))
    _left_out: dict[Pair, Scores] = field(default_factory=dict)

    def rounds(
        self, candidates: Sequence[Candidate], folds: int
    ) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        """See `FoldSchedule.rounds`."""
        self._scores = {}
        self._values = np.full((len(candidates), folds), np.nan)
        if self.settings.begin(folds) == folds:
            yield [(place, fold) for place in range(len(candidates)) for fold in range(folds)]
            return
        for begin in range(0, len(candidates), self.settings.window):
            yield from self._race(range(begin, min(begin + self.settings.window, len(candidates))), folds)

    def snapshot(self, folds: int, running: Floats | None = None, opponents: int = 1) -> RaceSnapshot:
        """Return the state against which candidates are tested now.

        Args:
            folds: number of folds.
            running: the scores of the candidates in the race, (candidates, folds), NaN where a fold was not run.
            opponents: number of candidates that are compared with the leader by the scores that chose it.
        """
        order = [int(fold) for fold in Key.of(0).fold("folds").permutation(folds)]
        begin = self.settings.begin(folds)
        if begin == folds or self.leader is None:
            return RaceSnapshot(order, [0.0] * (folds + 1), None, (), self.metric)
        error_levels = levels(folds, begin, self.settings.error)
        old = max(0, len(self.past) - RECENT)
        places = [*(place for place in self._complete if place < old), *range(old, len(self.past))]
        test = sequential_test(
            np.array([self.past[place] for place in places]),
            places.index(self.leader),
            np.empty((0, folds)) if running is None else running,
            self.settings.margin,
        )
        shares = zip(places, test.weights.tolist(), strict=True)
        others = [(self._complete[place], share) for place, share in shares if share > 0 and place != self.leader]
        expected = weighted_scores(self._complete[self.leader], others)
        spent = [0.0] * begin + [level / opponents for level in error_levels] + [0.0]
        return RaceSnapshot(order, spent, test, expected, self.metric)

    def left_out(self) -> Mapping[Pair, Scores]:
        """See `FoldSchedule.left_out`."""
        found, self._left_out = self._left_out, {}
        return found

    def recall(self, results: Iterable[Sequence[Scores]]) -> None:
        """See `FoldSchedule.recall`."""
        for scores in results:
            self._remember(scores)

    # --- one window -------------------------------------------------------------------------------------

    def _race(self, places: Sequence[int], folds: int) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        order, first = self.snapshot(folds).order, self.settings.begin(folds)
        yield from self._run([(place, fold) for place in places for fold in order[:first]])
        running, opponents, saved = list(places), 1, 0
        if self.leader is None:
            opponents = max(len(places) - 1, 1)
            best = self._best(places, order[:first])
            if best is not None:
                yield from self._run([(best, fold) for fold in order[first:]])
                self._finish(best, folds)
                running.remove(best)
        for count in range(first, folds):
            if not running:
                break
            others = self._values[running] if len(running) > 1 else None  # its own scores are not prior knowledge
            snapshot = self.snapshot(folds, others, opponents)
            for place in [place for place in running if snapshot.stops(self._values[place], count)]:
                running.remove(place)
                self._stop(place, snapshot)
                saved += folds - count
                _log.debug("candidate %d of the batch is stopped after %d of %d folds", place, count, folds)
            yield from self._run([(place, order[count]) for place in running])
        for place in running:
            self._finish(place, folds)
        _log.info("racing saved %d of %d fits of %d candidates", saved, len(places) * folds, len(places))

    def _run(self, pairs: Sequence[Pair]) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        found = (yield pairs) if pairs else {}
        self._scores.update(found)
        for pair, scores in found.items():
            self._values[pair] = deciding_score(scores, self.metric)

    def _best(self, places: Sequence[int], order: Sequence[int]) -> int | None:
        """Return the best candidate after the first folds; None if all have failed."""
        means = {place: float(self._values[place, order].mean()) for place in places}
        successful = [place for place in places if not math.isnan(means[place])]
        return max(successful, key=means.__getitem__, default=None)

    def _stop(self, place: int, snapshot: RaceSnapshot) -> None:
        found = {fold: self._scores[place, fold] for fold in snapshot.order if (place, fold) in self._scores}
        self._left_out.update({(place, fold): scores for fold, scores in snapshot.impute(found).items()})
        self.past.append(self._values[place].copy())

    def _finish(self, place: int, folds: int) -> None:
        self._remember([self._scores[place, fold] for fold in range(folds)])

    def _remember(self, scores: Sequence[Scores]) -> None:
        values = np.array([deciding_score(one, self.metric) for one in scores])
        self.past.append(values)
        mean = float(values.mean())
        if math.isnan(mean):
            return
        self._complete[len(self.past) - 1] = list(scores)
        if self.leader is None or mean > float(self.past[self.leader].mean()):
            self.leader = len(self.past) - 1


def deciding_score(scores: Scores, metric: Any) -> float:
    """Return the score that decides; NaN if the fold was not run, or failed."""
    return math.nan if is_left_out(scores) else mean_score([scores], metric)
