"""Gradient-boosted trees surrogate: an ensemble of models, or a model for each of three quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier._hints import translating_settings
from luthier._runtime.single_thread import single_thread
from luthier._typing import Bools, Floats, Integers
from luthier.data import Data
from luthier.errors import InvalidSetting, MissingDependency
from luthier.key import Key
from luthier.memo import Memo
from luthier.numeric import SCALINGS, check_scaling
from luthier.setting_types import check_setting_types, settings_repr
from luthier.space import Column
from luthier.surrogate.cross_validation import held_out
from luthier.surrogate.protocol import (
    Joint,
    Moments,
    Pathwise,
    Posterior,
    ScaledLosses,
    SupportsCovariance,
    SupportsLeaveOneOut,
)
from luthier.surrogate.trees.partition_ensemble import MemberMoments, PartitionEnsemble, out_of_bag

_QUANTILES = (0.16, 0.5, 0.84)  # of a normal distribution: one standard deviation below, the median, one above
_MOST_LEVELS = 255  # the bins of scikit-learn's histograms; categories of more levels are treated as numbers
_SUPPORT = 10  # scikit-learn splits by a level of a category only where this many data in a node have it
_REPEATED = 500  # with fewer data than this each is repeated, so that levels have that support


@translating_settings
@dataclass(frozen=True, slots=True)
class Boosted:
    """Model the objective by scikit-learn's histogram gradient-boosted trees: for many trials and many columns.

    Levels of categories are split into unordered groups; an inactive variable is a missing value, which each split
    sends to the better side. An ask takes about as long at 5,000 trials as at 500.

    Args:
        spread: the source of the uncertainty. ``ensemble``: the variance over several models, each of three fifths of
            the data (as many different ones as in a bootstrap sample, but each datum is left out equally often).
            ``quantile``: three models, of the quantiles 0.16, 0.5 and 0.84 of the losses; the median is the mean, and
            half the distance of the others the standard deviation. That models noise that varies over the space, but
            does not grow with the distance from the data.
        models: the number of models of an ensemble, at least 2.
        rounds: the number of trees of each model, at least 1.
        rate: the learning rate, in (0, 1].
        leaves: the largest number of leaves of each tree, at least 2.
        leaf: the smallest number of data in a leaf, at least 1.
        scaling: of the losses, as of `GP`; the posterior is on that scale. Logarithms by default, as of `Forest`.
        floor: the least variance, relative to that of the losses.

    Raises:
        InvalidSetting: a setting outside its range.

    Source: Friedman (2001), Greedy function approximation: a gradient boosting machine, algorithm 1; histograms as of
    Ke et al. (2017), LightGBM; samples without replacement in place of a bootstrap, Buja and Stuetzle (2006),
    Observations on bagging; quantiles as a surrogate's spread after scikit-optimize's GBRT.
    """

    spread: str = "ensemble"
    models: int = 5
    rounds: int = 40
    rate: float = 0.15
    leaves: int = 15
    leaf: int = 3
    scaling: str = "log gap"
    floor: float = 1e-3

    __repr__ = settings_repr

    def __post_init__(self) -> None:
        check_setting_types(self)
        if self.spread not in ("ensemble", "quantile"):
            raise InvalidSetting(f"Boosted(spread={self.spread!r}): choose 'ensemble' or 'quantile'")
        for name, least in (("models", 2), ("rounds", 1), ("leaves", 2), ("leaf", 1)):
            if getattr(self, name) < least:
                raise InvalidSetting(f"Boosted({name}={getattr(self, name)!r}): give a whole number from {least}")
        if not 0.0 < self.rate <= 1.0 or not 0.0 < self.floor < 1.0:
            raise InvalidSetting(f"Boosted(rate={self.rate!r}, floor={self.floor!r}): give shares above 0, up to 1")
        check_scaling("Boosted", self.scaling)

    @property
    def abilities(self) -> tuple[type, ...]:
        """Those of a `PartitionEnsemble` for an ensemble; quantiles cannot be drawn as functions."""
        return (
            (Posterior, SupportsLeaveOneOut)
            if self.spread == "quantile"
            else (Posterior, Joint, Pathwise, SupportsCovariance, SupportsLeaveOneOut)
        )

    def fit(self, data: Data, key: Key, memo: Memo) -> BoostedEnsemblePosterior | QuantilePosterior:
        """Fit the models. Cost O(models · rounds · leaves · d · (n + 255)), most of it the constant."""
        y = SCALINGS[self.scaling](data.loss)
        x = _features(data.x, data.columns)
        floor = self.floor * (float(y.var()) or 1.0)
        if self.spread == "quantile":
            return QuantilePosterior(self.fit_quantiles(data.columns, x, y), data.columns, x, y, floor, self, key)
        out = _rows_left_out(key.fold("samples"), self.models, len(y))
        models = [self._model(data.columns, x[~unseen], y[~unseen]) for unseen in out]
        moments = _single_leaf(np.stack([_predict(model, x) for model in models]), floor)
        mean, variance = out_of_bag(moments, out, y)
        noise = max(float(((y - mean) ** 2 - variance).mean()), floor)
        return BoostedEnsemblePosterior(models, data.columns, y, floor, noise, (mean, variance + noise))

    def scale(self, data: Data, key: Key, memo: Memo) -> ScaledLosses:
        """See `luthier.surrogate.protocol.HasOutputTransform`."""
        return ScaledLosses(SCALINGS[self.scaling](data.loss), np.arange(len(data)))

    def fit_quantiles(self, columns: Sequence[Column], x: Floats, y: Floats) -> list[Any]:
        """Fit a model for each quantile to features `x` (n, d) and scaled losses `y` (n,)."""
        return [self._model(columns, x, y, quantile) for quantile in _QUANTILES]

    def _model(self, columns: Sequence[Column], x: Floats, y: Floats, quantile: float | None = None) -> Any:
        """Fit one model; deterministic."""
        try:
            from sklearn.ensemble import HistGradientBoostingRegressor
        except ImportError:
            raise MissingDependency("Boosted() needs scikit-learn: pip install 'luthier[sklearn]'") from None
        categories = [_is_category(column) for column in columns]
        times = math.ceil(_SUPPORT / self.leaf) if any(categories) and len(y) < _REPEATED else 1
        model = HistGradientBoostingRegressor(
            loss="squared_error" if quantile is None else "quantile",
            quantile=quantile,
            learning_rate=self.rate,
            max_iter=self.rounds,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.leaf * times,
            categorical_features=categories,
            early_stopping=False,
            random_state=0,  # without effect: all columns, all rows, no early stopping
        )
        seen = np.where(np.isnan(x).all(axis=0), 0.0, x)  # scikit-learn cannot bin a column of NaN
        with single_thread():
            return model.fit(np.repeat(seen, times, axis=0), np.repeat(y, times))


@dataclass(frozen=True, slots=True, eq=False)
class BoostedEnsemblePosterior(PartitionEnsemble):
    """The posterior of models of parts of the data: one of them is right, up to a shift of the whole function.

    Args:
        models: the fitted models.
        columns: of the space.
        y: (n,) the losses, on the posterior's scale.
        floor: the variance of the shift, and so the least variance of the posterior.
        noise_variance: the mean squared error of held-out predictions less their variance, at least the floor.
        predictions: means and variances by the models that were not fitted to a loss, its noise included, (n,) each.
    """

    models: Sequence[Any]
    columns: tuple[Column, ...]
    y: Floats
    floor: float
    noise_variance: float
    predictions: tuple[Floats, Floats]

    @property
    def losses(self) -> Floats:
        """See `PartitionEnsemble.losses`."""
        return self.y

    @property
    def leaves(self) -> tuple[int, ...]:
        """See `PartitionEnsemble.leaves`: one for each model, with the shift as its value."""
        return (1,) * len(self.models)

    def moments_of(self, number: int, x: Floats) -> MemberMoments:
        """See `PartitionEnsemble.moments_of`. Cost O(q rounds log leaves)."""
        return _single_leaf(_predict(self.models[number], _features(x, self.columns)), self.floor)

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """See `SupportsLeaveOneOut`: predictions by the two fifths of the models that were not fitted to a loss."""
        return self.predictions


@dataclass(frozen=True, slots=True, eq=False)
class QuantilePosterior:
    """The posterior of three quantiles; it has the abilities `Posterior` and `SupportsLeaveOneOut`.

    Args:
        models: of the quantiles 0.16, 0.5 and 0.84.
        columns: of the space.
        x: (n, d) the points as features of the models.
        y: (n,) the losses, on the posterior's scale.
        floor: the least variance.
        settings: of the models.
        key: the randomness.
    """

    models: Sequence[Any]
    columns: tuple[Column, ...]
    x: Floats
    y: Floats
    floor: float
    settings: Boosted
    key: Key

    @property
    def best(self) -> float:
        """The lowest loss, on the posterior's scale."""
        return float(self.y.min())

    def moments(self, x: Floats) -> Moments:
        """Give mean and variance at `x` (q, d). Cost O(q rounds log leaves)."""
        return _quantile_moments(self.models, _features(x, self.columns), self.floor)

    def leave_one_out(self) -> tuple[Floats, Floats]:
        """Give means and variances by models of four fifths of the data. Cost: five fits."""

        def predict(train: Integers, test: Integers, key: Key) -> Moments:
            models = self.settings.fit_quantiles(self.columns, self.x[train], self.y[train])
            return _quantile_moments(models, self.x[test], self.floor)

        return held_out(predict, self.y, self.key.fold("folds"))


