"""Predictive distributions of one objective in its own units: medians, intervals, probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from luthier._typing import Floats, Integers
from luthier.data import Data
from luthier.key import Key
from luthier.memo import Memo
from luthier.method import FittedModel
from luthier.numeric import InverseScaling
from luthier.surrogate import (
    Embedding,
    HasDistance,
    HasOutputTransform,
    IsMixture,
    Posterior,
    SupportsCovariance,
    SupportsLeaveOneOut,
    Surrogate,
)

FEWEST = 3
"""With fewer values than this nothing is predicted: they do not tell how much the objective varies."""
ENCODED = "of the encoded range"
"""The unit of `encoded_distances`."""

_LEAST_STD = 1e-12
_HALVINGS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """One model of a mixture: normal on a scale of its own.

    Args:
        posterior: the model.
        weight: its weight in the mixture.
        unscaling: the way between its scale and losses.
        scaled: (n,) the losses on its scale.
        rows: (k,) those of them that it was fitted to.
    """

    posterior: Posterior
    weight: float
    unscaling: InverseScaling
    scaled: Floats
    rows: Integers

    def moments(self, x: Floats, observed: bool) -> tuple[Floats, Floats]:
        """Give mean and standard deviation on its scale, (q,) each: of the function, or of one more measurement."""
        mean, variance = self.posterior.moments(x)
        if observed and isinstance(self.posterior, SupportsCovariance):
            variance = variance + self.posterior.noise_variance
        return mean, np.sqrt(np.maximum(variance, _LEAST_STD**2))


class LeftOut(NamedTuple):
    """Leave-one-out predictions of k losses.

    Args:
        residuals: (k,) standardised.
        rows: (k,) the rows of the data that they are of.
        quantiles: (levels, k) of the losses, as predicted.
    """

    residuals: Floats
    rows: Integers
    quantiles: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PredictiveDistribution:
    """A mixture of models of one loss. All that it gives is made of quantiles: these pass through a monotone scale.

    Args:
        components: the models, at least one.
        data: what they were fitted to; one loss.
    """

    components: tuple[Component, ...]
    data: Data

    def quantiles(self, x: Floats, levels: Sequence[float], observed: bool = False) -> Floats:
        """Give quantiles of the loss at `x` (q, d) for each of the levels in (0, 1); shape (levels, q).

        Args:
            x: the points.
            levels: probabilities.
            observed: of one more measurement, noise included, and not of the function itself.
        """
        moments = [one.moments(x, observed) for one in self.components]
        return self._quantiles(self.components, moments, levels)

    def _quantiles(
        self, components: Sequence[Component], moments: Sequence[tuple[Floats, Floats]], levels: Sequence[float]
    ) -> Floats:
        """Give quantiles of the loss from the means and standard deviations of some of the components."""
        from scipy.special import ndtri

        wanted = np.asarray(levels, dtype=np.float64)[:, None]
        z = ndtri(wanted)
        found = [one.unscaling.to_losses(mean + z * std) for one, (mean, std) in zip(components, moments, strict=True)]
        low, high = np.min(found, axis=0), np.max(found, axis=0)
        if len(found) == 1:
            return np.asarray(low, dtype=np.float64)
        for _ in range(_HALVINGS):  # the mixture's quantile lies between those of its components
            middle = 0.5 * low + 0.5 * high
            under = _probability(components, moments, middle) < wanted
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        quantiles: Floats = 0.5 * low + 0.5 * high
        return quantiles

    def below(self, x: Floats, losses: Floats, observed: bool = False) -> Floats:
        """Give the probability that the loss at each of `x` (q, d) is below `losses` (q,) or (1,); shape (q,)."""
        return _probability(self.components, [one.moments(x, observed) for one in self.components], losses)

    def surprise(self, x: Floats, losses: Floats) -> Floats:
        """Give how far measured `losses` (q,) are above what was expected at `x` (q, d), in standard deviations."""
        if len(self.components) == 1:
            (one,) = self.components
            mean, std = one.moments(x, observed=True)
            far: Floats = (one.unscaling.to_scale(losses) - mean) / std
            return far
        return _normal(self.below(x, losses, observed=True))

    def left_out(self, levels: Sequence[float] = ()) -> LeftOut:
        """Give leave-one-out residuals, standardised, and the quantiles that were predicted.

        Where the losses are as the models say, the residuals are standard normal. Hyperparameters and scales are not
        fitted anew without each loss, which makes the residuals a little smaller than they ought to be.

        Args:
            levels: probabilities of the quantiles.

        Returns:
            All empty where no model has leave-one-out predictions.
        """
        from scipy.special import ndtr

        judged = [
            (one, *one.posterior.leave_one_out())
            for one in self.components
            if isinstance(one.posterior, SupportsLeaveOneOut)
        ]
        judged = [one for one in judged if len(one[1]) == len(one[0].rows)]
        if not judged:
            return LeftOut(np.empty(0), np.empty(0, dtype=np.int64), np.empty((len(levels), 0)))
        rows = judged[0][0].rows
        judged = [one for one in judged if np.array_equal(one[0].rows, rows)]
        weights = np.array([one.weight for one, *_ in judged])
        components = [replace(one, weight=one.weight / float(weights.sum())) for one, *_ in judged]
        moments = [(mean, np.sqrt(np.maximum(variance, _LEAST_STD**2))) for _, mean, variance in judged]
        quantiles = self._quantiles(components, moments, levels) if len(levels) else np.empty((0, len(rows)))
        all_z = [(one.scaled[one.rows] - mean) / std for (one, *_), (mean, std) in zip(judged, moments, strict=True)]
        if len(judged) == 1:
            return LeftOut(all_z[0], rows, quantiles)
        return LeftOut(_normal(weights @ ndtr(np.stack(all_z)) / weights.sum()), rows, quantiles)

    def distances(self, x: Floats, z: Floats) -> tuple[Floats, str]:
        """Give distances between `x` (q, d) and `z` (m, d), (q, m), and the unit: the first model's, if it has one."""
        posterior = self.components[0].posterior
        if isinstance(posterior, HasDistance):
            return posterior.distance(x, z), "length-scales of the model"
        return encoded_distances(self.data, x, z), ENCODED


