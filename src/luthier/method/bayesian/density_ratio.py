"""Choices by a ratio of densities: candidates are drawn near the good trials."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from luthier._typing import Floats
from luthier.acquisition import Criterion, FunctionCriterion
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.step import FittedModel, fit_model, ranked
from luthier.method.bayesian.user_prior import PriorDensity
from luthier.space import Space
from luthier.surrogate import Posterior, Ratio, Surrogate

LOG_RATIO = "log density ratio"
"""The name of the criterion of a ratio of densities, which orders points as the expected improvement does."""
_DRAWS = 32
"""The number of candidates that are drawn from the density of the good configurations; the best ratio wins."""

Choice: TypeAlias = tuple[FittedModel, tuple[tuple[str, Criterion], ...], Floats]
"""A model, the criteria by name, and the candidates of a step."""


def choose_by_ratio(
    surrogate: Surrogate,
    space: Space,
    data: Data,
    seen: Data,
    constraints: tuple[Posterior, ...],
    belief: tuple[PriorDensity, float] | None,
    key: Key,
    memo: Memo,
) -> Choice:
    """Fit a ratio of densities; draw candidates from the density of the good points and from the user's prior.

    Args:
        surrogate: with the ability `Ratio`.
        space: of the problem.
        data: what is known.
        seen: the same with the one loss that the model is fitted to.
        constraints: models of the outcome constraints; where there are any, losses count by their ranks.
        belief: a user's prior, and its strength.
        key: the randomness.
        memo: see `Surrogate.fit`.
    """
    if constraints:
        seen = ranked(seen)
        model = FittedModel(surrogate, key.fold("fit"), surrogate.fit(seen, key.fold("fit"), memo))
    else:
        model = fit_model(surrogate, data, seen, key.fold("fit"), memo)
    ratio: Ratio = model.posterior
    drawn = ratio.draw(key.fold("draw"), _DRAWS)
    points = space.settle(drawn, drawn)
    points = points[space.feasible(points)]
    value = ratio.log_ratio
    if belief is not None:
        density, power = belief[0], belief[1] / len(data)
        points = np.concatenate([points, density.draw(key.fold("belief"), _DRAWS)])

        def value(x: Floats) -> Floats:
            return ratio.log_ratio(x) + power * density.log_density(x)

    return model, ((LOG_RATIO, FunctionCriterion(value)),), points


def best_candidates(candidates: Floats, criterion: Criterion) -> Floats:
    """Order candidates by a criterion, the best first. Cost: that of the criterion at each."""
    return candidates[np.argsort(-criterion.value(candidates), kind="stable")] if len(candidates) else candidates
