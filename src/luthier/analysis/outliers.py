"""Noise of losses that lie far from what the others say: heavy tails, and broken measurements."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from luthier._typing import Floats
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import find_evidence
from luthier.surrogate import GP, GPPosterior, Posterior

_MODEL = GP()
_FEWEST = 8
"""With fewer losses than this, none is far from what the others say."""
_FAR = 3.0
"""So many leave-one-out standard deviations are far: noise of its own makes such a loss e^2.9 times as likely.

That is worth it if one loss of eighteen is an outlier, or more."""
_ROUNDS = 4
"""As long as outliers count, noise is taken to be large, which hides others: so they are looked for so many times."""
_LIKELY = 0.5
_LEFT = 0.01
"""The share of the variance that has to be noise without the outliers, too, where noise is not declared."""


def discount_outliers(data: Data, noisy: bool, key: Key, memo: Memo) -> Data:
    """Give losses that lie far from what the others say a noise of their own.

    The noise is the one that makes a loss most likely: the square of its leave-one-out residual less the leave-one-out
    variance. Where noise is not declared it must be found, with the outliers and without: of an objective that has
    none, the loss that the others do not foretell may be a narrow optimum, and not luck.

    Args:
        data: n values of one objective.
        noisy: whether the problem is declared noisy.
        key, memo: see `Surrogate.fit`.

    Returns:
        The data with known variances; the same object where no loss is far.

    Cost O(n³), five times at most.

    Source: Ament, Santorella, Eriksson, Letham, Balandat and Bakshy (2024), Robust Gaussian processes via relevance
    pursuit, NeurIPS, lemma 1 for the noise. There losses are added one at a time, and their number has a prior.
    """
    if len(data) < _FEWEST:
        return data
    with np.errstate(over="ignore"):
        spread = float(data.loss.var())
    if not 0.0 < spread < math.inf:
        return data
    found, posterior = data, _MODEL.fit(data, key, memo)
    if not noisy and find_evidence([posterior], data).noisy < _LIKELY:
        return data
    for _ in range(_ROUNDS):
        scaled, rows = _MODEL.scale(found, key, memo)
        more = np.zeros(len(data))
        more[rows] = spread * own_noise(scaled[rows], *posterior.leave_one_out())
        if not more.any():
            break
        found = replace(found, noise=more if found.noise is None else found.noise + more)
        posterior = _MODEL.fit(found, key, memo)
    return found if noisy or _learnt_share(posterior) >= _LEFT else data


def own_noise(losses: Floats, mean: Floats, variance: Floats) -> Floats:
    """Give the noise of losses (n,) that are far from their leave-one-out moments, and 0 for the others; shape (n,)."""
    squares = (losses - mean) ** 2
    noise: Floats = np.where(squares > _FAR**2 * variance, squares - variance, 0.0)
    return noise


def _learnt_share(posterior: Posterior) -> float:
    """Give the share of the variance that is noise to a model, known variances aside; 0 of another model."""
    if not isinstance(posterior, GPPosterior):
        return 0.0
    return posterior.scale * math.exp(posterior.theta[-1]) / float(posterior.y.var())
