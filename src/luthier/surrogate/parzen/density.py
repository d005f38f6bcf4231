"""Kernel density on the encoding of a space: a product kernel for each point, and a uniform part.

Every density is relative to the uniform one on [0, 1]^d (each of k levels has the measure 1/k), so that numbers, levels
and categories can be combined, and a column in which a point is inactive contributes a factor of 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from luthier._typing import Floats, Integers
from luthier.key import Key
from luthier.space import Column

_MOST_LEVELS = 64  # a number with more levels is treated as continuous
_LEAST_STD = 1e-3
_TABLES = 256  # cached tables of levels: bandwidths rarely change


@dataclass(frozen=True, slots=True, eq=False)
class KernelDensity:
    """A weighted mixture of product kernels and a uniform component.

    Args:
        columns: of the space, d.
        centres: (n, d), NaN where inactive; n may be 0.
        weights: (n + 1,) summing to one; the last is that of the uniform component.
        std: standard deviation of a kernel along a number, in units of the encoding.
        spread: the mass of a category's kernel on each other level, relative to its own level's 1; in (0, 1].
    """

    columns: tuple[Column, ...]
    centres: Floats
    weights: Floats
    std: float
    spread: float

    def log_density(self, x: Floats) -> Floats:
        """Give the logarithm of the density at `x` (q, d); shape (q,). Cost O(q n d)."""
        exponents = np.empty((len(x), len(self.centres) + 1))
        exponents[:, -1] = 0.0
        if len(self.centres):
            self._always(x, exponents[:, :-1])
            for j, column in enumerate(self.columns):
                if column.conditional:
                    exponents[:, :-1] += self._column(j, x[:, j])
        exponents += np.log(self.weights)
        top = np.maximum.reduce(exponents, axis=1)
        exponents -= top[:, None]
        np.exp(exponents, out=exponents)
        total: Floats = top + np.log(np.add.reduce(exponents, axis=1))
        return total

    def draw(self, key: Key, count: int) -> Floats:
        """Draw `count` points with every column active; shape (count, d). Cost O(count (log n + d))."""
        uniforms = key.fold("mixture").uniform((count, len(self.columns) + 1))
        which = np.searchsorted(np.cumsum(self.weights), uniforms[:, -1] * self.weights.sum(), side="right")
        which = np.minimum(which, len(self.centres))
        drawn = uniforms[:, :-1].copy()
        near = which < len(self.centres)
        centres = np.full((count, len(self.columns)), np.nan)
        centres[near] = self.centres[which[near]]
        smooth = [j for j, column in enumerate(self.columns) if _smooth(column)]
        moved = _draw_smooth(drawn[:, smooth], centres[:, smooth], self.std)
        drawn[:, smooth] = np.where(np.isnan(moved), drawn[:, smooth], moved)
        for j, column in enumerate(self.columns):
            active = ~np.isnan(centres[:, j])
            if j not in smooth and active.any():
                drawn[active, j] = self._draw_level(column, uniforms[active, j], centres[active, j])
        return drawn

    def _always(self, x: Floats, out: Floats) -> None:
        """Fill `out` (q, n) with the log kernels along the columns that are always active, by one matrix product.

        A normal kernel is ``-(x² - 2 x c + c²) / 2 std²``; a table of levels is ``table[level(x)] · onehot(level(c))``.
        """
        left, right = [np.ones((len(x), 1))], [np.zeros((len(self.centres), 1))]
        shift = np.zeros((len(x), 1))
        smooth = [j for j, column in enumerate(self.columns) if _smooth(column) and not column.conditional]
        if smooth:
            centres = self.centres[:, smooth]
            a, c = x[:, smooth] / self.std, centres / self.std
            left.append(a)
            right.append(c)
            shift -= 0.5 * (a * a).sum(axis=1, keepdims=True) + len(smooth) * _log_peak(self.std)
            right[0] -= (0.5 * c * c + _log_mass(centres, self.std)).sum(axis=1, keepdims=True)
        for j, column in enumerate(self.columns):
            if not column.conditional and not _smooth(column):
                left.append(self._logs(column).take(_active_level(x[:, j], column.levels), axis=0))
                right.append(_one_hot(column.levels).take(_active_level(self.centres[:, j], column.levels), axis=0))
        np.matmul(np.concatenate(left, axis=1), np.concatenate(right, axis=1).T, out=out)
        out += shift

    def _column(self, j: int, x: Floats) -> Floats:
        """Give the log kernels along one column, 0 where either point is inactive; shape (q, n)."""
        column, centre = self.columns[j], self.centres[:, j]
        if _smooth(column):
            logs: Floats = x[:, None] - centre[None, :]
            logs /= self.std
            np.square(logs, out=logs)
            logs *= -0.5
            logs -= _log_mass(centre, self.std) + _log_peak(self.std)
            np.copyto(logs, 0.0, where=np.isnan(logs))
            return logs
        table = np.zeros((column.levels + 1, column.levels + 1))  # the last row and column are for inactive values
        table[:-1, :-1] = self._logs(column)
        rows: Floats = table.take(_level(x, column.levels), axis=0)
        return rows.take(_level(centre, column.levels), axis=1)

    def _logs(self, column: Column) -> Floats:
        """Give the kernel at the level of each row around the level of each column; (levels, levels).

        It is the logarithm of the density relative to the uniform one.
        """
        if column.kind == "number":
            return _levels_of_numbers(column.levels, self.std)
        return _levels_of_categories(column.levels, self.spread)

    def _draw_level(self, column: Column, u: Floats, centre: Floats) -> Floats:
        k = column.levels
        masses = np.exp(self._logs(column)) / k
        below = np.cumsum(masses, axis=0)[:, _active_level(centre, k)]
        level = np.minimum((u[None, :] * below[-1] >= below).sum(axis=0), k - 1)
        placed: Floats = (level + 0.5) / k
        return placed


def _smooth(column: Column) -> bool:
    return column.levels == 0 or (column.kind == "number" and column.levels > _MOST_LEVELS)


def _level(x: Floats, levels: int) -> Integers:
    """Give the level of each value, and `levels` where inactive."""
    inactive = np.isnan(x)
    inside: Integers = np.minimum(np.where(inactive, 0.0, x) * levels, levels - 1).astype(np.int64)
    inside[inactive] = levels
    return inside


def _active_level(x: Floats, levels: int) -> Integers:
    """Give the level of each value; all are active."""
    return np.minimum(x * levels, levels - 1).astype(np.int64)


@lru_cache(_TABLES)
def _levels_of_numbers(k: int, std: float) -> Floats:
    """Give a normal kernel's mass on each of `k` levels."""
    from scipy.special import ndtr

    centres, edges = (np.arange(k) + 0.5) / k, np.arange(k + 1) / k
    below = ndtr((edges[:, None] - centres[None, :]) / std)
    return _normalised(np.maximum(np.diff(below, axis=0), 1e-300))


