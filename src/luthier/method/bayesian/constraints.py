"""Models of outcome constraints, and of crashes as one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from luthier._typing import Floats
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.surrogate import GP, KERNELS, Embedding, Hyperpriors, Posterior, SupportsLeaveOneOut, gp_posterior

_MOST = 500
"""So many of the latest trials, the crashes before the successes, tell how likely a crash was."""
_LOG_NOISE = -2.0  # of outcomes: a region has an edge, where they differ
_LEAST = 1e-3  # no model is surer than this
_NEAR = 1e-6  # added to squared distances, so that a crash at the place of a success has its loss


_FIRST = 8
"""The unit of a violation is the median size of that many of the first ones: later ones do not change it."""
_FARTHEST = 4.0


def constraint_models(data: Data, key: Key, memo: Memo) -> tuple[Posterior, ...]:
    """Model each violation that is known of some trial, on a scale whose zero is that of the violation.

    Source: Gardner, Kusner, Xu, Weinberger and Cunningham (2014), Bayesian optimization with inequality constraints.
    """
    models: list[Posterior] = []
    for place, violation in enumerate(data.violations.T):
        rows = np.flatnonzero(~np.isnan(violation))
        if len(rows):
            scaled = _squashed(violation[rows])
            seen = replace(data, x=data.x[rows], losses=scaled[:, None], noise=None)
            models.append(GP(scaling="given").fit(seen, key.fold("limit", place), memo))
    return tuple(models)


def _squashed(violation: Floats) -> Floats:
    bounded = np.clip(violation, -1e300, 1e300)
    sizes = np.abs(bounded[bounded != 0][:_FIRST])
    unit = max(float(np.median(sizes)), 1e-300) if len(sizes) else 1.0
    with np.errstate(over="ignore"):  # 1e300 in units of 1e-300 is far, and that is all that matters
        squashed: Floats = np.clip(np.arcsinh(np.clip(bounded / unit, -1e300, 1e300)), -_FARTHEST, _FARTHEST)
    return squashed


def impute_failures(data: Data, memo: Memo) -> Data:
    """Count a crash as an outcome constraint that was broken, and as a loss as bad as its surroundings make likely.

    The constraint is learnt by whoever models violations. The loss is ``p · worst + (1 - p) · m``: p is how probable a
    crash is there by all *other* trials (leave-one-out, of a Gaussian process of the outcomes), m the mean loss of the
    successes weighed by inverse squared distance. So where everything crashes a crash is as bad as the worst loss
    seen, and a lone crash beside good configurations does not spoil them.

    Where the place of a trial predicts a crash worse than the share of crashes does, crashes come by chance (of a
    machine that fails now and then), and teach nothing.

    Args:
        data: n losses, k crashes.
        memo: skips work that was done before.

    Returns:
        n + k rows, the crashes last, with one violation more: -1 of what succeeded, +1 of what crashed. Where crashes
        teach nothing, `data` as it is.

    Cost O((n + k)³). Source: Gelbart, Snoek and Adams (2014), Bayesian optimization with unknown constraints, for the
    constraint; the loss is our own (docs/decisions/0014-crashes.md).
    """
    crashed, n = len(data.failed), len(data.x)
    if not crashed:
        return data
    x = np.concatenate([data.x, data.failed])
    outcome = np.where(np.arange(n + crashed) < n, -1.0, 1.0)
    violations = np.full((n + crashed, data.violations.shape[1] + 1), np.nan)
    violations[:n, :-1] = data.violations
    violations[:, -1] = outcome
    chances = _likely(data, x, outcome, memo)
    if not _predictable(data, x[-_MOST:], outcome[-_MOST:], chances[-_MOST:]):
        return data
    likely = chances[n:, None]
    losses = likely * data.losses.max(axis=0) + (1.0 - likely) * _neighbours(data)
    return replace(
        data,
        x=x,
        losses=np.concatenate([data.losses, losses]),
        violations=violations,
        noise=None if data.noise is None else np.append(data.noise, np.zeros(crashed)),
        costs=np.append(data.costs, np.full(crashed, np.nan)),
        failed=data.failed[:0],
    )


def _likely(data: Data, x: Floats, outcome: Floats, memo: Memo) -> Floats:
    """Give the probability of a crash at each of the trials, by all the others; shape (n + k,)."""
    from scipy.special import ndtr

    rows = np.arange(len(x))[-_MOST:]
    labels = np.arcsinh(outcome[rows])[:, None]  # on the scale on which `limits` models violations
    seen = replace(data, x=x[rows], losses=labels, violations=np.empty((len(rows), 0)), noise=None)
    mean, variance = cast(SupportsLeaveOneOut, GP(scaling="given").fit(seen, Key.of(0), memo)).leave_one_out()
    likely = np.where(outcome > 0, 1.0, 0.0)
    likely[rows] = ndtr(mean / np.sqrt(variance))
    return likely


def _predictable(data: Data, x: Floats, outcome: Floats, chances: Floats) -> bool:
    """Tell whether a crash is predicted better by where it is than by the share of crashes among the other trials.

    It must be so for `chances`, whose length-scales were fitted to the same outcomes, which makes them too good (alone
    they took nine of ten patterns of chance for regions, in six variables), and for a model with the length-scales
    that are believed before any data (alone it took one to three of ten so).

    Args:
        data: for its columns.
        x: (m, d) the trials.
        outcome: (m,) +1 of what crashed, -1 of what succeeded.
        chances: (m,) of a crash, by the others.
    """
    from scipy.special import ndtr

    embedding = Embedding.of(data.columns)
    theta = np.append(np.full(embedding.variables, Hyperpriors().length(embedding.variables)), _LOG_NOISE)
    mean, variance = gp_posterior(embedding, KERNELS["matern52"], theta, x, outcome, None).leave_one_out()
    crashed = outcome > 0
    others = (crashed.sum() - crashed + 0.5) / len(outcome)  # Krichevsky and Trofimov (1981)
    least = max(_surprise(crashed, ndtr(mean / np.sqrt(variance))), _surprise(crashed, chances))
    return least <= _surprise(crashed, others)


def _surprise(crashed: NDArray[np.bool_], chances: Floats) -> float:
    told = np.where(crashed, chances, 1.0 - chances)
    return float(-np.log(np.maximum(told, _LEAST)).sum())


def _neighbours(data: Data) -> Floats:
    """Give the mean loss of the successes around each crash; shape (k, m)."""
    embedding = Embedding.of(data.columns)
    here, there = embedding.embed(data.failed), embedding.embed(data.x)
    squares = (here**2).sum(1)[:, None] + (there**2).sum(1)[None, :] - 2.0 * here @ there.T
    weights = 1.0 / (np.maximum(squares, 0.0) + _NEAR)
    weights /= weights.sum(axis=1, keepdims=True)
    mean: Floats = weights @ data.losses
    return mean
