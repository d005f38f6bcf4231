"""Race candidates over folds: one that is beaten after some folds is not evaluated on the others.

When a candidate is beaten is said in `sequential_test`; here is who is raced with whom, and what is remembered.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from luthier._typing import Floats
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.sklearn.evaluation import Scores
from luthier.sklearn.racing.missing_folds import blended, held_down, is_left_out, stand_ins
from luthier.sklearn.racing.sequential_test import SequentialTest, levels, sequential_test
from luthier.sklearn.search_progress import score_of
from luthier.sklearn.session import Candidate, Pair

FEWEST = 5
"""With fewer folds than this, nothing is raced: there is too little to save."""


RECENT = 1000
"""How many candidates are looked at, besides those that have all folds, to say what the next ones are measured by."""


@dataclass(frozen=True)
class Racing:
    """How candidates are raced over folds; what ``racing=`` takes besides True.

    Args:
        error: the probability, at most, with which the candidate that all folds would choose is stopped though it
            would be better than the chosen one by more than the margin; in (0, 1).
        margin: how much better a candidate must be to be worth its folds, in standard errors of the leader's mean;
            0 to stop only what is beaten. Candidates that score the same on every fold are told apart by nothing else.
        first: the folds that every candidate gets; by default a tenth of them, at least 1.
        window: how many candidates are raced at once: what joblib can spread, and what a kill can cost, at most.

    Raises:
        InvalidSetting: a number is outside of its range.
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
        """Give the number of folds after which a candidate may be stopped; all of them where nothing is raced."""
        first = max(1, folds // 10) if self.first is None else self.first
        return first if folds >= max(FEWEST, first + 1) else folds


@dataclass(frozen=True)
class Bout:
    """What a candidate is raced against; everything that a process of its own has to know of the race.

    Args:
        order: the folds, in the order in which they are run.
        levels: of the looks after each number of folds; 0 where there is none.
        yardstick: what it is measured by; None where there is no leader yet.
        expected: the scores of the base, of all folds; nothing where there is no leader.
        metric: which score decides, where there are several.
    """

    order: Sequence[int]
    levels: Sequence[float]
    yardstick: SequentialTest | None
    expected: Sequence[Scores]
    metric: Any

    def stops(self, scores: Floats, count: int) -> bool:
        """Say whether a candidate is stopped after so many folds.

        Args:
            scores: its own, (folds,), of which the first of the order are looked at.
            count: how many.
        """
        seen = self.order[:count]
        if np.isnan(scores[seen]).any():  # it failed: its mean is none; or an earlier run had stopped it
            return True
        level = self.levels[count]
        return self.yardstick is not None and level > 0 and self.yardstick.is_beaten(scores, seen, level)

    def stand_ins(self, found: Mapping[int, Scores]) -> dict[int, Scores]:
        """Make what stands for the folds that a candidate was not run on; its mean is then not above the leader's."""
        made = stand_ins(found, self.expected, len(self.order))
        if self.yardstick is not None and self.expected:
            made = held_down(found, made, self.metric, float(self.yardstick.leader.mean()))
        return made


@dataclass
class Race:
    """A schedule that stops what is beaten (see `session.Schedule`), and remembers its leader from batch to batch.

    Within a window, all are evaluated on the first folds; those that are not beaten go on fold by fold. In the first
    window, which has no leader yet, the best after the first folds is evaluated on all and leads; as it was chosen by
    scores that others are compared with, levels are then divided by the number of the others.

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
    _complete: dict[int, Sequence[Scores]] = field(default_factory=dict)
    _scores: dict[Pair, Scores] = field(default_factory=dict)
    _values: Floats = field(default_factory=lambda: np.empty((0, 0)))
    _out: dict[Pair, Scores] = field(default_factory=dict)

    def rounds(
        self, candidates: Sequence[Candidate], folds: int
    ) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        """See `session.Schedule.rounds`."""
        self._scores = {}
        self._values = np.full((len(candidates), folds), np.nan)
        if self.settings.begin(folds) == folds:
            yield [(place, fold) for place in range(len(candidates)) for fold in range(folds)]
            return
        for begin in range(0, len(candidates), self.settings.window):
            yield from self._race(range(begin, min(begin + self.settings.window, len(candidates))), folds)

    def bout(self, folds: int, running: Floats | None = None, opponents: int = 1) -> Bout:
        """Give what candidates are raced against now.

        Args:
            folds: how many there are.
            running: the scores of those that are being raced, (candidates, folds), NaN where a fold was not run.
            opponents: how many the leader was chosen from by scores that candidates are compared with.
        """
        order = [int(fold) for fold in Key.of(0).fold("folds").permutation(folds)]
        begin = self.settings.begin(folds)
        if begin == folds or self.leader is None:
            return Bout(order, [0.0] * (folds + 1), None, (), self.metric)
        looks = levels(folds, begin, self.settings.error)
        old = max(0, len(self.past) - RECENT)
        places = [*(place for place in self._complete if place < old), *range(old, len(self.past))]
        measure = sequential_test(
            np.array([self.past[place] for place in places]),
            places.index(self.leader),
            np.empty((0, folds)) if running is None else running,
            self.settings.margin,
        )
        shares = zip(places, measure.weights.tolist(), strict=True)
        others = [(self._complete[place], share) for place, share in shares if share > 0 and place != self.leader]
        expected = blended(self._complete[self.leader], others)
        spent = [0.0] * begin + [level / opponents for level in looks] + [0.0]
        return Bout(order, spent, measure, expected, self.metric)

    def left_out(self) -> Mapping[Pair, Scores]:
        """See `session.Schedule.left_out`."""
        found, self._out = self._out, {}
        return found

    def recall(self, results: Iterable[Sequence[Scores]]) -> None:
        """See `session.Schedule.recall`."""
        for scores in results:
            self._remember(scores)

    # --- one window -------------------------------------------------------------------------------------

    def _race(self, places: Sequence[int], folds: int) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        order, first = self.bout(folds).order, self.settings.begin(folds)
        yield from self._run([(place, fold) for place in places for fold in order[:first]])
        running, opponents = list(places), 1
        if self.leader is None:
            opponents = max(len(places) - 1, 1)
            ahead = self._ahead(places, order[:first])
            if ahead is not None:
                yield from self._run([(ahead, fold) for fold in order[first:]])
                self._finish(ahead, folds)
                running.remove(ahead)
        for count in range(first, folds):
            if not running:
                return
            others = self._values[running] if len(running) > 1 else None  # its own are no prior
            bout = self.bout(folds, others, opponents)
            for place in [place for place in running if bout.stops(self._values[place], count)]:
                running.remove(place)
                self._stop(place, bout)
            yield from self._run([(place, order[count]) for place in running])
        for place in running:
            self._finish(place, folds)

    def _run(self, pairs: Sequence[Pair]) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        found = (yield pairs) if pairs else {}
        self._scores.update(found)
        for pair, scores in found.items():
            self._values[pair] = value_of(scores, self.metric)

    def _ahead(self, places: Sequence[int], order: Sequence[int]) -> int | None:
        """Give the candidate that is best after the first folds, where one did not fail."""
        means = {place: float(self._values[place, order].mean()) for place in places}
        fine = [place for place in places if not math.isnan(means[place])]
        return max(fine, key=means.__getitem__, default=None)

    def _stop(self, place: int, bout: Bout) -> None:
        found = {fold: self._scores[place, fold] for fold in bout.order if (place, fold) in self._scores}
        self._out.update({(place, fold): scores for fold, scores in bout.stand_ins(found).items()})
        self.past.append(self._values[place].copy())

    def _finish(self, place: int, folds: int) -> None:
        self._remember([self._scores[place, fold] for fold in range(folds)])

    def _remember(self, scores: Sequence[Scores]) -> None:
        values = np.array([value_of(one, self.metric) for one in scores])
        self.past.append(values)
        mean = float(values.mean())
        if math.isnan(mean):
            return
        self._complete[len(self.past) - 1] = list(scores)
        if self.leader is None or mean > float(self.past[self.leader].mean()):
            self.leader = len(self.past) - 1


def value_of(scores: Scores, metric: Any) -> float:
    """Give the score that decides; NaN where the fold was not run, or failed."""
    return math.nan if is_left_out(scores) else score_of([scores], metric)
