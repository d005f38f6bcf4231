"""Optimization in one call: `minimize` and `maximize`, which keep no study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.executor import ObjectiveFunction
from luthier.method import Method
from luthier.run.study import Study
from luthier.space import Space, Variable
from luthier.study import TrialResult


def minimize(
    objective: ObjectiveFunction,
    space: Space | Mapping[str, Variable],
    *,
    trials: int | None = None,
    method: Method | None = None,
    seed: int | None = None,
    noisy: bool = False,
    **settings: Any,
) -> TrialResult:
    """Find the values that minimize an objective, keeping nothing.

    Args:
        objective: a function of a running trial that returns a number.
        space: the variables.
        trials: the number of trials.
        method: makes the proposals; by default as in `Study`.
        seed: of all randomness.
        noisy: whether the same values may give different results.
        settings: all other arguments of `Study.run`, such as `time_s` and `workers`.

    Returns:
        The best trial.

    Raises:
        NoResult: no trial has a value.

    Example:
        >>> import luthier as lt
        >>> best = lt.minimize(lambda trial: (trial["x"] - 1) ** 2, {"x": lt.Float(-5, 5)}, trials=30, seed=0)
        >>> best.value < 0.5
        True
    """
    with Study("minimize", space, minimize="value", method=method, seed=seed, noisy=noisy) as study:
        study.run(objective, trials=trials, **settings)
        return study.best


def maximize(
    objective: ObjectiveFunction,
    space: Space | Mapping[str, Variable],
    *,
    trials: int | None = None,
    method: Method | None = None,
    seed: int | None = None,
    noisy: bool = False,
    **settings: Any,
) -> TrialResult:
    """Find the values that maximize an objective, keeping nothing; see `minimize`."""
    with Study("maximize", space, maximize="value", method=method, seed=seed, noisy=noisy) as study:
        study.run(objective, trials=trials, **settings)
        return study.best
