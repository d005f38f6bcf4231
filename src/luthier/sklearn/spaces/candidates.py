"""Candidates known before the first evaluation: points of a grid, and points drawn at random."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils import check_random_state

from luthier.errors import SpaceExhausted
from luthier.method import Grid, Random
from luthier.sklearn.content_digest import digest
from luthier.sklearn.spaces.candidate_space import CandidateSpace, candidate_space
from luthier.sklearn.spaces.distributions import is_distribution
from luthier.sklearn.spaces.parsed_space import ParsedSpace, is_foreign, parse_spaces
from luthier.space import Space, Variable
from luthier.study import AskTell


def grid_candidates(given: Any, estimator: Any) -> Sequence[Mapping[str, Any]]:
    """Return the points of a grid.

    Args:
        given: as in scikit-learn; or with Luthier variables and spaces, whose points `luthier.Grid` chooses: ten values
            of a range, and only feasible points.
        estimator: the estimator that has these parameters.
    """
    if not is_foreign(given):
        found: Sequence[Mapping[str, Any]] = ParameterGrid(given)
        return found
    return _propose_all(parse_spaces(given, default_params(estimator)), Grid(), None, 0)


def draw_candidates(given: Any, count: int, random_state: Any, estimator: Any) -> Sequence[Mapping[str, Any]]:
    """Draw points at random.

    Args:
        given: as in scikit-learn; or with Luthier variables and spaces, from which `luthier.Random` draws: by their
            priors, feasible points only, and no point twice.
        count: number of points; a smaller space gives all of its points.
        random_state: as in scikit-learn.
        estimator: the estimator that has these parameters.
    """
    if not is_foreign(given):
        found: Sequence[Mapping[str, Any]] = ParameterSampler(given, count, random_state=random_state)
        return found
    seed = random_state
    if not isinstance(seed, int) or isinstance(seed, bool):
        seed = int(check_random_state(random_state).randint(2**31 - 1))
    made = _propose_all(parse_spaces(given, default_params(estimator)), Random(), count, seed)
    if len(made) < count:
        warnings.warn(
            f"The total space of parameters {len(made)} is smaller than n_iter={count}. Running {len(made)} iterations."
            " For exhaustive searches, use GridSearchCV.",
            UserWarning,
            stacklevel=2,
        )
    return made


def with_recorded(
    given: Any, drawn: Sequence[Mapping[str, Any]], recorded: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """Return as many candidates as were drawn, among them those that a store has.

    More points of a list of distributions begin with the same points. But scikit-learn draws from lists without
    repetition, and then other points altogether: so those that were evaluated come first, and new ones follow.

    Args:
        given: as in `draw_candidates`.
        drawn: what was drawn.
        recorded: the candidates in the store, in the order in which they were recorded.
    """
    if is_foreign(given):
        return drawn
    spaces = [given] if isinstance(given, Mapping) else list(given)
    if any(is_distribution(value) for space in spaces for value in space.values()):
        return drawn
    before = {digest(dict(one), 16): one for one in recorded}
    found = {digest(dict(one), 16): one for one in drawn}
    if before.keys() <= found.keys():
        return drawn
    return [*before.values(), *(one for name, one in found.items() if name not in before)][: len(drawn)]


def record_space(
    given: Any, estimator: Any, extra: Mapping[str, Variable] | None = None
) -> ParsedSpace | CandidateSpace:
    """Return the space of the study that records the candidates of a grid or of distributions.

    Args:
        given: as in `grid_candidates` and `draw_candidates`.
        estimator: the estimator that has these parameters.
        extra: further variables of every candidate.
    """
    if not is_foreign(given):
        return candidate_space(given, extra or {})
    parsed = parse_spaces(given, default_params(estimator))
    if not extra:
        return parsed
    space = Space({**parsed.space.given, **extra}, parsed.space.require)
    return ParsedSpace(space, parsed.quantiles, parsed.lists, parsed.several)


def default_params(estimator: Any) -> Mapping[str, Any]:
    """Return the values of an estimator's parameters, by name."""
    found: Mapping[str, Any] = estimator.get_params(deep=True)
    return found


def _propose_all(parsed: ParsedSpace, method: Any, count: int | None, seed: int) -> list[dict[str, Any]]:
    """Have a method propose all its candidates, or `count`, before any is evaluated."""
    size = method.count(parsed.space) if count is None else count
    with AskTell("candidates", parsed.space, maximize="score", method=method, seed=seed) as study:
        try:
            trials = study.ask(max(size, 1))
        except SpaceExhausted:
            trials = []
        return [parsed.params(trial.params) for trial in trials]