def _quantile_moments(models: Sequence[Any], features: Floats, floor: float) -> Moments:
    low, middle, high = (_predict(model, features) for model in models)
    return Moments(middle, np.maximum((0.5 * (high - low)) ** 2, floor))


def _single_leaf(mean: Floats, floor: float) -> MemberMoments:
    return MemberMoments(mean, np.full_like(mean, floor), np.zeros(mean.shape, dtype=np.int64))


def _rows_left_out(key: Key, models: int, n: int) -> Bools:
    """Choose the rows that each model is not fitted to, (models, n): a row is left out by two fifths of them."""
    often = max(1, round(0.4 * models))
    place = np.argsort(key.permutation(n), kind="stable")
    out: Bools = (np.arange(models)[:, None] - place) % models < often
    out[out.all(axis=1)] = False  # with very few data: a model needs at least one
    return out


def _predict(model: Any, features: Floats) -> Floats:
    if not len(features):
        return np.empty(0)
    with single_thread():
        predicted: Floats = model.predict(features)
    return predicted


def _is_category(column: Column) -> bool:
    return column.kind == "category" and 0 < column.levels <= _MOST_LEVELS


def _features(x: Floats, columns: Sequence[Column]) -> Floats:
    """Give the points with levels of categories as whole numbers from 0; NaN, for inactive, stays."""
    features = x.copy()
    for place, column in enumerate(columns):
        if _is_category(column):
            features[:, place] = np.minimum(np.floor(x[:, place] * column.levels), column.levels - 1)
    return features