@lru_cache(_TABLES)
def _levels_of_categories(k: int, spread: float) -> Floats:
    """Give the kernels of a category: proportional to 1 on the level itself and `spread` on each of the others."""
    return _normalised(np.where(np.eye(k, dtype=bool), 1.0, spread))


def _normalised(mass: Floats) -> Floats:
    logs: Floats = np.log(mass / mass.sum(axis=0) * len(mass))
    logs.flags.writeable = False
    return logs


@lru_cache(_TABLES)
def _one_hot(k: int) -> Floats:
    """Give the indicator of each level, as rows."""
    one_hot = np.eye(k)
    one_hot.flags.writeable = False
    return one_hot


def _log_peak(std: float) -> float:
    return math.log(std * math.sqrt(2.0 * math.pi))


def _log_mass(centre: Floats, std: float) -> Floats:
    """Give the log of the normal kernel's mass within [0, 1]."""
    from scipy.special import erf

    width = std * math.sqrt(2.0)
    mass: Floats = np.log(0.5 * (erf((1.0 - centre) / width) + erf(centre / width)))
    return mass


def _draw_smooth(u: Floats, centre: Floats, std: float) -> Floats:
    """Draw from the normal distribution truncated to [0, 1], by inversion."""
    from scipy.special import ndtr, ndtri

    low, high = ndtr(-centre / std), ndtr((1.0 - centre) / std)
    drawn: Floats = np.clip(centre + std * ndtri(low + u * (high - low)), 0.0, 1.0)
    return drawn


def make_density(
    columns: Sequence[Column], centres: Floats, importance: Floats, std: float, prior: float, least_share: float = 0.0
) -> KernelDensity:
    """Build a kernel density.

    Args:
        columns: of the space, d.
        centres: (n, d), NaN where inactive.
        importance: (n,) weights of the points, positive, up to a factor.
        std: standard deviation of the kernels along numbers.
        prior: the weight of the uniform component relative to that of an average point, and of the uniform part of a
            category's kernel; positive.
        least_share: the weight of the uniform component is at least this; below 1.
    """
    n = len(centres)
    share = max(prior / (n + prior), least_share)
    weights = np.append(importance / importance.sum() * (1.0 - share), share) if n else np.ones(1)
    spread = prior / (n + prior) if n else 1.0
    return KernelDensity(tuple(columns), centres, weights, max(std, _LEAST_STD), spread)
