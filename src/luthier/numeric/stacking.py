"""Weights of several predictive densities, by how well their mixture predicts what it has not seen."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats


def log_normal_density(y: Floats, mean: Floats, variance: Floats) -> Floats:
    """Give the logarithms of normal densities at `y`; all of one shape, variances positive."""
    density: Floats = -0.5 * (np.log(2.0 * np.pi * variance) + (y - mean) ** 2 / variance)
    return density


def stack(log_densities: Floats, prior: float = 0.0, tolerance: float = 1e-6, steps: int = 2000) -> Floats:
    """Find the weights w that maximise ``Σ_i log Σ_k w_k p_k(y_i) + prior · Σ_k log w_k`` on the simplex.

    The problem is convex. Each step of expectation maximisation raises the sum, and without a prior the largest of the
    members' average ratios of densities, less one, bounds what is left to gain for each observation.

    Args:
        log_densities: (K, n) log p_k(y_i), of members that did not see y_i; -inf is allowed. Observations that no
            member gives a density say nothing.
        prior: pseudo-observations that each member alone explains, at least 0: with few observations weights stay near
            equal, and none becomes 0.
        tolerance: of the weights' changes in a step.
        steps: at most.

    Returns:
        (K,) weights, at least 0, summing to one. Cost O(steps K n).

    Source: Yao, Vehtari, Simpson and Gelman (2018), Using stacking to average Bayesian predictive distributions, eq. 4;
    the steps are those for mixing proportions, Dempster, Laird and Rubin (1977), section 4.3.
    """
    members = len(log_densities)
    weights = np.full(members, 1.0 / members)
    top = log_densities.max(axis=0) if members else np.empty(0)
    said = np.isfinite(top)
    density = np.exp(log_densities[:, said] - top[said])
    total = density.shape[1] + prior * members
    if total <= 0:
        return weights
    for _ in range(steps):
        shares = weights[:, None] * density
        counts = (shares / shares.sum(axis=0)).sum(axis=1)
        following = (counts + prior) / total
        change = float(np.abs(following - weights).max())
        weights = following
        if change < tolerance:
            break
    settled: Floats = weights / weights.sum()
    return settled
