"""One objective of a study: its models, its best trial, the noise of a measurement."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from luthier._typing import Floats
from luthier.analysis.predict import Predictions, default_models, intervals_of, known_results, place_of, predict
from luthier.analysis.predictive_distribution import PredictiveDistribution, one_objective, predictive_distribution
from luthier.analysis.results import Interval
from luthier.data import Data
from luthier.errors import NoResult
from luthier.history import History
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import Method
from luthier.problem import Objective, Problem
from luthier.surrogate import Posterior, SupportsCovariance
from luthier.trial import Config

_ONE_SIGMA = 0.8413447460685429


@dataclass(frozen=True, slots=True, eq=False)
class SingleObjective:
    """One objective, modelled by itself.

    Args:
        history: everything that is known.
        problem: with this objective alone.
        data: the finished trials, with its losses.
        numbers: of the trials of the rows of the data.
        predictions: the models.
    """

    history: History
    problem: Problem
    data: Data
    numbers: tuple[int, ...]
    predictions: Predictions

    @classmethod
    def of(cls, history: History, objective: str | None, method: Method, key: Key, memo: Memo) -> SingleObjective:
        """Fit the models of one objective.

        Raises:
            InvalidSetting: there is no such objective, or none is named of several.
            NoResult: there are fewer than 3 trials with values, or all values are equal.
        """
        problem = history.problem()
        place = place_of(problem, objective)
        known, numbers = known_results(history, problem)
        data = one_objective(known, place)
        alone = replace(problem, objectives=(problem.objectives[place],))
        return cls(history, alone, data, numbers, predict(alone, data, method, key, memo))

    @property
    def goal(self) -> Objective:
        """The objective."""
        return self.problem.objectives[0]

    @property
    def distribution(self) -> PredictiveDistribution:
        """What is expected of it."""
        return self.predictions.distributions[0]

    @property
    def by(self) -> str:
        """The models, in words."""
        return self.predictions.by

    @property
    def best_row(self) -> int:
        """The row of the best trial: by its measured value, or of noisy ones by what is expected of it.

        Raises:
            NoResult: no trial kept the outcome constraints.
        """
        rows = np.flatnonzero(self.data.feasible)
        if not len(rows):
            raise NoResult(f"none of the {len(self.data)} trials with values kept the outcome constraints")
        losses = self.medians(self.data.x[rows]) if self.problem.noisy else self.data.loss[rows]
        return int(rows[np.argmin(losses)])

    def config(self, row: int) -> Config:
        """Give the configuration of a row, in plain form."""
        return self.history.config(self.numbers[row]) or {}

    def medians(self, x: Floats) -> Floats:
        """Give the expected losses at `x` (q, d): medians, (q,)."""
        medians: Floats = self.distribution.quantiles(x, (0.5,))[0]
        return medians

    def intervals(self, x: Floats, level: float) -> list[Interval]:
        """Give medians and intervals of the objective at `x` (q, d), in its own units."""
        tails = (0.5, 0.5 - 0.5 * level, 0.5 + 0.5 * level)
        return intervals_of(self.distribution.quantiles(x, tails), self.goal)

    def noise(self, x: Floats) -> float:
        """Give the standard deviation of one measurement at `x` (1, d), in the objective's units, or 0."""
        tails = (1.0 - _ONE_SIGMA, _ONE_SIGMA)
        (low, high), (all_low, all_high) = (
            self.distribution.quantiles(x, tails, observed)[:, 0] for observed in (False, True)
        )
        whole, own = 0.5 * (all_high - all_low), 0.5 * (high - low)
        return float(np.sqrt(max(whole - own, 0.0)) * np.sqrt(whole + own))  # squares may be too large

    def having(self, ability: type, key: Key, memo: Memo) -> tuple[PredictiveDistribution, str]:
        """Give a predictive distribution whose models all have an ability, a default one if need be, and its name."""
        if all(isinstance(one.posterior, ability) for one in self.distribution.components):
            return self.distribution, self.by
        spare = predictive_distribution(default_models(len(self.data)), self.data, key, memo)
        if spare is None:
            raise NoResult("the values are too close to one another: they do not tell how much the objective varies")
        return spare, f"a default GP, as {self.by} cannot be drawn from"


def noise_variance(posterior: Posterior) -> float:
    """Give the variance of the noise of one observation, on the posterior's scale; 0 where it is not known."""
    return posterior.noise_variance if isinstance(posterior, SupportsCovariance) else 0.0
