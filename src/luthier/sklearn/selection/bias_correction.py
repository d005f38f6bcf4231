"""What the winner will score on new data: the best of many scores is too good to be true.

Bootstrap bias-corrected cross-validation (Tsamardinos, Greasidou and Borboudakis 2018): the selection is repeated on
resampled results, and what it selects is scored on the results that were not drawn. Theirs are predictions of single
samples; ours are the scores of folds, which is what any scorer, any splitter, and a search of last year have in common.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from luthier.key import Key
from luthier.sklearn.selection.one_standard_error import within_one

Floats: TypeAlias = NDArray[np.float64]

DRAWS = 2000
"""How often folds are drawn."""


@dataclass(frozen=True)
class Estimate:
    """What the winner will score on data like those of the search.

    Args:
        score: the estimate without optimism.
        low: the lower end of the interval.
        high: the upper end.
        confidence: the probability that intervals of this kind hold the score of the winner on new data.
        optimism: by how much the mean score of the winner is too good.
    """

    score: float
    low: float
    high: float
    confidence: float
    optimism: float


@dataclass(frozen=True)
class Within:
    """Chooses the simplest within one standard error, on the folds drawn."""

    complexity: Floats

    def __call__(self, scores: Floats, draws: Floats) -> NDArray[np.int64]:
        """Give the place of the candidate chosen in each draw."""
        found = []
        for counts in draws:
            drawn = np.repeat(np.arange(scores.shape[1]), counts.astype(int))
            found.append(within_one(scores[:, drawn], self.complexity))
        return np.array(found)


def best_mean(scores: Floats, draws: Floats) -> NDArray[np.int64]:
    """Choose the candidate with the highest mean in each draw.

    Args:
        scores: by candidate and fold.
        draws: how often each fold is drawn, by draw and fold.
    """
    parts = np.array_split(draws, -(-len(draws) // 100))  # a table of all draws and candidates may be large
    return np.concatenate([np.argmax(part @ scores.T, axis=1) for part in parts])


def estimate(
    results: Mapping[str, Any],
    metric: str,
    best: int,
    folds: int,
    choose: Callable[[Floats, Floats], NDArray[np.int64]] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate from ``cv_results_`` what the winner will score on new data.

    Args:
        results: of a search; of a halving search, the last iteration counts.
        metric: the score that chose.
        best: the winner.
        folds: how many there are.
        choose: how it was chosen, if not by the highest mean.
        confidence: of the interval.
    """
    scores = np.stack([np.asarray(results[f"split{fold}_test_{metric}"], dtype=float) for fold in range(folds)], axis=1)
    mine = scores[best]
    kept = np.ones(len(scores), dtype=bool)
    if "iter" in results:
        kept = np.asarray(results["iter"]) == np.max(results["iter"])
    elif not np.isnan(mine).any():
        kept = ~np.isnan(results[f"mean_test_{metric}"])
    table = _filled(scores[kept], mine)
    if np.isnan(mine).any() or folds < 2:
        mean = float(mine.mean())
        return Estimate(mean, math.nan, math.nan, confidence, math.nan)
    chosen_by = choose or best_mean
    if isinstance(choose, Within):
        chosen_by = Within(choose.complexity[kept])
    score = corrected(table, chosen_by)
    half = half_width(mine, confidence)
    return Estimate(score, score - half, score + half, confidence, float(mine.mean()) - score)


def corrected(scores: Floats, choose: Callable[[Floats, Floats], NDArray[np.int64]], draws: int = DRAWS) -> float:
    """Give the mean score, on folds that were not drawn, of the candidates that the drawn folds choose.

    Args:
        scores: by candidate and fold, without NaN.
        choose: the place of the candidate chosen in each draw.
        draws: how often folds are drawn, with replacement.
    """
    folds = scores.shape[1]
    drawn = Key.of(0).fold("bootstrap").integers(folds, (draws, folds))
    counts = np.stack([(drawn == fold).sum(axis=1) for fold in range(folds)], axis=1).astype(float)
    counts = counts[(counts == 0).any(axis=1)]
    chosen = scores[choose(scores, counts)]
    return float(np.mean((chosen * (counts == 0)).sum(axis=1) / (counts == 0).sum(axis=1)))


def half_width(scores: Floats, confidence: float) -> float:
    """Give half the width of an interval for the score on new data, from the scores of the folds.

    Student's, with the variance of Nadeau and Bengio (2003, section 3): s² (1/K + n_test / n_train), since the
    training sets of the folds overlap.
    """
    folds = len(scores)
    variance = float(scores.var(ddof=1)) * (1 / folds + 1 / (folds - 1))
    return float(stdtrit(folds - 1, 0.5 + confidence / 2)) * math.sqrt(variance)


def _filled(scores: Floats, winner: Floats) -> Floats:
    """Fill folds that were not run: the winner's score there, plus the mean difference to it on the others."""
    if not np.isnan(scores).any():
        return scores
    behind = np.nanmean(scores - winner, axis=1, keepdims=True)
    return np.where(np.isnan(scores), winner + behind, scores)
