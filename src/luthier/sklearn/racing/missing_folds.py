"""Imputed scores of folds on which a candidate was not evaluated, and their marks in the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import rankdata

from luthier.sklearn.evaluation import LEFT_OUT, Scores, is_left_out, mean_score

_SCORES = ("test_scores", "train_scores")

_EPSILON = float(np.finfo(float).eps)


def impute_scores(found: Mapping[int, Scores], expected: Sequence[Scores], folds: int) -> dict[int, Scores]:
    """Impute the scores of the folds on which a candidate was not evaluated.

    They are the scores that complete candidates have on that fold, plus the mean difference on the folds that were run.
    So the mean over all folds, which the study records, does not depend on whether the folds that were run are easy.

    Args:
        found: the scores of the folds that were run, at least one, by fold.
        expected: the base scores of the race (see `sequential_test`), of all folds; empty if all candidates failed.
        folds: number of folds.

    Returns:
        The imputed scores, by fold.
    """
    failed = next((scores for scores in found.values() if scores["fit_error"] is not None), None)
    like = failed or next(iter(found.values()))
    nothing = {"fit_time": 0.0, "score_time": 0.0, "n_test_samples": 0, LEFT_OUT: True}
    imputed = {}
    for fold in range(folds):
        if fold not in found:
            imputed[fold] = {**like, **nothing}
            if failed is None and expected:
                for key in [key for key in _SCORES if key in like]:
                    imputed[fold][key] = _each(like[key], partial(_imputed, found, expected, fold, key))
    return imputed


def weighted_scores(leader: Sequence[Scores], others: Sequence[tuple[Sequence[Scores], float]]) -> list[Scores]:
    """Average the scores of complete candidates, fold by fold.

    Args:
        leader: the scores of the leader, which has the rest of the weight.
        others: the scores of the others, each with its weight.
    """

    def average(fold: int, key: str, name: str | None) -> float:
        own = _value(leader[fold][key], name)
        return own + sum(share * (_value(scores[fold][key], name) - own) for scores, share in others)

    return [
        {key: _each(scores[key], partial(average, fold, key)) for key in _SCORES if key in scores}
        for fold, scores in enumerate(leader)
    ]


def cap_mean(found: Mapping[int, Scores], imputed: Mapping[int, Scores], metric: Any, most: float) -> dict[int, Scores]:
    """Lower imputed scores so that a beaten candidate's mean is at most the leader's.

    It may be higher before that by rounding, and by the noise of the leader's scores.

    Args:
        found: the scores of the folds that were run, by fold.
        imputed: the imputed scores of the others, by fold.
        metric: the deciding metric, if there are several.
        most: the leader's mean.
    """
    capped = dict(imputed)
    while capped and (over := _mean(found, capped, metric) - most) > 0:
        size = max(abs(mean_score([scores], metric)) for scores in capped.values())
        less = max(over * (len(found) + len(capped)) / len(capped), size * _EPSILON)
        for fold, scores in capped.items():
            values = scores["test_scores"]
            if isinstance(values, dict):
                name = metric if metric in values else next(iter(values))
                capped[fold] = {**scores, "test_scores": {**values, name: values[name] - less}}
            else:
                capped[fold] = {**scores, "test_scores": values - less}
    return capped


def _mean(found: Mapping[int, Scores], imputed: Mapping[int, Scores], metric: Any) -> float:
    every = {**found, **imputed}
    return mean_score([every[fold] for fold in sorted(every)], metric)


def _imputed(found: Mapping[int, Scores], expected: Sequence[Scores], fold: int, key: str, name: str | None) -> float:
    ahead = [_value(scores[key], name) - _value(expected[place][key], name) for place, scores in found.items()]
    return _value(expected[fold][key], name) + float(np.mean(ahead))


def _each(values: Any, give: Callable[[str | None], float]) -> Any:
    return {name: give(name) for name in values} if isinstance(values, dict) else give(None)


def _value(values: Any, name: str | None) -> float:
    return float(values[name] if isinstance(values, dict) and name is not None else values)


def without_marks(out: Sequence[Scores]) -> list[Scores]:
    """Return the scores with only those keys that scikit-learn knows."""
    return [{key: value for key, value in scores.items() if key != LEFT_OUT} for scores in out]


def mark_left_out(results: dict[str, Any], out: Sequence[Scores], folds: int) -> dict[str, Any]:
    """Mark in ``cv_results_`` which folds were not run.

    Scores of folds that were left out become NaN; means and standard deviations of such candidates are those of the
    folds that were run; their ranks come after those of all complete candidates. Complete candidates stay unchanged.

    Args:
        results: in the form of ``cv_results_``, made with imputed scores; it is changed.
        out: the scores of all folds of each candidate, one candidate after the other.
        folds: number of folds.

    Returns:
        The results with two more columns: ``n_folds``, the number of folds that were run, and ``raced_out``, whether
        these are not all.
    """
    ran = np.array([not is_left_out(scores) for scores in out]).reshape(-1, folds)
    raced = ~ran.all(axis=1)
    for name in [name.removeprefix("mean_") for name in results if name.startswith("mean_")]:
        splits = [results.get(f"split{fold}_{name}") for fold in range(folds)]
        if name in ("fit_time", "score_time"):
            table = np.array([float(scores[name]) for scores in out]).reshape(-1, folds)
        else:
            table = np.stack([np.asarray(values) for values in splits], axis=1)
        for fold, values in enumerate(splits):
            if values is not None:
                results[f"split{fold}_{name}"] = np.where(ran[:, fold], values, np.nan)
        for place in np.flatnonzero(raced):
            results[f"mean_{name}"][place] = table[place, ran[place]].mean()
            results[f"std_{name}"][place] = table[place, ran[place]].std()
        if f"rank_{name}" in results and raced.any():
            results[f"rank_{name}"] = _ranks(results[f"mean_{name}"], raced)
    return {**results, "n_folds": ran.sum(axis=1), "raced_out": raced}


def _ranks(means: Any, raced: Any) -> Any:
    """Rank by mean: complete candidates, then those that were raced out, then those without a mean."""
    behind = raced + 2.0 * np.isnan(means)
    values = np.nan_to_num(means, nan=0.0)
    order = np.lexsort((-values, behind))
    places = np.cumsum(np.r_[0, np.any(np.diff(np.stack([behind, values])[:, order], axis=1) != 0, axis=0)])
    levels = np.empty(len(means))
    levels[order] = places
    return rankdata(levels, method="min").astype(np.int32)
