"""Fine detail of a function, in place of what a Gaussian process took for noise."""

from __future__ import annotations

import hashlib
import math
from typing import NamedTuple

import numpy as np

from luthier._typing import Floats
from luthier.memo import Memo
from luthier.surrogate.checkpoints import checkpoints
from luthier.surrogate.gp.kernel import DetailedKernel, squares
from luthier.surrogate.gp.marginal_likelihood import JITTER, WIDE
from luthier.surrogate.gp.posterior import GPPosterior, gp_posterior

_FINER = (30.0, 100.0)
"""By how much shorter the length-scales of the detail may be."""
_LARGER = (1.0, 4.0, 16.0)
"""The variance of the detail relative to that of the noise that was found."""
_ODDS = 3.0
"""Detail is believed where the data are e³ times as probable with it."""
_FEWEST, _MOST = 10, 200
"""With fewer data nothing is looked for; of more the ones nearest to 0 tell, at the edge of a constraint."""
_GROWTH = 1.15


class Detail(NamedTuple):
    """The share of the detail and how much finer it is: see `DetailedKernel`."""

    share: float
    finer: float


def with_fine_detail(model: GPPosterior, strength: float, memo: Memo) -> GPPosterior:
    """Give the model with detail of the function in place of noise, if that makes its data much more probable.

    Args:
        model: of n data without known variances and without a prior mean.
        strength: of the prior on the scale, see `gp_posterior`.
        memo: keeps what was found for the first data, up to the last checkpoint.

    Returns:
        A posterior of the same data; `model` itself where what it took for noise does look like noise.

    Cost O(n³), and six times O(m³) with m at most 200 whenever n has grown by 15 %.
    """
    n = len(model.y)
    if n < _FEWEST:
        return model
    size = checkpoints(n, _GROWTH)[-1]
    digest = hashlib.blake2b(model.x[:size].tobytes() + model.y[:size].tobytes() + model.theta.tobytes())
    found = memo.get(("fine detail", digest.digest()), lambda: find_detail(model, size, strength))
    if found is None:
        return model
    kernel = DetailedKernel(model.kernel, *found)
    theta = np.append(model.theta[:-1], -math.inf)
    return gp_posterior(model.embedding, kernel, theta, model.x, model.y, None, strength)


def find_detail(model: GPPosterior, size: int, strength: float) -> Detail | None:
    """Give the detail with which the first `size` data are the most probable; None: they are as probable as noise."""
    rows = np.arange(size)
    if size > _MOST:
        rows = np.sort(np.argsort(np.abs(model.y[:size]), kind="stable")[:_MOST])
    y, r2 = model.y[rows], squares(model.scaled[rows], model.scaled[rows])
    smooth, noise = model.kernel(r2).value, math.exp(model.theta[-1])
    best, least = None, log_evidence(smooth + noise * np.eye(len(rows)), y, strength) + _ODDS
    for finer in _FINER:
        detail = model.kernel(finer**2 * r2).value
        for larger in _LARGER:
            share = larger * noise
            value = log_evidence(smooth + share * detail, y, strength)
            if value > least:
                best, least = Detail(share, finer), value
    return best


def log_evidence(matrix: Floats, y: Floats, strength: float) -> float:
    """Give the log density of data, up to a constant, the constant mean and the scale integrated out.

    Args:
        matrix: (n, n) their covariances relative to the scale.
        y: (n,) the data.
        strength: of the prior on the scale, see `gp_posterior`.

    Returns:
        The density; minus infinity where the matrix is not positive definite.

    Source: see `luthier.surrogate.gp.marginal_likelihood`.
    """
    from scipy.linalg.lapack import dpotrf, dtrtrs

    n = len(y)
    factor, failed = dpotrf(matrix + JITTER * np.eye(n), lower=1)
    if failed:
        return -math.inf
    half, _ = dtrtrs(factor, np.stack([y, np.ones(n)], axis=1), lower=1)
    total = half[:, 1] @ half[:, 1] + 1.0 / WIDE
    rest = half[:, 0] @ half[:, 0] - (half[:, 0] @ half[:, 1]) ** 2 / total + 2.0 * strength
    shape = n + 2.0 * strength
    return -float(0.5 * shape * math.log(rest / shape) + np.log(np.diag(factor)).sum() + 0.5 * math.log(total))