def encoded_distances(data: Data, x: Floats, z: Floats) -> Floats:
    """Give root mean square distances over the variables between encoded points; (q, m), from 0 to 1."""
    embedding = Embedding.of(data.columns)
    apart = embedding.embed(x)[:, None, :] - embedding.embed(z)[None, :, :]
    distances: Floats = np.sqrt((apart * apart).sum(axis=2) / embedding.variables)
    return distances


def why_unreadable(surrogate: Surrogate) -> str:
    """Say why a surrogate's predictions cannot be read in the units of the losses; empty where they can."""
    if Posterior not in surrogate.abilities:
        return f"{type(surrogate).__name__} gives no means"
    if not isinstance(surrogate, HasOutputTransform):
        return f"{type(surrogate).__name__} does not say on what scale its means are (it has no `scale`)"
    return ""


def predictive_distribution(
    surrogates: Sequence[Surrogate], data: Data, key: Key, memo: Memo
) -> PredictiveDistribution | None:
    """Fit models to one loss and read them in its units.

    Args:
        surrogates: the models, each as likely to be right as the others; at least one.
        data: n values of one objective.
        key, memo: see `Surrogate.fit`.

    Returns:
        None where a model cannot be read so (see `why_unreadable`), or where there are fewer than `FEWEST` values, or
        no two that differ, or no variables.
    """
    if len(data) < FEWEST or not data.columns:
        return None
    if any(_reading(surrogate, data, key, memo) is None for surrogate in surrogates):
        return None
    models = [FittedModel(surrogate, key, surrogate.fit(data, key, memo)) for surrogate in surrogates]
    return read_models(models, data, memo)


def read_models(models: Sequence[FittedModel], data: Data, memo: Memo) -> PredictiveDistribution | None:
    """Read models that are fitted to one loss in its units; see `predictive_distribution`."""
    if len(data) < FEWEST or not data.columns:
        return None
    components: list[Component] = []
    for model in models:
        reading = _reading(model.surrogate, data, model.key, memo)
        if reading is None:
            return None
        for member, weight in _members(model.posterior):
            components.append(Component(member, weight / len(models), *reading))
    return PredictiveDistribution(tuple(components), data)


def _reading(surrogate: Surrogate, data: Data, key: Key, memo: Memo) -> tuple[InverseScaling, Floats, Integers] | None:
    """Give the way between a surrogate's scale and losses, the losses on it, and the rows that it looks at."""
    if why_unreadable(surrogate) or not isinstance(surrogate, HasOutputTransform):
        return None
    scaled, rows = surrogate.scale(data, key, memo)
    unscaling = InverseScaling.through(data.loss, scaled)
    return None if unscaling is None else (unscaling, scaled, rows)


def one_objective(data: Data, place: int) -> Data:
    """Give the data with one objective alone; the noise that is known is that of the first."""
    return data.of_objective(place)


def _members(posterior: Posterior) -> Iterator[tuple[Posterior, float]]:
    """Give the parts of a mixture, with their weights."""
    if not isinstance(posterior, IsMixture):
        yield posterior, 1.0
        return
    for member, weight in zip(posterior.members, posterior.weights.tolist(), strict=True):
        for part, share in _members(member):
            yield part, weight * share


def _probability(components: Sequence[Component], moments: Sequence[tuple[Floats, Floats]], losses: Floats) -> Floats:
    from scipy.special import ndtr

    parts = [
        one.weight * ndtr((one.unscaling.to_scale(losses) - mean) / std)
        for one, (mean, std) in zip(components, moments, strict=True)
    ]
    return np.asarray(sum(parts), dtype=np.float64)


def _normal(probability: Floats) -> Floats:
    from scipy.special import ndtri

    z: Floats = ndtri(np.clip(probability, 1e-300, 1.0 - 1e-16))
    return z
