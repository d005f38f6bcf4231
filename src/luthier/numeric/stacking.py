"""Stacking: weights of predictive densities that maximise the held-out density of their mixture."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats


def log_normal_density(y: Floats, mean: Floats, variance: Floats) -> Floats:
    """Give the logarithms of normal densities at `y`; all of one shape, variances positive."""
    density: Floats = -0.5 * (np.log(2.0 * np.pi * variance) + (y - mean) ** 2 / variance)
    return density


def stacking_weights(log_densities: Floats, prior: float = 0.0, tolerance: float = 1e-6, steps: int = 2000) -> Floats:
    """Find the weights w that maximise ``Σ_i log Σ_k w_k p_k(y_i) + prior · Σ_k log w_k`` on the simplex.

    The problem is convex. Each step of expectation maximisation increases the sum, and without a prior the largest of
    the members' average ratios of densities, less one, bounds the further gain per observation.

    Args:
        log_densities: (K, n) log p_k(y_i) of members that were not fitted to y_i; -inf is allowed. Observations to
            which all members give a density of 0 are left out.
        prior: pseudo-observations in favour of each member, at least 0: with few observations the weights are nearly
            equal, and with a prior above 0 none is 0.
        tolerance: the iteration ends when no weight changes by more.
        steps: the largest number of iterations.

    Returns:
        (K,) weights, at least 0, summing to one. Cost O(steps K n).

    Source: Yao, Vehtari, Simpson and Gelman (2018), Using stacking to average Bayesian predictive distributions, eq. 4;
    the steps are those for mixing proportions, Dempster, Laird and Rubin (1977), section 4.3.
    """
    members = len(log_densities)
    weights = np.full(members, 1.0 / members)
    top = log_densities.max(axis=0) if members else np.empty(0)
    finite = np.isfinite(top)
    density = np.exp(log_densities[:, finite] - top[finite])
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
    normalised: Floats = weights / weights.sum()
    return normalised
