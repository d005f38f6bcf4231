"""Losses over all cases of trials that have had some of them."""

from __future__ import annotations

import numpy as np

from luthier._typing import Floats, Integers
from luthier.data import LearningCurves
from luthier.history.tables.extrapolation import PartialLosses

_MOST = 1000
"""Only so many cases have effects of their own: a mean over more hardly depends on which they are."""
_DESCRIBED = 300
"""So many cases are told apart by their features: the cost grows with the cube."""
_PRIOR = 1.0
"""The variance of a single loss, in units of the variance of the effects of cases."""
_SHARES = (0.0, 0.3, 0.6, 0.9)
"""What share of the variation of a configuration over cases may be due to their features."""
_LENGTHS = (0.5, 1.0, 2.0)
"""Length-scales of the features, in units of the root of their number."""
_LEAST_GAIN = 2.0
"""Features count where they raise the logarithm of the likelihood by more than this."""


def marginal_losses(reports: LearningCurves, features: Floats, done: Integers) -> PartialLosses:
    """Estimate the means over all cases.

    A loss is the effect of its configuration, that of its case, and a rest: the least squares fit, in which the effects
    of cases are drawn to 0. So a trial that has had the easy cases is not taken to be better than one that has had hard
    ones as well. Where features tell cases apart, the rest of a trial is a Gaussian process of them (chosen by the
    restricted likelihood of all trials), which says what the cases would give that it has not had.

    Args:
        reports: of all trials, by trial and step: the means of the losses over the first 1, 2, … cases.
        features: (cases, f) those of all cases in order; no columns where there are none.
        done: (n,) the numbers of the finished trials, ascending.

    Cost O(r + j³) for r reports and j ≤ 1000 cases that any trial has had.

    Source: the marginal over instances is that of Hutter, Hoos and Leyton-Brown (2011), SMAC, section 4.1; here of each
    trial, before a model of the configurations.
    """
    total = len(features)
    begins = np.searchsorted(reports.trial, np.arange(len(reports.numbers)))
    lengths = np.diff(np.append(begins, len(reports)))
    sums = reports.loss * reports.step
    single = sums - np.where(reports.step > 1, np.roll(sums, 1), 0.0)
    effects = _case_effects(reports, single, lengths)
    rest = single - effects[np.minimum(reports.step - 1, len(effects) - 1)] if len(effects) else single
    means = np.array([rest[begin : begin + length].mean() for begin, length in zip(begins, lengths, strict=True)])
    if features.shape[1] and total <= _DESCRIBED:
        rows = [rest[begin : begin + length] for begin, length in zip(begins, lengths, strict=True)]
        means = _described_means(rows, features, means)
    kept = ~np.isin(reports.numbers, done)
    share = np.log(lengths) / np.log(total)
    return PartialLosses(reports.numbers[kept], means[kept], share[kept])


def _case_effects(reports: LearningCurves, single: Floats, lengths: Integers) -> Floats:
    """Give the effects of the cases that trials have had; they sum to 0.

    The effects of configurations are eliminated from the normal equations. As all trials have the first cases, two
    cases j and k are had by the same trials as the later one: the matrix is diag(count + prior) - h(max(j, k)), with
    h(j) the sum of 1 / length over the trials that have case j.
    """
    count = min(int(lengths.max(initial=0)), _MOST)
    if count == 0:
        return np.empty(0)
    inside = reports.step <= count
    had = np.minimum(lengths, count)
    begins = np.searchsorted(reports.trial[inside], np.arange(len(lengths)))
    own = np.add.reduceat(single[inside], begins) / had
    apart = np.bincount(reports.step[inside] - 1, single[inside] - own[reports.trial[inside]], count)
    trials = np.bincount(reports.step[inside] - 1, minlength=count)
    inverse = np.bincount(had - 1, 1.0 / had, count)[::-1].cumsum()[::-1]  # h
    later = np.maximum.outer(np.arange(count), np.arange(count))
    matrix = np.diag(trials + _PRIOR) - inverse[later]
    found: Floats = np.linalg.solve(matrix, apart)
    return found


def _described_means(rows: list[Floats], features: Floats, means: Floats) -> Floats:
    """Give the means over all cases, of which features say how alike they are; `means` where that tells nothing."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    distance = np.square(scaled[:, None, :] - scaled[None, :, :]).sum(axis=2) / features.shape[1]
    best, gain, plain = means, _LEAST_GAIN, None
    tried = [(share, length) for share in _SHARES for length in (_LENGTHS if share else _LENGTHS[:1])]
    for share, length in tried:
        alike = share * np.exp(-0.5 * distance / length**2)
        factor = np.linalg.cholesky(alike + (1.0 - share + 1e-9) * np.eye(len(features)))
        likelihood, found = _krige(rows, alike.mean(axis=1), factor)
        plain = likelihood if plain is None else plain
        if likelihood - plain > gain:
            best, gain = found, likelihood - plain
    return best


def _krige(rows: list[Floats], average: Floats, factor: Floats) -> tuple[float, Floats]:
    """Give the restricted logarithmic likelihood of all trials, and their means over all cases.

    Args:
        rows: the losses of each trial on the first cases.
        average: the mean covariance of each case with all of them.
        factor: lower triangular, of the covariance of all cases; that of the first ones is its first block.
    """
    inverse = np.linalg.inv(factor)  # also of the first block
    likelihood, found = 0.0, np.empty(len(rows))
    for place, row in enumerate(rows):
        count = len(row)
        block = inverse[:count, :count]
        ones, white, weights = block.sum(axis=1), block @ row, block @ average[:count]
        level = (ones @ white) / (ones @ ones)
        left = white - level * ones
        found[place] = level + weights @ left
        squares = float(left @ left)
        if count > 2 and squares > 0:
            determinant = 2.0 * float(np.log(np.diag(factor)[:count]).sum()) + float(np.log(ones @ ones))
            likelihood -= 0.5 * ((count - 1) * np.log(squares / (count - 1)) + determinant)
    return likelihood, found
