"""Schedules: the folds on which each candidate is evaluated, and when."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from luthier.sklearn.evaluation import Candidate, Scores

Pair: TypeAlias = tuple[int, int]
"""A candidate and a fold, by their positions in the batch."""


class FoldSchedule(Protocol):
    """Decides on which folds each candidate is evaluated."""

    def rounds(
        self, candidates: Sequence[Candidate], folds: int
    ) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        """Yield the pairs of each round; their scores are sent back before the next round.

        A pair is yielded at most once. Each fold on which a candidate is not evaluated has to be in `left_out`, since
        ``_format_results`` expects scores of all folds.
        """
        ...

    def left_out(self) -> Mapping[Pair, Scores]:
        """Return the imputed scores of the pairs that will not be evaluated, decided since the last call."""
        ...

    def recall(self, results: Iterable[Sequence[Scores]]) -> None:
        """Take into account candidates of an earlier run: the scores of all folds of each."""
        ...


@dataclass(frozen=True)
class AllFolds:
    """Evaluates every candidate on every fold, in one round."""

    def rounds(
        self, candidates: Sequence[Candidate], folds: int
    ) -> Generator[Sequence[Pair], Mapping[Pair, Scores], None]:
        """See `FoldSchedule.rounds`."""
        yield [(candidate, fold) for candidate in range(len(candidates)) for fold in range(folds)]

    def left_out(self) -> Mapping[Pair, Scores]:
        """See `FoldSchedule.left_out`: nothing."""
        return {}

    def recall(self, results: Iterable[Sequence[Scores]]) -> None:
        """See `FoldSchedule.recall`: they change nothing."""
