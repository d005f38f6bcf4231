"""Extrapolation of learning curves by an ensemble of shapes, each fitted by Bayesian least squares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats

_POWERS = (0.25, 0.5, 1.0, 2.0)
_DECAYS = (1 / 27, 1 / 9, 1 / 3, 1.0)
"""Time constants of exponentials, as shares of the horizon."""
_PRIOR_VARIANCE = 400.0
"""Of both coefficients, in units of the noise variance."""
_PRIOR_NOISE = 0.02
"""The standard deviation of the noise that is expected, as a share of the range of the curve."""
_PRIOR_WEIGHT = 1.0
_TEMPER = 0.25
"""So much does each value count: what neighbouring epochs have in common is not told twice. With it the interval of
90 % holds 90 to 92 % of the final losses of 360 curves of TaskSet after 10, 20 and 35 of 51 epochs; with 1 it was 75 to
82 %."""


@dataclass(frozen=True, slots=True, eq=False)
class FinalValue:
    """The distribution of the value at the horizon: a mixture of Student's t distributions.

    Args:
        weights: (k,) of the shapes, with sum 1.
        freedom: degrees of freedom.
        places: (k,) their medians.
        scales: (k,) their scales, above 0.
    """

    weights: Floats
    freedom: float
    places: Floats
    scales: Floats

    def below(self, value: float) -> float:
        """Give the probability that the value at the horizon is below a given one."""
        from scipy.special import stdtr

        if math.isinf(value):
            return float(value > 0)
        return float(self.weights @ stdtr(self.freedom, (value - self.places) / self.scales))

    def quantile(self, probability: float) -> float:
        """Give the quantile of a probability in (0, 1), by bisection."""
        from scipy.special import stdtrit

        ends = self.places + self.scales * stdtrit(self.freedom, probability)
        low, high = float(ends.min()), float(ends.max())
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if self.below(middle) >= probability else (middle, high)
        return (low + high) / 2


def extrapolate_curve(steps: Floats, losses: Floats, horizon: float) -> FinalValue:
    """Give the distribution of the loss at the horizon.

    Each shape is a line in a decreasing function of the step that is 1 at the first one and 0 at the horizon, so that
    the intercept is the loss there: ``y = a + b g(t)``. With the conjugate prior of both coefficients and the noise the
    marginal likelihood, which weights the shapes, and the predictive distribution are in closed form. Cost O(k n).

    Args:
        steps: (n,) ascending, at least 1, below the horizon.
        losses: (n,) finite; n at least 2.
        horizon: the step of the final loss.

    Source: Domhan, Springenberg and Hutter (2015), Speeding up automatic hyperparameter optimization of deep neural
    networks by extrapolation of learning curves, IJCAI: eqs. 1 to 5, with fewer families. Their Markov chain over all
    parameters is here a grid of the nonlinear ones with Bayesian least squares of the others, and each value counts for
    a quarter.
    """
    middle = float(losses[-1])
    unit = float(np.ptp(losses)) or max(abs(middle), 1.0) * 1e-12
    y = (losses - middle) / unit
    shapes = _shapes(steps, horizon)
    count = _TEMPER * len(y)
    design = np.stack([np.ones_like(shapes), shapes], axis=2)  # (k, n, 2)
    precision = np.eye(2) / _PRIOR_VARIANCE + _TEMPER * np.einsum("kni,knj->kij", design, design)
    towards = _TEMPER * np.einsum("kni,n->ki", design, y)
    mean = np.linalg.solve(precision, towards[..., None])[..., 0]
    shape = _PRIOR_WEIGHT + count / 2
    rate = _PRIOR_WEIGHT * _PRIOR_NOISE**2 + (_TEMPER * float(y @ y) - (mean * towards).sum(axis=1)) / 2
    rate = np.maximum(rate, 1e-12)
    evidence = -np.linalg.slogdet(precision)[1] / 2 - shape * np.log(rate)
    weights = np.exp(evidence - evidence.max())
    spread = np.linalg.inv(precision)[:, 0, 0] + 1.0
    return FinalValue(
        weights / weights.sum(),
        2 * shape,
        middle + unit * mean[:, 0],
        unit * np.sqrt(rate / shape * spread),
    )


def _shapes(steps: Floats, horizon: float) -> Floats:
    """Give the shapes at the steps, (k, n)."""
    found = [steps**-power - horizon**-power for power in _POWERS]
    found += [np.exp(-steps / (share * horizon)) - np.exp(-1 / share) for share in _DECAYS]
    found += [np.log(horizon / steps), (horizon - steps) / horizon]
    return np.stack([shape / shape[0] for shape in found])
