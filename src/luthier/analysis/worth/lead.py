"""The lead of the best trial over another one, beside the noise of what was measured."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from luthier import codec
from luthier.analysis.worth.fold_losses import fold_error, fold_losses
from luthier.history import History
from luthier.problem import Problem
from luthier.render import ResultForm
from luthier.trial import Trial

_ROUNDING = 1e-12
"""Errors below this share of the losses are of their rounding."""
_LEAST = sys.float_info.min
"""A lead of 0 does not count, also where its noise is known to be 0."""

NoiseSource = Literal["folds", "variance", "model", "none"]


@dataclass(frozen=True, slots=True)
class Lead(ResultForm):
    """By how much the best trial is better than another one, such as that of the defaults.

    Args:
        objective: its name.
        best: the number of the best trial.
        other: the number of the other one.
        value: by how much the best is better as measured, in the objective's units; over the common folds where these
            are known. The best of many trials is partly luck, so in truth it is less on average.
        noise: the standard error of that difference; 0 where nothing is known of it (`source` is then ``none``), or
            where it is known to be 0: it is the same in all folds.
        source: where the noise is from: paired differences of ``folds``, known variances, the ``model``, or ``none``.
        pairs: the number of folds that both have.
    """

    objective: str
    best: int
    other: int
    value: float
    noise: float
    source: NoiseSource
    pairs: int = 0

    @property
    def is_noise(self) -> bool:
        """Whether the lead is below its noise: the search may have found nothing but luck."""
        return self.source != "none" and self.value < max(self.noise, _LEAST)

    def heading(self) -> str:
        """See `ResultForm.heading`."""
        how = {
            "folds": f"over {self.pairs} folds in pairs",
            "variance": "by the known variances",
            "model": "as the model sees it",
            "none": "",
        }[self.source]
        known = f"its standard error is {self.noise:.3g} {how}"
        noise = f"; {known if self.source != 'none' else 'its noise is not known'}"
        return f"trial {self.best} leads trial {self.other} by {self.value:.3g} in {self.objective}{noise}"

    def rows(self) -> list[tuple[str, str]]:
        """See `ResultForm.rows`."""
        known = self.source != "none"
        return [("verdict", "below the noise" if self.is_noise else "above the noise" if known else "unknown")]

    def to_dict(self) -> dict[str, Any]:
        """See `ResultForm.to_dict`."""
        names = ("objective", "best", "other", "value", "noise", "source", "pairs")
        plain: dict[str, Any] = codec.to_plain(
            {**{name: getattr(self, name) for name in names}, "is_noise": self.is_noise}
        )
        return plain


def lead_over(problem: Problem, best: Trial, other: Trial, noise: Callable[[], float]) -> Lead:
    """Compare the best trial with another one: in pairs of folds where both have these, else by variances or noise.

    Args:
        problem: has one objective.
        best, other: trials that are done.
        noise: gives the standard deviation of one measurement, where nothing else is known; 0 where that is not.

    Source: Schneider, Bischl and Feurer (2025), Overtuning in hyperparameter optimization; Nadeau and Bengio (2003),
    Inference for the generalization error, for the error over folds.
    """
    goal = problem.objectives[0]
    ours, theirs = fold_losses(problem, best), fold_losses(problem, other)
    common = [fold for fold in ours if fold in theirs]
    names = (goal.name, best.number, other.number)
    if len(common) > 1:
        apart = np.array([theirs[fold] - ours[fold] for fold in common])
        error = fold_error(apart)
        rounding = _ROUNDING * float(np.abs([ours[fold] for fold in common]).max())
        return Lead(*names, float(apart.mean()), error if error > rounding else 0.0, "folds", len(common))
    value = _loss(problem, other) - _loss(problem, best)
    variances = [_variance(trial) for trial in (best, other)]
    if None not in variances:
        return Lead(*names, value, math.sqrt(sum(filter(None, variances))), "variance")
    error = math.sqrt(2.0) * noise()
    return Lead(*names, value, error, "model" if error > 0 else "none")


def default_trial(history: History) -> Trial | None:
    """Give the first trial with a value that has the defaults of all variables; None where there is none."""
    space = history.problem().space
    wanted = space.defaults()
    if wanted is None:
        return None
    identity = space.identity(wanted)
    for trial in history.trials:
        config = history.config(trial.number)
        if trial.is_done and not trial.forgotten and config is not None and space.identity(config) == identity:
            return trial
    return None


def _variance(trial: Trial) -> float | None:
    """Give the known variance of a trial's value."""
    given = trial.outcome.extra.get("variance") if trial.outcome else None
    return float(given) if isinstance(given, int | float) and given >= 0 else None


def _loss(problem: Problem, trial: Trial) -> float:
    goal = problem.objectives[0]
    assert trial.outcome is not None
    return goal.loss(trial.outcome.values[goal.name])
