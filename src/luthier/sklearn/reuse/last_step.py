"""Evaluation of a pipeline's last step by itself, on the cached output of the steps before it.

What a pipeline does around its last step is the same for all candidates that share the steps before: splitting the
data, checking parameters and routing metadata, transforming. If all of that is known to be the same, the last step is
fitted and scored as the pipeline would do it, on copies of the same arrays. Anything unusual, including a failure, is
left to an ordinary evaluation.
"""

from __future__ import annotations

import numbers
import time
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from luthier.sklearn import private_api
from luthier.sklearn.evaluation import EvaluationSettings, Job, Scores
from luthier.sklearn.reuse.byte_cache import copied
from luthier.sklearn.reuse.step_fingerprint import PLAIN, StateReader


class CachedPrefix(NamedTuple):
    """The cached steps before the last one, on one fold.

    Args:
        key: cache key of the last of them, for its output on the training part.
        rows: number of rows of the test part.
        fit_s: how long fitting the steps took.
        score_s: how long transforming the test part took.
    """

    key: Hashable
    rows: int
    fit_s: float
    score_s: float


def is_usual(settings: EvaluationSettings) -> bool:
    """Return whether fit and scoring have no arguments of their own, and all scorers are scikit-learn's."""
    return (
        not settings.fit_params
        and not settings.score_params
        and settings.verbose <= 1
        and (settings.y is None or type(settings.y) is np.ndarray)
        and _is_builtin(settings.scorer)
    )


def _is_builtin(scorer: Any) -> bool:
    """Return whether a scorer and the function in it are scikit-learn's."""
    named = private_api.scorers_by_name(scorer)
    if named is not None:
        return all(_is_builtin(one) for one in named.values())
    return private_api.is_builtin_scorer(scorer) and private_api.has_builtin_score_function(scorer)


def last_params(pipeline: Any, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a candidate's parameters of the last step; None if it sets others to values that are not plain."""
    steps = pipeline.steps
    last = steps[-1][0]
    heads = {name for name, _ in steps[:-1]}
    found = {}
    for name, value in params.items():
        head, _, deeper = name.partition("__")
        if head == last and deeper:
            found[deeper] = value if type(value) in PLAIN else clone(value, safe=False)
        elif head not in heads or not (type(value) in PLAIN or isinstance(value, np.generic)):
            return None
    return found


def last_step(pipeline: Any, params: Mapping[str, Any]) -> Any:
    """Return the last step of a candidate; None if its code is not scikit-learn's, or it has callbacks."""
    if not type(pipeline.steps[-1][1]).__module__.startswith("sklearn."):
        return None
    made = clone(pipeline.steps[-1][1])
    made.set_params(**params)
    reader = StateReader()
    for name, value in made.get_params(deep=False).items():
        reader.entry(name, value)
    return made if reader.sound and not reader.foreign and not private_api.has_callbacks(made) else None


def evaluate_last_step(
    prefix: CachedPrefix, last: Any, settings: EvaluationSettings, job: Job, arrays: Mapping[str, Any]
) -> Scores | None:
    """Fit and score the last step.

    Args:
        prefix: the steps before it.
        last: the last step.
        settings: what all jobs share.
        job: the candidate and the fold.
        arrays: the output of the steps before: "fit" to fit on, "test" to score on, and "train" if that is scored.

    Returns:
        None if something failed. The global random number generator is then as it was before.
    """
    state = np.random.get_state(legacy=False)
    try:
        start_s = time.perf_counter()
        last.fit(copied(arrays["fit"]), _targets(settings.y, job.train))
        fit_s = time.perf_counter() - start_s
        score = _score(last, copied(arrays["test"]), _targets(settings.y, job.test), settings.scorer)
        found = {"fit_error": None, "test_scores": score}
        score_s = time.perf_counter() - start_s - fit_s
        if settings.return_train_score:
            targets = _targets(settings.y, job.train)
            found["train_scores"] = _score(last, copied(arrays["train"]), targets, settings.scorer)
    except Exception:  # noqa: BLE001 - the ordinary evaluation meets it again, and reports it
        np.random.set_state(state)
        return None
    return {
        **found,
        "n_test_samples": prefix.rows,
        "fit_time": fit_s + prefix.fit_s,
        "score_time": score_s + prefix.score_s,
    }


def _targets(y: Any, rows: Any) -> Any:
    return None if y is None else y[np.asarray(rows)]


def _score(last: Any, X: Any, y: Any, scorer: Any) -> Any:
    """Return the score, or the scores by metric, as numbers.

    Raises:
        TypeError: a score is not a number; of several metrics, one failed.
    """
    found = scorer(last, X) if y is None else scorer(last, X, y)
    return {name: _number(one) for name, one in found.items()} if isinstance(found, dict) else _number(found)


def _number(score: Any) -> Any:
    plain = score.item() if hasattr(score, "item") else score
    if not isinstance(plain, numbers.Number):
        raise TypeError(f"a score is a number, not {score!r}")
    return plain
