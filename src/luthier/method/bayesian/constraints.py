"""Models of outcome constraints, and of crashes as one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from luthier._typing import Bools, Floats
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.surrogate import (
    GP,
    KERNELS,
    Embedding,
    GPPosterior,
    Hyperpriors,
    Posterior,
    SupportsLeaveOneOut,
    gp_posterior,
    with_fine_detail,
)

_MODEL = GP(scaling="given")
_FIRST = 8
"""The unit of a violation is the median size of the first ones, at most that many: later ones do not change it."""
_FARTHEST = 4.0
"""Scaled violations are clipped at plus and minus this."""
_FEWEST_VALUES = 3
"""Fewer different violations say nothing of detail: crashes, and constraints that only say yes or no."""
_MOST = 500
"""The number of trials, the latest ones, from which the probability of a crash is learned."""
_LOG_NOISE = -2.0
"""Log noise of the outcomes: at the edge of a region of crashes they differ from one point to the next."""
_LEAST = 1e-3
"""The lowest probability that a model is taken to have given to an outcome."""
_CERTAIN = 0.85
"""A crash that two models took to be as probable is believed where others come by chance: the third in a place."""
_NEAR = 1e-6
"""Added to squared distances, so that a crash at the place of a success gets the loss of the success."""


def constraint_models(data: Data, key: Key, memo: Memo) -> tuple[Posterior, ...]:
    """Fit a Gaussian process to each outcome constraint for which a trial reported a violation.

    Args:
        data: n trials with their violations.
        key, memo: see `Surrogate.fit`.

    Returns:
        One posterior a constraint, of the violation divided by its unit and compressed (arcsinh), so that 0 stays 0.

        Detail that is finer than its length-scales is modelled as such, and not as noise, where the violations say so;
        of a constraint that only says yes or no they cannot say it.

    Source: Gardner, Kusner, Xu, Weinberger and Cunningham (2014), Bayesian optimization with inequality constraints.
    """
    models: list[Posterior] = []
    for place, violation in enumerate(data.violations.T):
        rows = np.flatnonzero(~np.isnan(violation))
        if len(rows):
            scaled = _squashed(violation[rows])
            seen = replace(data, x=data.x[rows], losses=scaled[:, None], noise=None, sources=())
            model = cast(GPPosterior, _MODEL.fit(seen, key.fold("limit", place), memo))
            few = len(np.unique(scaled)) < _FEWEST_VALUES
            models.append(model if few else with_fine_detail(model, _MODEL.hyperpriors.scale, memo))
    return tuple(models)


def _squashed(violation: Floats) -> Floats:
    bounded = np.clip(violation, -1e300, 1e300)
    sizes = np.abs(bounded[bounded != 0][:_FIRST])
    unit = max(float(np.median(sizes)), 1e-300) if len(sizes) else 1.0
    with np.errstate(over="ignore"):  # 1e300 in units of 1e-300 is clipped below
        squashed: Floats = np.clip(np.arcsinh(np.clip(bounded / unit, -1e300, 1e300)), -_FARTHEST, _FARTHEST)
    return squashed


def impute_failures(data: Data, memo: Memo) -> Data:
    """Impute a loss and the violation of one more outcome constraint for every crash.

    The constraint is modelled like any other. The loss is ``p · worst + (1 - p) · m``: p is the probability of a crash
    there, predicted from all *other* trials (leave-one-out, by a Gaussian process of the outcomes), and m the mean loss
    of the successes, weighted by inverse squared distance. So where everything crashes, a crash is as bad as the worst
    loss seen, and a lone crash beside good configurations does not spoil them.

    If the configuration predicts crashes no better than the overall share of crashes does, they are taken to happen by
    chance (on a machine that fails now and then), and nothing is imputed, but for those that were certain from the
    crashes around them: a region may crash on a machine that fails now and then, too.

    Args:
        data: n losses, k crashes.
        memo: skips work that was done before.

    Returns:
        Up to n + k rows, the crashes last, with one more violation: -1 for a success, +1 for a crash. `data` itself
        where all crashes happen by chance.

    Cost O((n + k)³). Source: Gelbart, Snoek and Adams (2014), Bayesian optimization with unknown constraints, for the
    constraint; the loss is our own (docs/decisions/0014-crashes.md).
    """
    n = len(data.x)
    if not len(data.failed):
        return data
    x = np.concatenate([data.x, data.failed])
    outcome = np.where(np.arange(len(x)) < n, -1.0, 1.0)
    rows = np.arange(len(x))[-_MOST:]
    chances = _likely(data, x, outcome, memo)
    by_prior = _by_prior_lengths(data, x[rows], outcome[rows])
    believed = np.ones(len(data.failed), dtype=bool)
    if not _predictable(outcome[rows], chances[rows], by_prior):
        believed = chances[n:] > _CERTAIN
        late = rows[rows >= n]
        believed[late - n] &= by_prior[late - rows[0]] > _CERTAIN
    return _with_crashes(data, believed, chances[n:][believed, None]) if believed.any() else data


def _with_crashes(data: Data, believed: Bools, likely: Floats) -> Data:
    """Count the crashes that are believed as losses and violations.

    Args:
        data: n losses, k crashes.
        believed: (k,) those that count.
        likely: (believed crashes, 1) how probable each of them was.
    """
    n, crashes = len(data.x), data.failed[believed]
    crashed = len(crashes)
    worst = data.losses.max(axis=0)
    losses = likely * worst + (1.0 - likely) * _neighbours(data, crashes)
    losses = np.clip(losses, data.losses.min(axis=0), worst)  # means of equal losses may differ in the last bit
    violations = np.full((n + crashed, data.violations.shape[1] + 1), np.nan)
    violations[:n, :-1] = data.violations
    violations[:, -1] = np.where(np.arange(n + crashed) < n, -1.0, 1.0)
    return replace(
        data,
        x=np.concatenate([data.x, crashes]),
        losses=np.concatenate([data.losses, losses]),
        violations=violations,
        noise=None if data.noise is None else np.append(data.noise, np.zeros(crashed)),
        costs=np.append(data.costs, np.full(crashed, np.nan)),
        failed=data.failed[~believed],
    )


def _likely(data: Data, x: Floats, outcome: Floats, memo: Memo) -> Floats:
    """Predict the probability of a crash at each trial from all the others; shape (n + k,)."""
    from scipy.special import ndtr

    rows = np.arange(len(x))[-_MOST:]
    labels = np.arcsinh(outcome[rows])[:, None]  # on the scale of `constraint_models`
    seen = replace(data, x=x[rows], losses=labels, violations=np.empty((len(rows), 0)), noise=None, sources=())
    mean, variance = cast(SupportsLeaveOneOut, _MODEL.fit(seen, Key.of(0), memo)).leave_one_out()
    likely = np.where(outcome > 0, 1.0, 0.0)
    likely[rows] = ndtr(mean / np.sqrt(variance))
    return likely


def _by_prior_lengths(data: Data, x: Floats, outcome: Floats) -> Floats:
    """Predict the probability of a crash from all other trials, by a model with the prior's length-scales; (m,)."""
    from scipy.special import ndtr

    embedding = Embedding.of(data.columns)
    theta = np.append(np.full(embedding.variables, Hyperpriors().length(embedding.variables)), _LOG_NOISE)
    mean, variance = gp_posterior(embedding, KERNELS["matern52"], theta, x, outcome, None).leave_one_out()
    predicted: Floats = ndtr(mean / np.sqrt(variance))
    return predicted


