"""Models of one loss, fitted to all data and to halves: forests and Gaussian processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from luthier._typing import Floats, Integers
from luthier.analysis.importance.resampled import Resampled
from luthier.data import Data
from luthier.errors import MissingDependency
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import standard_scaling
from luthier.surrogate import GP, Forest, ForestPosterior, GPPosterior, MixturePosterior, gp_posterior

SPLITS = 8
"""The number of random splits into halves."""
FEWEST = 8
"""The least number of losses, four in each half."""

_TREES = 32
_HALF_TREES = 4
_GP_MOST = 250
"""The most losses for which a Gaussian process is tried: with more, forests are fast and exact enough."""
_GROWTH = 1.5
"""Refits of hyperparameters from earlier ones find what a single search from the prior mean misses (a function of high
frequency), and few of them do."""
_SAMPLED_MOST = 100
_ROWS = 512
"""Points at which a process is evaluated at once: what they take stays in the cache of the processor."""


class FittedHalves(Protocol):
    """A model of the scaled losses, fitted to all data and to both halves of each split."""

    @property
    def name(self) -> str:
        """The model, in words."""
        ...

    @property
    def splits(self) -> tuple[tuple[Integers, Integers], ...]:
        """The rows of the two halves of each split."""
        ...

    def values(self, x: Floats) -> Resampled:
        """Predict the scaled losses at `x` (q, d)."""
        ...

    def half_values(self, number: int, side: int, x: Floats) -> Floats:
        """Predict the scaled losses at `x` (q, d) by the model of one half of one split alone; shape (q,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ForestHalves:
    """Forests of the scaled losses.

    Args:
        full: of all data.
        halves: of the halves of each split.
        splits: see `FittedHalves.splits`.
    """

    full: ForestPosterior
    halves: tuple[tuple[ForestPosterior, ForestPosterior], ...]
    splits: tuple[tuple[Integers, Integers], ...]

    @classmethod
    def fit(cls, data: Data, splits: Sequence[tuple[Integers, Integers]], key: Key, memo: Memo) -> ForestHalves:
        """Fit to losses that are scaled already. Cost O(trees · d · n log² n).

        Raises:
            MissingDependency: scikit-learn is not installed.
        """
        large, small = Forest(trees=_TREES, scaling="given"), Forest(trees=_HALF_TREES, scaling="given")
        halves = tuple(
            (
                small.fit(rows_of(data, first), key.fold("half", number, 0), memo),
                small.fit(rows_of(data, second), key.fold("half", number, 1), memo),
            )
            for number, (first, second) in enumerate(splits)
        )
        return cls(large.fit(data, key.fold("full"), memo), halves, tuple(splits))

    @property
    def name(self) -> str:
        """See `FittedHalves.name`."""
        return f"a forest of {_TREES} trees"

    def values(self, x: Floats) -> Resampled:
        """See `FittedHalves.values`. Cost O(q trees log n)."""
        halves = np.array([[half.means(x) for half in pair] for pair in self.halves])
        return Resampled(np.broadcast_to(self.full.means(x), (len(halves), len(x))), halves)

    def half_values(self, number: int, side: int, x: Floats) -> Floats:
        """See `FittedHalves.half_values`."""
        return self.halves[number][side].means(x)


@dataclass(frozen=True, slots=True, eq=False)
class ProcessHalves:
    """Gaussian processes of the scaled losses: for each split other hyperparameters, drawn from all data.

    So the spread over the splits has the uncertainty of the hyperparameters in it, too. Beyond 100 losses they are the
    most probable ones for all splits.

    Args:
        posteriors: of all data, one a split.
        weights: (n, 3) for each split: the weights of the correlations with the data, of all data and of both halves.
        constants: (3,) for each split: the constant means.
        splits: see `FittedHalves.splits`.
    """

    posteriors: tuple[GPPosterior, ...]
    weights: tuple[Floats, ...]
    constants: tuple[Floats, ...]
    splits: tuple[tuple[Integers, Integers], ...]

    @classmethod
    def fit(cls, data: Data, splits: Sequence[tuple[Integers, Integers]], key: Key, memo: Memo) -> ProcessHalves:
        """Fit to at most 600 losses that are scaled already. Cost O(n³)."""
        samples = len(splits) if len(data) <= _SAMPLED_MOST else 0
        fitted = GP(scaling="given", growth=_GROWTH, samples=samples).fit(data, key, memo)
        members = fitted.members if isinstance(fitted, MixturePosterior) else [fitted] * len(splits)
        posteriors, weights, constants = [], [], []
        for member, pair in zip(members, splits, strict=True):
            assert isinstance(member, GPPosterior)  # of a GP, all are
            posteriors.append(member)
            found = [_weights(member, np.arange(len(data))), *(_weights(member, rows) for rows in pair)]
            weights.append(np.stack([one for one, _ in found], axis=1))
            constants.append(np.array([constant for _, constant in found]))
        return cls(tuple(posteriors), tuple(weights), tuple(constants), tuple(splits))

    @property
    def name(self) -> str:
        """See `FittedHalves.name`."""
        return "a Gaussian process"

    def values(self, x: Floats) -> Resampled:
        """See `FittedHalves.values`. Cost O(q n (e + k)) for each different posterior."""
        if all(one is self.posteriors[0] for one in self.posteriors):  # one matrix of correlations for all
            weights, constants = np.concatenate(self.weights, axis=1), np.concatenate(self.constants)
            found = _predict(self.posteriors[0], weights, constants, x).reshape(len(x), -1, 3)
        else:
            parts = zip(self.posteriors, self.weights, self.constants, strict=True)
            found = np.stack([_predict(*part, x) for part in parts], axis=1)
        all_values = np.ascontiguousarray(np.moveaxis(found, 0, 2))  # (splits, 3, q)
        return Resampled(all_values[:, 0], all_values[:, 1:])

    def half_values(self, number: int, side: int, x: Floats) -> Floats:
        """See `FittedHalves.half_values`."""
        weights, constants = self.weights[number][:, [1 + side]], self.constants[number][[1 + side]]
        predicted: Floats = _predict(self.posteriors[number], weights, constants, x)[:, 0]
        return predicted


def _weights(posterior: GPPosterior, rows: Integers) -> tuple[Floats, float]:
    """Give the weights (n,) of the correlations with all data, and the constant, of a process given some rows alone."""
    noise = None if posterior.noise is None else posterior.noise[rows]
    half = gp_posterior(
        posterior.embedding, posterior.kernel, posterior.theta, posterior.x[rows], posterior.y[rows], noise
    )
    padded = np.zeros(len(posterior.y))
    padded[rows] = half.alpha
    return padded, half.constant


def _predict(posterior: GPPosterior, weights: Floats, constants: Floats, x: Floats) -> Floats:
    """Give the means at `x` (q, d) by each of the columns of weights (n, w); (q, w)."""
    parts = [
        posterior.correlations(posterior.scaled_coordinates(x[at : at + _ROWS])).value @ weights
        for at in range(0, max(len(x), 1), _ROWS)
    ]
    predicted: Floats = np.concatenate(parts) + constants
    return predicted


def rows_of(data: Data, rows: Integers) -> Data:
    """Give some of the finished trials alone."""
    return replace(
        data,
        x=data.x[rows],
        losses=data.losses[rows],
        violations=data.violations[rows],
        noise=None if data.noise is None else data.noise[rows],
        costs=data.costs[rows],
    )


def fit_halves(data: Data, key: Key, memo: Memo) -> tuple[FittedHalves, float]:
    """Fit the model that predicts held-out losses best: a forest, or up to 250 losses perhaps a Gaussian process.

    Args:
        data: n losses of one objective, at least `FEWEST`, that differ.
        key, memo: see `Surrogate.fit`.

    Returns:
        The model of the losses on the standard scale, and the share of the variance of losses of one half that the
        model of the other explains.

    Raises:
        MissingDependency: there are many losses and scikit-learn is not installed.
    """
    scaled = replace(data, losses=standard_scaling(data.loss)[:, None], sources=())
    splits = tuple(_split(key.fold("split", number), len(data)) for number in range(SPLITS))
    found: list[tuple[float, FittedHalves]] = []
    if len(data) <= _GP_MOST:
        process = ProcessHalves.fit(scaled, splits, key, memo)
        found.append((explained(process, scaled), process))
    try:
        forest = ForestHalves.fit(scaled, splits, key, memo)
        found.append((explained(forest, scaled), forest))
    except MissingDependency:
        if not found:
            raise
    fit, best = max(found, key=lambda one: one[0])
    return best, fit


def explained(model: FittedHalves, data: Data) -> float:
    """Give the share of the variance of losses in one half that is explained by the model of the other."""
    wrong = [
        model.half_values(number, side, data.x[pair[1 - side]]) - data.loss[pair[1 - side]]
        for number, pair in enumerate(model.splits)
        for side in (0, 1)
    ]
    variance = float(data.loss.var())
    return 1.0 - float((np.concatenate(wrong) ** 2).mean()) / variance if variance > 0 else 0.0


def _split(key: Key, count: int) -> tuple[Integers, Integers]:
    order = key.permutation(count)
    return np.sort(order[: count // 2]), np.sort(order[count // 2 :])
