"""Evaluate the last step of a pipeline by itself, on what the steps before it made for another candidate.

What a pipeline does around its last step is the same for all candidates that share the steps before: splitting the
data, checking parameters and routing metadata, transforming. Where all of that is known to be the same, the last step
is fitted and scored as the pipeline would do it, on copies of the same arrays. Whatever is unusual, a failure among
it, is left to an ordinary evaluation.
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


class Stem(NamedTuple):
    """What is known of the steps before the last one, of one fold.

    Args:
        key: under which the shelf has what the last of them made of the training part.
        rows: how many rows the test part has.
        fit_s: how long fitting the steps took.
        score_s: how long transforming the test part took.
    """

    key: Hashable
    rows: int
    fit_s: float
    score_s: float


def usual(setting: EvaluationSettings) -> bool:
    """Say whether fitting and scoring have no arguments of their own, and nobody but scikit-learn scores."""
    return (
        not setting.fit_params
        and not setting.score_params
        and setting.verbose <= 1
        and (setting.y is None or type(setting.y) is np.ndarray)
        and _own(setting.scorer)
    )


def _own(scorer: Any) -> bool:
    """Say whether a scorer and the function in it are scikit-learn's."""
    if isinstance(scorer, private_api.MultimetricScorer):
        return all(_own(one) for one in scorer._scorers.values())
    function = getattr(scorer, "_score_func", None)
    known = function is None or str(getattr(function, "__module__", "")).partition(".")[0] == "sklearn"
    return type(scorer).__module__ == "sklearn.metrics._scorer" and known


def ending(pipeline: Any, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give what a candidate says about the last step; None where it says something that is not plain of others."""
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
    """Make the last step of a candidate; None where its code is not scikit-learn's, or it has callbacks."""
    if not type(pipeline.steps[-1][1]).__module__.startswith("sklearn."):
        return None
    made = clone(pipeline.steps[-1][1])
    made.set_params(**params)
    reader = StateReader()
    for name, value in made.get_params(deep=False).items():
        reader.entry(name, value)
    return made if reader.sound and not reader.foreign and not getattr(made, "_skl_callbacks", None) else None


def evaluate(stem: Stem, last: Any, setting: EvaluationSettings, job: Job, arrays: Mapping[str, Any]) -> Scores | None:
    """Fit and score the last step.

    Args:
        stem: of the steps before it.
        last: the last step.
        setting: what is the same for all jobs.
        job: which fold.
        arrays: what the steps before made of the training part to fit, and of the test and the training part to score.

    Returns:
        None where something went wrong. The generator of random numbers is then as it was.
    """
    state = np.random.get_state(legacy=False)
    try:
        start_s = time.perf_counter()
        last.fit(copied(arrays["fit"]), _targets(setting.y, job.train))
        fit_s = time.perf_counter() - start_s
        score = _score(last, copied(arrays["test"]), _targets(setting.y, job.test), setting.scorer)
        found = {"fit_error": None, "test_scores": score}
        score_s = time.perf_counter() - start_s - fit_s
        if setting.return_train_score:
            targets = _targets(setting.y, job.train)
            found["train_scores"] = _score(last, copied(arrays["train"]), targets, setting.scorer)
    except Exception:  # noqa: BLE001 - the ordinary evaluation meets it again, and says what there is to say
        np.random.set_state(state)
        return None
    return {
        **found,
        "n_test_samples": stem.rows,
        "fit_time": fit_s + stem.fit_s,
        "score_time": score_s + stem.score_s,
    }


def _targets(y: Any, rows: Any) -> Any:
    return None if y is None else y[np.asarray(rows)]


def _score(last: Any, X: Any, y: Any, scorer: Any) -> Any:
    """Give the score, or scores by metric, as numbers.

    Raises:
        TypeError: it is none; of several metrics, one failed.
    """
    found = scorer(last, X) if y is None else scorer(last, X, y)
    return {name: _number(one) for name, one in found.items()} if isinstance(found, dict) else _number(found)


def _number(score: Any) -> Any:
    plain = score.item() if hasattr(score, "item") else score
    if not isinstance(plain, numbers.Number):
        raise TypeError(f"a score is a number, not {score!r}")
    return plain
