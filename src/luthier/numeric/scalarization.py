"""Scalarization of several losses into one."""

from __future__ import annotations

from luthier._typing import Floats

_SLOPE = 0.05
"""Weight of the sum beside the maximum (Knowles 2006, eq. 2): of two equal maxima the lower sum is better."""


def augmented_chebyshev(losses: Floats, weights: Floats, ideal: float = 0.0) -> Floats:
    """Give ``max_i w_i (l_i - ideal) + 0.05 Σ_i w_i l_i``; its minimum is on the Pareto front for any weights.

    Args:
        losses: (m, n) the m losses at n points, scaled alike.
        weights: (m,) positive, summing to one.
        ideal: a bound below the losses; the maximum is over the weighted distances from it.

    Returns:
        (n,), increasing in every loss. Cost O(m n).

    Source: Steuer and Choo (1983), An interactive weighted Tchebycheff procedure for multiple objective programming;
    Knowles (2006), ParEGO, IEEE Transactions on Evolutionary Computation 10, eq. 2.
    """
    weighted = weights[:, None] * losses
    scalar: Floats = (weighted - weights[:, None] * ideal).max(axis=0) + _SLOPE * weighted.sum(axis=0)
    return scalar
