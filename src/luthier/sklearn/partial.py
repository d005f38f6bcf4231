"""Candidates that were not evaluated on all folds: what stands for the others, and what the results say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from luthier.sklearn.evaluation import Scores

LEFT_OUT = "left_out"
"""The key that marks the scores of a fold that was not run."""


def is_left_out(scores: Scores) -> bool:
    """Say whether these scores stand for a fold that was not run."""
    return bool(scores.get(LEFT_OUT, False))


def folds_run(scores: Sequence[Scores]) -> int:
    """Give the number of folds that a candidate was evaluated on."""
    return sum(not is_left_out(fold) for fold in scores)


def stand_ins(found: Mapping[int, Scores], leader: Sequence[Scores], folds: int) -> dict[int, Scores]:
    """Make what stands for the folds that a candidate was not evaluated on.

    The scores are the leader's on that fold, plus the mean difference on the folds that both have: so the mean over all
    folds, which is what the study is told, does not depend on whether the folds that were run are easy ones, and is
    no better than the leader's where the candidate is behind.

    Args:
        found: what came of the folds that were run, at least one.
        leader: the scores of the leader, of all folds; nothing where all candidates failed.
        folds: how many there are.
    """
    failed = next((scores for scores in found.values() if scores["fit_error"] is not None), None)
    like = failed or next(iter(found.values()))
    nothing = {"fit_time": 0.0, "score_time": 0.0, "n_test_samples": 0, LEFT_OUT: True}
    made = {}
    for fold in range(folds):
        if fold not in found:
            made[fold] = {**like, **nothing}
            if failed is None and leader:
                for key in [key for key in ("test_scores", "train_scores") if key in like]:
                    made[fold][key] = _expected(found, leader, fold, key)
    return made


def _expected(found: Mapping[int, Scores], leader: Sequence[Scores], fold: int, key: str) -> Any:
    def one(name: str | None) -> float:
        behind = [_value(scores[key], name) - _value(leader[place][key], name) for place, scores in found.items()]
        return _value(leader[fold][key], name) + float(np.mean(behind))

    values = next(iter(found.values()))[key]
    return {name: one(name) for name in values} if isinstance(values, dict) else one(None)


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
