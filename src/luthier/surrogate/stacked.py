"""Several surrogates together, weighed by how well each predicted what it had not seen."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from luthier._typing import Floats, Integers
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import SCALINGS, log_normal_density, stack
from luthier.surrogate.cross_validation import held_out
from luthier.surrogate.mixture import ABLE, MixturePosterior, mixture_posterior
from luthier.surrogate.protocol import (
    HasOutputTransform,
    IsMixture,
    Moments,
    Posterior,
    Scale,
    SupportsCovariance,
    SupportsLeaveOneOut,
    Surrogate,
)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Believe several surrogates, each as far as its predictions deserve.

    The weights are those with which the members' mixture gave the losses the highest density before it saw them, by
    leave-one-out predictions where a member has them, else by five-fold refits. They are computed anew whenever the
    number of losses has grown by `growth`, of the losses up to there alone; so a memo may remember them, and a cold
    start computes them again to the same bits.

    Args:
        members: two or more surrogates with the ability `Posterior`. Losses are scaled once for all of them: their own
            setting `scaling` gives way to the ensemble's, so that their predictions can be averaged and compared.
        scaling: of the losses, as of `GP`; the posterior is on that scale.
        prior: pseudo-observations that speak for each member, above 0: weights begin equal, and none becomes 0.
        least: with fewer losses than this all weights are equal; at least 2.
        growth: by what factor the losses grow until the members are weighed again, above 1.
        largest: the members are weighed by the first so many losses at most.

    Raises:
        InvalidSetting: fewer than two members, one without means and variances or without a scaling to give way, or
            another setting outside its range.

    Source: Yao, Vehtari, Simpson and Gelman (2018), Using stacking to average Bayesian predictive distributions.

    Example:
        >>> from luthier.surrogate.gp.model import GP
        >>> len(Ensemble((GP(), GP(kernel="rbf"))).members)
        2
    """

    members: tuple[Surrogate, ...]
    scaling: str = "standard"
    prior: float = 1.0
    least: int = 6
    growth: float = 1.15
    largest: int = 300

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))
        if len(self.members) < 2:
            raise InvalidSetting(f"Ensemble({self.members!r}): give two or more surrogates")
        for member in self.members:
            _check_member(member)
        if self.scaling not in SCALINGS:
            raise InvalidSetting(f"Ensemble(scaling={self.scaling!r}): choose one of {', '.join(SCALINGS)}")
        for name in ("prior", "growth"):
            least = 1.0 if name == "growth" else 0.0
            if not least < getattr(self, name) < math.inf:
                raise InvalidSetting(f"Ensemble({name}={getattr(self, name)!r}): give a finite number above {least:g}")
        if self.least < 2 or self.largest < self.least:
            raise InvalidSetting(
                f"Ensemble(least={self.least!r}, largest={self.largest!r}): give at least 2, and no more than largest"
            )

    @property
    def abilities(self) -> tuple[type, ...]:
        """What a mixture can do by itself, and what all members can."""
        shared = tuple(ability for ability in ABLE if all(ability in member.abilities for member in self.members))
        return (Posterior, IsMixture, *shared)

    def fit(self, data: Data, key: Key, memo: Memo) -> MixturePosterior:
        """Fit all members. Cost the sum of theirs, and amortised as much again for the weights."""
        posteriors = [
            cast(Posterior, _with_scaling(member, self.scaling).fit(data, key.fold("member", place), memo))
            for place, member in enumerate(self.members)
        ]
        return mixture_posterior(posteriors, self._weights(data, memo), self.abilities)

    def scale(self, data: Data, key: Key, memo: Memo) -> Scale:
        """See `luthier.surrogate.protocol.HasOutputTransform`."""
        rows = [
            member.scale(data, key.fold("member", place), memo).rows
            if isinstance(member, HasOutputTransform)
            else np.arange(len(data))
            for place, member in enumerate(_with_scaling(member, self.scaling) for member in self.members)
        ]
        return Scale(SCALINGS[self.scaling](data.loss), max(rows, key=len))

    def _weights(self, data: Data, memo: Memo) -> Floats:
        """Weigh the members by the losses up to the last size at which that is done."""
        size = _last_size(min(len(data), self.largest), self.least, self.growth)
        if not size:
            return np.full(len(self.members), 1.0 / len(self.members))
        seen = _rows(data, np.arange(size), data.loss[:size])
        digest = hashlib.blake2b(seen.x.tobytes() + seen.loss.tobytes(), digest_size=16)
        if seen.noise is not None:
            digest.update(seen.noise.tobytes())
        key = Key.of(0).fold("ensemble", digest.hexdigest())

        def compute() -> Floats:
            y = SCALINGS[self.scaling](seen.loss)
            scores = [self._score(member, seen, y, key.fold(place), memo) for place, member in enumerate(self.members)]
            return stack(np.stack(scores), self.prior)

        return memo.get(("ensemble", self, data.columns, digest.digest()), compute)

    def _score(self, member: Surrogate, data: Data, y: Floats, key: Key, memo: Memo) -> Floats:
        """Give the log densities of the n scaled losses `y` as the member predicts them unseen; shape (n,)."""
        mean, variance = self._predictions(member, data, y, key, memo)
        sound = np.isfinite(mean) & np.isfinite(variance) & (variance > 0)
        density = log_normal_density(y, np.where(sound, mean, 0.0), np.where(sound, variance, 1.0))
        return np.where(sound, density, -np.inf)

    def _predictions(self, member: Surrogate, data: Data, y: Floats, key: Key, memo: Memo) -> tuple[Floats, Floats]:
        if SupportsLeaveOneOut in member.abilities:
            model = cast(SupportsLeaveOneOut, _with_scaling(member, self.scaling).fit(data, key, memo))
            mean, variance = model.residuals()
            if len(mean) == len(y):  # else the member left out some losses, and which is not known
                return mean, variance
        plain = _with_scaling(member, "given")

        def predict(train: Integers, test: Integers, stream: Key) -> Moments:
            model = cast(Posterior, plain.fit(_rows(data, train, y[train]), stream, memo))
            mean, variance = model.moments(data.x[test])
            return Moments(mean, variance + model.noise_variance if isinstance(model, SupportsCovariance) else variance)

        return held_out(predict, y, key)


def _check_member(member: Any) -> None:
    if (
        not dataclasses.is_dataclass(member)
        or isinstance(member, type)
        or Posterior not in getattr(member, "abilities", ())
    ):
        raise InvalidSetting(f"Ensemble: {member!r} is no surrogate with means and variances of losses; GP() is one")
    if "scaling" not in {field.name for field in dataclasses.fields(member)}:
        raise InvalidSetting(
            f"Ensemble: {member!r} has no setting 'scaling', so its scale cannot be made that of the other members"
        )


def _with_scaling(member: Surrogate, scaling: str) -> Surrogate:
    changed: Any = replace(cast(Any, member), scaling=scaling)
    return cast(Surrogate, changed)


def _rows(data: Data, rows: Integers, losses: Floats) -> Data:
    """Give some rows of the data, with these losses."""
    return replace(
        data,
        x=data.x[rows],
        losses=losses[:, None],
        violations=data.violations[rows],
        noise=None if data.noise is None else data.noise[rows],
        costs=data.costs[rows],
        failed=data.failed[:0],
        pending=data.pending[:0],
    )


def _last_size(n: int, least: int, growth: float) -> int:
    """Give the largest of the sizes ``least``, ``least`` · growth, … (whole, rising) up to `n`; 0 where none is."""
    if n < least:
        return 0
    size = least
    while (following := max(size + 1, math.ceil(size * growth))) <= n:
        size = following
    return size
