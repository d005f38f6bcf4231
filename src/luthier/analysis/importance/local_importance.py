"""Local importance: the change of a fitted function when each variable alone leaves one configuration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier._typing import Floats
from luthier.analysis.importance.fitted_halves import FittedHalves
from luthier.analysis.importance.resampled import QuadraticScore, covariance, score
from luthier.analysis.latent_sampling import Block, blocks_of
from luthier.space import Space


def local_scores(model: FittedHalves, space: Space, point: Floats) -> tuple[Sequence[Block], list[QuadraticScore]]:
    """Give the variance along each variable through one point, the others fixed.

    Args:
        model: the function.
        space: the domain.
        point: (d,), settled. Variables that another value makes active are in the middle of their range.

    Returns:
        The variables that are active there, and their scores.

    Source: Biedenkapp, Marben, Lindauer and Hutter (2018), CAVE: configuration assessment, visualization and
    evaluation, section 3.2 (local parameter importance). Cost: a prediction for each value of each variable.
    """
    blocks = [block for block in blocks_of(space) if not np.isnan(point[block.begin])]
    found = []
    for block in blocks:
        points = np.repeat(point[None], len(block.grid), axis=0)
        points[:, block.begin : block.end] = block.grid
        found.append(score(model.values(space.settle(points)), covariance))
    return blocks, found
