"""Results of a trial by fold, and the error of their mean."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from luthier._typing import Floats
from luthier.problem import Problem
from luthier.trial import Trial

FOLDS = "folds"
"""The name under which an objective may return its results by fold: numbers, or mappings of scores to numbers."""

_FEWEST = 2
_SAME = 1e-9


def fold_losses(problem: Problem, trial: Trial) -> dict[int, float]:
    """Give the losses of a trial by fold (instance, seed), of the first objective; empty where they are not known.

    They are what it returned as ``folds``, or its reports, one a fold: whichever has the trial's value as its mean. So
    the epochs of a learning curve are not taken for folds.

    Args:
        problem: names the objective.
        trial: that is done; others have none.

    Cost O(reports).
    """
    goal = problem.objectives[0]
    if trial.outcome is None or not trial.is_done:
        return {}
    value = trial.outcome.values[goal.name]
    for series in _series(trial):
        numbers = list(series.values())
        if len(numbers) >= _FEWEST and math.isclose(
            math.fsum(numbers) / len(numbers), value, rel_tol=_SAME, abs_tol=_SAME
        ):
            return {fold: goal.loss(number) for fold, number in series.items()}
    return {}


def _series(trial: Trial) -> Iterator[dict[int, float]]:
    """Give what may be results by fold."""
    returned = trial.outcome.extra.get(FOLDS) if trial.outcome else None
    if isinstance(returned, Sequence) and not isinstance(returned, str):
        if all(isinstance(one, Mapping) for one in returned):
            for name in returned[0] if returned else ():
                yield from _numbers([one.get(name) for one in returned])
        else:
            yield from _numbers(returned)
    yield from _numbers([report.value for report in trial.curve], [report.step for report in trial.curve])


def _numbers(given: Sequence[object], steps: Sequence[int] | None = None) -> Iterator[dict[int, float]]:
    """Give a series by fold where all of it are finite numbers."""
    found = [float(one) for one in given if isinstance(one, int | float) and abs(one) <= sys.float_info.max]
    if len(found) == len(given):
        yield dict(zip(range(len(found)) if steps is None else steps, found, strict=True))


def fold_error(losses: Floats | Sequence[float]) -> float:
    """Give the standard error of the mean over k folds of a cross-validation, whose training sets overlap; 0 for k < 2.

    ``sqrt((1/k + 1/(k - 1)) s²)``, with s² the variance between the folds: each test set has a (k - 1)-th of the size
    of the training set.

    Args:
        losses: (k,) of one trial, or the paired differences of two.

    Source: Nadeau and Bengio (2003), Inference for the generalization error, section 4.
    """
    k = len(losses)
    if k < _FEWEST:
        return 0.0
    return float(math.sqrt(1.0 / k + 1.0 / (k - 1)) * np.std(np.asarray(losses, dtype=np.float64), ddof=1))
