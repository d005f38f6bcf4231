"""Models of two or three objectives, one each, and what a point would add to the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from luthier._typing import Floats
from luthier.acquisition import LogEHVI, bind_hypervolume
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method.bayesian.step import FittedModel, fantasize, fit_model, scalarize
from luthier.numeric import non_dominated
from luthier.surrogate import GP, Posterior

MOST_OBJECTIVES = 3
"""With more objectives the boxes of the hypervolume are too many: losses are scalarised."""
_LATER = 1e-3
"""The weight of the scalarised loss: the search begins at the trials of the front, in the order of that loss."""
_BOUND = 2.0
"""What k trials have in common as the lowest value is likely to be a bound: to fall below it counts 1/k² as much."""


@dataclass(frozen=True, slots=True, eq=False)
class FrontModels:
    """One surrogate, fitted to each objective.

    Args:
        data: what is known, pending trials included.
        fitted: one for each objective; pending trials are not in them.
        posteriors: the same, conditioned on pending trials.
    """

    data: Data
    fitted: tuple[FittedModel, ...]
    posteriors: tuple[Posterior, ...]

    def acquisition(self) -> LogEHVI:
        """Give the expected improvement of the front of feasible and pending trials; of all while none is feasible."""
        feasible = self.data.feasible
        rows = self.data.x[feasible] if feasible.any() else self.data.x
        return bind_hypervolume(self.posteriors, np.concatenate([rows, self.data.pending]), _beyond(self.data.losses))


def _beyond(losses: Floats) -> Floats:
    """Give the logarithms of how far each objective may still fall, by how many trials share its lowest value."""
    shared = (losses == losses.min(axis=0)).sum(axis=0)
    found: Floats = -_BOUND * np.log(shared)
    return found


def fit_objectives(model: GP, data: Data, key: Key, memo: Memo) -> FrontModels:
    """Fit a surrogate to the losses of each objective, taken as independent."""
    fitted, posteriors = [], []
    for place in range(data.losses.shape[1]):
        alone = data.of_objective(place)
        one = fit_model(model, alone, alone, key.fold("objective", place), memo)
        fitted.append(one)
        posteriors.append(fantasize(one.posterior, alone, data.pending, "believed"))
    return FrontModels(data, tuple(fitted), tuple(posteriors))


def choose_model(smooth: Sequence[GP], rough: Sequence[GP], begun: int) -> GP:
    """Take the models in turn, smooth and rough ones alternately; `begun` counts results and pending trials."""
    models = rough if begun % 2 and rough else smooth
    return models[begun // 2 % len(models)]


def front_first(data: Data, key: Key) -> Data:
    """Give the data with a loss that is least at the trials of the front, in an order drawn by `key`."""
    scalarized = scalarize(data, key)
    behind = np.where(non_dominated(data.losses), 0.0, 1.0)
    return replace(scalarized, losses=behind[:, None] + _LATER * scalarized.losses)
