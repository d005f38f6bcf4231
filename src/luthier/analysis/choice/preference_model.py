"""Gaussian process of a person's utility, learnt from pairwise answers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats, Integers

_SLOPES = (2.0, 5.0, 12.0)
"""How much an objective may be worth over its whole range, in units of the answers' noise."""
_BENDS = (0.1, 0.5, 1.5)
"""How much of the utility may be no weighted sum, as a share of that."""
_LENGTH = 0.5
"""The length-scale of what is no weighted sum; losses are scaled to [0, 1]."""
_TURNS = 100
_CLOSE = 1e-9
_FLAT = 1e-10
"""Added to variances."""


@dataclass(frozen=True, slots=True, eq=False)
class PreferenceModel:
    """A Gaussian process of the utility of losses; without answers it is minus their weighted sum, the weights unknown.

    The utility is ``u(z) = -Σ_j w_j z_j + g(z)`` with ``w_j ~ N(κ, κ²)`` and g a process with a squared exponential
    kernel of standard deviation ρκ. Of two points the one is preferred with probability ``Φ((u(a) - u(b)) / √2)``: the
    answers may contradict each other. κ and ρ are those with the largest evidence on a small grid.

    Args:
        slope: κ.
        bend: ρ.
        better, worse: (p, m) the points that were compared, scaled losses.
        weights: (p,) a with ``mean(x) = prior mean(x) + k(x, d) a``, d the differences u(better) - u(worse).
        factor: (p, p) the lower triangle of ``I + √W C √W``, C the prior covariance of d.
        roots: (p,) √W.
        log_evidence: log of the probability of the answers, by Laplace's approximation.

    Source: Chu and Ghahramani (2005), Preference learning with Gaussian processes, ICML, sections 2 and 3; Rasmussen
    and Williams (2006), algorithms 3.1 and 3.2, on the differences. The mean and the linear kernel are ours.
    """

    slope: float
    bend: float
    better: Floats
    worse: Floats
    weights: Floats
    factor: Floats
    roots: Floats
    log_evidence: float

    def mean(self, points: Floats) -> Floats:
        """Give the posterior mean of the utility at scaled losses (q, m); (q,). Cost O(q p m)."""
        prior = -self.slope * points.sum(axis=1)
        found: Floats = prior + self._cross(points) @ self.weights
        return found

    def covariance(self, points: Floats) -> Floats:
        """Give the posterior covariance at scaled losses (q, m); (q, q). Cost O(q² p + q p²)."""
        from scipy.linalg import solve_triangular

        prior = _kernel(points, points, self.slope, self.bend)
        if not len(self.weights):
            return prior
        known = solve_triangular(self.factor, self.roots[:, None] * self._cross(points).T, lower=True)
        found: Floats = prior - known.T @ known
        return found

    def _cross(self, points: Floats) -> Floats:
        """Give the prior covariance of the utility at points and of the differences, (q, p)."""
        return _kernel(points, self.better, self.slope, self.bend) - _kernel(points, self.worse, self.slope, self.bend)


def fit_preferences(better: Floats, worse: Floats) -> PreferenceModel:
    """Fit the model to answers.

    Args:
        better: (p, m) scaled losses of the points that were preferred; p may be 0.
        worse: (p, m) of those that they were preferred to.

    Cost O(p³) for each of nine settings and about ten steps of Newton's method.
    """
    models = [_laplace(better, worse, slope, bend) for slope in _SLOPES for bend in _BENDS]
    if not len(better):
        return models[len(models) // 2]
    return max(models, key=lambda model: model.log_evidence)


def information(means: Floats, covariance: Floats, first: Integers, second: Integers) -> Floats:
    """Give the information in the answer to each of some pairs, in bits; (q,).

    Args:
        means, covariance: (n,) and (n, n) of the utilities.
        first, second: (q,) the pairs.

    Source: Houlsby, Huszár, Ghahramani and Lengyel (2011), Bayesian active learning for classification and preference
    learning, eq. 4.
    """
    from scipy.special import entr, ndtr

    mean = (means[first] - means[second]) / math.sqrt(2.0)
    variance = covariance[first, first] + covariance[second, second] - 2.0 * covariance[first, second]
    variance = np.maximum(variance, 0.0) / 2.0
    chance = ndtr(mean / np.sqrt(1.0 + variance))
    whole = (entr(chance) + entr(1.0 - chance)) / math.log(2.0)
    squared = math.pi * math.log(2.0) / 2.0
    noise = math.sqrt(squared) * np.exp(-(mean**2) / (2.0 * (variance + squared))) / np.sqrt(variance + squared)
    found: Floats = np.maximum(whole - noise, 0.0)
    return found


def _kernel(a: Floats, b: Floats, slope: float, bend: float) -> Floats:
    squares = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
    found: Floats = slope**2 * (a @ b.T + bend**2 * np.exp(-0.5 * squares / _LENGTH**2))
    return found


def _laplace(better: Floats, worse: Floats, slope: float, bend: float) -> PreferenceModel:
    """Find the mode of the differences by Newton's method, halving a step that goes down."""
    from scipy.linalg import cho_solve, cholesky

    count = len(better)
    if not count:
        return PreferenceModel(slope, bend, better, worse, np.empty(0), np.empty((0, 0)), np.empty(0), 0.0)
    cross = _kernel(better, worse, slope, bend)
    prior = _kernel(better, better, slope, bend) + _kernel(worse, worse, slope, bend) - cross - cross.T
    prior[np.diag_indices(count)] += _FLAT
    mean = slope * (worse - better).sum(axis=1)
    weights, reached = np.zeros(count), -math.inf
    for _ in range(_TURNS):
        value, gradient, curvature = _log_likelihood(mean + prior @ weights)
        roots = np.sqrt(curvature)
        factor = cholesky(np.eye(count) + roots[:, None] * prior * roots, lower=True)
        before = value - 0.5 * float(weights @ prior @ weights)
        if before - reached < _CLOSE:
            break
        reached = before
        target = curvature * (prior @ weights) + gradient
        step = target - roots * cho_solve((factor, True), roots * (prior @ target)) - weights
        share = 1.0
        while share > 1e-6 and _objective(mean, prior, weights + share * step) < before:
            share *= 0.5
        weights = weights + share * step
    value, _, curvature = _log_likelihood(mean + prior @ weights)
    roots = np.sqrt(curvature)
    factor = cholesky(np.eye(count) + roots[:, None] * prior * roots, lower=True)
    log_evidence = value - 0.5 * float(weights @ prior @ weights) - float(np.log(np.diag(factor)).sum())
    return PreferenceModel(slope, bend, better, worse, weights, factor, roots, log_evidence)


def _objective(mean: Floats, prior: Floats, weights: Floats) -> float:
    return _log_likelihood(mean + prior @ weights)[0] - 0.5 * float(weights @ prior @ weights)


def _log_likelihood(differences: Floats) -> tuple[float, Floats, Floats]:
    """Give Σ log Φ(d / √2), its gradient, and minus its second derivatives, which are at least 0."""
    from scipy.special import log_ndtr

    z = differences / math.sqrt(2.0)
    logs = log_ndtr(z)
    ratio = np.exp(-0.5 * z * z - 0.5 * math.log(2.0 * math.pi) - logs)
    return float(logs.sum()), ratio / math.sqrt(2.0), np.maximum(ratio * (ratio + z), 0.0) / 2.0
