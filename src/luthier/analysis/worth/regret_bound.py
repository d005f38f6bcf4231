"""A rule that ends a run once what is left to gain is below the error of a measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.analysis.single_objective import SingleObjective
from luthier.analysis.worth.end_rule import EndEvidence, EndFinding, EndRule
from luthier.analysis.worth.fold_losses import fold_error, fold_losses
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.setting_types import check_setting_types

_DELTA, _SMALLER = 0.1, 5.0
"""The probability with which the bounds fail, and by how much β is smaller than in theory: both as in the paper."""
_SPREAD, _NEAR, _STARTS = 512, 48, 3
_STEPS = (0.2, 0.05, 0.01)
_LIKELY = 0.5


@translating_settings
@dataclass(frozen=True, slots=True)
class RegretBound(EndRule):
    """End a run once the best is closer to the optimum than the error of its measurement, by the models' bounds.

    With quantiles of the models in the place of ``μ ± √β σ``: the regret is at most the lowest upper bound among the
    trials less the lowest lower bound in the space. It is compared with the standard error of the best trial over its
    folds (see `luthier.analysis.worth.fold_losses`), that of its known variance, or else with the noise of one
    measurement as the models see it. A run of which none of these is known does not end.

    Args:
        error: what the regret is compared with, in the units of the objective, more than 0; None: as above.
        after: the number of finished trials before which a run does not end, at least 3.

    Raises:
        InvalidSetting: a setting outside its range.

    Cost: O(n³) for n trials, as that of a prediction, and some thousand predictions.

    Source: Makarova, Shen, Perrone, Klein, Faddoul, Krause, Seeger and Archambeau (2022), Automatic termination for
    hyperparameter optimization, section 3; there with ``μ ± √β σ`` and a threshold from the folds alone.
    """

    error: float | None = None
    after: int = 20

    def __post_init__(self) -> None:
        check_setting_types(self)
        if (self.error is not None and not self.error > 0) or self.after < 3:
            raise InvalidSetting(f"{self!r}: give an error of more than 0, and at least 3 trials")

    def decide(self, evidence: EndEvidence) -> EndFinding | None:
        """See `EndRule.decide`."""
        history = evidence.history
        if history.finished < self.after or history.best is None:
            return None
        model = evidence.model()
        row = model.best_row
        error = self.error or measurement_error(model, row)
        if not error > 0:
            return None
        regret = regret_bound(model, row, evidence.key.fold("regret"))
        return EndFinding("RegretBound", {"regret": regret, "error": error}) if regret < error else None


def measurement_error(model: SingleObjective, row: int) -> float:
    """Give the standard error of what was measured in a row: over folds, as it was told, or as the models see it."""
    variance = None if model.data.noise is None else float(model.data.noise[row])
    folds = fold_losses(model.problem, model.history.trial(model.numbers[row]))
    if variance is not None or folds:
        return math.sqrt(variance) if variance is not None else fold_error([*folds.values()])
    return model.noise(model.data.x[row : row + 1])


def regret_bound(model: SingleObjective, row: int, key: Key) -> float:
    """Give how much worse than the optimum the best trial is at most, with high probability; at least 0.

    Args:
        model: of the objective.
        row: of the best trial.
        key: the randomness of the search for the lowest lower bound.
    """
    from scipy.special import ndtr

    data, space = model.data, model.problem.space
    count = len(data)
    beta = 2.0 * math.log(max(len(data.columns), 1) * count**2 * math.pi**2 / (6.0 * _DELTA)) / _SMALLER
    tail = float(ndtr(-math.sqrt(beta)))
    highest = float(model.distribution.quantiles(data.x[data.feasible], (1.0 - tail,)).min())

    def lower(x: Floats) -> Floats:
        x = x[model.predictions.chances(x) >= _LIKELY]
        bounds: Floats = model.distribution.quantiles(x, (tail,))[0] if len(x) else np.empty(0)
        order = np.argsort(bounds, kind="stable")[:_STARTS]
        lows.append(float(bounds.min()) if len(x) else math.inf)
        return x[order]

    lows: list[float] = []
    starts = lower(np.concatenate([data.x[row : row + 1], space.sample(key.fold("spread"), _SPREAD)]))
    for step, scale in enumerate(_STEPS):
        near = [space.neighbours(x, key.fold("near", step, i), _NEAR, scale) for i, x in enumerate(starts)]
        starts = lower(np.concatenate([starts, *near]))
    return max(highest - min(lows), 0.0)
