"""Candidates that are known before the first is evaluated: the points of a grid, and points drawn at random."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils import check_random_state

from luthier.errors import SpaceExhausted
from luthier.method import Grid, Random
from luthier.sklearn.spaces.candidate_space import CandidateSpace, candidate_space
from luthier.sklearn.spaces.parse_space import ParsedSpace, is_foreign, read_all
from luthier.space import Space, Variable
from luthier.study import AskTell


def grid(given: Any, estimator: Any) -> Sequence[Mapping[str, Any]]:
    """List the points of a grid.

    Args:
        given: as scikit-learn takes it; or with variables and spaces of Luthier's, of which `luthier.Grid` says what
            the points are: ten of a range, and none that break a constraint.
        estimator: whose parameters they are.
    """
    if not is_foreign(given):
        found: Sequence[Mapping[str, Any]] = ParameterGrid(given)
        return found
    reading = read_all(given, defaults_of(estimator))
    return _ask(reading, Grid(), None, 0)


def drawn(given: Any, count: int, random_state: Any, estimator: Any) -> Sequence[Mapping[str, Any]]:
    """Draw points at random.

    Args:
        given: as scikit-learn takes it; or with variables and spaces of Luthier's, from which points are drawn by
            `luthier.Random`: by their priors, feasible, and none twice.
        count: how many; fewer where there are fewer.
        random_state: as in scikit-learn.
        estimator: whose parameters they are.
    """
    if not is_foreign(given):
        found: Sequence[Mapping[str, Any]] = ParameterSampler(given, count, random_state=random_state)
        return found
    seed = random_state
    if not isinstance(seed, int) or isinstance(seed, bool):
        seed = int(check_random_state(random_state).randint(2**31 - 1))
    made = _ask(read_all(given, defaults_of(estimator)), Random(), count, seed)
    if len(made) < count:
        warnings.warn(
            f"The total space of parameters {len(made)} is smaller than n_iter={count}. Running {len(made)} iterations."
            " For exhaustive searches, use GridSearchCV.",
            UserWarning,
            stacklevel=2,
        )
    return made


def reading_of(given: Any, estimator: Any, extra: Mapping[str, Variable] | None = None) -> ParsedSpace | CandidateSpace:
    """Give the space in which the candidates of a grid or of distributions are kept.

    Args:
        given: as of `grid` and `drawn`.
        estimator: whose parameters they are.
        extra: variables that every candidate has besides.
    """
    if not is_foreign(given):
        return candidate_space(given, extra or {})
    reading = read_all(given, defaults_of(estimator))
    if not extra:
        return reading
    space = Space({**reading.space.given, **extra}, reading.space.require)
    return ParsedSpace(space, reading.quantiles, reading.lists, reading.several)


def defaults_of(estimator: Any) -> Mapping[str, Any]:
    """Give the values of an estimator's parameters."""
    found: Mapping[str, Any] = estimator.get_params(deep=True)
    return found


def _ask(reading: ParsedSpace, method: Any, count: int | None, seed: int) -> list[dict[str, Any]]:
    """Have a method propose all its candidates, or so many, before any is evaluated."""
    size = method.count(reading.space) if count is None else count
    with AskTell("candidates", reading.space, maximize="score", method=method, seed=seed) as study:
        try:
            trials = study.ask(max(size, 1))
        except SpaceExhausted:
            trials = []
        return [reading.params(trial.params) for trial in trials]
