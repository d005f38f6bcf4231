"""Ensemble of surrogates with stacking weights."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import math
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from luthier._hints import translating_settings
from luthier._typing import Floats, Integers
from luthier.data import Data
from luthier.errors import InvalidSetting
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import SCALINGS, check_scaling, log_normal_density, stacking_weights
from luthier.scalar import short
from luthier.setting_types import check_setting_types, settings_repr
from luthier.surrogate.abilities import check_surrogate
from luthier.surrogate.checkpoints import checkpoints
from luthier.surrogate.cross_validation import held_out
from luthier.surrogate.mixture import MixturePosterior, mixture_abilities
from luthier.surrogate.protocol import (
    HasOutputTransform,
    Moments,
    Posterior,
    ScaledLosses,
    SupportsCovariance,
    SupportsLeaveOneOut,
    Surrogate,
)

_log = logging.getLogger(__name__)


@translating_settings
@dataclass(frozen=True, slots=True)
class Ensemble:
    """Average several surrogates by how well each predicts held-out losses (stacking).

    The weights are those with which the members' mixture gives held-out losses the highest density: by leave-one-out
    predictions where a member has them, else by five-fold refits. They are recomputed whenever the number of losses has
    grown by `growth`, from the losses up to there only; so a memo may hold them, and a cold start computes them again
    to the same bits.

    Args:
        members: two or more surrogates with the ability `Posterior`. The losses are scaled once for all of them: the
            ensemble's `scaling` overrides theirs, so that their predictions can be averaged and compared.
        scaling: of the losses, as of `GP`; the posterior is on that scale.
        prior: pseudo-observations in favour of each member, above 0: weights are equal at first, and stay above 0.
        least: with fewer losses than this all weights are equal; at least 2.
        growth: factor by which the data grow from one computation of the weights to the next, above 1.
        largest: the largest number of losses, the first ones, that the weights are computed from.

    Raises:
        InvalidSetting: fewer than two members, one without the ability `Posterior` or the setting `scaling`, or another
            setting outside its range.

    Source: Yao, Vehtari, Simpson and Gelman (2018), Using stacking to average Bayesian predictive distributions.

    Example:
        >>> from luthier.surrogate import GP
        >>> len(Ensemble((GP(), GP(kernel="rbf"))).members)
        2
    """

    members: tuple[Surrogate, ...]
    scaling: str = "standard"
    prior: float = 1.0
    least: int = 6
    growth: float = 1.15
    largest: int = 300

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        if not isinstance(self.members, tuple | list):
            raise InvalidSetting(f"Ensemble({short(self.members)}): give two or more surrogates, as a tuple")
        object.__setattr__(self, "members", tuple(self.members))
        if len(self.members) < 2:
            raise InvalidSetting(f"Ensemble({short(self.members)}): give two or more surrogates")
        for member in self.members:
            _check_member(member)
        check_scaling("Ensemble", self.scaling)
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
        """Those of a mixture: the abilities that all members have."""
        return mixture_abilities(member.abilities for member in self.members)

    def fit(self, data: Data, key: Key, memo: Memo) -> MixturePosterior:
        """Fit all members. Cost: the sum of theirs, and amortised as much again for the weights."""
        posteriors = [
            cast(Posterior, _with_scaling(member, self.scaling).fit(data, key.fold("member", place), memo))
            for place, member in enumerate(self.members)
        ]
        return MixturePosterior(posteriors, self._weights(data, memo), self.abilities)

    def scale(self, data: Data, key: Key, memo: Memo) -> ScaledLosses:
        """See `luthier.surrogate.protocol.HasOutputTransform`."""
        rows = [
            member.scale(data, key.fold("member", place), memo).rows
            if isinstance(member, HasOutputTransform)
            else np.arange(len(data))
            for place, member in enumerate(_with_scaling(member, self.scaling) for member in self.members)
        ]
        return ScaledLosses(SCALINGS[self.scaling](data.loss), max(rows, key=len))

    def _weights(self, data: Data, memo: Memo) -> Floats:
        """Give the weights of the members by the losses up to the last checkpoint."""
        sizes = checkpoints(min(len(data), self.largest), self.growth, self.least)
        if not sizes:
            return np.full(len(self.members), 1.0 / len(self.members))
        known = _rows(data, np.arange(sizes[-1]), data.loss[: sizes[-1]])
        digest = hashlib.blake2b(known.x.tobytes() + known.loss.tobytes(), digest_size=16)
        if known.noise is not None:
            digest.update(known.noise.tobytes())
        key = Key.of(0).fold("ensemble", digest.hexdigest())

        def compute() -> Floats:
            y = SCALINGS[self.scaling](known.loss)
            scores = [self._score(member, known, y, key.fold(place), memo) for place, member in enumerate(self.members)]
            weights = stacking_weights(np.stack(scores), self.prior)
            _log.debug("recomputed the stacking weights of %r from %d losses: %s", self, len(known), weights)
            return weights

        return memo.get(("ensemble", self, data.columns, digest.digest()), compute)

    def _score(self, member: Surrogate, data: Data, y: Floats, key: Key, memo: Memo) -> Floats:
        """Give the log densities of the n scaled losses `y` by the member's held-out predictions; shape (n,)."""
        mean, variance = self._predictions(member, data, y, key, memo)
        sound = np.isfinite(mean) & np.isfinite(variance) & (variance > 0)
        density = log_normal_density(y, np.where(sound, mean, 0.0), np.where(sound, variance, 1.0))
        return np.where(sound, density, -np.inf)

    def _predictions(self, member: Surrogate, data: Data, y: Floats, key: Key, memo: Memo) -> tuple[Floats, Floats]:
        if SupportsLeaveOneOut in member.abilities:
            model = cast(SupportsLeaveOneOut, _with_scaling(member, self.scaling).fit(data, key, memo))
            mean, variance = model.leave_one_out()
            if len(mean) == len(y):  # if not, the member was fitted to a subset, which is not known here
                return mean, variance
        plain = _with_scaling(member, "given")

        def predict(train: Integers, test: Integers, stream: Key) -> Moments:
            model = cast(Posterior, plain.fit(_rows(data, train, y[train]), stream, memo))
            mean, variance = model.moments(data.x[test])
            return Moments(mean, variance + model.noise_variance if isinstance(model, SupportsCovariance) else variance)

        return held_out(predict, y, key)


def _check_member(member: Any) -> None:
    check_surrogate(member)
    if Posterior not in member.abilities or not dataclasses.is_dataclass(member):
        raise InvalidSetting(f"Ensemble: {member!r} does not predict means and variances of losses; GP() does")
    if "scaling" not in {field.name for field in dataclasses.fields(member)}:
        raise InvalidSetting(
            f"Ensemble: {member!r} has no setting 'scaling', so it cannot be put on the scale of the other members"
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
        sources=(),
    )
