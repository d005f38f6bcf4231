"""Quadratic scores of fitted functions, noise taken out, with intervals from halves of the data.

A share of variance is a quadratic form of the fitted function, so noise in the function only ever adds to it: a
variable that does nothing would have a score above 0. For a random split of the data into halves, the functions A and B
that are fitted to them differ by twice the error of one that is fitted to all: ``e = (A - B) / 2``. So with F fitted to
all data, ``Q(F) - mean Q(e)`` estimates the score without bias, and ``2 B(F, ±e) + Q(e)`` over the splits shows how far
it may be off (Q the form, B its bilinear form), exactly so for a model that is linear in the losses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from luthier._typing import Floats
from luthier.analysis.interval_estimate import IntervalEstimate

Bilinear: TypeAlias = Callable[[Floats, Floats], Floats]
"""A symmetric bilinear form of functions, given by their values along the last axis."""


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """The values of a function that was fitted to all data, and of those that were fitted to halves.

    Args:
        full: (k, …, q) fitted to all data, for each of k random splits; they differ where the splits have other
            hyperparameters.
        halves: (k, 2, …, q) fitted to the two halves of each split.
    """

    full: Floats
    halves: Floats

    def map(self, change: Callable[[Floats], Floats]) -> Resampled:
        """Apply a linear map to the last axis of all of them."""
        return Resampled(change(self.full), change(self.halves))

    @property
    def variance(self) -> float:
        """The variance of the function that was fitted to all data, over q values."""
        return float(self.full.var(axis=-1).mean())

    def __getitem__(self, places: slice) -> Resampled:
        """Give some of the values along the last axis."""
        return Resampled(self.full[..., places], self.halves[..., places])


@dataclass(frozen=True, slots=True)
class QuadraticScore:
    """A quadratic score: ``value`` without the noise, ``deviation`` its standard deviation, ``plain`` with the noise.

    Args:
        value: may be negative.
        deviation: at least 0.
        plain: of the function itself, at least ``value``.
        splits: the number of splits, from which the deviation was estimated.
    """

    value: float
    deviation: float
    plain: float
    splits: int

    def share_of(self, whole: float, level: float) -> IntervalEstimate:
        """Give the score as a share of a variance, with an interval of Student's t; the value at least 0.

        No interval goes beyond the whole. It may begin below 0, so that one of a variable that does nothing holds 0.
        """
        if not whole > 0:
            return IntervalEstimate(0.0, 0.0, 0.0)
        from scipy.special import stdtrit

        value = self.value / whole
        far = float(stdtrit(self.splits - 1, 0.5 + 0.5 * level)) * self.deviation / whole
        return IntervalEstimate(max(value, 0.0), value - far, max(value, min(max(value, 0.0) + far, 1.0)))


def mean_product(first: Floats, second: Floats) -> Floats:
    """Give the mean of the products along the last axis."""
    product: Floats = (first * second).mean(axis=-1)
    return product


def covariance(first: Floats, second: Floats) -> Floats:
    """Give the covariance along the last axis."""
    product: Floats = (first * second).mean(axis=-1) - first.mean(axis=-1) * second.mean(axis=-1)
    return product


def score(of: Resampled, form: Bilinear) -> QuadraticScore:
    """Give the quadratic score of a function's values: full (k, q), of the halves (k, 2, q)."""
    error = 0.5 * (of.halves[:, 0] - of.halves[:, 1])
    plain, noise, crossed = form(of.full, of.full), form(error, error), 2.0 * form(of.full, error)
    off = np.concatenate([crossed + noise, noise - crossed]) - noise.mean() + np.tile(plain - plain.mean(), 2)
    value = float(plain.mean() - noise.mean())
    return QuadraticScore(value, float(np.sqrt((off * off).mean())), float(plain.mean()), len(error))
