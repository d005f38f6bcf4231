"""Gaussian process surrogate: its settings, and the search for its hyperparameters."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import COMPARABLE_SCALINGS, SCALINGS, check_scaling, log_scaling_slopes, slice_samples
from luthier.setting_types import check_setting_types, settings_repr
from luthier.space import Column
from luthier.surrogate.checkpoints import checkpoints
from luthier.surrogate.gp.embedding import FIDELITY, Embedding
from luthier.surrogate.gp.input_warping import Warp, warpable
from luthier.surrogate.gp.kernel import KERNELS
from luthier.surrogate.gp.marginal_likelihood import (
    HyperparameterPosterior,
    Hyperpriors,
    LogDensity,
    maximize_posterior,
)
from luthier.surrogate.gp.posterior import GPPosterior, gp_posterior
from luthier.surrogate.gp.source_models import (
    BENEFIT_OF_DOUBT,
    SourceMean,
    SourceModel,
    coefficients,
    drift,
    source_models,
)
from luthier.surrogate.gp.warped_likelihood import WarpedHyperparameterPosterior
from luthier.surrogate.mixture import MixturePosterior
from luthier.surrogate.protocol import (
    Conditionable,
    Differentiable,
    IsMixture,
    Joint,
    Pathwise,
    Posterior,
    ScaledLosses,
    SupportsCovariance,
    SupportsLeaveOneOut,
    SupportsNoiselessDraws,
)
from luthier.surrogate.subset_of_data import subset_of_data

_log = logging.getLogger(__name__)

_MANY = 200  # losses beyond which a refit does not start from an earlier one, so a cold start need not replay those
_BURN_IN = 5  # sweeps of the chain at a checkpoint: it starts from the last sample of the previous one
_APART = 2  # sweeps from one sample to the next
_MOST_SAMPLED = 200  # losses that a chain uses: with more, a refit would take seconds, and its samples differ little
_ABILITIES: tuple[type, ...] = (
    Posterior,
    Differentiable,
    Joint,
    Conditionable,
    SupportsLeaveOneOut,
    Pathwise,
    SupportsCovariance,
    SupportsNoiselessDraws,
)


@translating_settings
@dataclass(frozen=True, slots=True)
class GP:
    """Model the objective as a Gaussian process over all variables, conditional and categorical ones included.

    Hyperparameters are those of the highest posterior density, or several samples of it, over which moments and
    acquisition functions are averaged. They are refitted whenever the number of losses has grown by `growth`: up to 200
    losses from the prior mean and from the previous ones (a chain is continued), beyond from those of a few of the
    losses. So they are a function of the losses in order of trial number, which a memo may hold and a cold start
    computes again to the same bits.

    Args:
        kernel: ``matern52``, ``matern32`` or ``rbf``.
        scaling: of the losses: ``standard``, ``linear``, ``half rank``, ``rank``, ``log gap``, ``power`` or ``given``
            (see `luthier.numeric.scaling`), or ``evidence``: whichever of ``standard``, ``power`` and ``log gap``
            predicts the losses best, by their leave-one-out density. The posterior is on that scale.
        growth: factor by which the data grow from one refit of the hyperparameters to the next, above 1.
        steps: iterations of each search for hyperparameters, at least 1.
        largest: the largest number of losses that the model is fitted to, at least 2: half of them the lowest, the rest
            spaced evenly over the others. Beyond 200 losses hyperparameters are found from at most half as many.
        hyperpriors: priors of the hyperparameters.
        samples: the number of hyperparameters that are drawn, by slice sampling; 0: only the most probable ones. An ask
            costs as many times more, and a refit about fifteen times; a chain uses at most 200 losses.
        warp: whether numbers are warped, each by a monotone function that is learnt with the other hyperparameters.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Rasmussen and Williams (2006), Gaussian processes for machine learning, chapters 2 and 5; Murray and Adams
    (2010), Slice sampling covariance hyperparameters, and Snoek, Larochelle and Adams (2012), section 3.2, for samples.
    """

    kernel: str = "matern52"
    scaling: str = "standard"
    growth: float = 1.15
    steps: int = 25
    largest: int = 600
    hyperpriors: Hyperpriors = Hyperpriors()
    samples: int = 0
    warp: bool = False

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.protocol.Surrogate`."""
        return (*_ABILITIES, IsMixture) if self.samples else _ABILITIES

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.kernel not in KERNELS:
            raise InvalidSetting(f"GP(kernel={self.kernel!r}): choose one of {', '.join(KERNELS)}")
        check_scaling("GP", self.scaling, "evidence")
        if not 1.0 < self.growth < math.inf:
            raise InvalidSetting(f"GP(growth={self.growth!r}): give a factor above 1")
        if self.steps < 1 or self.largest < 2:
            raise InvalidSetting("GP(steps=…, largest=…): give at least 1 step and 2 losses")
        if self.samples < 0:
            raise InvalidSetting(
                f"GP(samples={self.samples!r}): give a number of draws, or 0 for the most probable ones"
            )

    def fit(self, data: Data, key: Key, memo: Memo) -> GPPosterior | MixturePosterior:
        """Fit to the losses; deterministic. Cost O(n³) with n at most `largest`, and amortised as much again."""
        return self.fit_scalarization(data, (), key, memo)

    def fit_scalarization(
        self, data: Data, parts: Sequence[Data], key: Key, memo: Memo
    ) -> GPPosterior | MixturePosterior:
        """Fit to a scalarization of the losses of `parts`; see `luthier.surrogate.protocol.SupportsScalarization`.

        Where there are parts, hyperparameters are found at every call, and kept in the memo for the parts only. Up to
        200 losses the search for them starts from the prior mean, and from those of the part that are the most probable
        for the scalarization, which is about as smooth along each variable as its parts. Cost O(n³) about fifty times.
        """
        if self.scaling == "evidence":
            return self._most_probable_scale(data, parts, key, memo)[1]
        data = _with_share(data)
        embedding = Embedding.of(data.columns)
        found = (
            self._hyperparameters(embedding, data, memo)
            if not parts
            else self._scalarized_hyperparameters(embedding, data, parts, memo)
        )
        models = () if parts else source_models(data.sources, data.columns, KERNELS[self.kernel], self.scaling, memo)
        if models:
            found, models = self._choose(embedding, data, found, models, memo)
        chosen = subset_of_data(data.loss, self.largest)
        # The scale is that of all losses, as of other surrogates, with which an ensemble may mix this one.
        x, y = data.x[chosen], SCALINGS[self.scaling](data.loss)[chosen]
        noise = None if data.noise is None else _relative(data.noise, data.loss)[chosen]

        def posterior(theta: Floats) -> GPPosterior:
            plain, coordinates = theta, embedding
            if self.warp:
                plain, shape = np.split(theta, [embedding.variables + 1])
                coordinates = embedding.warped(Warp(warpable(data.columns), shape))
            alone = gp_posterior(coordinates, KERNELS[self.kernel], plain, x, y, noise, self.hyperpriors.scale)
            if not models:
                return alone
            mean = SourceMean(models, coefficients(alone, drift(models, x)))
            return alone.with_prior_mean(mean, self.hyperpriors.scale)

        fitted = [posterior(theta) for theta in found]
        if not self.samples:
            return fitted[0]
        return MixturePosterior(fitted, np.full(len(fitted), 1.0 / len(fitted)), self.abilities)

    def _most_probable_scale(
        self, data: Data, parts: Sequence[Data], key: Key, memo: Memo
    ) -> tuple[str, GPPosterior | MixturePosterior]:
        """Fit on each of several scales; give the one on which the losses are the most probable, and the model.

        Source: Rasmussen and Williams (2006), eq. 5.10 and 5.11, for the leave-one-out density; Snelson, Rasmussen and
        Ghahramani (2004), Warped Gaussian processes, eq. 5, for the slopes of the scaling.
        """
        chosen = subset_of_data(data.loss, self.largest)
        best: tuple[float, str, GPPosterior | MixturePosterior] | None = None
        for name in COMPARABLE_SCALINGS:
            model = replace(self, scaling=name).fit_scalarization(data, parts, key, memo)
            scaled = SCALINGS[name](data.loss)[chosen]
            mean, variance = cast(SupportsLeaveOneOut, model).leave_one_out()
            logs = log_scaling_slopes(data.loss[chosen], scaled) - 0.5 * (
                np.log(variance) + (scaled - mean) ** 2 / variance
            )
            if best is None or float(logs.sum()) > best[0]:
                best = float(logs.sum()), name, model
        assert best is not None  # there are scalings to compare
        return best[1:]

    def scale(self, data: Data, key: Key, memo: Memo) -> ScaledLosses:
        """See `luthier.surrogate.protocol.HasOutputTransform`. By ``evidence`` it costs as much as the fit."""
        name = self._most_probable_scale(data, (), key, memo)[0] if self.scaling == "evidence" else self.scaling
        return ScaledLosses(SCALINGS[name](data.loss), subset_of_data(data.loss, self.largest))

    def _hyperparameters(self, embedding: Embedding, data: Data, memo: Memo) -> Floats:
        """Give those of the last checkpoint, (s, …): up to 200 losses by a fold over all checkpoints."""
        sizes = checkpoints(len(data), self.growth)
        if sizes[-1] > _MANY or data.share is not None:  # extrapolated losses change, all of them, with each new one
            sizes = sizes[-1:]
        keys = [("gp", self, data.columns, digest) for digest in _digests(data, sizes)]
        found: Floats | None = None
        done = len(sizes)
        while done and (found := memo.find(keys[done - 1])) is None:
            done -= 1
        for size, key in zip(sizes[done:], keys[done:], strict=True):
            previous = found

            def compute(size: int = size, previous: Floats | None = previous) -> Floats:
                return self._refit(embedding, data, size, previous)

            found = memo.get(key, compute)
        assert found is not None  # there is a checkpoint at 1
        return found

    def _choose(
        self, embedding: Embedding, data: Data, found: Floats, models: tuple[SourceModel, ...], memo: Memo
    ) -> tuple[Floats, tuple[SourceModel, ...]]:
        """Give the hyperparameters with a prior mean made by models of other tasks, if the losses are likely with it.

        Args:
            embedding, data: of this task.
            found: the hyperparameters without, (s, …).
            models: of the other tasks.
            memo: keeps the hyperparameters of the last checkpoint.

        Returns:
            The hyperparameters, and the models; or `found`, and no models.
        """
        n, most = len(data), self._most_for_refit
        size = checkpoints(n, self.growth)[-1]
        named = tuple(model.digest for model in models)
        key = ("gp", self, data.columns, _digests(data, [size])[0], named)
        informed = memo.get(key, lambda: self._refit(embedding, data, size, found, models))
        with_sources = self._density(embedding, data, n, most, models)
        without = self._density(embedding, data, n, most)
        gain = np.mean([without.value(theta) for theta in found]) - np.mean(
            [with_sources.value(theta) for theta in informed]
        )
        return (informed, models) if gain > -BENEFIT_OF_DOUBT else (found, ())

    def _scalarized_hyperparameters(
        self, embedding: Embedding, data: Data, parts: Sequence[Data], memo: Memo
    ) -> Floats:
        """Give those of a scalarization, from the prior mean and from those of a part; (s, …)."""
        if len(data) > _MANY:
            return self._refit(embedding, data, len(data), None)
        density = self._density(embedding, data, len(data), self._most_for_refit)
        starts = [self._hyperparameters(embedding, part, memo)[-1].copy() for part in parts]
        noise = embedding.variables
        for start in starts:  # a scalarization has kinks, which look like noise, where its parts have neither
            start[noise] = max(start[noise], density.start()[noise])
        return self._refit(embedding, data, len(data), min(starts, key=density.value)[None])

    def _refit(
        self,
        embedding: Embedding,
        data: Data,
        size: int,
        previous: Floats | None,
        models: tuple[SourceModel, ...] = (),
    ) -> Floats:
        if not _log.isEnabledFor(logging.DEBUG):
            return self._search(embedding, data, size, previous, models)
        begun = time.perf_counter()
        found = self._search(embedding, data, size, previous, models)
        seconds = time.perf_counter() - begun
        _log.debug("refitted the hyperparameters of %r to %d losses in %.3f s", self, size, seconds)
        return found

    def _search(
        self,
        embedding: Embedding,
        data: Data,
        size: int,
        previous: Floats | None,
        models: tuple[SourceModel, ...],
    ) -> Floats:
        density = self._density(embedding, data, size, self._most_for_refit, models)
        start = density.start()
        if size > _MANY:  # the densities of many losses and of a few of them have nearby modes
            few = self._density(embedding, data, size, max(self._most_for_refit // 4, 2), models)
            start = maximize_posterior(density, [maximize_posterior(few, [start], self.steps)], max(self.steps // 2, 1))
        if self.samples:
            return self._sample(density, start if previous is None else previous[-1], size)
        if not 1 < size <= _MANY:
            return start[None]
        return maximize_posterior(density, [start] + ([] if previous is None else [previous[0]]), self.steps)[None]

    @property
    def _most_for_refit(self) -> int:
        """The largest number of losses that hyperparameters are found from."""
        return min(self.largest, _MOST_SAMPLED) if self.samples else max(self.largest // 2, 2)

    def _density(
        self, embedding: Embedding, data: Data, size: int, most: int, models: tuple[SourceModel, ...] = ()
    ) -> LogDensity:
        """Give the density for the first `size` losses, or for a subset of `most` of them where they are many."""
        losses = data.loss[:size]
        rows = subset_of_data(losses, most) if size > (most if size > _MANY else self.largest) else np.arange(size)
        noise = None if data.noise is None else _relative(data.noise[:size], losses)[rows]
        x, scaled = data.x[rows], SCALINGS[self.scaling](losses)[rows]
        rest = (scaled, noise, KERNELS[self.kernel], self.hyperpriors, drift(models, x) if models else None)
        if self.warp:
            return WarpedHyperparameterPosterior(embedding, x, *rest)
        return HyperparameterPosterior(embedding, embedding.embed(x), *rest)

    def _sample(self, density: LogDensity, start: Floats, size: int) -> Floats:
        """Draw hyperparameters, (samples, p), by a chain whose randomness depends only on the number of losses."""
        low, high = np.array(density.bounds).T
        chain = slice_samples(
            lambda theta: -density.value(theta),
            start,
            low,
            high,
            density.width,
            _BURN_IN + _APART * self.samples,
            Key.of(0).fold("hyperparameters", size),
        )
        return np.stack(list(chain)[_BURN_IN + _APART - 1 :: _APART])


def _with_share(data: Data) -> Data:
    """Give data in which the share of the fidelity is one more column, where losses are of different ones."""
    if data.share is None or len(data.share) != len(data) or data.columns[-1].kind == FIDELITY:
        return data
    column = Column("", FIDELITY, 0, 0, 1, False)
    return replace(data, x=np.column_stack([data.x, data.share]), columns=(*data.columns, column))


def _digests(data: Data, sizes: list[int]) -> list[bytes]:
    """Give a digest of the first losses, for each of the increasing `sizes` of them. Cost O(n d)."""
    digests = [b""]
    for before, size in zip([0, *sizes], sizes, strict=False):
        added = data.x[before:size].tobytes() + data.loss[before:size].tobytes()
        if data.noise is not None:
            added += data.noise[before:size].tobytes()
        digests.append(hashlib.blake2b(digests[-1] + added, digest_size=16).digest())
    return digests[1:]


def _relative(noise: Floats, losses: Floats) -> Floats:
    """Give known variances relative to the spread of the losses."""
    spread = losses.var()
    return np.minimum(noise / spread, 1e3) if spread > 0 else np.zeros_like(noise)
