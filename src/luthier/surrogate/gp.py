"""Gaussian processes: settings, and how their hyperparameters follow from the data."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric.scaling import SCALINGS
from luthier.surrogate.evidence import Beliefs, Evidence, maximize
from luthier.surrogate.gaussian import Gaussian, condition
from luthier.surrogate.kernel import KERNELS, Embedding
from luthier.surrogate.protocol import (
    Checked,
    Conditionable,
    Covariant,
    Denoised,
    Differentiable,
    Joint,
    Pathwise,
    Posterior,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GP:
    """Model the objective as a Gaussian process over all variables, conditional and categorical ones included.

    Hyperparameters are those of the highest posterior density. They are refitted whenever the number of losses has
    grown by `growth`, each time from the prior's mean and from the previous ones; so they are a function of the losses
    in order of trial number, which a memo may remember and a cold start computes again to the same bits.

    Args:
        kernel: ``matern52``, ``matern32`` or ``rbf``.
        scaling: of the losses: ``standard``, ``half rank``, ``rank``, ``log gap`` or ``given`` (see
            `luthier.numeric.scaling`). The posterior is on that scale.
        growth: by what factor the data grow until hyperparameters are refitted, above 1.
        steps: of each search for hyperparameters, at least 1.
        largest: with more losses than this the model sees the better half of so many, and the rest thinned out evenly.
        beliefs: priors of the hyperparameters.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Rasmussen and Williams (2006), Gaussian processes for machine learning, chapters 2 and 5.
    """

    gives: ClassVar[tuple[type, ...]] = (
        Posterior,
        Differentiable,
        Joint,
        Conditionable,
        Checked,
        Pathwise,
        Covariant,
        Denoised,
    )

    kernel: str = "matern52"
    scaling: str = "standard"
    growth: float = 1.15
    steps: int = 25
    largest: int = 600
    beliefs: Beliefs = field(default_factory=Beliefs)

    def __post_init__(self) -> None:
        for name, table in (("kernel", KERNELS), ("scaling", SCALINGS)):
            if getattr(self, name) not in table:
                raise InvalidSetting(f"GP({name}={getattr(self, name)!r}): choose one of {', '.join(table)}")
        if not 1.0 < self.growth < math.inf:
            raise InvalidSetting(f"GP(growth={self.growth!r}): give a factor above 1")
        if self.steps < 1 or self.largest < 2:
            raise InvalidSetting("GP(steps=…, largest=…): give at least 1 step and 2 losses")

    def fit(self, data: Data, key: Key, memo: Memo) -> Gaussian:
        """Fit to the losses; without randomness. Cost O(n³) with n at most `largest`, and amortised as much again."""
        embedding = Embedding.of(data.columns)
        theta = self._hyperparameters(embedding, data, memo)
        chosen = _thin(data.loss, self.largest)
        y = SCALINGS[self.scaling](data.loss[chosen])
        noise = None if data.noise is None else _relative(data.noise[chosen], data.loss[chosen])
        return condition(embedding, KERNELS[self.kernel], theta, data.x[chosen], y, noise, self.beliefs.scale)

    def _hyperparameters(self, embedding: Embedding, data: Data, memo: Memo) -> Floats:
        """Fold the refits over the sizes at which they happen."""
        theta: Floats | None = None
        digest = b""
        before = 0
        for size in _checkpoints(min(len(data), self.largest), self.growth):
            seen = data.x[before:size].tobytes() + data.loss[before:size].tobytes()
            if data.noise is not None:
                seen += data.noise[before:size].tobytes()
            digest = hashlib.blake2b(digest + seen, digest_size=16).digest()
            before = size
            previous = theta

            def compute(size: int = size, previous: Floats | None = previous) -> Floats:
                return self._refit(embedding, data, size, previous)

            theta = memo.get(("gp", self, data.columns, digest), compute)
        assert theta is not None  # there is a checkpoint at 1
        return theta

    def _refit(self, embedding: Embedding, data: Data, size: int, previous: Floats | None) -> Floats:
        losses = data.loss[:size]
        noise = None if data.noise is None else _relative(data.noise[:size], losses)
        x = embedding.embed(data.x[:size])
        scaled = SCALINGS[self.scaling](losses)
        evidence = Evidence(embedding, x, scaled, noise, KERNELS[self.kernel], self.beliefs)
        starts = [evidence.start()] + ([] if previous is None else [previous])
        return maximize(evidence, starts, self.steps) if size > 1 else starts[0]


def _checkpoints(n: int, growth: float) -> list[int]:
    """List the sizes up to `n` at which hyperparameters are fitted: 1, 2, 3, … and then by the factor."""
    sizes = [1]
    while (following := max(sizes[-1] + 1, math.ceil(sizes[-1] * growth))) <= n:
        sizes.append(following)
    return sizes


def _thin(losses: Floats, largest: int) -> NDArray[np.int64]:
    """Choose at most `largest` of n, in order: half of them the lowest, the rest spread evenly over the others."""
    n = len(losses)
    if n <= largest:
        return np.arange(n)
    order = np.argsort(losses, kind="stable")
    half = largest // 2
    spread = half + np.floor(np.arange(largest - half) * ((n - half) / (largest - half))).astype(np.int64)
    return np.sort(np.concatenate([order[:half], order[spread]]))


def _relative(noise: Floats, losses: Floats) -> Floats:
    """Give known variances relative to the spread of the losses."""
    spread = losses.var()
    return np.minimum(noise / spread, 1e3) if spread > 0 else np.zeros_like(noise)