def _predictable(outcome: Floats, chances: Floats, by_prior: Floats) -> bool:
    """Tell whether the configuration predicts crashes better than the share of crashes among the other trials does.

    This must hold for `chances`, whose length-scales were fitted to the same outcomes and are therefore optimistic
    (alone they took nine of ten random patterns for regions, in six variables), and for a model with the prior's
    length-scales (alone it took one to three of ten for regions).

    Args:
        outcome: (m,) +1 for a crash, -1 for a success.
        chances: (m,) the probability of a crash, predicted from the others.
        by_prior: (m,) the same by the prior's length-scales.
    """
    crashed = outcome > 0
    others = (crashed.sum() - crashed + 0.5) / len(outcome)  # Krichevsky and Trofimov (1981)
    least = max(_surprise(crashed, by_prior), _surprise(crashed, chances))
    return least <= _surprise(crashed, others)


def _surprise(crashed: Bools, chances: Floats) -> float:
    """Give the negative log probability of the outcomes."""
    given = np.where(crashed, chances, 1.0 - chances)
    return float(-np.log(np.maximum(given, _LEAST)).sum())


def _neighbours(data: Data, crashes: Floats) -> Floats:
    """Give the mean loss of the successes around each of some crashes (k, d); shape (k, m)."""
    embedding = Embedding.of(data.columns)
    here, there = embedding.embed(crashes), embedding.embed(data.x)
    squares = (here**2).sum(1)[:, None] + (there**2).sum(1)[None, :] - 2.0 * here @ there.T
    weights = 1.0 / (np.maximum(squares, 0.0) + _NEAR)
    weights /= weights.sum(axis=1, keepdims=True)
    mean: Floats = weights @ data.losses
    return mean
