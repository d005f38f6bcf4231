"""Candidates that were not evaluated on all folds: what stands for the others, and what the results say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import rankdata

from luthier.sklearn.evaluation import Scores
from luthier.sklearn.search_progress import score_of

LEFT_OUT = "left_out"
"""The key that marks the scores of a fold that was not run."""

_SCORES = ("test_scores", "train_scores")

_EPSILON = float(np.finfo(float).eps)


def is_left_out(scores: Scores) -> bool:
    """Say whether these scores stand for a fold that was not run."""
    return bool(scores.get(LEFT_OUT, False))


def folds_run(scores: Sequence[Scores]) -> int:
    """Give the number of folds that a candidate was evaluated on."""
    return sum(not is_left_out(fold) for fold in scores)


def stand_ins(found: Mapping[int, Scores], expected: Sequence[Scores], folds: int) -> dict[int, Scores]:
    """Make what stands for the folds that a candidate was not evaluated on.

    The scores are those expected of complete candidates on that fold, plus the mean difference on the folds that were
    run: so the mean over all folds, which is what the study is told, does not depend on whether those are easy ones.

    Args:
        found: what came of the folds that were run, at least one.
        expected: the scores of the base of the race (see `yardstick`), of all folds; nothing where all failed.
        folds: how many there are.
    """
    failed = next((scores for scores in found.values() if scores["fit_error"] is not None), None)
    like = failed or next(iter(found.values()))
    nothing = {"fit_time": 0.0, "score_time": 0.0, "n_test_samples": 0, LEFT_OUT: True}
    made = {}
    for fold in range(folds):
        if fold not in found:
            made[fold] = {**like, **nothing}
            if failed is None and expected:
                for key in [key for key in _SCORES if key in like]:
                    made[fold][key] = _each(like[key], partial(_guess, found, expected, fold, key))
    return made


def blended(leader: Sequence[Scores], others: Sequence[tuple[Sequence[Scores], float]]) -> list[Scores]:
    """Mix the scores of complete candidates, fold by fold.

    Args:
        leader: the scores of the leader, which has the rest of the weight.
        others: the scores of the others, each with its weight.
    """

    def mixed(fold: int, key: str, name: str | None) -> float:
        own = _value(leader[fold][key], name)
        return own + sum(share * (_value(scores[fold][key], name) - own) for scores, share in others)

    return [
        {key: _each(scores[key], partial(mixed, fold, key)) for key in _SCORES if key in scores}
        for fold, scores in enumerate(leader)
    ]


def held_down(found: Mapping[int, Scores], made: Mapping[int, Scores], metric: Any, most: float) -> dict[int, Scores]:
    """Lower stand-ins by what rounding, and the noise of the leader's scores, put the mean above the leader's.

    Args:
        found: what came of the folds that were run.
        made: what stands for the others.
        metric: which score decides, where there are several.
        most: the mean of the leader.
    """
    made = dict(made)
    while made and (over := _mean(found, made, metric) - most) > 0:
        size = max(abs(score_of([scores], metric)) for scores in made.values())
        less = max(over * (len(found) + len(made)) / len(made), size * _EPSILON)
        for fold, scores in made.items():
            values = scores["test_scores"]
            if isinstance(values, dict):
                name = metric if metric in values else next(iter(values))
                made[fold] = {**scores, "test_scores": {**values, name: values[name] - less}}
            else:
                made[fold] = {**scores, "test_scores": values - less}
    return made


def _mean(found: Mapping[int, Scores], made: Mapping[int, Scores], metric: Any) -> float:
    every = {**found, **made}
    return score_of([every[fold] for fold in sorted(every)], metric)


def _guess(found: Mapping[int, Scores], expected: Sequence[Scores], fold: int, key: str, name: str | None) -> float:
    ahead = [_value(scores[key], name) - _value(expected[place][key], name) for place, scores in found.items()]
    return _value(expected[fold][key], name) + float(np.mean(ahead))


def _each(values: Any, give: Callable[[str | None], float]) -> Any:
    return {name: give(name) for name in values} if isinstance(values, dict) else give(None)


def _value(values: Any, name: str | None) -> float:
    return float(values[name] if isinstance(values, dict) and name is not None else values)


def bare(out: Sequence[Scores]) -> list[Scores]:
    """Give the scores with the keys that scikit-learn knows."""
    return [{key: value for key, value in scores.items() if key != LEFT_OUT} for scores in out]


def marked(results: dict[str, Any], out: Sequence[Scores], folds: int) -> dict[str, Any]:
    """Say in ``cv_results_`` what was not run.

    Scores of folds left out become NaN; means and standard deviations of such candidates are over the folds that were
    run; their ranks are behind those of all complete candidates. Numbers of complete candidates stay as they are.

    Args:
        results: in the form of ``cv_results_``, made with stand-ins; is changed.
        out: the scores of all folds of each candidate, one candidate after the other.
        folds: how many there are.

    Returns:
        The results with two more columns: ``n_folds``, how many folds were run, and ``raced_out``, whether that is
        not all of them.
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
