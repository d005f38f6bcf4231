"""Permutation importance: the accuracy lost on held-out trials by shuffling a variable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier._typing import Floats, Integers
from luthier.analysis.importance.fitted_halves import FittedHalves
from luthier.analysis.importance.resampled import QuadraticScore
from luthier.analysis.latent_sampling import Block
from luthier.data import Data
from luthier.key import Key
from luthier.numeric import standard_scaling
from luthier.space import Space

_SHUFFLES = 2


def permutation_score(
    model: FittedHalves, space: Space, data: Data, blocks: Sequence[Block], key: Key
) -> tuple[QuadraticScore, float]:
    """Measure how much larger the squared errors become on one half, by the model of the other.

    The values of the variables are shuffled together among the trials in which all of them are active. The increase is
    halved: where the model is right and the variables are independent, it is then the variance that the variables have
    part in (the total effect) among the trials.

    Args:
        model: fitted to the halves of `data`.
        space: of the points; variables that a shuffled one makes active get any value.
        data: n losses of one objective, not scaled.
        blocks: of the variables that are shuffled.
        key: of the shuffling.

    Returns:
        The score, with its standard error over the trials and its spread over the splits, and the variance of the
        losses of the trials in which the variables are active.

    Source: Breiman (2001), Random forests, section 10; Fisher, Rudin and Dominici (2019), All models are wrong, but
    many are useful, section 3.
    """
    scaled = standard_scaling(data.loss)
    active = np.logical_and.reduce([~np.isnan(data.x[:, block.begin]) for block in blocks])
    total, count = np.zeros(len(data)), np.zeros(len(data))
    by_split = np.full(len(model.splits), np.nan)
    for number, pair in enumerate(model.splits):
        increases = []
        for side in (0, 1):
            rows = pair[1 - side][active[pair[1 - side]]]
            if len(rows) < 2:
                continue
            stream = key.fold("shuffle", number, side)
            orders = [stream.fold(turn).permutation(len(rows)) for turn in range(_SHUFFLES)]
            shuffled = np.concatenate([_shuffled(data.x, rows, order, blocks) for order in orders])
            settled = space.settle(shuffled, stream.fold("fill").uniform(shuffled.shape))
            predicted = model.half_values(number, side, np.concatenate([data.x[rows], settled]))
            wrong = (predicted.reshape(1 + _SHUFFLES, len(rows)) - scaled[rows]) ** 2
            increases.append(wrong[1:].mean(axis=0) - wrong[0])
            total[rows] += increases[-1]
            count[rows] += 1
        if increases:
            by_split[number] = 0.5 * float(np.concatenate(increases).mean())
    seen = count > 0
    if not seen.any():
        return QuadraticScore(0.0, 0.0, 0.0, 2), 0.0
    increase = 0.5 * total[seen] / count[seen]
    mean = float(increase.mean())
    by_trials = float(increase.var(ddof=1)) / len(increase) if len(increase) > 1 else 0.0
    deviation = float(np.sqrt(by_trials + np.nanvar(by_split)))
    return QuadraticScore(mean, deviation, mean, max(2, min(len(increase), len(model.splits)))), float(
        scaled[active].var()
    )


def _shuffled(x: Floats, rows: Integers, order: Integers, blocks: Sequence[Block]) -> Floats:
    moved = x[rows].copy()
    for block in blocks:
        moved[:, block.begin : block.end] = x[rows[order], block.begin : block.end]
    return moved
