"""Gaussian processes: settings, and how their hyperparameters follow from the data."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from luthier._typing import Floats
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import COMPARABLE, SCALINGS, log_slopes, slice_samples
from luthier.surrogate.gp.input_warping import Warp, warpable
from luthier.surrogate.gp.kernel import KERNELS, Embedding
from luthier.surrogate.gp.marginal_likelihood import (
    HyperparameterPosterior,
    Hyperpriors,
    LogDensity,
    maximize_posterior,
)
from luthier.surrogate.gp.posterior import GPPosterior, condition
from luthier.surrogate.gp.warped_likelihood import WarpedHyperparameterPosterior
from luthier.surrogate.mixture import MixturePosterior, mixture_posterior
from luthier.surrogate.protocol import (
    Conditionable,
    Differentiable,
    IsMixture,
    Joint,
    Pathwise,
    Posterior,
    Scale,
    SupportsCovariance,
    SupportsLeaveOneOut,
    SupportsNoiselessDraws,
)
from luthier.surrogate.subset_of_data import subset_of_data

_MANY = 200  # losses beyond which a refit needs no earlier one, so that a cold start need not replay them
_FORGET = 5  # sweeps of the chain at a checkpoint before the first sample: the losses are almost those of the last one
_APART = 2  # sweeps from one sample to the next
_MOST_SAMPLED = 200  # losses that a chain sees: with more, a refit would take seconds, and its samples differ little
_ALL: tuple[type, ...] = (
    Posterior,
    Differentiable,
    Joint,
    Conditionable,
    SupportsLeaveOneOut,
    Pathwise,
    SupportsCovariance,
    SupportsNoiselessDraws,
)


@dataclass(frozen=True, slots=True)
class GP:
    """Model the objective as a Gaussian process over all variables, conditional and categorical ones included.

    Hyperparameters are those of the highest posterior density, or several drawn from that density, over which moments
    and acquisition functions are averaged. They are found again whenever the number of losses has grown by `growth`: up
    to 200 losses from the prior's mean and from the previous ones (a chain goes on where it stopped), beyond from those
    that a few of the losses give. So they are a function of the losses in order of trial number, which a memo may
    remember and a cold start computes again to the same bits.

    Args:
        kernel: ``matern52``, ``matern32`` or ``rbf``.
        scaling: of the losses: ``standard``, ``half rank``, ``rank``, ``log gap``, ``power`` or ``given`` (see
            `luthier.numeric.scaling`), or ``evidence``: whichever of ``standard``, ``power`` and ``log gap`` predicts
            the losses best, by their leave-one-out density. The posterior is on that scale.
        growth: by what factor the data grow until hyperparameters are refitted, above 1.
        steps: of each search for hyperparameters, at least 1.
        largest: with more losses than this the model sees the better half of so many, and the rest thinned out evenly;
            beyond 200 losses hyperparameters are found from at most half as many.
        hyperpriors: priors of the hyperparameters.
        samples: how many hyperparameters are drawn, by slice sampling; 0: the most probable ones alone. An ask costs
            as many times more, and a refit some fifteen times; of more than 200 losses a chain sees 200, thinned out.
        warp: whether numbers are warped, by a monotone function each that is learnt with the other hyperparameters.

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
    hyperpriors: Hyperpriors = field(default_factory=Hyperpriors)
    samples: int = 0
    warp: bool = False

    @property
    def abilities(self) -> tuple[type, ...]:
        """See `luthier.surrogate.protocol.Surrogate`."""
        return (*_ALL, IsMixture) if self.samples else _ALL

    def __post_init__(self) -> None:
        for name, table in (("kernel", (*KERNELS,)), ("scaling", (*SCALINGS, "evidence"))):
            if getattr(self, name) not in table:
                raise InvalidSetting(f"GP({name}={getattr(self, name)!r}): choose one of {', '.join(table)}")
        if not 1.0 < self.growth < math.inf:
            raise InvalidSetting(f"GP(growth={self.growth!r}): give a factor above 1")
        if self.steps < 1 or self.largest < 2:
            raise InvalidSetting("GP(steps=…, largest=…): give at least 1 step and 2 losses")
        if self.samples < 0:
            raise InvalidSetting(
                f"GP(samples={self.samples!r}): give how many to draw, or 0 for the most probable ones"
            )

    def fit(self, data: Data, key: Key, memo: Memo) -> GPPosterior | MixturePosterior:
        """Fit to the losses; without randomness. Cost O(n³) with n at most `largest`, and amortised as much again."""
        return self.fit_mixture(data, (), key, memo)

    def fit_mixture(self, data: Data, parts: Sequence[Data], key: Key, memo: Memo) -> GPPosterior | MixturePosterior:
        """Fit to losses that are made of others, `parts`; see `luthier.surrogate.protocol.SupportsScalarization`.

        Hyperparameters are found at every call where there are parts, and remembered for the parts alone. Up to 200
        losses the search for them begins at the prior's mean, and at those of the part that explain the mixture best:
        a mixture is about as smooth along each variable as its parts are. Cost O(n³) some fifty times.
        """
        if self.scaling == "evidence":
            return self._most_credible(data, parts, key, memo)[1]
        embedding = Embedding.of(data.columns)
        found = self._hyperparameters(embedding, data, memo) if not parts else self._mix(embedding, data, parts, memo)
        chosen = subset_of_data(data.loss, self.largest)
        # The scale is that of all losses, as it is of other surrogates, which an ensemble may mix with this one.
        x, y = data.x[chosen], SCALINGS[self.scaling](data.loss)[chosen]
        noise = None if data.noise is None else _relative(data.noise, data.loss)[chosen]

        def given(theta: Floats) -> GPPosterior:
            plain, coordinates = theta, embedding
            if self.warp:
                plain, shape = np.split(theta, [embedding.variables + 1])
                coordinates = embedding.warped(Warp(warpable(data.columns), shape))
            return condition(coordinates, KERNELS[self.kernel], plain, x, y, noise, self.hyperpriors.scale)

        models = [given(theta) for theta in found]
        return mixture_posterior(models, np.full(len(models), 1.0 / len(models)), _ALL) if self.samples else models[0]

    def _most_credible(
        self, data: Data, parts: Sequence[Data], key: Key, memo: Memo
    ) -> tuple[str, GPPosterior | MixturePosterior]:
        """Fit on each of several scales; give the one on which the losses are most probable, and the model.

        Source: Rasmussen and Williams (2006), eq. 5.10 and 5.11, for the leave-one-out density; Snelson, Rasmussen and
        Ghahramani (2004), Warped Gaussian processes, eq. 5, for the slopes of the scaling.
        """
        chosen = subset_of_data(data.loss, self.largest)
        best: tuple[float, str, GPPosterior | MixturePosterior] | None = None
        for name in COMPARABLE:
            model = replace(self, scaling=name).fit_mixture(data, parts, key, memo)
            scaled = SCALINGS[name](data.loss)[chosen]
            mean, variance = cast(SupportsLeaveOneOut, model).residuals()
            logs = log_slopes(data.loss[chosen], scaled) - 0.5 * (np.log(variance) + (scaled - mean) ** 2 / variance)
            if best is None or float(logs.sum()) > best[0]:
                best = float(logs.sum()), name, model
        assert best is not None  # there are scalings to compare
        return best[1:]

    def scale(self, data: Data, key: Key, memo: Memo) -> Scale:
        """See `luthier.surrogate.protocol.HasOutputTransform`. By ``evidence`` it costs as much as the fit."""
        name = self._most_credible(data, (), key, memo)[0] if self.scaling == "evidence" else self.scaling
        return Scale(SCALINGS[name](data.loss), subset_of_data(data.loss, self.largest))

    def _hyperparameters(self, embedding: Embedding, data: Data, memo: Memo) -> Floats:
        """Find those of the last size at which that is done, (s, …): by themselves, or by a fold over all sizes."""
        sizes = _checkpoints(len(data), self.growth)
        if sizes[-1] > _MANY:
            sizes = sizes[-1:]
        names = [("gp", self, data.columns, digest) for digest in _digests(data, sizes)]
        found: Floats | None = None
        done = len(sizes)
        while done and (found := memo.find(names[done - 1])) is None:
            done -= 1
        for size, name in zip(sizes[done:], names[done:], strict=True):
            previous = found

            def compute(size: int = size, previous: Floats | None = previous) -> Floats:
                return self._refit(embedding, data, size, previous)

            found = memo.get(name, compute)
        assert found is not None  # there is a checkpoint at 1
        return found

    def _mix(self, embedding: Embedding, data: Data, parts: Sequence[Data], memo: Memo) -> Floats:
        """Find hyperparameters of a mixture: from the prior's mean and from those of a part; (s, …)."""
        if len(data) > _MANY:
            return self._refit(embedding, data, len(data), None)
        density = self._density(embedding, data, len(data), self._seen)
        starts = [self._hyperparameters(embedding, part, memo)[-1].copy() for part in parts]
        noise = embedding.variables
        for start in starts:  # a mixture has kinks, which look like noise, where its parts have neither
            start[noise] = max(start[noise], density.start()[noise])
        return self._refit(embedding, data, len(data), min(starts, key=density.value)[None])

    def _refit(self, embedding: Embedding, data: Data, size: int, previous: Floats | None) -> Floats:
        density = self._density(embedding, data, size, self._seen)
        start = density.start()
        if size > _MANY:  # the densities of many losses and of a few of them have their modes near one another
            few = self._density(embedding, data, size, max(self._seen // 4, 2))
            start = maximize_posterior(density, [maximize_posterior(few, [start], self.steps)], max(self.steps // 2, 1))
        if self.samples:
            return self._sample(density, start if previous is None else previous[-1], size)
        if not 1 < size <= _MANY:
            return start[None]
        return maximize_posterior(density, [start] + ([] if previous is None else [previous[0]]), self.steps)[None]

    @property
    def _seen(self) -> int:
        """How many losses hyperparameters are found from, where there are more."""
        return min(self.largest, _MOST_SAMPLED) if self.samples else max(self.largest // 2, 2)

    def _density(self, embedding: Embedding, data: Data, size: int, most: int) -> LogDensity:
        """Give the evidence of the first so many losses; of many, those that are left after thinning to `most`."""
        losses = data.loss[:size]
        rows = subset_of_data(losses, most) if size > (most if size > _MANY else self.largest) else np.arange(size)
        noise = None if data.noise is None else _relative(data.noise[:size], losses)[rows]
        x, scaled = data.x[rows], SCALINGS[self.scaling](losses)[rows]
        if self.warp:
            return WarpedHyperparameterPosterior(embedding, x, scaled, noise, KERNELS[self.kernel], self.hyperpriors)
        return HyperparameterPosterior(
            embedding, embedding.embed(x), scaled, noise, KERNELS[self.kernel], self.hyperpriors
        )

    def _sample(self, density: LogDensity, start: Floats, size: int) -> Floats:
        """Draw hyperparameters, (samples, p), by a chain whose randomness depends on the number of losses alone."""
        low, high = np.array(density.bounds).T
        chain = slice_samples(
            lambda theta: -density.value(theta),
            start,
            low,
            high,
            density.width,
            _FORGET + _APART * self.samples,
            Key.of(0).fold("hyperparameters", size),
        )
        return np.stack(list(chain)[_FORGET + _APART - 1 :: _APART])


def _checkpoints(n: int, growth: float) -> list[int]:
    """List the sizes up to `n` at which hyperparameters are fitted: 1, 2, 3, …, by the factor, by its square."""
    sizes = [1]
    while (following := _next_size(sizes[-1], growth)) <= n:
        sizes.append(following)
    return sizes


def _next_size(size: int, growth: float) -> int:
    return max(size + 1, math.ceil(size * growth))


def _digests(data: Data, sizes: list[int]) -> list[bytes]:
    """Give a name to the first so many losses, for each of the growing `sizes`. Cost O(n d)."""
    digests = [b""]
    for before, size in zip([0, *sizes], sizes, strict=False):
        seen = data.x[before:size].tobytes() + data.loss[before:size].tobytes()
        if data.noise is not None:
            seen += data.noise[before:size].tobytes()
        digests.append(hashlib.blake2b(digests[-1] + seen, digest_size=16).digest())
    return digests[1:]


def _relative(noise: Floats, losses: Floats) -> Floats:
    """Give known variances relative to the spread of the losses."""
    spread = losses.var()
    return np.minimum(noise / spread, 1e3) if spread > 0 else np.zeros_like(noise)
