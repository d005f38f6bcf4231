"""Extrapolation of learning curves: trials that will hardly end better than the best one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from luthier._hints import translating_settings
from luthier.errors import InvalidSetting
from luthier.history import History
from luthier.numeric import FinalValue, extrapolate_curve
from luthier.problem import Problem
from luthier.setting_types import check_setting_types
from luthier.stop.loss_curve import loss_curve
from luthier.stop.rule import GO_ON, Decision, Rule
from luthier.trial import Ruling, Trial

_FEWEST = 4


@dataclass(frozen=True, slots=True)
class CurveForecast:
    """What a trial is expected to end with.

    Args:
        step: at which it ends.
        median: of its final value, in the units of the objective.
        low, high: the interval that has it with a probability of 90 %.
        worse: the probability that it is worse than the best trial; None where no trial is finished.
    """

    step: int
    median: float
    low: float
    high: float
    worse: float | None


@translating_settings
@dataclass(frozen=True, slots=True)
class CurveExtrapolation(Rule):
    """Stop a trial whose final value is worse than the best one with a high probability, by its learning curve.

    The curve so far is extrapolated by an ensemble of shapes (powers, exponentials, a logarithm, a line), and what they
    leave open is counted: see `forecast`. A trial is stopped only where some trial is finished. A latest report that is
    not finite stops it; earlier ones are left out.

    Args:
        p: the probability of ending worse than the best trial from which on a trial is stopped, above 0.5, below 1.
        reports: the number of finite reports that there must be first, at least 4.
        steps: the step at which trials end; None: the highest of the study's fidelity, or without one the last step
            that a finished trial has reported.

    Raises:
        InvalidSetting: a setting outside its range.

    Cost O(reports of the trial), and O(trials) to find the step without a fidelity.

    Source: Domhan, Springenberg and Hutter (2015), Speeding up automatic hyperparameter optimization of deep neural
    networks by extrapolation of learning curves, IJCAI, section 3.2; see `luthier.numeric.extrapolate_curve` for the
    model.

    Example:
        >>> CurveExtrapolation(p=0.9)
        CurveExtrapolation(p=0.9, reports=4, steps=None)
    """

    compares_one: ClassVar[bool] = True

    p: float = 0.95
    reports: int = _FEWEST
    steps: int | None = None

    def __post_init__(self) -> None:
        check_setting_types(self)
        if not 0.5 < self.p < 1.0 or self.reports < _FEWEST or (self.steps is not None and self.steps < 2):
            raise InvalidSetting(f"{self!r}: give p between 0.5 and 1, reports from {_FEWEST} on, and steps from 2 on")

    def forecast(self, problem: Problem, history: History, number: int) -> CurveForecast | None:
        """Give what a trial is expected to end with; None where its curve is too short, or nothing says where it ends.

        Args:
            problem: what is optimized.
            history: everything that is known.
            number: of the trial.
        """
        found = self._final(problem, history, history.trial(number))
        if found is None:
            return None
        final, horizon = found
        objective, best = problem.objectives[0], _best_loss(problem, history, number)
        ends = sorted(objective.value(final.quantile(share)) for share in (0.05, 0.95))
        worse = None if best is None else 1.0 - final.below(best)
        return CurveForecast(horizon, objective.value(final.quantile(0.5)), ends[0], ends[1], worse)

    def decide(self, problem: Problem, history: History, number: int) -> Decision:
        """See `Rule.decide`."""
        best = _best_loss(problem, history, number)
        if best is None:
            return GO_ON
        trial = history.trial(number)
        if not math.isfinite(trial.reports[-1].value):
            return Decision(Ruling.STOP, "CurveExtrapolation")
        found = self._final(problem, history, trial)
        if found is None or 1.0 - found[0].below(best) < self.p:
            return GO_ON
        return Decision(Ruling.STOP, "CurveExtrapolation")

    def _final(self, problem: Problem, history: History, trial: Trial) -> tuple[FinalValue, int] | None:
        """Give the distribution of the final loss of a trial, and its step."""
        curve = loss_curve(problem, trial)
        horizon = self._horizon(problem, history)
        steps, losses = np.array(curve.steps, dtype=float), np.array(curve.losses, dtype=float)
        first = 0 if problem.fidelity is not None else 1  # without a fidelity the first step is 0
        kept = np.isfinite(losses) & (steps + first >= 1)
        short = horizon is None or kept.sum() < self.reports or curve.step >= horizon
        if short or not np.isfinite(np.ptp(losses[kept])):
            return None
        assert horizon is not None
        return extrapolate_curve(steps[kept] + first, losses[kept], float(horizon + first)), horizon

    def _horizon(self, problem: Problem, history: History) -> int | None:
        if self.steps is not None:
            return self.steps
        if problem.fidelity is not None:
            return problem.fidelity.high
        ends = (trial.reports[-1].step for trial in history.trials if trial.reports and _is_done(problem, trial))
        return max(ends, default=None)


def _is_done(problem: Problem, trial: Trial) -> bool:
    return trial.outcome is not None and problem.objectives[0].name in trial.outcome.values


def _best_loss(problem: Problem, history: History, number: int) -> float | None:
    """Give the loss of the best finished trial, which is another one."""
    best = history.best
    if best is None or best == number:
        return None
    outcome = history.trial(best).outcome
    return None if outcome is None else problem.losses(outcome.values)[0]
