"""Estimate of the winner's score on new data, corrected for the optimism of choosing the best of many.

Bootstrap bias-corrected cross-validation (Tsamardinos, Greasidou and Borboudakis 2018): the selection is repeated on
resampled results, and the selected candidate is scored on the results that were not drawn. They resample predictions of
single samples; here the scores of folds are resampled, which exist for any scorer, any splitter and any stored search.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from luthier._typing import Floats
from luthier.key import Key
from luthier.sklearn.selection.one_standard_error import within_one

DRAWS = 2000
"""Number of bootstrap samples of folds."""


@dataclass(frozen=True)
class Estimate:
    """Estimate of the winner's score on new data of the same distribution.

    Args:
        score: the estimate, corrected for optimism.
        low: lower end of the confidence interval.
        high: upper end of the confidence interval.
        confidence: the probability that intervals of this kind contain the winner's score on new data.
        optimism: by how much the winner's mean score is too good.
    """

    score: float
    low: float
    high: float
    confidence: float
    optimism: float


@dataclass(frozen=True)
class OneStandardErrorRule:
    """Chooses the simplest candidate within one standard error, on the folds drawn.

    Args:
        complexity: rank of each candidate, (candidates,); smaller is simpler.
    """

    complexity: Floats

    def __call__(self, scores: Floats, draws: Floats) -> NDArray[np.int64]:
        """Return the index of the candidate chosen in each draw; arguments as of `best_mean`."""
        found = []
        for counts in draws:
            drawn = np.repeat(np.arange(scores.shape[1]), counts.astype(int))
            found.append(within_one(scores[:, drawn], self.complexity))
        return np.array(found)


def best_mean(scores: Floats, draws: Floats) -> NDArray[np.int64]:
    """Choose the candidate with the highest mean in each draw.

    Args:
        scores: (candidates, folds).
        draws: how often each fold is drawn, (draws, folds).

    Returns:
        The index of the candidate chosen in each draw.
    """
    parts = np.array_split(draws, -(-len(draws) // 100))  # a table of all draws and candidates could be large
    return np.concatenate([np.argmax(part @ scores.T, axis=1) for part in parts])


def estimate(
    results: Mapping[str, Any],
    metric: str,
    best: int,
    folds: int,
    choose: Callable[[Floats, Floats], NDArray[np.int64]] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Estimate the winner's score on new data from ``cv_results_``.

    Args:
        results: of a search; of a halving search, the last iteration is used.
        metric: the name of the score that chose the winner.
        best: the index of the winner.
        folds: number of folds.
        choose: the rule that chose the winner, if it was not the highest mean.
        confidence: of the interval, in (0, 1).
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
    if isinstance(choose, OneStandardErrorRule):
        chosen_by = OneStandardErrorRule(choose.complexity[kept])
    score = corrected(table, chosen_by)
    half = half_width(mine, confidence)
    return Estimate(score, score - half, score + half, confidence, float(mine.mean()) - score)


def corrected(scores: Floats, choose: Callable[[Floats, Floats], NDArray[np.int64]], draws: int = DRAWS) -> float:
    """Return the mean score, on folds that were not drawn, of the candidates chosen by the folds drawn.

    Args:
        scores: (candidates, folds), without NaN.
        choose: returns the index of the candidate chosen in each draw.
        draws: number of bootstrap samples, drawn with replacement.

    Cost: O(draws × candidates × folds).
    """
    folds = scores.shape[1]
    drawn = Key.of(0).fold("bootstrap").integers(folds, (draws, folds))
    counts = np.stack([(drawn == fold).sum(axis=1) for fold in range(folds)], axis=1).astype(float)
    counts = counts[(counts == 0).any(axis=1)]
    chosen = scores[choose(scores, counts)]
    return float(np.mean((chosen * (counts == 0)).sum(axis=1) / (counts == 0).sum(axis=1)))


def half_width(scores: Floats, confidence: float) -> float:
    """Return half the width of a confidence interval for the score on new data, from the scores of the folds.

    Student's interval with the variance of Nadeau and Bengio (2003, section 3), s² (1/K + n_test / n_train), since
    the training sets of the folds overlap.
    """
    folds = len(scores)
    variance = float(scores.var(ddof=1)) * (1 / folds + 1 / (folds - 1))
    return float(stdtrit(folds - 1, 0.5 + confidence / 2)) * math.sqrt(variance)


def _filled(scores: Floats, winner: Floats) -> Floats:
    """Impute folds that were not run: the winner's score there, plus the mean difference to it on the others."""
    if not np.isnan(scores).any():
        return scores
    behind = np.nanmean(scores - winner, axis=1, keepdims=True)
    return np.where(np.isnan(scores), winner + behind, scores)
