"""Models of other tasks (sources), and the part of a prior mean that each of them makes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from luthier._typing import Floats, Integers
from luthier.data import SourceData
from luthier.memo import Memo
from luthier.numeric import SCALINGS
from luthier.space import Column
from luthier.surrogate.gp.embedding import Embedding
from luthier.surrogate.gp.kernel import Radial
from luthier.surrogate.gp.marginal_likelihood import (
    WIDE,
    Drift,
    HyperparameterPosterior,
    Hyperpriors,
    maximize_posterior,
)
from luthier.surrogate.gp.posterior import GPPosterior, gp_posterior
from luthier.surrogate.subset_of_data import subset_of_data

FEWEST = 4
"""A source with fewer results than this teaches nothing."""
MOST = 400
"""The number of results of all sources together that models of them are fitted to."""
_MOST_FOR_SEARCH = 100
"""The number of results of one source that its hyperparameters are found from."""
_STEPS = 25

SIZE, DEVIATION = 0.7, 0.5
"""Prior of a source's coefficient: of tasks that are alike standardised losses are correlated by about 0.7, which all
sources together are taken to predict; and each of them may be more, or less, or the opposite."""

BENEFIT_OF_DOUBT = 3.0
"""Sources are believed until the losses are less likely with them, by a factor of e³, than without."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceModel:
    """A Gaussian process of another task, on its own scale, over the columns that the task had.

    Args:
        places: (k,) these columns.
        posterior: of its losses.
        digest: the name of what it was fitted to.
    """

    places: Integers
    posterior: GPPosterior
    digest: bytes

    def value(self, x: Floats) -> Floats:
        """Give the predicted mean at `x` (q, d); shape (q,)."""
        return self.posterior.mean(x[:, self.places])

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """Give the predicted mean (q,) and its gradient (q, d) at `x` (q, d)."""
        mean, by_own = self.posterior.mean_grad(x[:, self.places])
        gradient = np.zeros(x.shape)
        gradient[:, self.places] = by_own
        return mean, gradient


@dataclass(frozen=True, slots=True, eq=False)
class SourceMean:
    """A prior mean: the weighted sum of what models of other tasks predict.

    Args:
        models: k of them, at least one.
        weights: (k,) their coefficients.
    """

    models: tuple[SourceModel, ...]
    weights: Floats

    def value(self, x: Floats) -> Floats:
        """See `luthier.surrogate.gp.posterior.PriorMean`."""
        return source_features(self.models, x) @ self.weights

    def value_grad(self, x: Floats) -> tuple[Floats, Floats]:
        """See `luthier.surrogate.gp.posterior.PriorMean`."""
        value, gradient = np.zeros(len(x)), np.zeros(x.shape)
        for model, weight in zip(self.models, self.weights.tolist(), strict=True):
            mean, by_x = model.value_grad(x)
            value, gradient = value + weight * mean, gradient + weight * by_x
        return value, gradient


def source_features(models: Sequence[SourceModel], x: Floats) -> Floats:
    """Give what each of k models predicts at `x` (q, d); shape (q, k)."""
    return np.stack([model.value(x) for model in models], axis=1)


def drift(models: Sequence[SourceModel], x: Floats) -> Drift:
    """Give the part of the mean at `x` (n, d) that k models make with unknown coefficients."""
    return Drift(source_features(models, x), SIZE / len(models), DEVIATION**2)


def coefficients(model: GPPosterior, part: Drift) -> Floats:
    """Give the posterior means of the coefficients of a drift, (k,), by the hyperparameters of a model without it.

    Source: Rasmussen and Williams (2006), eq. 2.41, with a proper prior. Cost O(n² k).
    """
    from scipy.linalg import cho_solve

    n, k = part.features.shape
    basis = np.column_stack([np.ones(n), part.features])
    before = np.append(0.0, np.full(k, part.mean))
    precision = np.append(1.0 / WIDE, np.full(k, 1.0 / part.variance))
    solved = cho_solve((model.factor, True), basis, check_finite=False)
    found = np.linalg.solve(basis.T @ solved + np.diag(precision), solved.T @ (model.y - basis @ before))
    weights: Floats = (before + found)[1:]
    return weights


def source_models(
    sources: Sequence[SourceData],
    columns: Sequence[Column],
    kernel: Callable[[Floats], Radial],
    scaling: str,
    memo: Memo,
) -> tuple[SourceModel, ...]:
    """Fit a Gaussian process to the first losses of each source that has enough of them.

    Cost O(r³) for each with r results, once; all together use at most `MOST`.
    """
    largest = max(MOST // max(len(sources), 1), FEWEST)
    found = []
    for source in sources:
        rows = np.flatnonzero(np.isfinite(source.losses[:, 0]))
        losses = source.losses[rows, 0]
        if len(rows) < FEWEST or not len(source.places) or not np.ptp(losses) > 0:
            continue
        kept = subset_of_data(losses, largest)
        x, y = source.x[rows[kept]][:, source.places], SCALINGS[scaling](losses)[kept]
        own = tuple(columns[place] for place in source.places)
        digest = hashlib.blake2b(source.places.tobytes() + x.tobytes() + y.tobytes(), digest_size=16).digest()

        def fit(x: Floats = x, y: Floats = y, own: tuple[Column, ...] = own) -> GPPosterior:
            return _fit(x, y, own, kernel)

        posterior = memo.get(("source", kernel.__name__, own, digest), fit)
        found.append(SourceModel(source.places, posterior, digest))
    return tuple(found)


def _fit(x: Floats, y: Floats, columns: tuple[Column, ...], kernel: Callable[[Floats], Radial]) -> GPPosterior:
    embedding, hyperpriors = Embedding.of(columns), Hyperpriors()
    few = subset_of_data(y, _MOST_FOR_SEARCH)
    density = HyperparameterPosterior(embedding, embedding.embed(x[few]), y[few], None, kernel, hyperpriors)
    theta = maximize_posterior(density, [density.start()], _STEPS)
    return gp_posterior(embedding, kernel, theta, x, y, None, hyperpriors.scale)
